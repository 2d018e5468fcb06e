"""Writes the pages of the components from `registry.json`; `make docs` runs it before the site is built."""
