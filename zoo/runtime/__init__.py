"""What training and inference share: arguments by name or object, devices, processes, progress."""
