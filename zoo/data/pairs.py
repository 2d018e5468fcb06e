"""Folders of pictures with masks, and of pictures alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from zoo.data.folders import PictureFiles
from zoo.data.layout import SPLIT_FOLDERS, picture_files
from zoo.data.masks import check_mask
from zoo.data.pictures import decode
from zoo.data.reading import readable
from zoo.interfaces.dataset import Sample
from zoo.interfaces.tasks_dense import Segmentation
from zoo.spec.errors import DataError, listing, quote

PICTURES, MASKS, CLASSES = "images", "masks", "classes.txt"

_LAYOUT = "images/ and masks/ with files of the same names, or train/images/, train/masks/, test/images/ ..."
_WHITE = 255
_BINARY = ("background", "object")


class PictureFolder(PictureFiles):
    """All pictures of a folder, whatever folders they lie in, without targets.

    Folders called train, val and test at the top are the splits.

    Args:
        root: the folder.
        skip_unreadable: reads every file once, and leaves out those that cannot be read, with a warning.

    Raises:
        DataError: it is missing, or holds no picture.
    """

    def __init__(self, root: str | Path, *, skip_unreadable: bool = False) -> None:
        self.root = Path(root).expanduser()
        if not self.root.is_dir():
            got = "a file" if self.root.exists() else "nothing there"
            raise DataError(f"data {self.root}", expected="a folder", got=got)
        files = picture_files(self.root)
        if skip_unreadable:
            files = [files[i] for i in readable(files)]
        if not files:
            raise DataError(f"data {self.root}", expected="pictures", got="none")
        super().__init__(files)
        self._top = [_split(file.relative_to(self.root)) for file in files]

    @cached_property
    def fingerprint(self) -> str:  # type: ignore[override]  # computed when first asked for
        """Of all files' names and contents."""
        digest = hashlib.blake2b(digest_size=16)
        for i, file in enumerate(self.files):
            digest.update(f"{file.relative_to(self.root).as_posix()}\0{self.key(i)}\n".encode())
        return digest.hexdigest()

    def key(self, index: int) -> str:
        """A digest of the file's bytes, computed once."""
        if index not in self._keys:
            self._keys[index] = super().key(index)
        return self._keys[index]

    @cached_property
    def _keys(self) -> dict[int, str]:
        return {}

    def split_of(self, index: int) -> str | None:
        """`train`, `val`, `test`, or None where there are no split folders."""
        return self._top[index] if all(self._top) else None


class MaskFolders(PictureFolder):
    """Pictures with masks of the same name: `images/7.jpg` and `masks/7.png`, under split folders or not.

    A mask is a gray or palette PNG of its picture's size with the number of a class in each pixel; 255 does
    not count, unless there is nothing but 0 and 255, which are two classes then. `classes.txt`, a name a
    line, tells their names. Every mask is read once, and checked.

    Args:
        root: the folder.
        skip_unreadable: leaves out the pairs whose picture cannot be read, with a warning.

    Raises:
        DataError: a folder, a picture or a mask is missing, or a mask does not fit.
    """

    masks = True

    def __init__(self, root: str | Path, *, skip_unreadable: bool = False) -> None:
        super().__init__(root, skip_unreadable=skip_unreadable)
        where = f"data {self.root}"
        pairs = _pairs(self.files, where)
        self.files = [picture for picture, _ in pairs]
        self.mask_files = [mask for _, mask in pairs]
        self._top = [_split(file.relative_to(self.root)) for file in self.files]
        found = sorted(set().union(*(np.unique(read_mask(file)).tolist() for file in self.mask_files)))
        self._white = found in ([0, _WHITE], [_WHITE])
        highest = 1 if self._white else max((value for value in found if value != _WHITE), default=0)
        self.labels = _labels(self.root, highest, where)
        self.task = Segmentation()

    def __getitem__(self, index: int) -> Sample:
        picture, mask = decode(self.files[index]), read_mask(self.mask_files[index])
        check_mask(mask, picture, self.name(index))
        return Sample(picture, None, (mask > 0).astype(np.uint8) if self._white else mask)

    def key(self, index: int) -> str:
        """A digest of the picture's and the mask's bytes."""
        if index not in self._keys:
            mask = self.mask_files[index].read_bytes()
            self._keys[index] = hashlib.blake2b(mask, digest_size=8).hexdigest() + super().key(index)
        return self._keys[index]


def read_mask(file: Path) -> npt.NDArray[np.uint8]:
    """H x W class numbers of a gray, black-and-white or palette picture.

    Raises:
        DataError: it is none, or cannot be read.
    """
    where = f"mask {file}"
    try:
        with Image.open(file) as image:
            mode, values = image.mode, np.asarray(image)
    except Exception as error:  # decoders raise whatever they stumble over
        raise DataError(where, expected="a readable picture", got=quote(str(error))[1:-1]) from error
    if mode not in ("L", "P", "1", "I;16", "I") or values.max(initial=0) > _WHITE:
        hint = "save the number of the class in each pixel, as PNG"
        raise DataError(where, expected="gray or palette, values 0..255", got=f"mode {mode}", hint=hint)
    return values.astype(np.uint8)


def _split(path: Path) -> str | None:
    return SPLIT_FOLDERS.get(path.parts[0].lower()) if len(path.parts) > 1 else None


def _pairs(files: Sequence[Path], where: str) -> list[tuple[Path, Path]]:
    pictures = [file for file in files if PICTURES in file.parts]
    if not pictures:
        raise DataError(where, expected=_LAYOUT, got=f"no folder {PICTURES}")
    masks = {_stem(file, MASKS): file for file in files if MASKS in file.parts}
    found = [(file, masks.pop(_stem(file, PICTURES), None)) for file in pictures]
    if lone := [file.name for file, mask in found if mask is None]:
        got = f"none for {len(lone)}: {listing(lone, 3)}"
        raise DataError(where, expected="a mask for each picture", got=got, hint=_LAYOUT)
    if masks:
        got = f"{len(masks)} without: {listing((file.name for file in masks.values()), 3)}"
        raise DataError(where, expected="a picture for each mask", got=got, hint=_LAYOUT)
    return [(file, mask) for file, mask in found if mask is not None]


def _stem(file: Path, folder: str) -> tuple[str, ...]:
    """Where a file lies, without the folder's name and the suffix."""
    parts = list(file.with_suffix("").parts)
    parts.remove(folder)
    return tuple(parts)


def _labels(root: Path, highest: int, where: str) -> tuple[str, ...]:
    file = root / CLASSES
    if not file.exists():
        return _BINARY if highest <= 1 else tuple(map(str, range(highest + 1)))
    names = tuple(line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip())
    if len(names) <= highest:
        got = f"{len(names)} names, and class {highest} in a mask"
        raise DataError(f"{where}: {CLASSES}", expected="a name for each class", got=got)
    return names
