"""Crops of the photographs that scikit-image and scikit-learn ship."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.builtin.datasets import chosen, missing
from zoo.errors import DataError
from zoo.interfaces import Dataset, ImageArray, Sample, decode

SKIMAGE, SKLEARN = ("skimage", "data"), ("sklearn", "datasets/images")

PHOTOGRAPHS = {
    "astronaut.png": (SKIMAGE, "train"),
    "rocket.jpg": (SKIMAGE, "train"),
    "motorcycle_left.png": (SKIMAGE, "train"),
    "china.jpg": (SKLEARN, "train"),
    "moon.png": (SKIMAGE, "train"),
    "brick.png": (SKIMAGE, "train"),
    "grass.png": (SKIMAGE, "train"),
    "gravel.png": (SKIMAGE, "train"),
    "chelsea.png": (SKIMAGE, "val"),
    "coins.png": (SKIMAGE, "val"),
    "page.png": (SKIMAGE, "val"),
    "coffee.png": (SKIMAGE, "test"),
    "flower.jpg": (SKLEARN, "test"),
    "camera.png": (SKIMAGE, "test"),
    "text.png": (SKIMAGE, "test"),
}
"""File, the package and the folder that it lies in, and the split that all its crops belong to."""


class Photos(Dataset):
    """Square crops of 15 photographs, seven in colour, eight gray; what is to be learnt is the image itself.

    Each photograph is tiled from its middle, without overlap; crops of a single colour are left out, and
    photographs smaller than a crop. All crops of a photograph are in one split.

    Args:
        size: height and width of a crop in pixels, at most 300; `whole` for uncut photographs.
        per_photo: keep only so many crops of each photograph, spread over it.
        files: keep only these photographs, in this order; all where None.

    Raises:
        DataError: scikit-image or scikit-learn is missing, or does not ship a photograph.
        OptionError: there is no such photograph, or one is named twice.

    Example:
        >>> [cat] = Photos(size="whole", files=["chelsea.png"])
        >>> cat.image.shape
        (300, 451, 3)
    """

    def __init__(
        self, *, size: int | str = 96, per_photo: int | None = None, files: Sequence[str] | None = None
    ) -> None:
        self._crops: list[tuple[str, int, int, ImageArray]] = []
        self._whole = size == "whole"
        digest = hashlib.blake2b(digest_size=16)
        names = tuple(PHOTOGRAPHS) if files is None else tuple(files)
        chosen("photos", names, tuple(PHOTOGRAPHS), option="files")
        for file in names:
            image = decode(photograph("photos", file, PHOTOGRAPHS[file][0]))
            corners = _corners(image, size)
            if per_photo is not None and per_photo < len(corners):
                corners = [corners[(2 * i + 1) * len(corners) // (2 * per_photo)] for i in range(per_photo)]
            for y, x in corners:
                crop = image if isinstance(size, str) else image[y : y + size, x : x + size]
                self._crops.append((file, y, x, crop))
                digest.update(crop.tobytes())
        self.fingerprint = digest.hexdigest()

    def __len__(self) -> int:
        return len(self._crops)

    def __getitem__(self, index: int) -> Sample:
        return Sample(self._crops[index][3], None)

    @property
    def targets(self) -> Sequence[Any]:
        """Targets, of which there are none."""
        return [None] * len(self)

    def name(self, index: int) -> str:
        """File and corner, for example `chelsea.png[6:102, 33:129]`; the file alone where it is uncut."""
        file, y, x, crop = self._crops[index]
        return file if self._whole else f"{file}[{y}:{y + crop.shape[0]}, {x}:{x + crop.shape[1]}]"

    def split_of(self, index: int) -> str:
        """The split of the photograph that a sample is of."""
        return PHOTOGRAPHS[self._crops[index][0]][1]


def _corners(image: ImageArray, size: int | str) -> list[tuple[int, int]]:
    """Where the crops of a photograph that show something begin."""
    if isinstance(size, str):
        return [(0, 0)]
    return [
        (y, x)
        for y in _starts(image.shape[0], size)
        for x in _starts(image.shape[1], size)
        if np.ptp(image[y : y + size, x : x + size], axis=(0, 1)).any()
    ]


def _starts(length: int, size: int) -> range:
    """Where tiles begin that lie around the middle."""
    first = length % size // 2
    return range(first, length - size + 1, size)


def photograph(dataset: str, file: str, place: tuple[str, str]) -> Path:
    """Path of a photograph that another package ships.

    Args:
        dataset: who asks, for messages.
        file: its name.
        place: package, and folder in it.

    Raises:
        DataError: the package is missing, or does not ship it.
    """
    package, folder = place
    spec = importlib.util.find_spec(package)  # only the file is needed: importing the package takes seconds
    if spec is None or spec.origin is None:
        raise missing(dataset, package, "it is not installed")
    path = Path(spec.origin).parent / folder / file
    if not path.exists():
        hint = f"install another version of {package}"
        raise DataError(f"dataset {dataset}", expected=f"the file {path}", got="nothing there", hint=hint)
    return path
