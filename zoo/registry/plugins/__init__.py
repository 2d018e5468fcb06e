"""Installed distributions: found without importing them, asked in a process of their own, inspected."""
