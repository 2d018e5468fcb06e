"""Roles of a table's columns: which one holds the images, the targets, the groups, the splits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from zoo.images.decode import SUFFIXES
from zoo.interfaces.tasks.columns import Cells, is_missing, plain
from zoo.spec.errors import DataError, did_you_mean, listing, quote
from zoo.spec.names import closest
from zoo.spec.split_names import split_named

IMAGES = (
    "image", "file", "file_name", "filename", "image_path", "image_file", "img", "img_path", "path",
    "filepath", "file_path", "image_name", "image_id", "id",
)  # fmt: skip
"""Names under which people keep images in tables, the surest first."""

TARGETS = ("target", "label", "labels", "class", "category", "class_name", "tags", "y", "target_name")
"""Names under which they keep targets."""

SPLITS = ("split", "subset", "partition", "set", "fold")
"""Names under which they keep splits."""

_MOST = 8
_FOLD = re.compile(r"(?:fold)?[ _-]?(\d{1,4})(?:\.0)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """Columns by what they hold.

    Args:
        image: of paths, bytes, Pillow images or arrays; found by its name or its cells where None.
        target: of targets, one or several; found by its name, or the only one left, where empty.
        group: of what belongs together, such as patients.
        split: of `train`, `val` and `test`, or of the numbers of folds.
        order: of what comes first, such as a date: the last ones are the test.
        separator: between several labels in a cell.
    """

    image: str | None = None
    target: tuple[str, ...] = ()
    group: str | None = None
    split: str | None = None
    order: str | None = None
    separator: str | None = None

    @property
    def named(self) -> tuple[str, ...]:
        """All columns that have a role."""
        single = (self.image, self.group, self.split, self.order)
        return (*filter(None, single), *self.target)


def settled(roles: Roles, columns: Cells, where: str, *, targets: bool) -> Roles:
    """The roles with a column for the images and, where they are asked for, for the targets.

    Args:
        roles: as they were said.
        columns: of the table.
        where: whose, for messages.
        targets: whether there must be some.

    Raises:
        DataError: a column is not there, or nobody can tell which one is meant.
    """
    for role in ("image", "target", "group", "split", "order"):
        value = getattr(roles, role)
        for name in value if isinstance(value, tuple) else filter(None, [value]):
            _check_there(name, columns, f"{where}: {role}")
    taken = {*roles.named}
    image = roles.image or _images(columns, taken, where)
    free = [name for name in columns if name not in {*taken, image}]
    split = roles.split or _split(free, columns)
    free = [name for name in free if name != split]
    target = roles.target
    if not target and targets:
        target = (_target(free, where),)
    return replace(roles, image=image, target=target, split=split)


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
    if len(holding) == 1:
        return holding[0]
    got = listing(map(quote, holding), _MOST) if holding else f"columns {listing(map(quote, columns), _MOST)}"
    raise DataError(f"{where}: image", expected="the column of images", got=got, hint='say image="..."')


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


def is_index(name: str) -> bool:
    """Whether a column only numbers the rows, as files written by pandas have one."""
    return not name.strip() or name.startswith("Unnamed: ") or name.lower() in ("index", "level_0")


def _split(free: Sequence[str], columns: Cells) -> str | None:

    for known in SPLITS:
        for name in free:
            if name.lower() == known and all(
                isinstance(cell, str) and split_named(cell) for cell in {*map(_text, columns[name])}
            ):
                return name
    return None


def _text(cell: Any) -> Any:
    return cell if isinstance(cell, str) else None


def _target(free: Sequence[str], where: str) -> str:
    for known in TARGETS:
        for name in free:
            if name.lower() == known:
                return name
    if len(free) == 1:
        return free[0]
    got = f"columns {listing(map(quote, free), _MOST)}" if free else "no column but that of the images"
    hint = f"say target={quote(free[0])}, or several in a list" if free else None
    raise DataError(f"{where}: target", expected="the column of what is to be learnt", got=got, hint=hint)
