"""Reading of many masks, whose classes are read off all of them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from zoo.data.masks import read_mask
from zoo.data.reading import in_threads
from zoo.data.sources.mask_classes import WHITE, MaskClasses, mask_classes
from zoo.data.sources.mask_colors import NOTHING, ColorTable, color, color_table, shown
from zoo.data.sources.mask_options import check_values, ignored_items, said
from zoo.images.facts import lies
from zoo.images.opening import open_image, orientation
from zoo.spec.data_options import MaskValues
from zoo.spec.disk.reading import read_text, split_lines
from zoo.spec.display import counted
from zoo.spec.errors import DataError, listing, quote, reason, warn

CLASSES = "classes.txt"
_NAMED = 4
"""Colours that a hint names."""

Size = tuple[int, int]
Sizes = Callable[[int, npt.NDArray[np.uint8]], tuple[Size, str]]
"""Gives height and width that a mask must have, and what its image is called."""


class MaskReader:
    """Class numbers of masks: as they are, by colours, or above a threshold; each is read once, and checked.

    Args:
        masks: as `zoo.data.masks.read_mask` takes them.
        sizes: what a mask must have, by its number.
        options: what values mean, where it is said.
        names: of the classes, a name a value; `-` for one that does not count.
        root: where a file of colours may lie.
        classes: of the model, where they are known.
        where: the data, for messages.
        calls: what a mask is called in messages, by number.
        sure: whether the names are certainly those of classes of pixels; a data set may have others.

    Attributes:
        labels: names of the classes.
        numbered: whether they are made up of their numbers.
        present: the classes that are in some mask.
        leaves_out: whether there are pixels that do not count.

    Raises:
        DataError: a mask cannot be read, has another size, or its values are no classes.
        OptionError: options do not fit.
    """

    def __init__(
        self,
        masks: Sequence[Any],
        sizes: Sizes,
        options: MaskValues,
        *,
        names: Sequence[str],
        root: Path,
        classes: int | None,
        where: str,
        calls: Callable[[int], str],
        sure: bool = True,
    ) -> None:
        check_values(options)
        self._masks, self._calls, self._options = masks, calls, options
        ignored, given = ignored_items(options), options.colors
        self._colors: ColorTable | None = None
        if given is not None:
            self._colors = color_table(given, root, ignored, names)
            names, ignored = self._colors.names, []
        two, by_color = options.threshold is not None, self._colors is not None
        found: set[int] = set()
        palettes = _Palettes(calls)
        for index, (some, painted) in enumerate(self._all_values(sizes)):
            found |= some
            palettes.add(index, painted)
        palettes.tell(where)
        if names and not sure:
            names = _fitting(names, found, classes, where)
        self._classes: MaskClasses = mask_classes(
            found, names, classes, where, ignored, binary=two, colors=by_color
        )
        self.labels = self._classes.labels
        self.numbered = not (self._colors.named if self._colors else names)
        self.present, self.leaves_out = self._classes.present, self._classes.leaves_out

    def _all_values(self, sizes: Sizes) -> Iterable[tuple[set[int], dict[int, int]]]:
        numbers, values = range(len(self._masks)), partial(self._values, sizes=sizes)
        # Objects of others may not bear to be read by several threads
        if all(isinstance(mask, Path) for mask in self._masks):
            return in_threads(values, numbers, "reading masks")
        return map(values, numbers)

    def _values(self, index: int, sizes: Sizes) -> tuple[set[int], dict[int, int]]:
        """The values in a mask, which is as large as its image, and colours of them that do not count."""
        mask = self._read(index)
        (height, width), image = sizes(index, mask)
        if mask.shape != (height, width):
            expected, got = f"{width}x{height}, as {image}", f"{mask.shape[1]}x{mask.shape[0]}"
            resized = f"resize(({width}, {height}), Image.Resampling.NEAREST)"
            hint = f"give the mask of this very image, or resize it with Pillow's {resized}"
            raise DataError(self._calls(index), expected=expected, got=got, hint=hint)
        values = {*np.flatnonzero(np.bincount(mask.ravel())).tolist()}
        by_number = self._colors is None and self._options.threshold is None
        return values, _palette_colors(self._masks[index], sorted(values)) if by_number else {}

    def _read(self, index: int) -> npt.NDArray[np.uint8]:
        return read_mask(self._masks[index], self._calls(index), self._colors, self._options.threshold)

    def __getitem__(self, index: int) -> npt.NDArray[np.uint8]:
        """H x W class numbers."""
        return self._classes.table[self._read(index)]

    @property
    def words(self) -> list[str]:
        """The way in which values are read, in words."""
        parts = []
        if self._colors is not None:
            parts.append(f"classes by {len(self._colors.codes)} colours")
        if self._options.threshold is not None:
            parts.append(f"object above {self._options.threshold}")
        if self._classes.left_out:
            parts.append(f"{listing(map(str, sorted(self._classes.left_out)), 4)} does not count")
        return parts

    @property
    def way_out(self) -> str | None:
        """The next step where one class alone is in the masks, and other values do not count."""
        left = sorted(self._classes.left_out)
        if not left or self._colors is not None:
            return None
        table = {"background": 0, "object": left[-1]}
        return f"{listing(map(str, left), 4)} does not count; {said(colors=table)} gives each value its class"

    @property
    def token(self) -> bytes:
        """Bytes that change with what the values mean, where somebody said that; else nothing."""
        options = self._options
        if all(given is None for given in (options.colors, options.ignore, options.threshold)):
            return b""
        return repr((self._colors, options.threshold)).encode() + self._classes.table.tobytes()


def _palette_colors(source: Any, values: Iterable[int]) -> dict[int, int]:
    """Colours that a mask's palette gives numbers; nothing of a mask without a palette.

    Args:
        source: of the mask: a path, the contents of a file, a Pillow image, or another object.
        values: numbers that are in the mask.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        source = io.BytesIO(bytes(source))
    if not isinstance(source, Path | io.BytesIO | Image.Image):
        return {}
    with nullcontext(source) if isinstance(source, Image.Image) else open_image(source) as image:
        if image.mode != "P":
            return {}
        palette = image.getpalette("RGB") or []
    return {value: color(rgb) for value in values if len(rgb := palette[3 * value : 3 * value + 3]) == 3}


class _Palettes:
    """Colours of numbers in the palettes of many masks.

    Args:
        calls: what a mask is called in messages, by number.
    """

    def __init__(self, calls: Callable[[int], str]) -> None:
        self._calls = calls
        self._first: dict[int, tuple[int, int]] = {}
        self._codes: set[int] = set()
        self._apart: tuple[int, int, int] | None = None

    def add(self, index: int, colors: dict[int, int]) -> None:
        """Holds the colours of a mask against those that were there before.

        Args:
            index: number of the mask.
            colors: from `_palette_colors`.
        """
        self._codes |= {*colors.values()}
        for value, code in colors.items():
            first, _ = self._first.setdefault(value, (code, index))
            if first != code and self._apart is None:
                self._apart = value, code, index

    def tell(self, where: str) -> None:
        """Warns once where a number has several colours.

        Args:
            where: the data, for messages.
        """
        if self._apart is None:
            return
        value, code, index = self._apart
        first, at = self._first[value]
        told = f"{value} is {shown(first)} in {self._calls(at)} and {shown(code)} in {self._calls(index)}"
        table = {f"class {i}": shown(one) for i, one in enumerate(sorted(self._codes)[:_NAMED])}
        warn(
            f"{where}: masks are read by their numbers, which their palettes colour differently: {told}; "
            f"where colours are meant name them, {said(colors=table)} ..."
        )


def _fitting(names: Sequence[str], found: set[int], classes: int | None, where: str) -> Sequence[str]:
    """Names where there are as many as classes of pixels; else none, which is said."""
    highest = max(found - {WHITE}, default=0)
    if len(names) == (classes or highest + 1):
        return names
    warn(
        f"{where}: its {counted(len(names), 'class', 'classes')} ({listing(map(quote, names), 3)}) are not "
        f"those of the masks, in which values go up to {highest}; they are not used"
    )
    return ()


def header_size(image: Path, mask: npt.NDArray[np.uint8]) -> Size:
    """Height and width of an image by its file's header; those of its mask where that cannot be read.

    Args:
        image: its file.
        mask: H x W.
    """
    try:
        # Opening reads the header alone
        with open_image(image) as opened:
            turned = lies(opened, orientation(opened))
            width, height = opened.size[::-1] if turned else opened.size
    except Exception:  # said where images are read
        height, width = mask.shape
    return height, width


def names_in(file: Path, where: str) -> tuple[str, ...]:
    """Names of classes in a file, a name a line; nothing where there is no file.

    Args:
        file: that may be there.
        where: the data, for messages.

    Raises:
        DataError: it cannot be read, or has a name twice.
    """
    try:
        text = read_text(file) if file.exists() else ""
    except (OSError, ValueError) as error:
        raise DataError(f"{where}: {CLASSES}", expected="a text file", got=reason(error)) from error
    names = tuple(line.strip() for line in split_lines(text) if line.strip())
    if twice := next((name for name in names if name != NOTHING and names.count(name) > 1), None):
        raise DataError(f"{where}: {CLASSES}", expected="a name for each class", got=f"{quote(twice)} twice")
    return names
