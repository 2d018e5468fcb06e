"""Test-time augmentation: several views of each image, and one answer of their mean."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import torch
from torch import Tensor

from zoo.interfaces.blocks.number_types import fitted, widened
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.geometry.orientation import Orientation
from zoo.interfaces.model import Model
from zoo.interfaces.tasks import Task
from zoo.interfaces.tasks.oriented_labels import misread
from zoo.spec.errors import OptionError, ShapeError, listing, quote, warn
from zoo.spec.hints.spoken import argument

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
    if not isinstance(tta, str) or tta not in _VIEWS:
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


def warn_views(dataset: Dataset, task: Task | None, tta: str | None, where: str) -> None:
    """Says which labels of data no longer hold for the views of an image: answers to these are averaged in.

    Args:
        dataset: that is measured on; numbers of classes are no names.
        task: of the model; levels are no signs to be read.
        tta: of `Views`; None for the image alone.
        where: who asks, for the message.
    """
    if tta is None or dataset.numbered or (task is not None and task.ordered):
        return
    whole = tta == "d4"
    if told := misread(dataset.labels, Orientation(mirrored=True, flipped=whole, turned=180 * whole)):
        warn(f"{where}: {argument('tta', tta)} may change what labels mean: {told}; if so, leave it out")


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
