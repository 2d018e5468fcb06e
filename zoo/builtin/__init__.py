"""The core's own plugin: general heads, losses, metrics, the first trainer.

It uses exactly what a stranger's plugin can use.
"""
