"""The on-disk model: saving, loading, the model card."""
