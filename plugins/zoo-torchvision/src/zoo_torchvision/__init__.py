"""torchvision's data sets by name, for zoo."""
