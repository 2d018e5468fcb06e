"""Data sets on the Hub, as folders on this machine."""
