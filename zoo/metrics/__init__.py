"""Figures as pure functions: verification, Frechet distance, precision and recall, label errors."""
