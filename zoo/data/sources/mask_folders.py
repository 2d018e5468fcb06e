"""Folders of images with masks."""

from __future__ import annotations

import hashlib
import os
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from zoo.data.depths import warn_turned
from zoo.data.masks import check_mask, read_mask
from zoo.data.reading import in_threads
from zoo.data.sources.image_folder import ImageFolder
from zoo.data.sources.layout import inner_folder
from zoo.data.sources.mask_pairs import IMAGES, MASKS, pairs_of
from zoo.data.sources.walk import Walk
from zoo.images.decode import ORIENTATION, SWAPPING, decode_counted
from zoo.images.opening import open_image
from zoo.interfaces.dataset import Sample
from zoo.interfaces.tasks.choice import for_masks
from zoo.spec.disk.reading import read_text
from zoo.spec.display import counted
from zoo.spec.errors import DataError, listing, quote, reason

CLASSES = "classes.txt"

_WHITE = 255

SOFT = (
    "where these are soft (anti-aliased) edges between 0 and 255, save (mask > 127) * 255 as PNG, and resize "
    "masks with nearest"
)
"""What to do where masks are blends of two classes."""
_MOST_CLASSES = 200
"""More are no classes: more values than this are a scale."""

_BINARY = ("background", "object")
_NOTHING = "-"
"""Line of `classes.txt` for a number that does not count."""


class MaskFolders(ImageFolder):
    """Images with masks of the same name: `images/7.jpg` and `masks/7.png`, under split folders or not.

    A mask is a gray or palette PNG of its image's size with the number of a class in each pixel; 255 does
    not count, unless there is nothing but 0 and 255, which are two classes then. `classes.txt`, a name a
    line, tells their names, and with a line `-` a number that does not count. Every mask is read once, and
    checked.

    Args:
        root: the folder.
        classes: of the model, where they are known: of two, 0 and 255 are both; of more, 255 does not count;
            and of more than 255 it is one. Without names the numbers are the model's.
        skip_unreadable: leaves out the pairs whose image cannot be read, with a warning.

    Raises:
        DataError: a folder, an image or a mask is missing, or a mask does not fit.
    """

    masks = True

    def __init__(
        self, root: str | Path, *, classes: int | None = None, skip_unreadable: bool = False
    ) -> None:
        super().__init__(root, skip_unreadable=skip_unreadable)
        where = f"data {self.root}"
        self.mask_files = [self._mask_of[file] for file in self.files]
        found: set[int] = set()
        for values in in_threads(_values, [*zip(self.files, self.mask_files, strict=True)], "reading masks"):
            found |= values
        warn_turned(self.files)
        lines = _names(self.root, where)
        count = len(lines) or classes
        # Where another number of classes is known, 255 can only be what does not count.
        self._white = found in ({0, _WHITE}, {_WHITE}) and count in (None, len(_BINARY))
        numbers = {0, 1} if self._white else found if (count or 0) > _WHITE else found - {_WHITE}
        self.numbered = not lines
        self.labels = _labels(lines, numbers, found, classes, where)
        self._table = _table(lines)
        left_out = {i for i, line in enumerate(lines) if line == _NOTHING}
        self.present = frozenset(int(self._table[i]) for i in numbers - left_out)
        # Whether there are pixels that do not count
        self.leaves_out = bool(numbers & left_out) or not (self._white or found <= numbers)
        self.task = for_masks()

    _elsewhere = f"neither in {IMAGES}/ nor in {MASKS}/"

    def _chosen(self, found: Walk) -> tuple[list[Path], list[Path]]:
        self._mask_of = pairs_of(found)
        used = {*self._mask_of, *self._mask_of.values()}
        return [*self._mask_of], [file for file in found.images if file not in used]

    def __getitem__(self, index: int) -> Sample:
        image, mask = decode_counted(self.files[index]), self.mask(index)
        check_mask(mask, image, self.name(index))
        return Sample(image, None, mask)

    def mask(self, index: int) -> npt.NDArray[np.uint8]:
        """H x W class numbers, without reading the image."""
        mask = read_mask(self.mask_files[index])
        return self._table[(mask == _WHITE).astype(np.uint8) if self._white else mask]

    @cached_property
    def fingerprint(self) -> str:  # type: ignore[override]  # computed when first asked for
        """Digest of all images and masks, and of the names of the classes."""
        digest = hashlib.blake2b(digest_size=16)
        for i, mask in enumerate(self.mask_files):
            name = self.files[i].relative_to(self.root).as_posix()
            digest.update(os.fsencode(f"{name}\0{self.key(i)}\0") + mask.read_bytes())
        digest.update("\n".join(self.labels).encode())
        return digest.hexdigest()


def _values(pair: tuple[Path, Path]) -> set[int]:
    """The values in a mask, which is as large as its image's header says."""
    image, file = pair
    mask = read_mask(file)
    try:
        # Opening reads the header alone
        with open_image(image) as opened:
            width, height = (
                opened.size[::-1] if opened.getexif().get(ORIENTATION, 1) in SWAPPING else opened.size
            )
    except Exception:  # said where images are read
        height, width = mask.shape
    if mask.shape != (height, width):
        expected, got = f"{width}x{height}, as {image.name}", f"{mask.shape[1]}x{mask.shape[0]}"
        raise DataError(f"mask {file}", expected=expected, got=got)
    return {*np.flatnonzero(np.bincount(mask.ravel())).tolist()}


def _names(root: Path, where: str) -> tuple[str, ...]:
    """What `classes.txt` says; nothing where there is none."""
    file = next((f for f in (root / CLASSES, inner_folder(root) / CLASSES) if f.exists()), root / CLASSES)
    try:
        text = read_text(file) if file.exists() else ""
    except (OSError, ValueError) as error:
        raise DataError(f"{where}: {CLASSES}", expected="a text file", got=reason(error)) from error
    names = tuple(line.strip() for line in text.splitlines() if line.strip())
    if twice := next((name for name in names if name != _NOTHING and names.count(name) > 1), None):
        raise DataError(f"{where}: {CLASSES}", expected="a name for each class", got=f"{quote(twice)} twice")
    return names


def _table(lines: tuple[str, ...]) -> npt.NDArray[np.uint8]:
    """For each value of a mask the number of its class, without those that do not count."""
    table = np.arange(_WHITE + 1, dtype=np.uint8)
    if _NOTHING in lines:
        counted = [i for i, line in enumerate(lines) if line != _NOTHING]
        table[: len(lines)] = _WHITE
        table[counted] = range(len(counted))
    return table


def _labels(
    lines: tuple[str, ...], numbers: set[int], found: set[int], classes: int | None, where: str
) -> tuple[str, ...]:
    """The names of the classes: of the file, or their numbers.

    Args:
        lines: of the file.
        numbers: of classes that are in some mask.
        found: all values that are in some mask.
        classes: of the model.
        where: the data, for messages.
    """
    highest = max(numbers, default=0)
    if lines:
        if len(lines) <= highest:
            got = f"{counted(len(lines), 'name')}, and class {highest} in a mask"
            hint = SOFT if len(lines) == len(_BINARY) and 0 in numbers else None
            raise DataError(f"{where}: {CLASSES}", expected="a name for each class", got=got, hint=hint)
        return tuple(line for line in lines if line != _NOTHING)
    if classes is not None and highest < classes:
        return _made_up(classes)
    if highest < 1:
        raise DataError(f"{where}: masks", expected="at least two classes", got="nothing but 0")
    # Background may be in no mask
    missing = {*range(highest + 1)} - numbers - {0}
    if highest > _MOST_CLASSES and len(numbers) > _MOST_CLASSES // 2:
        got = f"{counted(len(numbers), 'value')} from {min(numbers)} to {highest}"
        raise DataError(f"{where}: masks", expected="class numbers", got=got, hint=SOFT)
    if missing:
        got = f"{listing(map(str, sorted(numbers)), 6)}, without {listing(map(str, sorted(missing)), 3)}"
        # Between 0 and 255 may lie the soft edges of two classes, or numbers of classes
        soft = {0, _WHITE} <= found
        hint = f"number the classes from 0, or name them all in {CLASSES}" + f"; {SOFT}" * soft
        raise DataError(f"{where}: masks", expected="class numbers without gaps", got=got, hint=hint)
    return _made_up(highest + 1)


def _made_up(count: int) -> tuple[str, ...]:
    """Names of classes that nobody has named."""
    return _BINARY if count == len(_BINARY) else tuple(map(str, range(count)))
