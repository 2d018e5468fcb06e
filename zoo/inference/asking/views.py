"""Test-time augmentation: several views of each image, and one answer of their mean."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import torch
from torch import Tensor

from zoo.interfaces.blocks.number_types import fitted, widened
from zoo.interfaces.model import Model
from zoo.spec.errors import OptionError, ShapeError, listing, quote

Views = Literal["flip", "d4"]
"""What `tta=` takes: an image and its mirror image, or its eight turns and mirror images."""

_MAPS = 4
"""Axes of N x K x H x W, which move as the image does."""

_VIEWS: Mapping[str, tuple[tuple[int, bool], ...]] = MappingProxyType(
    {
        "flip": ((0, False), (0, True)),
        "d4": tuple((turns, mirrored) for mirrored in (False, True) for turns in range(4)),
    }
)
"""Quarter turns, and whether the image is mirrored before."""


def check_views(model: Model, tta: str | None, where: str) -> None:
    """Raises OptionError unless the answers to the views of an image can be made one.

    Args:
        model: with a task.
        tta: of `Views`; None for the image alone.
        where: who asks, for messages.
    """
    task, (height, width) = model.task, model.input_spec.size
    if tta is None or task is None:
        return
    if tta not in _VIEWS:
        raise OptionError(f"{where}: tta", expected=listing(map(quote, _VIEWS)), got=quote(tta))
    got, hint = "", "leave tta out"
    if task.generates:
        got = "a model that makes images of nothing"
    elif task.spatial:
        got = f"task {task.name}, whose answers are places in the image that was turned"
    elif tta == "d4" and height != width and not model.any_size:
        got, hint = f"images of {width}x{height}, which a quarter turn does not fit", 'say tta="flip"'
    if got:
        raise OptionError(
            f"{where}: tta", expected="a model whose answers can be turned back", got=got, hint=hint
        )


def answered(model: Model, images: Tensor, tta: str | None) -> Tensor:
    """Output of a model for a batch; of several views the mean, as the task takes it.

    Args:
        model: in inference mode, and on the device of the images.
        images: N x C x H x W.
        tta: of `Views`; None for the images alone.

    Raises:
        ShapeError: outputs are neither vectors nor maps, so that nobody knows how they turn back.
    """
    if tta is None:
        return widened(model.infer(fitted(images, model)))
    found = []
    for turns, mirrored in _VIEWS[tta]:
        view = torch.rot90(images.flip(3) if mirrored else images, turns, (2, 3))
        output = widened(model.infer(fitted(view.contiguous(), model)))
        if output.ndim not in (2, _MAPS):
            expected, got = "vectors or maps", " x ".join(map(str, output.shape))
            raise ShapeError("tta: output", expected=expected, got=got, hint="leave tta out")
        if output.ndim == _MAPS:
            output = torch.rot90(output, -turns, (2, 3))
            output = output.flip(3) if mirrored else output
        found.append(output)
    assert model.task is not None  # noqa: S101 - checked by `check_views`
    return model.task.averaged(torch.stack(found))
