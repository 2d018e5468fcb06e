"""What the small backbones expect of pictures where no weights say otherwise."""

from __future__ import annotations

from zoo import InputSpec


def small_pictures(channels: int, size: tuple[int, int] = (32, 32)) -> InputSpec:
    """Pictures of `size`, from [0, 1] to [-1, 1].

    Example:
        >>> small_pictures(1).mean
        (0.5,)
    """
    return InputSpec(channels=channels, size=size, mean=(0.5,) * channels, std=(0.5,) * channels)
