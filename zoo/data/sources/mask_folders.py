"""Folders of images with masks, and of images alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from zoo.data.depths import warn_turned
from zoo.data.masks import check_mask
from zoo.data.reading import in_threads, readable
from zoo.data.sources.class_folders import RootedFiles
from zoo.data.sources.layout import SPLIT_FOLDERS, image_files
from zoo.images.decode import decode_counted
from zoo.interfaces.dataset import Sample
from zoo.interfaces.tasks.choice import for_masks
from zoo.spec.errors import DataError, listing, quote, reason

IMAGES, MASKS, CLASSES = "images", "masks", "classes.txt"

_LAYOUT = "images/ and masks/ with files of the same names, or train/images/, train/masks/, test/images/ ..."
_WHITE = 255
_ORIENTATION, _TURNED = 0x0112, (5, 6, 7, 8)
"""The EXIF tag, and its values that swap height and width."""

SOFT = (
    "where these are soft (anti-aliased) edges between 0 and 255, save (mask > 127) * 255 as PNG, and resize "
    "masks with nearest"
)
"""What to do where masks are blends of two classes."""
_MOST_CLASSES = 200
"""More are no classes: more values than this are a scale."""

_BINARY = ("background", "object")


class ImageFolder(RootedFiles):
    """All images of a folder, whatever folders they lie in, without targets.

    Folders called train, val and test at the top are the splits.

    Args:
        root: the folder.
        skip_unreadable: reads every file once, and leaves out those that cannot be read, with a warning.

    Raises:
        DataError: it is missing, or holds no image.
    """

    def __init__(self, root: str | Path, *, skip_unreadable: bool = False) -> None:
        place = Path(root).expanduser()
        if not place.is_dir():
            got = "a file" if place.exists() else "nothing there"
            raise DataError(f"data {place}", expected="a folder", got=got)
        files = self._chosen(place)
        if skip_unreadable:
            files = [files[i] for i in readable(files)]
        if not files:
            raise DataError(f"data {place}", expected="images", got="none")
        super().__init__(place, files)
        self._top = [_split(file.relative_to(self.root)) for file in files]

    def _chosen(self, root: Path) -> list[Path]:
        """The files that are images to be learnt from."""
        return image_files(root)

    def split_of(self, index: int) -> str | None:
        """`train`, `val`, `test`, or None where there are no split folders."""
        # With images beside the split folders these are folders like any other
        return self._top[index] if all(self._top) else None


class MaskFolders(ImageFolder):
    """Images with masks of the same name: `images/7.jpg` and `masks/7.png`, under split folders or not.

    A mask is a gray or palette PNG of its image's size with the number of a class in each pixel; 255 does
    not count, unless there is nothing but 0 and 255, which are two classes then. `classes.txt`, a name a
    line, tells their names. Every mask is read once, and checked.

    Args:
        root: the folder.
        skip_unreadable: leaves out the pairs whose image cannot be read, with a warning.

    Raises:
        DataError: a folder, an image or a mask is missing, or a mask does not fit.
    """

    masks = True

    def __init__(self, root: str | Path, *, skip_unreadable: bool = False) -> None:
        super().__init__(root, skip_unreadable=skip_unreadable)
        where = f"data {self.root}"
        self.mask_files = [self._mask_of[file] for file in self.files]
        found: set[int] = set()
        for values in in_threads(_values, [*zip(self.files, self.mask_files, strict=True)], "reading masks"):
            found |= values
        warn_turned(self.files)
        names = _names(self.root, where)
        # Where more than two classes are named, 255 can only be what does not count.
        self._white = found in ({0, _WHITE}, {_WHITE}) and len(names) in (0, len(_BINARY))
        numbers = {0, 1} if self._white else found - {_WHITE}
        self.labels = _labels(names, numbers, where)
        self.task = for_masks()

    def _chosen(self, root: Path) -> list[Path]:
        self._mask_of = _pairs(image_files(root), root)
        return [*self._mask_of]

    def __getitem__(self, index: int) -> Sample:
        image, mask = decode_counted(self.files[index]), self.mask(index)
        check_mask(mask, image, self.name(index))
        return Sample(image, None, mask)

    def mask(self, index: int) -> npt.NDArray[np.uint8]:
        """H x W class numbers, without reading the image."""
        mask = read_mask(self.mask_files[index])
        return (mask == _WHITE).astype(np.uint8) if self._white else mask

    @cached_property
    def fingerprint(self) -> str:  # type: ignore[override]  # computed when first asked for
        """Digest of all images and masks, and of the names of the classes."""
        digest = hashlib.blake2b(digest_size=16)
        for i, mask in enumerate(self.mask_files):
            name = self.files[i].relative_to(self.root).as_posix()
            digest.update(f"{name}\0{self.key(i)}\0".encode() + mask.read_bytes())
        digest.update("\n".join(self.labels).encode())
        return digest.hexdigest()


def read_mask(file: Path) -> npt.NDArray[np.uint8]:
    """H x W class numbers of a gray, black-and-white or palette image.

    Raises:
        DataError: it is none, or cannot be read.
    """
    where = f"mask {file}"
    hint = "save the number of the class in each pixel, as PNG"
    try:
        with Image.open(file) as image:
            kind, mode, values = image.format, image.mode, np.asarray(image)
    except Exception as error:  # decoders raise whatever they stumble over
        raise DataError(where, expected="a readable image", got=reason(error)) from error
    if kind == "JPEG":  # its values are near those that were saved, no more
        raise DataError(where, expected="a format that keeps values, such as PNG", got=kind, hint=hint)
    # A palette's numbers are read, not its colours; Pillow opens 16-bit gray as I;16 or I
    if mode not in ("L", "P", "1", "I;16", "I"):
        raise DataError(where, expected="gray or palette", got=f"mode {mode}", hint=hint)
    if (highest := int(values.max(initial=0))) > _WHITE:
        raise DataError(where, expected="values 0..255", got=str(highest), hint=hint)
    return values.astype(np.uint8)


def _values(pair: tuple[Path, Path]) -> set[int]:
    """The values in a mask, which is as large as its image's header says."""
    image, file = pair
    mask = read_mask(file)
    try:
        # Opening reads the header alone
        with Image.open(image) as opened:
            width, height = (
                opened.size[::-1] if opened.getexif().get(_ORIENTATION, 1) in _TURNED else opened.size
            )
    except Exception:  # said where images are read
        height, width = mask.shape
    if mask.shape != (height, width):
        expected, got = f"{width}x{height}, as {image.name}", f"{mask.shape[1]}x{mask.shape[0]}"
        raise DataError(f"mask {file}", expected=expected, got=got)
    return {*np.flatnonzero(np.bincount(mask.ravel())).tolist()}


def _split(path: Path) -> str | None:
    return SPLIT_FOLDERS.get(path.parts[0].lower()) if len(path.parts) > 1 else None


def _pairs(files: Sequence[Path], root: Path) -> dict[Path, Path]:
    """The mask of each image."""
    where = f"data {root}"
    inside = {folder: _by_place(files, root, folder) for folder in (IMAGES, MASKS)}
    images, masks = inside[IMAGES], inside[MASKS]
    for folder, found in inside.items():
        if not found:
            raise DataError(where, expected=_LAYOUT, got=f"no images in a folder {folder}")
        if twice := next((several for several in found.values() if len(several) > 1), None):
            got = listing(file.name for file in twice)
            raise DataError(f"{where}: {folder}", expected="one file of each name", got=got)
    if lone := [several[0].name for place, several in images.items() if place not in masks]:
        got = f"none for {len(lone)}: {listing(lone, 3)}"
        raise DataError(where, expected="a mask for each image", got=got, hint=f"lay them out as {_LAYOUT}")
    if lone := [several[0].name for place, several in masks.items() if place not in images]:
        got = f"{len(lone)} without: {listing(lone, 3)}"
        raise DataError(where, expected="an image for each mask", got=got, hint=f"lay them out as {_LAYOUT}")
    return {several[0]: masks[place][0] for place, several in images.items()}


def _by_place(files: Sequence[Path], root: Path, folder: str) -> dict[tuple[str, ...], list[Path]]:
    """Files in folders of a name, by where they lie without it and without their suffix."""
    found: dict[tuple[str, ...], list[Path]] = {}
    for file in files:
        parts = list(file.relative_to(root).with_suffix("").parts)
        if folder in parts[:-1]:
            parts.remove(folder)
            found.setdefault(tuple(parts), []).append(file)
    return found


def _names(root: Path, where: str) -> tuple[str, ...]:
    """What `classes.txt` says; nothing where there is none."""
    file = root / CLASSES
    try:
        text = file.read_text(encoding="utf-8-sig") if file.exists() else ""
    except (OSError, ValueError) as error:
        raise DataError(f"{where}: {CLASSES}", expected="a text file", got=reason(error)) from error
    names = tuple(line.strip() for line in text.splitlines() if line.strip())
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise DataError(f"{where}: {CLASSES}", expected="a name for each class", got=f"{quote(twice)} twice")
    return names


def _labels(names: tuple[str, ...], numbers: set[int], where: str) -> tuple[str, ...]:
    """The names of the classes: of the file, or their numbers."""
    highest = max(numbers, default=0)
    if names:
        if len(names) <= highest:
            got = f"{len(names)} names, and class {highest} in a mask"
            hint = SOFT if len(names) == len(_BINARY) and 0 in numbers else None
            raise DataError(f"{where}: {CLASSES}", expected="a name for each class", got=got, hint=hint)
        return names
    if highest < 1:
        raise DataError(f"{where}: masks", expected="at least two classes", got="nothing but 0")
    # Background may be in no mask
    missing = {*range(highest + 1)} - numbers - {0}
    if highest > _MOST_CLASSES and len(numbers) > _MOST_CLASSES // 2:
        got = f"{len(numbers)} values from {min(numbers)} to {highest}"
        raise DataError(f"{where}: masks", expected="class numbers", got=got, hint=SOFT)
    if missing:
        got = f"{listing(map(str, sorted(numbers)), 6)}, without {listing(map(str, sorted(missing)), 3)}"
        # Between 0 and 255 may lie the soft edges of two classes, or numbers of classes
        hint = f"number the classes from 0, or name them all in {CLASSES}" + f"; {SOFT}" * (0 in numbers)
        raise DataError(f"{where}: masks", expected="class numbers without gaps", got=got, hint=hint)
    return _BINARY if highest == 1 else tuple(map(str, range(highest + 1)))
