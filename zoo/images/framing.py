"""Framing: which part of an image fills a model's size, and how large the image is made for it."""

from __future__ import annotations

import math

from zoo.spec.inputs import InputSpec

Size = tuple[int, int]
"""Height and width in pixels."""

_ROUNDED = 1e-6
"""What the quotient of two whole numbers may lack of a third."""


def covered(spec: InputSpec) -> Size:
    """Height and width that an image is resized to, or to cover with its sides' ratio kept.

    Example:
        >>> covered(InputSpec(crop=0.875)), covered(InputSpec())
        ((256, 256), (224, 224))
    """
    if spec.crop is None:
        return spec.size
    height, width = (math.floor(side / spec.crop + _ROUNDED) for side in spec.size)
    return height, width


def framing(own: Size, spec: InputSpec) -> tuple[Size, Size]:
    """Height and width that an image is resized to, and row and column from which on the size is cut out.

    Without a crop that is the size itself, cut nowhere.

    Args:
        own: height and width of the image.
        spec: of the model.

    Example:
        >>> framing((375, 500), InputSpec(crop=0.875))
        ((256, 341), (16, 58))
    """
    height, width = covered(spec)
    if spec.crop is None:
        return (height, width), (0, 0)
    # In whole numbers: which side is the tighter one, and the other one rounded down as torchvision does
    if own[0] * width <= own[1] * height:
        to = height, max(int(height * own[1] / own[0]), width)
    else:
        to = max(int(width * own[0] / own[1]), height), width
    return to, (round((to[0] - spec.size[0]) / 2), round((to[1] - spec.size[1]) / 2))
