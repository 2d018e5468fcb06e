"""Warping images, masks and places by one affine matrix an image."""
