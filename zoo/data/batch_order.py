"""Order and batches in which a run sees its images: a function of (seed, epoch)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import torch

from zoo.interfaces.draws import generator
from zoo.spec.errors import DataError, OptionError


class Order:
    """Lists of indices, one a batch; set `epoch` and `skip` before iterating.

    The last batch may be short. Where it has fewer than `least` images, it is joined to the one before it;
    no image is left out. Several processes share each batch: every one takes its part of it. With classes,
    an epoch draws as many images as there are, as many of each class: those of a rare one several times, and
    each as often as the others of its class, give or take one.

    Args:
        indices: of the images.
        batch_size: images a batch, over all processes.
        seed: of the order.
        shuffle: a new order each epoch; else as `indices`.
        least: images a batch at least, where there are so many.
        part: number of this process, and of all.
        classes: of the images, to be drawn alike; None takes each image once.

    Raises:
        DataError: there are too few images.
        OptionError: a number is out of range.

    Example:
        >>> list(Order(range(5), batch_size=2, least=2))
        [[0, 1], [2, 3, 4]]
        >>> list(Order(range(5), batch_size=2, part=(1, 2)))
        [[1], [3]]
    """

    def __init__(
        self,
        indices: Sequence[int],
        *,
        batch_size: int,
        seed: int = 0,
        shuffle: bool = False,
        least: int = 1,
        part: tuple[int, int] = (0, 1),
        classes: Sequence[int] | None = None,
    ) -> None:
        if not indices:
            raise DataError("batches", expected="at least one image", got="none")
        if batch_size < 1:
            raise OptionError("batch_size", expected="at least 1", got=str(batch_size))
        self.rank, self.parts = part
        # Each process has to get an image of each batch
        if self.parts > min(len(indices), batch_size):
            got, what = (len(indices), "images") if len(indices) < self.parts else (batch_size, "a batch")
            hint = "use fewer processes"
            raise DataError(f"batches for {self.parts} processes", expected=f"{self.parts} images or more",
                            got=f"{got} {what}", hint=hint)  # fmt: skip
        self.indices, self.seed, self.shuffle = tuple(indices), seed, shuffle
        self.size = batch_size
        rest = len(self.indices) % batch_size
        # Batches of one, which may be of images of many sizes, leave no rest
        short = 0 < rest < max(least, self.parts)
        self._joined = short and len(self.indices) > batch_size
        self.epoch = self.skip = 0
        self._members: dict[int, list[int]] = {}
        for index, number in zip(self.indices, classes or (), strict=bool(classes)):
            self._members.setdefault(number, []).append(index)
        self._repeats: tuple[int, list[int]] = (-1, [])

    def __len__(self) -> int:
        """Batches an epoch."""
        return -(-len(self.indices) // self.size) - self._joined

    def images(self, step: int) -> int:
        """Number of images in a batch, over all processes."""
        last = len(self) - 1
        return self.size if step < last else len(self.indices) - last * self.size

    def _order(self, epoch: int) -> tuple[int, ...]:
        """The images of an epoch."""
        if not self.shuffle:
            return self.indices
        # A generator of this epoch alone: a resumed run needs none of those before it
        draw = generator("order", self.seed, epoch)
        order = self._alike(draw) if self._members else self.indices
        return tuple(order[i] for i in torch.randperm(len(order), generator=draw).tolist())

    def _alike(self, draw: torch.Generator) -> list[int]:
        """As many images as there are, as many of each class."""
        quota, rest = divmod(len(self.indices), len(self._members))
        # Which classes get one more is drawn anew in each epoch
        more = {*torch.randperm(len(self._members), generator=draw)[:rest].tolist()}
        order: list[int] = []
        for i, members in enumerate(self._members.values()):
            left = quota + (i in more)
            while left > 0:
                taken = torch.randperm(len(members), generator=draw)[:left].tolist()
                order += [members[place] for place in taken]
                left -= len(taken)
        return order

    def repeats(self, step: int) -> list[int]:
        """Times that each image of a batch of this epoch has been drawn before in the epoch."""
        if not self._members:
            return [0] * len(range(self.rank, self.images(step), self.parts))
        if self._repeats[0] != self.epoch:
            seen: Counter[int] = Counter()
            counts = []
            for index in self._order(self.epoch):
                counts.append(seen[index])
                seen[index] += 1
            self._repeats = self.epoch, counts
        start = step * self.size
        return self._repeats[1][start : start + self.images(step)][self.rank :: self.parts]

    def __iter__(self) -> Iterator[list[int]]:
        order = self._order(self.epoch)
        start = self.skip * self.size
        for step in range(self.skip, len(self)):
            end = start + self.images(step)
            # Parts of one batch, so that several processes together see the batches of one
            yield list(order[start:end][self.rank :: self.parts])
            start = end
