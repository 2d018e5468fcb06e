"""Drawings: curves, grids of images, images of an evaluation, overlays, in one style."""
