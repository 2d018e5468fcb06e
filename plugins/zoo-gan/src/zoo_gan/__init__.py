"""Generative adversarial networks for zoo: DCGAN and a trainer for any pair."""
