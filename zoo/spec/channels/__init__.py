"""Channels that a network sees of an image."""
