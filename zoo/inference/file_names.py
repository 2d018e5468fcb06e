"""Names of the files that answers are written to."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import count

from zoo.spec.disk.systems import portable, same_file
from zoo.spec.errors import quote, warn


class DistinctStems:
    """Names as they are where they differ; the later ones of equal names get their number behind it.

    No two are one file, on disks that do not tell upper from lower case either, and no made-up name is one
    that is known to come. Names that not every system can have are replaced, see
    `zoo.spec.disk.systems.portable`, which the first of them is told of.

    Args:
        known: names of files without their suffix that will be asked for; of a stream none is.

    Example:
        >>> names = DistinctStems(["a", "a", "a-1", "A"])
        >>> [names.of(stem) for stem in ("a", "a", "a-1", "A")]
        ['a', 'a-1-2', 'a-1', 'A-3']
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._known = {same_file(portable(stem)) for stem in known}
        self._taken: set[str] = set()
        self._count = 0
        self._told = False

    def of(self, stem: str) -> str:
        """The name for the next file."""
        usual, index = portable(stem), self._count
        name = usual
        if same_file(usual) in self._taken:
            there = self._known | self._taken
            name = next(made for made in _made_up(usual, index) if same_file(made) not in there)
        # Letters that are composed are the same letters
        if not self._told and usual != unicodedata.normalize("NFC", stem):
            self._told = True
            warn(f"the answer of {quote(stem)} is written as {quote(name)}: not every system has such names")
        self._taken.add(same_file(name))
        self._count += 1
        return name


def distinct_stems(stems: Sequence[str]) -> list[str]:
    """The names of all of these, as `DistinctStems` gives them, without a word about those replaced."""
    names = DistinctStems(stems)
    names._told = True
    return [names.of(stem) for stem in stems]


def _made_up(stem: str, index: int) -> Iterator[str]:
    yield f"{stem}-{index}"
    yield from (f"{stem}-{index}-{again}" for again in count(2))
