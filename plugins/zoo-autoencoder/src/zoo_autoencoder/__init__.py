"""Autoencoders on any backbone for zoo: convolutional, denoising, variational."""
