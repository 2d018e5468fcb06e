"""Data sets that other packages ship or that are drawn, for zoo."""
