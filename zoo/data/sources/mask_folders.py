"""Folders of images with masks, and of images alone."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from zoo.data.depths import warn_turned
from zoo.data.masks import check_mask
from zoo.data.reading import in_threads, readable
from zoo.data.sources.class_folders import RootedFiles
from zoo.data.sources.layout import inner_folder
from zoo.data.sources.mask_pairs import IMAGES, MASKS, pairs_of, parted, split_of, without_folder
from zoo.data.sources.walk import Walk, kinds, walk, warn_passed_over
from zoo.images.decode import ORIENTATION, SWAPPING, decode_counted
from zoo.interfaces.dataset import Sample
from zoo.interfaces.tasks.choice import for_masks
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
        found = walk(place)
        files, loose = self._chosen(found)
        if not files:
            got = f"none that can be read ({kinds(found.others)})" if found.others else "none"
            raise DataError(f"data {place}", expected="images", got=got)
        inner = inner_folder(place)
        splits = {file: split_of(without_folder(file.relative_to(inner).parts)) for file in files}
        files, aside = parted(splits, place)
        lost = (f"{len(aside)} beside the split folders", aside), (f"{len(loose)} {self._elsewhere}", loose)
        warn_passed_over(place, len(files), [*lost, *found.reasons()])
        if skip_unreadable:
            files = [files[i] for i in readable(files)]
        if not files:
            raise DataError(f"data {place}", expected="images that can be read", got="none")
        super().__init__(place, files)
        self._top = [splits[file] if aside or all(splits.values()) else None for file in files]

    _elsewhere = ""

    def _chosen(self, found: Walk) -> tuple[list[Path], list[Path]]:
        """The files that are images to be learnt from, and images that are left out."""
        return found.images, []

    def split_of(self, index: int) -> str | None:
        """`train`, `val`, `test`, or None where there are no split folders."""
        return self._top[index]


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
        text = file.read_text(encoding="utf-8-sig") if file.exists() else ""
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
            got = f"{len(lines)} names, and class {highest} in a mask"
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
        got = f"{len(numbers)} values from {min(numbers)} to {highest}"
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
