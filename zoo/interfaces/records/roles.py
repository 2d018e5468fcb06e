"""Roles of a table's columns: which one holds the images, the targets, the groups, the splits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from zoo.images.decode import SUFFIXES
from zoo.interfaces.records.places import folds_in
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

TARGETS = ("target", "label", "labels", "class", "cls", "category", "class_name", "tags", "y", "target_name")
"""Names under which they keep targets."""

MASKS = ("mask", "masks", "mask_path", "mask_file", "seg", "annotation", "label", "target")
"""Names under which they keep masks; what is called so holds images, unless it is called `mask`."""

SPLITS = ("split", "subset", "partition", "set", "fold")
"""Names under which they keep splits."""

_SURE = ("split", "fold")
"""Names of columns that mean nothing else, so that a cell which says no split is a mistake."""

_FOLDS = ("fold", "folds", "kfold")
"""Names under which they keep the numbers of folds."""

_INDEX = re.compile(r"|unnamed: \d+|index|level_\d+|__index_level_\d+__")

_MOST, _NAMED = 8, 3

Several = Callable[[Cells], Sequence[str]]
"""Names of those columns that are targets together, of all that have no role."""


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


def settled(
    roles: Roles, columns: Cells, where: str, *, needs: str | None, several: Several | None = None
) -> Roles:
    """The roles with a column for the images and, where they are asked for, for targets or masks.

    Args:
        roles: as they were said.
        columns: of the table.
        where: whose, for messages.
        needs: what a task needs, see `zoo.interfaces.Task`; None for no task: then masks are found where
            nothing else is a target.
        several: tells which columns a task takes together where none is named as its target.

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
        target = _targets({name: columns[name] for name in free}, several, where)
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
        parts = [part.strip() for part in name.split(",")]
        several = f"say {data_option('target', parts)}" if len(parts) > 1 and {*parts} <= {*columns} else None
        hint = several or (did_you_mean(name, close) if close else None)
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


def _targets(free: Cells, several: Several | None, where: str) -> tuple[str, ...]:
    free = {name: column for name, column in free.items() if not _is_index(name, column)}
    for known in TARGETS:
        for name in free:
            if name.lower() == known:
                return (name,)
    if len(free) == 1:
        return (*free,)
    together = [] if several is None else [*several(free)]
    if len(together) > 1 and together == [*free]:
        return (*together,)
    got = f"columns {listing(map(quote, free), _MOST)}" if free else "no column but that of the images"
    first = together if len(together) > 1 else next(iter(free), None)
    of = " for the columns of 0 and 1" if first is together else ", or several in a list"
    beside = "give it beside the images: a column, or of arrays (images, targets)"
    hint = f"say {data_option('target', first)}{of}" if first else beside
    raise DataError(f"{where}: target", expected="the column of what is to be learnt", got=got, hint=hint)


def words_of_unused(roles: Roles, columns: Cells, *, said: bool = False) -> str:
    """The roles of a table, and the columns that have none, in words; empty where each has one.

    Args:
        roles: settled.
        columns: of the table.
        said: whether somebody named the targets: others are then left out on purpose, but for folds.
    """
    folds = unused_folds(roles, columns)
    free = [name for name in columns if name not in roles.named and not _is_index(name, columns[name])]
    free = free if not said else [folds] if folds else []
    if not free:
        return ""
    learnt = f"targets {listing(map(quote, roles.target), _NAMED)}" if roles.target else "without targets"
    learnt = f"masks {quote(roles.mask)}" if roles.mask else learnt
    words = f"images are {quote(roles.image)}, {learnt}; not used: {listing(map(quote, free), _NAMED)}"
    return f"{words}; {data_option('split', folds)} takes its folds" if folds else words


def unused_folds(roles: Roles, columns: Cells) -> str | None:
    """The column of the numbers of folds that has no role; None where there is none.

    Args:
        roles: settled.
        columns: of the table.

    Example:
        >>> unused_folds(Roles(image="file"), {"file": ["a.png", "b.png"], "fold": [0, 1]})
        'fold'
    """
    free = (name for name in columns if name not in roles.named and name.strip().lower() in _FOLDS)
    return next((name for name in free if folds_in(columns[name])), None)


def _is_index(name: str, column: Sequence[Any]) -> bool:
    """Whether a column only numbers the rows, as files written by pandas have one."""
    if not _INDEX.fullmatch(name.strip().lower()):
        return False
    return all(isinstance(cell, int) and not isinstance(cell, bool) for cell in map(plain, column))
