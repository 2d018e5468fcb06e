"""Hints at what works, in the words of the user's door."""
