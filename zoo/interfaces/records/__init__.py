"""Data sets made of columns: images, targets and what else a table says of them."""
