"""Asking a model for its answers, by one process or by several that share the images."""
