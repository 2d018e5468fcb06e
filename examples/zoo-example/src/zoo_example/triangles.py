"""Triangles with known corners, drawn."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.interfaces import Dataset, Sample, Task
from zoo_example.keypoints import Keypoints

_LEAST_AREA = 0.06
"""Of the whole image."""


class Triangles(Dataset):
    """One triangle an image, with a red, a green and a blue corner, on a gray ground with noise.

    Every image follows from its number and the size.

    Args:
        size: height and width in pixels.
        count: number of images.

    Example:
        >>> data = Triangles(size=32, count=4)
        >>> data[0].image.shape, len(data[0].target), data.labels
        ((32, 32, 3), 3, ('red', 'green', 'blue'))
    """

    task: Task | None = Keypoints()
    labels = ("red", "green", "blue")

    def __init__(self, *, size: int = 48, count: int = 200) -> None:
        self.size, self.count = size, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < self.count:
            raise IndexError(index)
        return Sample(draw(self.size, self._corners[index], index), self.targets[index])

    @cached_property
    def _corners(self) -> list[npt.NDArray[np.float64]]:
        return [corners(self.size, index) for index in range(self.count)]

    @cached_property
    def targets(self) -> Sequence[Any]:
        """Rows (x, y, visible) of the three corners, in pixels."""
        return [[[float(x), float(y), 1.0] for x, y in found] for found in self._corners]

    def key(self, index: int) -> str:
        """Key of an image: it follows from size and number, as the image does."""
        return hashlib.blake2b(f"{self.size} {index}".encode(), digest_size=16).hexdigest()

    @cached_property
    def fingerprint(self) -> str:  # type: ignore[override]  # computed when first asked for
        """Digest of size, count and the first image, that is of how they are drawn."""
        digest = hashlib.blake2b(f"{self.size} {self.count}".encode(), digest_size=16)
        # So that another way of drawing makes other data of it
        digest.update(self[0].image.tobytes())
        return digest.hexdigest()


def corners(size: int, index: int) -> npt.NDArray[np.float64]:
    """3 x 2 coordinates (x, y) of a triangle that is not too thin.

    Args:
        size: height and width of the image.
        index: its number.
    """
    # Seeded by what it is for: no image depends on those drawn before it
    rng = np.random.default_rng([size, index])
    while True:
        found = rng.uniform(0.1 * size, 0.9 * size, (3, 2))
        (ax, ay), (bx, by) = found[1:] - found[0]
        if abs(ax * by - ay * bx) / 2 > _LEAST_AREA * size**2:
            return found


def draw(size: int, points: npt.NDArray[np.float64], index: int) -> npt.NDArray[np.uint8]:
    """size x size x 3 bytes; inside of the triangle each corner's colour counts by its nearness.

    Args:
        size: height and width.
        points: 3 x 2 coordinates.
        index: of the image, from which its noise follows.
    """
    # Other draws than those of the corners
    rng = np.random.default_rng([size, index, 1])
    y, x = np.mgrid[:size, :size]
    places = np.stack([x, y, np.ones_like(x)], axis=-1)
    weights = places @ np.linalg.inv(np.column_stack([points, np.ones(3)]))  # barycentric coordinates
    inside = (weights >= 0).all(axis=-1, keepdims=True)
    ground = np.full((size, size, 3), rng.uniform(0.3, 0.7))
    image = np.where(inside, weights, ground) + rng.normal(0, 0.03, (size, size, 3))
    pixels: npt.NDArray[np.uint8] = np.rint(image.clip(0, 1) * 255).astype(np.uint8)
    return pixels
