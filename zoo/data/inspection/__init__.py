"""Looking at data before a training: a report of their mistakes and of what is worth knowing."""
