"""Classes of masks, read off the values that are in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count as numbers_from
from itertools import islice

import numpy as np
import numpy.typing as npt

from zoo.data.sources.mask_colors import NOTHING
from zoo.data.sources.mask_options import said
from zoo.spec.display import counted
from zoo.spec.errors import DataError, OptionError, listing, near, quote

WHITE = 255

SOFT = (
    f"where these are soft (anti-aliased) edges between 0 and 255, {said(threshold=127)} makes two classes "
    "of them; and resize masks with nearest"
)
"""What to do where masks are blends of two classes."""
_MOST_CLASSES = 200
"""More are no classes: more values than this are a scale."""

_LISTED = 8
"""Values that a hint gives classes one by one."""

_BINARY = ("background", "object")


@dataclass(frozen=True, slots=True)
class MaskClasses:
    """Classes of masks.

    Args:
        labels: their names.
        table: for each value of a mask the number of its class, 255 for what does not count.
        present: the classes that are in some mask.
        left_out: the values in masks that do not count.
    """

    labels: tuple[str, ...]
    table: npt.NDArray[np.uint8]
    present: frozenset[int]
    left_out: frozenset[int]

    @property
    def leaves_out(self) -> bool:
        """Whether there are pixels that do not count."""
        return bool(self.left_out)


def mask_classes(
    found: set[int],
    lines: Sequence[str],
    classes: int | None,
    where: str,
    ignored: Sequence[object],
    *,
    binary: bool = False,
    colors: bool = False,
) -> MaskClasses:
    """The classes that values in masks mean.

    Args:
        found: all values that are in some mask.
        lines: names by value, `-` for what does not count.
        classes: of the model, where they are known.
        where: the data, for messages.
        ignored: values and names that do not count, where they are said; else it is 255.
        binary: whether values are 0 and 1 for background and object.
        colors: whether values are numbers of colours: no value then means anything by itself.

    Raises:
        DataError: values are no numbers of classes, or have no name.
        OptionError: what does not count is no value.
    """
    count = len(lines) or classes
    apart = {_value(item, lines, where) for item in ignored}
    two = count in (None, len(_BINARY)) and not colors and 0 not in apart
    # Where another number of classes is known, 255 can only be what does not count
    white = two and found - apart in ({0, WHITE}, {WHITE})
    unnamed = {i for i, line in enumerate(lines) if line == NOTHING}
    nothing = apart or ({WHITE} if not (white or colors or (count or 0) > WHITE) else set())
    values = [0, WHITE] if white else [*range(WHITE + 1)]
    # Lines are of classes, which black and white are by their order
    nothing |= {values[i] for i in unnamed}
    kept = [value for value in values if value not in nothing]
    table = np.full(WHITE + 1, WHITE, dtype=np.uint8)
    table[kept] = range(len(kept))
    numbers = {0, 1} - unnamed if white else found - nothing
    labels = _names(lines, numbers, found, classes, where, unnamed if white else nothing, binary)
    present = range(len(kept)) if white else {int(table[value]) for value in numbers}
    return MaskClasses(labels, table, frozenset(present), frozenset(found & nothing))


def _value(item: object, lines: Sequence[str], where: str) -> int:
    """The value that does not count, which may be said by the name of its class."""
    if type(item) is int and 0 <= item <= WHITE:
        return item
    if isinstance(item, str) and item in lines:
        return lines.index(item)
    expected = f"values from 0 to {WHITE}, or classes of classes.txt"
    hint = near(item, [*lines]) if isinstance(item, str) and lines else "a colour needs colors beside it"
    raise OptionError(f"{where}: ignore", expected=expected, got=quote(item), hint=hint)


def _names(  # noqa: PLR0917 - all of what is known
    lines: Sequence[str],
    numbers: set[int],
    found: set[int],
    classes: int | None,
    where: str,
    nothing: set[int],
    binary: bool,
) -> tuple[str, ...]:
    """The names of the classes: of the lines, or their numbers.

    Args:
        lines: names by value.
        numbers: of classes that are in some mask.
        found: all values that are in some mask.
        classes: of the model.
        where: the data, for messages.
        nothing: values that do not count.
        binary: whether there are two classes, though perhaps one alone is in the masks.
    """
    highest, also = max(numbers, default=0), _white_too(numbers, nothing)
    if lines:
        if len(lines) <= highest:
            got = f"{counted(len(lines), 'name')}, and class {highest} in a mask"
            hint = also or (SOFT if len(lines) == len(_BINARY) and 0 in numbers else None)
            raise DataError(f"{where}: classes.txt", expected="a name for each class", got=got, hint=hint)
        return tuple(line for i, line in enumerate(lines) if i not in nothing)
    wanted = [value for value in range(highest + 1) if value not in nothing]
    if classes is not None and len(wanted) <= classes:
        return _made_up(classes, nothing)
    if binary:
        return _BINARY
    if also:
        got = listing(map(str, sorted(numbers)), 6)
        raise DataError(f"{where}: masks", expected="class numbers without gaps", got=got, hint=also)
    if classes == len(_BINARY) and {0, WHITE} <= found:
        got = f"{listing(map(str, sorted(found)), 6)}"
        raise DataError(f"{where}: masks", expected="two classes, 0 and 255", got=got, hint=SOFT)
    if len(wanted) < len(_BINARY):
        got = f"nothing but {listing(map(str, sorted(numbers or found)), 3)}"
        raise DataError(f"{where}: masks", expected="at least two classes", got=got)
    # Background may be in no mask
    missing = {*wanted} - numbers - {0}
    if highest > _MOST_CLASSES and len(numbers) > _MOST_CLASSES // 2:
        got = f"{counted(len(numbers), 'value')} from {min(numbers)} to {highest}"
        raise DataError(f"{where}: masks", expected="class numbers", got=got, hint=SOFT)
    if missing:
        got = f"{listing(map(str, sorted(numbers)), 6)}, without {listing(map(str, sorted(missing)), 3)}"
        # Between 0 and 255 may lie the soft edges of two classes, or numbers of classes
        soft = {0, WHITE} <= found
        hint = _without_gaps(sorted(numbers), min(missing), nothing & found) + f"; {SOFT}" * soft
        raise DataError(f"{where}: masks", expected="class numbers without gaps", got=got, hint=hint)
    return _made_up(len(wanted), nothing)


def _without_gaps(numbers: list[int], gap: int, nothing: set[int]) -> str:
    """The next step where values lack some between them: those beyond the first gap may not count."""
    beyond = [value for value in numbers if value > gap]
    table = {str(value): value for value in numbers} if len(numbers) <= _LISTED else {"name": numbers[-1]}
    each = f"give each value its class: {said(colors=table)}"
    hint = f"number the classes from 0, name them all in classes.txt, or {each}"
    if len(beyond) < len(numbers) - len(beyond):
        ignored = sorted({*nothing, *beyond})
        way = said(ignore=ignored[0] if len(ignored) == 1 else ignored)
        does = "does" if len(beyond) == 1 else "do"
        hint = f"{way} if {listing(map(str, beyond), _LISTED)} {does} not count; {hint}"
    return hint


def _white_too(numbers: set[int], nothing: set[int]) -> str | None:
    """The next step where 255 counts, since other values were said not to, and alone leaves a gap."""
    rest = numbers - {WHITE}
    if not nothing or len(rest) == len(numbers) or {*range(max(rest, default=WHITE))} - rest - nothing - {0}:
        return None
    return f"beside other values 255 counts unless it is named too: {said(ignore=[*sorted(nothing), WHITE])}"


def _made_up(count: int, nothing: set[int]) -> tuple[str, ...]:
    """Names of classes that nobody has named: their values."""
    values = [*islice((value for value in numbers_from() if value not in nothing), count)]
    return _BINARY if values == [0, 1] else tuple(map(str, values))
