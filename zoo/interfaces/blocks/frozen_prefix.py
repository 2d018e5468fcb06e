"""Outputs of a model's frozen prefix, from which the rest of the model can go on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from torch import Tensor

from zoo.interfaces.augmenter import Batch
from zoo.spec.errors import ShapeError, listing

PREFIX = "prefix."
"""In front of the keys under which a batch holds a prefix' outputs."""


class Prefix(tuple[Tensor, ...]):
    """Outputs of a model's frozen prefix, in the place of images: tensors of N rows each."""

    __slots__ = ()

    def __new__(cls, tensors: Iterable[Tensor]) -> Prefix:
        return super().__new__(cls, tuple(tensors))


def model_input(batch: Batch) -> Tensor | Prefix:
    """The input of a model in a batch: images, or what stands for them.

    Raises:
        ShapeError: the batch has neither.
    """
    if "image" in batch:
        return batch["image"]
    keys = sorted((key for key in batch if key.startswith(PREFIX)), key=lambda key: int(key[len(PREFIX) :]))
    if not keys:
        raise ShapeError("batch", expected="image", got=listing(batch))
    return Prefix(batch[key] for key in keys)


def rows(batch: Batch) -> int:
    """Images of a batch."""
    return batch["index"].shape[0]  # half as long as len of a tensor, and asked for several times a step


def cut(batch: Batch, size: int | None) -> Iterator[tuple[Batch, bool]]:
    """Parts of at most `size` images, and whether each is the last; None leaves the batch whole."""
    count = rows(batch)
    for start in range(0, count, size or count):
        end = start + (size or count)
        yield {name: value[start:end] for name, value in batch.items()}, end >= count
