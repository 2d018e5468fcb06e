"""Hints at the part of a model that an option belongs to."""
