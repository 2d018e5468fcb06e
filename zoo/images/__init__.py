"""Image files and arrays to tensors: decoding, resizing, colours and depth."""
