"""From recipe to model: resolving, shape checks, weights, freezing, catalogue facts."""
