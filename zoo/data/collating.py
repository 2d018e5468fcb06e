"""Items of samples to batches, or to the first error among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from zoo.images.prepare import as_numbers
from zoo.interfaces.augmenter import Batch
from zoo.interfaces.tasks import Task
from zoo.spec.errors import DataError, ZooError
from zoo.spec.inputs import InputSpec

MASK = "mask"
PLACE, SIZE = "place", "size"
"""Entries of a batch that say where each image comes from."""

Item = dict[str, Any] | ZooError
"""The entries of a sample, or why it has none."""


def collate(
    items: list[Item], task: Task, fields: Mapping[str, InputSpec | Task], images: Tensor | None = None
) -> Batch | ZooError:
    """The batch of items, or the first error among them.

    Args:
        items: as `Prepared` gives them.
        task: how targets are collated.
        fields: further images and targets, by name.
        images: of the items, where they are in one tensor already.
    """
    good = []
    for item in items:
        if isinstance(item, ZooError):
            return item
        good.append(item)
    # N x C x H x W
    batch = {"image": _stacked([item["image"] for item in good]) if images is None else images}
    targets = [item["target"] for item in good]
    if targets[0] is not None:
        try:
            # Spatial targets were collated one by one above, as the matrix of each is its own
            batch["target"] = torch.cat(targets) if task.spatial else task.collate(targets)
        except (TypeError, ValueError, RuntimeError) as error:
            return DataError("targets", expected="numbers, or rows of one length", got=str(error))
    for name, kind in fields.items():
        values = [item[name] for item in good]
        try:
            batch[name] = kind.collate(values) if isinstance(kind, Task) else _stacked(values)
        except (TypeError, ValueError, RuntimeError) as error:
            return DataError(f"field {name}", expected="numbers, or rows of one length", got=str(error))
    for name in (MASK, PLACE, SIZE):
        if name in good[0]:
            batch[name] = torch.stack([item[name] for item in good])
    batch["index"] = torch.tensor([item["index"] for item in good])
    return batch


def as_trained_on(batch: Batch, images: Sequence[str] = ()) -> Batch:
    """A batch with numbers in the place of the bytes that it came as.

    Args:
        batch: of `collate`, wherever it was sent.
        images: names of the fields that are images.
    """
    numbers = {name: as_numbers(batch[name]) for name in ("image", *images)}
    return {**batch, **numbers, **({MASK: batch[MASK].long()} if MASK in batch else {})}


def _stacked(images: list[Tensor]) -> Tensor:
    if len({image.dtype for image in images}) > 1:
        images = [as_numbers(image) for image in images]
    return torch.stack(images)
