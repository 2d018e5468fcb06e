"""The core's own plugin: general heads, losses, the first trainer, embedded data sets.

It uses exactly what a stranger's plugin can use.
"""
