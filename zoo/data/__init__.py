"""Data: reading pictures, class folders, splits, batches."""
