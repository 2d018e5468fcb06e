"""MobileNet backbones for zoo."""
