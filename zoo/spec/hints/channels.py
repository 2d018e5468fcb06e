"""The next step where images have other channels than a model takes."""

from __future__ import annotations

_FEW_BANDS = 8
"""Fewer are always bands."""


def channels_hint(own: int, height: int, width: int, *, batch: bool = False) -> str:
    """The next step where images have another number of channels than a model takes.

    Args:
        own: channels of the images, as their axes say.
        height: of the images.
        width: of the images.
        batch: whether a model itself was called.

    Example:
        >>> channels_hint(5, 64, 64)
        'build the model with in_channels=5'
        >>> channels_hint(20, 20, 3)
        'mind the order of the axes: tensors are C x H x W, arrays H x W x C, and several gray images a list'
    """
    # Images have more rows and columns than bands, or so few bands that these are no axis of pixels
    if own < max(_FEW_BANDS, min(height, width)):
        return f"build the model with in_channels={own}"
    if batch:
        return "mind the order of the axes: x.permute(0, 3, 1, 2) where the channels are last"
    order = "tensors are C x H x W, arrays H x W x C, and several gray images a list"
    return f"mind the order of the axes: {order}"
