"""Roles of a table's columns: which one holds the images, the targets, the groups, the splits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

from zoo.images.decode import SUFFIXES
from zoo.interfaces.tasks.columns import Cells, is_missing, plain
from zoo.spec.errors import DataError, OptionError, did_you_mean, listing, quote, warn
from zoo.spec.hints.spoken import data_option
from zoo.spec.names import closest
from zoo.spec.split_names import split_named

IMAGES = (
    "image", "file", "file_name", "filename", "image_path", "image_file", "img", "img_path", "path",
    "filepath", "file_path", "image_name", "image_id", "id",
)  # fmt: skip
"""Names under which people keep images in tables, the surest first."""

TARGETS = ("target", "label", "labels", "class", "category", "class_name", "tags", "y", "target_name", "cls")
"""Names under which they keep targets."""

MASKS = ("mask", "masks", "mask_path", "mask_file", "seg", "annotation", "label", "target")
"""Names under which they keep masks; what is called so holds images, unless it is called `mask`."""

SPLITS = ("split", "subset", "partition", "set", "fold")
"""Names under which they keep splits."""

_SURE = ("split", "fold")
"""Names of columns that mean nothing else, so that a cell which says no split is a mistake."""

_MOST, _NAMED = 8, 3
_UTC = "+00:00"
_FRACTION = re.compile(r":\d\d[.,](\d+)")
_FOLD = re.compile(r"(?:fold)?[ _-]?(\d{1,4})(?:\.0)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """Columns by what they hold.

    Args:
        image: of paths, bytes, Pillow images or arrays; found by its name or its cells where None.
        target: of targets, one or several; found by its name, or the only one left, where empty.
        mask: of masks; found by its name where a task needs masks.
        group: of what belongs together, such as patients.
        split: of `train`, `val` and `test`, or of the numbers of folds.
        order: of what comes first, such as a date: the last ones are the test.
        fields: of further images and targets that a model or trainer declares.
        separator: between several labels in a cell.
    """

    image: str | None = None
    target: tuple[str, ...] = ()
    mask: str | None = None
    group: str | None = None
    split: str | None = None
    order: str | None = None
    fields: tuple[str, ...] = ()
    separator: str | None = None

    @property
    def named(self) -> tuple[str, ...]:
        """All columns that have a role."""
        single = (self.image, self.mask, self.group, self.split, self.order)
        return (*filter(None, single), *self.target, *self.fields)


def settled(roles: Roles, columns: Cells, where: str, *, needs: str | None) -> Roles:
    """The roles with a column for the images and, where they are asked for, for targets or masks.

    Args:
        roles: as they were said.
        columns: of the table.
        where: whose, for messages.
        needs: what a task needs, see `zoo.interfaces.Task`; None for no task: then masks are found where
            nothing else is a target.

    Raises:
        DataError: a column is not there, or nobody can tell which one is meant.
        OptionError: targets are named where masks are learnt, or masks where these are not.
    """
    for role in ("image", "target", "mask", "group", "split", "order", "fields"):
        value = getattr(roles, role)
        for name in value if isinstance(value, tuple) else filter(None, [value]):
            _check_there(name, columns, f"{where}: {role}")
    _check_fits(roles, needs, where)
    taken = {*roles.named}
    image = roles.image or _images(columns, taken, where)
    free = [name for name in columns if name not in {*taken, image}]
    split = roles.split or _split(free, columns, where)
    free = [name for name in free if name != split]
    mask, target = roles.mask, roles.target
    if mask is None and (needs == "mask" or (needs is None and not target)):
        mask = _masks({name: columns[name] for name in free}, alone=needs is None)
    if not target and not mask and needs in (None, "target"):
        target = (_target(free, where),)
    return replace(roles, image=image, target=target, mask=mask, split=split)


def _check_fits(roles: Roles, needs: str | None, where: str) -> None:
    if roles.mask is not None and needs not in (None, "mask"):
        expected, hint = "a model that gives a class to each pixel", "leave out mask"
        got = f"mask={quote(roles.mask)} for one that does not"
        raise OptionError(where, expected=expected, got=got, hint=hint)
    if roles.target and (roles.mask is not None or needs == "mask"):
        got, hint = f"target={quote(roles.target[0])}", "mask=... names the column of masks; leave out target"
        raise OptionError(where, expected="masks alone, a class for each pixel", got=got, hint=hint)


def _check_there(name: str, columns: Cells, where: str) -> None:
    if name not in columns:
        close = closest(name, [*columns])
        expected = f"a column among {listing(map(quote, columns), _MOST)}"
        hint = did_you_mean(name, close) if close else None
        raise DataError(where, expected=expected, got=quote(name), hint=hint)


def _images(columns: Cells, taken: Iterable[str], where: str) -> str:
    free = {name: column for name, column in columns.items() if name not in taken}
    for found in ([n for n in free if n.lower() == known] for known in IMAGES):
        # An id is an image's where its cells are files alone
        if found and (found[0].lower() not in ("id", "path") or _holds_images(free[found[0]])):
            return found[0]
    holding = [name for name, column in free.items() if _holds_images(column)]
    # A second one may be of masks
    holding = [name for name in holding if len(holding) == 1 or name.lower() not in MASKS]
    if len(holding) == 1:
        return holding[0]
    got = listing(map(quote, holding), _MOST) if holding else f"columns {listing(map(quote, columns), _MOST)}"
    raise DataError(f"{where}: image", expected="the column of images", got=got, hint='say image="..."')


def _masks(free: Cells, *, alone: bool) -> str | None:
    """The column of masks, by its name or as the only one that holds images; None where there is none.

    Args:
        free: columns without a role.
        alone: whether nobody asked for masks: only a column called so is one then, that holds images, beside
            none that is called as targets are.
    """
    if alone:
        free = free if not any(name.lower() in TARGETS for name in free) else {}
        return next((name for name in free if name.lower() in MASKS and _holds_images(free[name])), None)
    if found := next((name for name in free if name.lower() == MASKS[0]), None):
        return found
    holding = [name for name, column in free.items() if _holds_images(column)]
    known = [name for word in MASKS for name in holding if name.lower() == word]
    return known[0] if known else holding[0] if len(holding) == 1 else None


def _holds_images(column: Sequence[Any]) -> bool:
    first = next((cell for cell in column if not is_missing(cell)), None)
    if isinstance(first, str | PurePath):
        return PurePath(str(first)).suffix.lower() in SUFFIXES
    return isinstance(first, bytes | Mapping) or hasattr(first, "convert") or getattr(first, "ndim", 0) > 1


def folds_in(cells: Sequence[Any]) -> list[int] | None:
    """The numbers of folds in a column's cells, such as 3 or `fold 3`; None where they are none.

    Example:
        >>> folds_in(["0", 1, "fold-2"]), folds_in(["train", "test"]), folds_in([1, 1])
        ([0, 1, 2], None, None)
    """
    found = [_FOLD.fullmatch(str(plain(cell)).strip().lower()) for cell in cells]
    numbers = [int(match[1]) for match in found if match]
    return numbers if len(numbers) == len(found) and len({*numbers}) > 1 else None


def splits_in(cells: Sequence[Any], where: str) -> list[str]:
    """The splits that a column's cells mean.

    Args:
        cells: such as `train` and `Testing`.
        where: whose, for messages.

    Raises:
        DataError: a cell means none.
    """
    found = [split_named(str(cell)) for cell in cells]
    odd = [i for i, split in enumerate(found) if split is None]
    if odd:
        got = f"{quote(plain(cells[odd[0]]))} in row {odd[0] + 1}"
        hint = "numbers of folds, 0 to 4 say, are read too, where each row has one"
        raise DataError(where, expected="train, val or test in each row", got=got, hint=hint)
    return [split for split in found if split]


def order_in(cells: Sequence[Any], where: str) -> list[Any]:
    """The places in time that a column's cells say: numbers, or moments as text that sorts.

    Args:
        cells: numbers, dates, or texts of dates; those with an offset from UTC are compared as moments.
        where: whose, for messages.

    Raises:
        DataError: a cell is empty or neither, or some dates have an offset and others none.

    Example:
        >>> order_in(["2025-01-01T00:30+01:00", "2024-12-31T23:00Z"], "day")
        ['2024-12-31T23:30:00.000000000+00:00', '2024-12-31T23:00:00.000000000+00:00']
    """
    cells = [plain(cell) for cell in cells]
    if (empty := next((i for i, cell in enumerate(cells) if is_missing(cell)), None)) is not None:
        expected, hint = "a number or date in each row", "fill it, or leave the row out"
        raise DataError(where, expected=expected, got=f"none in row {empty + 1}", hint=hint)
    numbers = [isinstance(cell, int | float) for cell in cells]
    if all(numbers):
        return cells
    if any(numbers):
        odd = numbers.index(not numbers[0])
        got = f"{quote(cells[0])} in row 1 and {quote(cells[odd])} in row {odd + 1}"
        raise DataError(where, expected="numbers, or dates such as 2025-12-31", got=got)
    found = [_moment(cell, i, where) for i, cell in enumerate(cells)]
    aware = [place.endswith(_UTC) for place in found]
    if len({*aware}) > 1:
        odd = aware.index(not aware[0])
        got = f"{quote(str(cells[0]))} in row 1 and {quote(str(cells[odd]))} in row {odd + 1}"
        hint = "say it for all, or for none"
        raise DataError(where, expected="dates with an offset from UTC, or without", got=got, hint=hint)
    return found


def _moment(cell: Any, row: int, where: str) -> str:
    """A date as text that sorts, to the nanosecond; one with an offset in UTC."""
    text = str(cell).strip()
    try:
        date = datetime.fromisoformat(text)
        date = date if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, OverflowError):
        expected = "numbers, or dates such as 2025-12-31"
        raise DataError(where, expected=expected, got=f"{quote(cell)} in row {row + 1}") from None
    # Python ends at microseconds, and pandas does not
    digits = found[1] if (found := _FRACTION.search(text)) else f"{date.microsecond:06d}"
    offset = "" if date.tzinfo is None else _UTC
    return f"{date.replace(microsecond=0, tzinfo=None).isoformat()}.{digits[:9]:0<9}{offset}"


def _split(free: Sequence[str], columns: Cells, where: str) -> str | None:
    for known in SPLITS:
        for name in free:
            means = [bool(split_named(cell)) for cell in map(_text, columns[name])]
            if name.lower() != known or not any(means):
                continue
            if all(means):
                return name
            row = means.index(False)
            got = f"{quote(plain(columns[name][row]))} in row {row + 1}"
            if known in _SURE:
                expected = "train, val or test in each row"
                hint = "fill it, leave the row out, or call the column otherwise"
                raise DataError(f"{where}: column {quote(name)}", expected=expected, got=got, hint=hint)
            warn(f"{where}: column {quote(name)} says no splits, for {got} is none; they are drawn")
    return None


def _text(cell: Any) -> str:
    return cell if isinstance(cell, str) else ""


def _target(free: Sequence[str], where: str) -> str:
    for known in TARGETS:
        for name in free:
            if name.lower() == known:
                return name
    if len(free) == 1:
        return free[0]
    got = f"columns {listing(map(quote, free), _MOST)}" if free else "no column but that of the images"
    hint = f"say {data_option('target', free[0])}, or several in a list" if free else None
    raise DataError(f"{where}: target", expected="the column of what is to be learnt", got=got, hint=hint)


def words_of_unused(roles: Roles, columns: Cells) -> str:
    """The roles of a table, and the columns that have none, in words; empty where each has one.

    Args:
        roles: settled.
        columns: of the table.
    """
    free = [name for name in columns if name not in roles.named and not _is_index(name)]
    if not free:
        return ""
    learnt = f"targets {listing(map(quote, roles.target), _NAMED)}" if roles.target else "without targets"
    learnt = f"masks {quote(roles.mask)}" if roles.mask else learnt
    return f"images are {quote(roles.image)}, {learnt}; not used: {listing(map(quote, free), _NAMED)}"


def _is_index(name: str) -> bool:
    """Whether a column only numbers the rows, as files written by pandas have one."""
    return not name.strip() or name.startswith("Unnamed: ") or name.lower() in ("index", "level_0")
