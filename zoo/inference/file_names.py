"""Names of the files that answers are written to."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import count


class DistinctStems:
    """Names as they are where they differ; the later ones of equal names get their number behind it.

    No two are one file, on disks that do not tell upper from lower case either, and no made-up name is one
    that is known to come.

    Args:
        known: names of files without their suffix that will be asked for; of a stream none is.

    Example:
        >>> names = DistinctStems(["a", "a", "a-1", "A"])
        >>> [names.of(stem) for stem in ("a", "a", "a-1", "A")]
        ['a', 'a-1-2', 'a-1', 'A-3']
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._known = {_on_disk(stem) for stem in known}
        self._taken: set[str] = set()
        self._count = 0

    def of(self, stem: str) -> str:
        """The name for the next file."""
        name, index = stem, self._count
        if _on_disk(stem) in self._taken:
            there = self._known | self._taken
            name = next(made for made in _made_up(stem, index) if _on_disk(made) not in there)
        self._taken.add(_on_disk(name))
        self._count += 1
        return name


def distinct_stems(stems: Sequence[str]) -> list[str]:
    """The names of all of these, as `DistinctStems` gives them."""
    names = DistinctStems(stems)
    return [names.of(stem) for stem in stems]


def _made_up(stem: str, index: int) -> Iterator[str]:
    yield f"{stem}-{index}"
    yield from (f"{stem}-{index}-{again}" for again in count(2))


def _on_disk(name: str) -> str:
    """What two names have in common that may be one file."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
