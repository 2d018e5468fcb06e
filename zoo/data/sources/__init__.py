"""Sources of images with labels: class folders, folders of masks, torch data sets."""
