"""The next step where images have other channels than a model takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from zoo.spec.errors import DataError
from zoo.spec.hints.spoken import argument

_BUILD = "build the model with "
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
        return f"{_BUILD}{argument('in_channels', own)}"
    if batch:
        return "mind the order of the axes: x.permute(0, 3, 1, 2) where the channels are last"
    order = "tensors are C x H x W, arrays H x W x C, and several gray images a list"
    return f"mind the order of the axes: {order}"


@contextmanager
def of_trained() -> Iterator[None]:
    """Within it a model is trained, so that its images are what can be changed.

    Example:
        >>> try:
        ...     with of_trained():
        ...         raise DataError("cat", expected="3 channels", got="5", hint=channels_hint(5, 64, 64))
        ... except DataError as error:
        ...     error.hint
        'convert it to 3 channels, or train a model with in_channels=5'
    """
    try:
        yield
    except DataError as error:
        if not (error.hint or "").startswith(_BUILD):
            raise
        own = argument("in_channels", int(error.got or 0))
        hint = f"convert it to {error.expected}, or train a model with {own}"
        raise DataError(error.problem, expected=error.expected, got=error.got, hint=hint) from error
