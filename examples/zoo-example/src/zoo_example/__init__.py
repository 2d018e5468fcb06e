"""Network in Network for zoo."""
