"""Circles, squares and triangles, drawn with their masks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.interfaces import Dataset, Sample, Segmentation, Task, mix

Floats = npt.NDArray[np.float64]
Inside = Callable[[Floats, Floats], npt.NDArray[np.bool_]]
"""Which places, counted from a shape's centre in its radius, belong to it."""

_FINE = 4
"""Each pixel is the mean of so many times so many."""

_SHOWN = 2
"""Images that the fingerprint looks at."""


class Shapes(Dataset):
    """Two to four circles, squares and triangles an image, turned, of all sizes and colours, some of them
    behind others, before a ground that changes its colour, in uneven light, with noise.

    Every image follows from its number and the size, and is drawn when it is asked for. A pixel has the
    class that covers most of it.

    Args:
        size: height and width in pixels.
        count: number of images.

    Example:
        >>> data = Shapes(size=32, count=10)
        >>> data[3].image.shape, data[3].mask.shape, data.labels
        ((32, 32, 3), (32, 32), ('background', 'circle', 'square', 'triangle'))
    """

    task: Task | None = Segmentation()
    labels = ("background", "circle", "square", "triangle")
    masks = True

    def __init__(self, *, size: int = 64, count: int = 1000) -> None:
        self.size, self.count = size, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < self.count:
            raise IndexError(index)
        return draw(self.size, mix("shapes", self.size, index))

    @property
    def targets(self) -> Sequence[Any]:
        """Targets, of which there are none but the masks."""
        return [None] * self.count

    def key(self, index: int) -> str:
        """Follows from the number, as the image does."""
        return f"{mix('shapes', self.size, index):016x}"

    @cached_property
    def fingerprint(self) -> str:  # type: ignore[override]  # computed when first asked for
        """Fingerprint of size and count, and of a few images: of how they are drawn."""
        digest = hashlib.blake2b(f"{self.size} {self.count}".encode(), digest_size=16)
        for index in range(_SHOWN):
            digest.update(self[index].image.tobytes())
        return digest.hexdigest()


def draw(size: int, seed: int) -> Sample:
    """One image with its mask.

    Args:
        size: height and width in pixels.
        seed: that everything in it follows from.
    """
    rng = np.random.default_rng(seed)
    fine = size * _FINE
    place, coarse = ((np.arange(n) + 0.5) / n for n in (fine, size))
    owner = np.zeros((fine, fine), np.uint8)
    colours, classes = [_ground(rng, coarse)], [0]
    for number in range(1, rng.integers(2, 5) + 1):
        classes.append(int(rng.integers(1, len(_INSIDE) + 1)))
        (x, y), radius, turn = rng.uniform(0.1, 0.9, 2), rng.uniform(0.12, 0.3), rng.uniform(0, 2 * np.pi)
        behind = colours[owner[int(y * fine), int(x * fine)]]
        colours.append(_colour(rng, behind[int(y * size), int(x * size)] if behind.ndim > 1 else behind))
        rows, columns = (_window(place, centre, radius) for centre in (y, x))
        across, down = (place[columns] - x)[None] / radius, (place[rows] - y)[:, None] / radius
        sine, cosine = np.sin(turn), np.cos(turn)
        inside = _INSIDE[classes[-1] - 1](cosine * across + sine * down, cosine * down - sine * across)
        owner[rows, columns][inside] = number
    image, areas = np.zeros((size, size, 3)), np.zeros((len(Shapes.labels), size, size))
    for number, (label, colour) in enumerate(zip(classes, colours, strict=True)):
        cover = _cover(owner == number)
        image += cover[..., None] * colour
        areas[label] += cover
    image *= _light(rng, coarse)
    image += rng.normal(0, rng.uniform(0.01, 0.06), image.shape)
    pixels = np.rint(image.clip(0, 1) * 255).astype(np.uint8)
    return Sample(pixels, None, areas.argmax(axis=0).astype(np.uint8))


def _cover(inside: npt.NDArray[np.bool_]) -> Floats:
    """The share of each pixel."""
    # Slices are many times as fast as a sum over a short axis.
    rows = np.add.reduce([inside[i::_FINE] for i in range(_FINE)], dtype=np.uint8)
    counts = np.add.reduce([rows[:, i::_FINE] for i in range(_FINE)], dtype=np.uint8)
    return np.asarray(counts / _FINE**2, dtype=np.float64)


def _ground(rng: np.random.Generator, place: Floats) -> Floats:
    """From one colour to another, in any direction."""
    one, two = rng.uniform(0.1, 0.9, (2, 3))
    share = _slope(rng, place)[..., None]
    return np.asarray(one * share + two * (1 - share))


def _light(rng: np.random.Generator, place: Floats) -> Floats:
    """Between 0.6 and 1.2 times as bright, changing in any direction."""
    low, high = rng.uniform(0.6, 1.2, 2)
    share = _slope(rng, place)[..., None]
    return np.asarray(low * share + high * (1 - share))


def _slope(rng: np.random.Generator, place: Floats) -> Floats:
    """From 0 to 1 over a square, in any direction."""
    turn = rng.uniform(0, 2 * np.pi)
    along = np.cos(turn) * (place[None] - 0.5) + np.sin(turn) * (place[:, None] - 0.5)
    return np.asarray(along / np.sqrt(2) + 0.5)


def _colour(rng: np.random.Generator, other: Floats) -> Floats:
    """A colour that can be told from another."""
    while True:
        colour = rng.uniform(0.05, 0.95, 3)
        if np.abs(colour - other).max() > 0.25:
            return colour


def _window(place: Floats, centre: float, radius: float) -> slice:
    """The places that a shape may cover."""
    first, last = np.searchsorted(place, (centre - radius, centre + radius))
    return slice(int(first), int(last))


def _circle(across: Floats, down: Floats) -> npt.NDArray[np.bool_]:
    return np.asarray(across**2 + down**2 <= _CIRCLE**2)


def _square(across: Floats, down: Floats) -> npt.NDArray[np.bool_]:
    return np.asarray(np.maximum(np.abs(across), np.abs(down)) <= np.sqrt(0.5))


def _triangle(across: Floats, down: Floats) -> npt.NDArray[np.bool_]:
    # Of equal sides, its corners on the circle: each side is half a radius from the centre.
    sides = [across * np.sin(a) + down * np.cos(a) for a in (0, 2 * np.pi / 3, 4 * np.pi / 3)]
    return np.asarray(np.max(sides, axis=0) <= 0.5)


_CIRCLE = 0.8
"""Of the radius, so that a circle is about as large as a square."""

_INSIDE: tuple[Inside, ...] = (_circle, _square, _triangle)
