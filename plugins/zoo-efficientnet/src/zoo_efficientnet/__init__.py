"""EfficientNet backbones for zoo."""
