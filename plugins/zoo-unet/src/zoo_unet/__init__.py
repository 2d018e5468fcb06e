"""U-Net on any backbone, and the plain networks that it is compared with, for zoo."""
