"""Row cache: tensors computed once for each image, kept on disk, checked at every reading."""
