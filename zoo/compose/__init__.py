"""Composition, from recipe to model: plan all, then make; saved models; catalogue facts."""
