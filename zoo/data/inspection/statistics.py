"""Mean and standard deviation of images by channel, as a new network is normalised by them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.data.reading import in_threads
from zoo.images.decode import ImageArray
from zoo.interfaces.dataset import Dataset
from zoo.spec.display import Table
from zoo.spec.errors import DataError, ZooError, listing
from zoo.spec.hints.spoken import section_option
from zoo.spec.hints.toml_text import toml

_DIGITS = 4

Moments = tuple[int, npt.NDArray[np.float64], npt.NDArray[np.float64]]
"""Number of pixels, and by channel their mean and the sum of squared distances from it."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """Mean and standard deviation over all pixels of some images, by channel.

    Args:
        images: how many.
        mean: in 0..1.
        std: in 0..1, with all pixels as the divisor.
        said: the rest of a recipe's section `model` by which the images look so.
    """

    images: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    said: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rounded(self) -> dict[str, Any]:
        """Mean and std as one types them."""
        return {
            name: [round(value, _DIGITS) for value in values]
            for name, values in (("mean", self.mean), ("std", self.std))
        }

    @property
    def section(self) -> dict[str, Any]:
        """A recipe's section `model`, as far as it says how images look and are normalised."""
        bands = self.said.get("input", {})
        return {**self.said, "input": {**bands, **self.rounded}}

    @property
    def call(self) -> str:
        """The call that builds a model so."""
        section = self.section
        table = section.pop("input")
        known = ", ".join(f"{json.dumps(name)}: {value!r}" for name, value in table.items())
        beside = "".join(f"{name}={value!r}, " for name, value in section.items())
        return f"zoo.build(..., {beside}input={{{known}}})"

    @property
    def recipe(self) -> str:
        """The same in a recipe."""
        return "\n".join(f"{name} = {toml(value)}" for name, value in self.section.items())

    @property
    def words(self) -> str:
        """The same in the words of a command."""
        return " ".join(section_option(name, value) for name, value in self.section.items())

    def table(self) -> Table:
        """A row for each channel."""
        rows = [
            [i, f"{m:.{_DIGITS}f}", f"{s:.{_DIGITS}f}"]
            for i, (m, s) in enumerate(zip(self.mean, self.std, strict=True))
        ]
        return Table(["CHANNEL", "MEAN", "STD"], rows, right=[0, 1, 2])


def pixel_statistics(dataset: Dataset, indices: Sequence[int]) -> Statistics:
    """Looks at the pixels of images; those that cannot be read are left out.

    Args:
        dataset: with images of one number of channels.
        indices: of the images.

    Raises:
        DataError: images have different channels, a channel is the same everywhere, or none can be read.
    """
    found = [each for each in in_threads(lambda i: _seen(dataset, i), indices, "reading pixels") if each]
    channels = {len(mean) for _, mean, _ in found}
    if len(channels) != 1:
        got = (
            f"images of {listing(map(str, sorted(channels)))} channels"
            if channels
            else "none that can be read"
        )
        raise DataError("statistics", expected="images of as many channels each", got=got)
    count, mean, squares = merged(found)
    std = np.sqrt(squares / count)
    if flat := [str(i) for i, value in enumerate(std) if not value > 0]:
        got, hint = f"one value all over channel {listing(flat)}", "leave it out with bands"
        raise DataError("statistics", expected="channels that vary", got=got, hint=hint)
    return Statistics(len(found), tuple(mean.tolist()), tuple(std.tolist()))


def moments(image: ImageArray) -> Moments:
    """Pixels, mean and squared distances of one image, H x W x C; bytes are taken by 255."""
    x = image.reshape(-1, image.shape[2]).astype(np.float64)
    if image.dtype == np.uint8:
        x /= 255
    mean = x.mean(axis=0)
    return len(x), mean, np.square(x - mean).sum(axis=0)


def merged(parts: Iterable[Moments]) -> Moments:
    """The moments of all pixels together (Chan, Golub and LeVeque, 1979), without a difference of large sums.

    Example:
        >>> count, mean, squares = merged([moments(np.full((1, 2, 1), v, np.float32)) for v in (0.0, 1.0)])
        >>> count, mean.tolist(), squares.tolist()
        (4, [0.5], [1.0])
    """
    parts = iter(parts)
    count, mean, squares = next(parts)
    for other, its_mean, its_squares in parts:
        total, apart = count + other, its_mean - mean
        mean = mean + apart * (other / total)
        squares = squares + its_squares + np.square(apart) * (count * other / total)
        count = total
    return count, mean, squares


def _seen(dataset: Dataset, index: int) -> Moments | None:
    try:
        return moments(dataset[index].image)
    except ZooError:  # the report names it
        return None


Values = tuple[float, float, float, float]
"""Least, median and largest value, and their standard deviation."""


def value_statistics(targets: Sequence[Any], names: Sequence[str]) -> dict[str, Values]:
    """Statistics of values to learn, by the name of their column; none where targets are no values.

    Args:
        targets: one a sample.
        names: of the columns.

    Example:
        >>> value_statistics([1.0, 2.0, 6.0], ["age"])["age"][:3]
        (1.0, 2.0, 6.0)
    """
    rows = [[target] if isinstance(target, float) else target for target in targets]
    numbers = all(isinstance(row, list | tuple) and all(isinstance(x, float) for x in row) for row in rows)
    if not rows or not numbers or len(counts := {len(row) for row in rows}) != 1:
        return {}
    if counts != {len(names)}:  # nobody has called them
        names = [*map(str, range(*counts))]
    columns = np.array(rows, np.float64).T
    return {
        name: (float(x.min()), float(np.median(x)), float(x.max()), float(x.std()))
        for name, x in zip(names, columns, strict=True)
    }
