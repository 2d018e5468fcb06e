"""Measuring of a model: its answers to the images of a split, and the files of what is found."""
