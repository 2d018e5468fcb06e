"""Augmented images written as files, beside those that they are made of."""
