"""What people look at: curves, grids of images, pictures of an evaluation, overlays, in one style."""
