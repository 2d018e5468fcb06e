"""Augmenters of geometry and colour, for zoo."""
