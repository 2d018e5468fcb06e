"""Small backbones for zoo."""
