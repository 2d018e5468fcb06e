"""Descriptions without torch: declarations, references, freeze ranges, input specs, recipes, errors."""
