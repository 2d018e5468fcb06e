"""Weights: where they come from, how they arrive verified, and the strict fit."""
