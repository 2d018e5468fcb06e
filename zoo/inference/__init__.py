"""Using a model: evaluate, predict, verify, sample, latents, augment."""
