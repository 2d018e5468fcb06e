"""VGG backbones for zoo."""
