"""Folders of images with masks."""

from __future__ import annotations

import hashlib
import os
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from zoo.data.depths import warn_turned
from zoo.data.masks import check_mask, read_mask
from zoo.data.reading import in_threads
from zoo.data.sources.image_folder import ImageFolder
from zoo.data.sources.layout import inner_folder
from zoo.data.sources.mask_classes import mask_classes
from zoo.data.sources.mask_colors import NOTHING, ColorTable, color_table
from zoo.data.sources.mask_options import check_options, ignored_items, said
from zoo.data.sources.mask_pairs import pairs_of, split_of
from zoo.data.sources.walk import Walk
from zoo.images.decode import ORIENTATION, SWAPPING, decode_counted
from zoo.images.opening import open_image
from zoo.interfaces.dataset import Sample
from zoo.interfaces.tasks.choice import for_masks
from zoo.spec.data_options import MaskOptions
from zoo.spec.disk.reading import read_text
from zoo.spec.errors import DataError, listing, quote, reason

CLASSES = "classes.txt"


class MaskFolders(ImageFolder):
    """Images with masks: `images/7.jpg` and `masks/7.png`, under split folders or not, or otherwise called.

    A mask is a gray or palette PNG of its image's size with the number of a class in each pixel; 255 does
    not count, unless there is nothing but 0 and 255, which are two classes then. `classes.txt`, a name a
    line, tells their names, and with a line `-` a number that does not count. Where colours of classes are
    given, a mask has these. Every mask is read once, and checked.

    Args:
        root: the folder.
        classes: of the model, where they are known: of two, 0 and 255 are both; of more, 255 does not count;
            and of more than 255 it is one. Without names the numbers are the model's.
        options: names of folders and files, colours, and what does not count, where they are said.
        skip_unreadable: leaves out the pairs whose image cannot be read, with a warning.

    Raises:
        DataError: a folder, an image or a mask is missing, or a mask does not fit.
        OptionError: an option has no effect, or a value that does not fit.
    """

    masks = True

    def __init__(
        self,
        root: str | Path,
        *,
        classes: int | None = None,
        options: MaskOptions | None = None,
        skip_unreadable: bool = False,
    ) -> None:
        self._options = options or MaskOptions()
        check_options(self._options)
        super().__init__(root, skip_unreadable=skip_unreadable)
        self.mask_files = [self._pairs.masks[file] for file in self.files]
        ignored = ignored_items(self._options)
        where, lines, given = (
            f"data {self.root}",
            _names(self.root, f"data {self.root}"),
            self._options.colors,
        )
        self._colors: ColorTable | None = None
        if given is not None:
            self._colors = color_table(given, self.root, ignored, lines)
            lines, ignored = self._colors.names, []
        found: set[int] = set()
        values = partial(_values, colors=self._colors, threshold=self._options.threshold)
        for some in in_threads(values, [*zip(self.files, self.mask_files, strict=True)], "reading masks"):
            found |= some
        warn_turned(self.files)
        two, by_color = self._options.threshold is not None, self._colors is not None
        self._classes = mask_classes(found, lines, classes, where, ignored, binary=two, colors=by_color)
        self.labels = self._classes.labels
        self.numbered = not (self._colors.named if self._colors else lines)
        self.present, self.leaves_out = self._classes.present, self._classes.leaves_out
        self.task = for_masks()

    def _chosen(self, found: Walk) -> tuple[list[Path], list[Path]]:
        self._pairs = pairs_of(found, self._options)
        return [*self._pairs.masks], self._pairs.unused

    @property
    def _elsewhere(self) -> str:  # type: ignore[override]  # follows from the layout
        layout = self._pairs.layout
        if layout.images and layout.masks:
            return f"neither in {'/'.join(layout.images)}/ nor in {'/'.join(layout.masks)}/"
        return "without a partner"

    def _split(self, file: Path, inner: Path) -> str | None:
        parts = self._pairs.places[file]
        around = inner.relative_to(self.root).parts
        return split_of(parts[len(around) :] if parts[: len(around)] == around else parts)

    def __getitem__(self, index: int) -> Sample:
        image, mask = decode_counted(self.files[index]), self.mask(index)
        check_mask(mask, image, self.name(index))
        return Sample(image, None, mask)

    def mask(self, index: int) -> npt.NDArray[np.uint8]:
        """H x W class numbers, without reading the image."""
        mask = read_mask(self.mask_files[index], self._colors, self._options.threshold)
        return self._classes.table[mask]

    @property
    def words(self) -> str:
        """The layout of the masks and the way in which they are read, in words."""
        parts = [self._pairs.layout.words()]
        if self._colors is not None:
            parts.append(f"classes by {len(self._colors.codes)} colours")
        if self._options.threshold is not None:
            parts.append(f"object above {self._options.threshold}")
        if self._classes.left_out:
            parts.append(f"{listing(map(str, sorted(self._classes.left_out)), 4)} does not count")
        return "; ".join(parts)

    @property
    def way_out(self) -> str | None:
        """The next step where one class alone is in the masks, and other values do not count."""
        left = sorted(self._classes.left_out)
        if not left or self._colors is not None:
            return None
        table = {"background": 0, "object": left[-1]}
        return f"{listing(map(str, left), 4)} does not count; {said(colors=table)} gives each value its class"

    @cached_property
    def fingerprint(self) -> str:  # type: ignore[override]  # computed when first asked for
        """Digest of all images and masks, of the names of the classes, and of how masks are read."""
        digest = hashlib.blake2b(digest_size=16)
        for i, mask in enumerate(self.mask_files):
            name = self.files[i].relative_to(self.root).as_posix()
            digest.update(os.fsencode(f"{name}\0{self.key(i)}\0") + mask.read_bytes())
        digest.update("\n".join(self.labels).encode())
        options = self._options
        if any(given is not None for given in (options.colors, options.ignore, options.threshold)):
            digest.update(repr((self._colors, options.threshold)).encode() + self._classes.table.tobytes())
        return digest.hexdigest()


def _values(pair: tuple[Path, Path], colors: ColorTable | None, threshold: int | None) -> set[int]:
    """The values in a mask, which is as large as its image's header says."""
    image, file = pair
    mask = read_mask(file, colors, threshold)
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
        resized = f"resize(({width}, {height}), Image.Resampling.NEAREST)"
        hint = f"give the mask of this very image, or resize it with Pillow's {resized}"
        raise DataError(f"mask {file}", expected=expected, got=got, hint=hint)
    return {*np.flatnonzero(np.bincount(mask.ravel())).tolist()}


def _names(root: Path, where: str) -> tuple[str, ...]:
    """What `classes.txt` says; nothing where there is none."""
    file = next((f for f in (root / CLASSES, inner_folder(root) / CLASSES) if f.exists()), root / CLASSES)
    try:
        text = read_text(file) if file.exists() else ""
    except (OSError, ValueError) as error:
        raise DataError(f"{where}: {CLASSES}", expected="a text file", got=reason(error)) from error
    names = tuple(line.strip() for line in text.splitlines() if line.strip())
    if twice := next((name for name in names if name != NOTHING and names.count(name) > 1), None):
        raise DataError(f"{where}: {CLASSES}", expected="a name for each class", got=f"{quote(twice)} twice")
    return names
