"""Input spec of the small backbones, where no weights say otherwise."""

from __future__ import annotations

from zoo import InputSpec


def small_images(channels: int, size: tuple[int, int] = (32, 32)) -> InputSpec:
    """Images of `size`, from [0, 1] to [-1, 1].

    Example:
        >>> small_images(1).mean
        (0.5,)
    """
    return InputSpec(channels=channels, size=size, mean=(0.5,) * channels, std=(0.5,) * channels)
