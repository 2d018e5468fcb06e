"""Readers of tables, medical images and deep TIFF files, an extra of the distribution each."""
