"""Patches of photographs, to be told apart by the surface that they show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from zoo.builtin.datasets import Array, Embedded, chosen
from zoo.builtin.datasets_photos import SKIMAGE, SKLEARN, photograph
from zoo.interfaces import Multiclass, Task, decode


class Surface(NamedTuple):
    """Photographs of one surface: the package and folder that they lie in, and their files.

    A thing that two cameras saw side by side is in the same row of both, so there the parts are rows.
    """

    place: tuple[str, str]
    files: tuple[str, ...]
    stereo: bool = False


SURFACES = {
    "astronaut": Surface(SKIMAGE, ("astronaut.png",)),
    "brick": Surface(SKIMAGE, ("brick.png",)),
    "camera": Surface(SKIMAGE, ("camera.png",)),
    "cat": Surface(SKIMAGE, ("chelsea.png",)),
    "coffee": Surface(SKIMAGE, ("coffee.png",)),
    "coins": Surface(SKIMAGE, ("coins.png",)),
    "flower": Surface(SKLEARN, ("flower.jpg",)),
    "grass": Surface(SKIMAGE, ("grass.png",)),
    "gravel": Surface(SKIMAGE, ("gravel.png",)),
    "hubble": Surface(SKIMAGE, ("hubble_deep_field.jpg",)),
    "motorcycle": Surface(SKIMAGE, ("motorcycle_left.png", "motorcycle_right.png"), stereo=True),
    "retina": Surface(SKIMAGE, ("retina.jpg",)),
    "rocket": Surface(SKIMAGE, ("rocket.jpg",)),
    "temple": Surface(SKLEARN, ("china.jpg",)),
    "tissue": Surface(SKIMAGE, ("ihc.png",)),
}
"""What is photographed, by class."""

VAL, TEST = 0.2, 0.3
"""Shares of the columns of patches, those of the two strips not counted."""

FLAT = 8.0
"""Standard deviation in gray levels below which a patch shows nothing: sky, or the black around a retina."""

MOST = 24
"""Patches of a class in a split at most, so that no large photograph outweighs the others."""


class Patch(NamedTuple):
    """One patch and where it is from."""

    pixels: Array
    place: str
    part: str


class Materials(Embedded):
    """Gray square patches of fifteen photographs; a class is what a photograph shows.

    Each photograph is cut along its width into a part to train on, one to validate with and one to test
    with, and between two parts lies a strip, as wide as a patch at least, that is in none. A part is tiled
    without overlap, and flat tiles are left out. So what is tested is whether a surface is recognised a
    little further on in the same photograph, not whether a kind of thing is recognised in another one.

    Args:
        size: height and width of a patch in pixels, at most 64.
        per_class: keep only so many training patches of each class, drawn at random; at most 24.
        draw: which are drawn; validation and test patches do not depend on it.
        classes: keep only the patches of these, with indices in this order.

    Raises:
        DataError: scikit-image or scikit-learn is missing, or does not ship a photograph.
        OptionError: there is no class of such a name, or one is named twice.

    Example:
        >>> data = Materials(classes=["brick", "grass"], per_class=5)
        >>> [[data.split_of(i) for i in range(len(data))].count(name) for name in ("train", "val", "test")]
        [10, 40, 40]
        >>> data.name(0), data.group_of(0)
        ('brick.png[64:112, 0:48]', 'brick train')
    """

    title = "materials"
    task: Task = Multiclass()
    labels = tuple(SURFACES)

    def __init__(
        self,
        *,
        size: int = 48,
        per_class: int | None = None,
        draw: int = 0,
        classes: Sequence[str] | None = None,
    ) -> None:
        names = self.labels if classes is None else tuple(classes)
        chosen(self.title, names, self.labels)
        found = [
            (number, patch)
            for number, name in enumerate(names)
            for patch in _kept(name, size, per_class, draw)
        ]
        self._patches = [patch for _, patch in found]
        super().__init__(
            np.stack([patch.pixels for patch in self._patches])[..., None],
            np.array([number for number, _ in found]),
        )
        self.labels = names

    def name(self, index: int) -> str:
        """File, rows and columns, for example `brick.png[64:112, 0:48]`."""
        return self._patches[index].place

    def split_of(self, index: int) -> str:
        """The split of the photograph's part that a sample is of."""
        return self._patches[index].part

    def group_of(self, index: int) -> str:
        """The part of the photograph, for example `brick train`."""
        return f"{self.labels[self._targets[index]]} {self._patches[index].part}"


def _kept(name: str, size: int, per_class: int | None, draw: int) -> Iterator[Patch]:
    """The patches of a class: training ones drawn, the others spread over their part."""
    patches = list(_patches(name, size))
    for part in ("train", "val", "test"):
        own = [patch for patch in patches if patch.part == part]
        if part == "train":
            order = np.random.default_rng([draw, *name.encode()]).permutation(len(own))
            places = np.sort(order[: min(per_class or MOST, MOST)])
        else:
            places = np.unique(np.linspace(0, len(own) - 1, min(MOST, len(own))).round().astype(int))
        yield from (own[i] for i in places)


def _patches(name: str, size: int) -> Iterator[Patch]:
    """All patches of a class that show something."""
    place, files, turned = SURFACES[name]
    for file in files:
        pixels = _gray(decode(photograph(Materials.title, file, place)))
        if turned:
            pixels = pixels.T
        height, width = pixels.shape
        for part, lefts in parts(width, size).items():
            for top in range(height % size // 2, height - size + 1, size):
                for left in lefts:
                    tile = pixels[top : top + size, left : left + size]
                    if tile.std() < FLAT:
                        continue
                    corner = (left, top) if turned else (top, left)
                    rows, columns = (f"{at}:{at + size}" for at in corner)
                    yield Patch(
                        np.ascontiguousarray(tile.T if turned else tile), f"{file}[{rows}, {columns}]", part
                    )


def parts(length: int, size: int) -> dict[str, list[int]]:
    """Offsets of patches along a photograph, by the part that they are of.

    Args:
        length: of the photograph in pixels, at least five patches.
        size: of a patch, and at least of a strip between two parts.

    Example:
        >>> parts(512, 64)
        {'train': [0, 64, 128], 'val': [256], 'test': [384, 448]}
    """
    free = length // size - 2
    val, test = max(1, round(free * VAL)), max(1, round(free * TEST))
    train = free - val - test
    spare = length - (free + 2) * size  # pixels that no whole patch fills widen the strips
    middle = (train + 1) * size + spare // 2
    return {
        "train": [i * size for i in range(train)],
        "val": [middle + i * size for i in range(val)],
        "test": [length - (test - i) * size for i in range(test)],
    }


def _gray(image: Array) -> Array:
    """H x W: ITU-R 601 luma of a colour photograph."""
    gray = image[..., 0] if image.shape[2] == 1 else cv2.cvtColor(image[..., :3], cv2.COLOR_RGB2GRAY)
    return np.asarray(gray, dtype=np.uint8)
