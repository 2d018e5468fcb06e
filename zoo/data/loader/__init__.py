"""Worker processes, and the way of batches to a device: all that stands between reading and a step."""
