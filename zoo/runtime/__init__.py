"""Common ground of training and inference: arguments by name or object, devices, processes, progress."""
