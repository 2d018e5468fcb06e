"""Data: reading images, class folders, splits, batches."""
