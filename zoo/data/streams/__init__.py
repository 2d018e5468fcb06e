"""Sets without a length: samples that come one behind the other."""
