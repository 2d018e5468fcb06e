"""ResNet backbones for zoo."""
