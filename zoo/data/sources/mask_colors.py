"""Colours of classes: said, or read from a file, and looked up in masks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.spec.disk.reading import read_text, split_lines
from zoo.spec.display import counted
from zoo.spec.errors import DataError, OptionError, listing, near, quote, reason

NOTHING = "-"
"""Name of a class that does not count."""

_MOST = 255
_HEX = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)
_NUMBERS = re.compile(r"\d+")
_FEW = 3

Codes = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class ColorTable:
    """Classes by their colours.

    Args:
        names: of the classes, `-` for what does not count; numbers where nobody has named them.
        codes: colours, as red * 65536 + green * 256 + blue, rising.
        numbers: of the class of each colour.
        named: whether the names were given.
    """

    names: tuple[str, ...]
    codes: Codes
    numbers: npt.NDArray[np.uint8]
    named: bool

    def classes(self, colors: npt.NDArray[np.uint8], where: str) -> npt.NDArray[np.uint8]:
        """H x W numbers of classes.

        Args:
            colors: H x W x 3.
            where: the mask, for messages.

        Raises:
            DataError: a colour is of no class.
        """
        codes = packed(colors)
        at = np.searchsorted(self.codes, codes).clip(max=len(self.codes) - 1)
        unknown = self.codes[at] != codes
        if unknown.any():
            raise self._unknown(codes[unknown], where)
        classes: npt.NDArray[np.uint8] = self.numbers[at]
        return classes

    def _unknown(self, codes: Codes, where: str) -> DataError:
        found, counts = np.unique(codes, return_counts=True)
        most = int(counts.argmax())
        distance = np.abs(_apart(self.codes) - _apart(found[most : most + 1])).sum(axis=1)
        nearest = int(distance.argmin())
        name = self.names[self.numbers[nearest]]
        others = f", and {len(found) - 1} more colours" if len(found) > 1 else ""
        got = f"{shown(int(found[most]))} in {counted(int(counts[most]), 'pixel')}{others}"
        # A few may be missing in the table; edges that were smoothed have many
        way = (
            "resize masks with nearest, and draw them without smoothing"
            if len(found) > _FEW
            else ("add the colour to its class, or say ignore")
        )
        hint = f"the nearest is {name} {shown(int(self.codes[nearest]))}; {way}"
        expected = f"the {counted(len(self.codes), 'colour')} of colors"
        return DataError(where, expected=expected, got=got, hint=hint)


def color_table(given: Any, root: Path, ignored: Sequence[Any] = (), names: Sequence[str] = ()) -> ColorTable:
    """The table of colours that an option says.

    Args:
        given: a table of names and colours, a list of colours in the order of classes, or a file of either.
        root: the data; a file may lie there.
        ignored: classes, by name or colour, and further colours that do not count.
        names: of the classes, where the colours are a list.

    Raises:
        DataError: the file cannot be read, or holds no colours.
        OptionError: a colour is none, or of two classes.

    Example:
        >>> table = color_table({"road": "#804080", "sky": [70, 130, 180]}, Path())
        >>> table.classes(np.array([[[128, 64, 128], [70, 130, 180]]], np.uint8), "mask").tolist()
        [[0, 1]]
    """
    given = said_colors(given, root)
    if isinstance(given, Mapping):
        rows = [(str(name), _several(value)) for name, value in given.items()]
    elif isinstance(given, Sequence) and not isinstance(given, str):
        rows = [(str(i), [color(value)]) for i, value in enumerate(given)]
    else:
        rows = []
    if not 1 < len(rows) <= _MOST:
        expected = 'colours of 2 to 255 classes: {name = "#804080", ...}, a list, or a file'
        raise OptionError("colors", expected=expected, got=quote(given))
    named = isinstance(given, Mapping)
    if names:
        if named or len(names) != len(rows):
            got = f"{counted(len(names), 'name')} in classes.txt" + " besides" * named
            expected = (
                "the names of classes once"
                if named
                else f"{counted(len(rows), 'name')}, one for each of colors"
            )
            hint = "remove classes.txt, or give colors as a list in its order" if named else None
            raise DataError(f"data {root}: colors", expected=expected, got=got, hint=hint)
        rows = [(name, codes) for name, (_, codes) in zip(names, rows, strict=True)]
    rows = _without(rows, ignored)
    pairs = sorted((code, i) for i, (_, codes) in enumerate(rows) for code in codes)
    for (one, first), (other, second) in pairwise(pairs):
        if one == other:
            got = f"{shown(one)} of {quote(rows[first][0])} and {quote(rows[second][0])}"
            raise OptionError("colors", expected="a colour for each class", got=got)
    codes, numbers = zip(*pairs, strict=True)
    labels = tuple(name for name, _ in rows)
    return ColorTable(labels, np.array(codes, np.uint32), np.array(numbers, np.uint8), named or bool(names))


def _without(rows: list[tuple[str, list[int]]], ignored: Sequence[Any]) -> list[tuple[str, list[int]]]:
    """The rows with `-` for the name of what does not count."""
    names = [name for name, _ in rows]
    for item in ignored:
        if isinstance(item, str) and not _HEX.fullmatch(item):
            if item not in names:
                raise OptionError(
                    "ignore",
                    expected="a colour or a class of colors",
                    got=quote(item),
                    hint=near(item, names),
                )
            found = names.index(item)
        else:
            code = color(item)
            rows = rows if any(code in codes for _, codes in rows) else [*rows, (NOTHING, [code])]
            found = next(i for i, (_, codes) in enumerate(rows) if code in codes)
        rows = [(NOTHING if i == found else name, codes) for i, (name, codes) in enumerate(rows)]
    return rows


def color(value: Any) -> int:
    """A colour as one number.

    Args:
        value: `#804080`, `#fff`, a gray value, or red, green and blue.

    Raises:
        OptionError: it is none.

    Example:
        >>> [shown(color(value)) for value in ("#fff", 128, [128, 64, 128])]
        ['#ffffff', '#808080', '#804080']
    """
    if isinstance(value, str) and _HEX.fullmatch(value):
        digits = value[1:] if len(value) > 4 else "".join(2 * digit for digit in value[1:])
        return int(digits, 16)
    rgb = [value] * 3 if type(value) is int else value
    fine = isinstance(rgb, list | tuple) and len(rgb) == 3
    if not fine or not all(type(part) is int and 0 <= part <= _MOST for part in rgb):
        expected = "a colour such as '#804080', [128, 64, 128] or a gray value from 0 to 255"
        raise OptionError("colors", expected=expected, got=quote(value))
    red, green, blue = rgb
    return int((red << 16) + (green << 8) + blue)


def shown(code: int) -> str:
    """A colour in the way of the web."""
    return f"#{code:06x}"


def packed(colors: npt.NDArray[np.uint8]) -> Codes:
    """Colours as one number each; of H x W x 3 they are H x W."""
    x = colors.astype(np.uint32)
    return (x[..., 0] << 16) + (x[..., 1] << 8) + x[..., 2]


def _apart(codes: Codes) -> npt.NDArray[np.int64]:
    return np.stack([codes >> 16, codes >> 8 & _MOST, codes & _MOST], axis=-1).astype(np.int64)


def _several(value: Any) -> list[int]:
    """The colours of one class."""
    rgb = isinstance(value, list | tuple) and len(value) == 3 and all(type(part) is int for part in value)
    many = isinstance(value, list | tuple) and not rgb
    return [color(each) for each in value] if many else [color(value)]


def said_colors(given: Any, root: Path) -> Any:
    """The colours themselves, where an option names the file that holds them.

    Args:
        given: a table of names and colours, a list, or a file of either.
        root: where a file may lie, beside the working folder.

    Raises:
        DataError: the file cannot be read, or holds no colours.
    """
    return _read(given, root) if isinstance(given, str) and not _HEX.fullmatch(given) else given


def _read(name: str, root: Path) -> dict[str, list[Any]] | list[Any]:
    """Names and colours of a file: JSON, or a line a class with three numbers and perhaps a name."""
    own = Path(name).expanduser()
    file = next((f for f in (root / own, own) if f.is_file()), None)
    if file is None:
        hint = "give a path, or the name of a file in the folder of the data"
        raise DataError(f"colors {name}", expected="a file of colours", got="nothing there", hint=hint)
    try:
        text = read_text(file)
        if file.suffix.lower() == ".json":
            found = json.loads(text)
            return {item["name"]: [item["color"]] for item in found} if _is_records(found) else found
    except (OSError, ValueError) as error:
        raise DataError(f"colors {file}", expected="a file of colours", got=reason(error)) from error
    return _lines(split_lines(text), f"colors {file}")


def _is_records(found: Any) -> bool:
    return isinstance(found, list) and all(
        isinstance(item, dict) and {"name", "color"} <= {*item} for item in found
    )


def _lines(lines: Iterable[str], where: str) -> dict[str, list[Any]] | list[Any]:
    named: dict[str, list[Any]] = {}
    bare: list[Any] = []
    for number, line in enumerate(lines):
        if not (text := line.strip()) or text.startswith(("# ", "//")):
            continue
        words = [word for word in re.split(r"[\s,;:]+", text) if word]
        letters = [word for word in words if not _NUMBERS.fullmatch(word) and not _HEX.fullmatch(word)]
        values: list[Any] = [int(word) for word in words if _NUMBERS.fullmatch(word)]
        values = [word for word in words if _HEX.fullmatch(word)] or [values[-3:] if letters else values]
        if not values or (isinstance(values[0], list) and len(values[0]) != 3):
            # A header such as name,r,g,b
            if number == 0:
                continue
            raise DataError(where, expected="a name and a colour in each line", got=quote(text))
        if letters:
            named.setdefault(" ".join(letters), []).append(values[0])
        else:
            bare.append(values[0])
    if bool(named) == bool(bare):
        got = listing([*named], 3) + " and lines of numbers alone" if named else "nothing"
        raise DataError(where, expected="a name and a colour in each line", got=got)
    return named or bare
