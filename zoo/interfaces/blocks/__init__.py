"""Blocks in a chain: shapes, freezing, the frozen prefix, the table of a summary."""
