"""The augmenter contract: batch in, batch out, on the batch's device."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from zoo.interfaces.geometry.orientation import Orientation
from zoo.interfaces.geometry.warp import Fill, warp
from zoo.spec.display import counted
from zoo.spec.errors import ShapeError

if TYPE_CHECKING:
    from zoo.interfaces.tasks.base import Task

Batch = dict[str, Tensor]
"""`image` N x C x H x W in [0, 1], `target`, `index` of the sample, `mask` if there is one, and the `fields`
that model and trainer declare.

An entry that is a `zoo.interfaces.SpatialTensor` tells places in the images, and moves with their
pixels."""


class Augmenter(nn.Module):
    """Changes the images of a training batch, and their masks alike.

    A subclass' constructor takes the options of its config class, keyword-only. Random draws come from
    `draws` alone, one generator a sample, so that the number of workers and processes changes nothing.

    Attributes:
        changes_labels: whether targets change too, as where images of a batch are mixed; in several processes
            it is handed the batch of all of them.
        resamples: whether pixels are interpolated; then `zoo.interfaces.geometry.warp.resampler` belongs in a
            run's record.
        by_class: whether classes are changed differently, by their numbers of images; then `count_classes` is
            called before a training, and data without one class for each image are refused.
        moves_places: whether it moves each `zoo.interfaces.SpatialTensor` of a batch with the pixels,
            or moves no pixels; where not, it is refused for tasks whose targets are places.
    """

    changes_labels: bool = False
    resamples: bool = False
    by_class: bool = False

    @property
    def moves_places(self) -> bool:
        """Whether targets that are places move too; who interpolates without `Geometric` says it itself."""
        return not self.resamples

    @property
    def orientation(self) -> Orientation:
        """Ways in which images may come to be mirrored or turned; by default they stay upright.

        Before a training, labels that do not survive this are told.
        """
        return Orientation()

    def prepare(self, task: Task, outputs: int) -> None:
        """Takes note of whose targets it changes; called once before training.

        Args:
            task: of the model.
            outputs: length of its output vector.

        Raises:
            OptionError: it cannot change the targets of this task.
        """

    def count_classes(self, labels: Sequence[str], counts: Sequence[int]) -> str:
        """Takes note of how many training images each class has; called once before training.

        Args:
            labels: of the classes.
            counts: images by class.

        Returns:
            What follows from it, for the summary of a run; empty for nothing.

        Raises:
            OptionError: nothing would be done for such numbers.
        """
        return ""

    def forward(self, batch: Batch, draws: list[torch.Generator]) -> Batch:
        """The augmented batch; the one given is left as it is.

        Args:
            batch: see `Batch`.
            draws: one generator a sample, seeded by (seed, epoch, index).
        """
        raise NotImplementedError


class Geometric(Augmenter):
    """Moves pixels by one affine matrix a sample; neighbours in a `Chain` share one resampling.

    Args:
        fill: what is taken from outside of an image; None where nothing is, so that any neighbour's will do.
    """

    resamples = True
    moves_places = True

    def __init__(self, *, fill: Fill | None) -> None:
        super().__init__()
        self.fill = fill

    def matrices(self, size: tuple[int, int], draws: list[torch.Generator]) -> Tensor:
        """N x 3 x 3 float64 on the CPU, from output to input; `zoo.interfaces.geometry` has the convention.

        Args:
            size: height and width of the images.
            draws: one generator a sample.
        """
        raise NotImplementedError

    def forward(self, batch: Batch, draws: list[torch.Generator]) -> Batch:
        """The warped batch."""
        height, width = batch["image"].shape[2:]
        return warp(batch, self.matrices((height, width), draws), self.fill or Fill())


class Chain(Augmenter):
    """Augmenters one after the other; geometric neighbours with the same fill as one resampling.

    Each draws what it draws alone. Chains inside count as their parts, so that fusing goes across their ends.

    Args:
        items: in order.
    """

    def __init__(self, items: Iterable[Augmenter]) -> None:
        super().__init__()
        self.items = nn.ModuleList(items)
        self.changes_labels = any(item.changes_labels for item in self)
        self.resamples = any(item.resamples for item in self)
        self.by_class = any(item.by_class for item in self)

    @property
    def moves_places(self) -> bool:
        """Whether each of them moves places."""
        return all(item.moves_places for item in self)

    @property
    def orientation(self) -> Orientation:
        """Ways of all of them together."""
        return reduce(or_, (item.orientation for item in self), Orientation())

    def prepare(self, task: Task, outputs: int) -> None:
        """Prepares each of them."""
        for item in self:
            item.prepare(task, outputs)

    def count_classes(self, labels: Sequence[str], counts: Sequence[int]) -> str:
        """Has each of them count, and says what they say."""
        return "; ".join(filter(None, (item.count_classes(labels, counts) for item in self)))

    def __iter__(self) -> Iterator[Augmenter]:
        for item in self.items:
            assert isinstance(item, Augmenter)  # noqa: S101 - for the type checker
            # With a forward of its own it may do more than its parts one after the other
            if isinstance(item, Chain) and type(item).forward is Chain.forward:
                yield from item
            else:
                yield item

    def forward(self, batch: Batch, draws: list[torch.Generator]) -> Batch:
        """The batch after all augmenters."""
        height, width = batch["image"].shape[2:]
        pending: list[Tensor] = []
        fill: Fill | None = None
        for item in self:
            mover = item if isinstance(item, Geometric) else None
            # No fill means that nothing is taken from outside, so that any will do
            joins = mover is not None and (fill is None or mover.fill in (None, fill))
            if pending and not joins:
                batch, pending, fill = warp(batch, _product(pending), fill or Fill()), [], None
            if mover is None:
                batch = item(batch, draws)
            else:
                pending.append(mover.matrices((height, width), draws))
                fill = fill or mover.fill
        return warp(batch, _product(pending), fill or Fill()) if pending else batch


def parted(augmenter: Augmenter) -> tuple[Chain, Chain]:
    """Parts of an augmenter: what is done to each image alone, and the rest from the first that mixes on.

    Example:
        >>> alone, together = parted(Augmenter())
        >>> len(alone.items), len(together.items)
        (1, 0)
    """
    items = list(augmenter if type(augmenter) is Chain else [augmenter])
    first = next((i for i, item in enumerate(items) if item.changes_labels), len(items))
    return Chain(items[:first]), Chain(items[first:])


AugmentLike = Augmenter | str | Mapping[str, Any] | Sequence[Augmenter | str | Mapping[str, Any]]
"""An augmenter by name, as a table of name and options, or an object; or several of them, in their order."""


def _product(matrices: Sequence[Tensor]) -> Tensor:
    total = matrices[0]
    for matrix in matrices[1:]:
        # Matrices go from output to input, so that the first step stands on the left
        total = total @ matrix
    return total


def uniform(draws: Sequence[torch.Generator], count: int) -> Tensor:
    """Random numbers in [0, 1): N x `count` float64 on the CPU, each row from its sample's generator.

    Example:
        >>> uniform([torch.Generator().manual_seed(0) for _ in range(2)], 3).shape
        torch.Size([2, 3])
    """
    numbers = torch.empty(len(draws), count, dtype=torch.float64)
    for row, generator in zip(numbers, draws, strict=True):
        torch.rand(count, generator=generator, out=row)
    return numbers


def check_batch(batch: Mapping[str, Tensor]) -> None:
    """Raises ShapeError unless `image` is N x C x H x W, floating, and all tensors have N rows."""
    image = batch.get("image")
    if image is None or image.ndim != 4 or not image.is_floating_point():
        got = "no image" if image is None else f"{image.dtype} {' x '.join(map(str, image.shape))}"
        raise ShapeError("batch", expected="floating image N x C x H x W in [0, 1]", got=got)
    for name, value in batch.items():
        if len(value) != len(image):
            raise ShapeError(f"batch: {name}", expected=counted(len(image), "row"), got=str(len(value)))
