"""Names of the files that answers are written to."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import count


def distinct_stems(stems: Sequence[str]) -> list[str]:
    """The names as they are where they differ; the later ones of equal names get their number behind it.

    No two are one file, on disks that do not tell upper from lower case either, and no made-up name is one
    that is given.

    Args:
        stems: names of files without their suffix.

    Example:
        >>> distinct_stems(["a", "a", "a-1", "A"])
        ['a', 'a-1-2', 'a-1', 'A-3']
    """
    given = {_on_disk(stem) for stem in stems}
    taken: set[str] = set()
    found = []
    for index, stem in enumerate(stems):
        name = stem
        if _on_disk(stem) in taken:
            name = next(made for made in _made_up(stem, index) if _on_disk(made) not in given | taken)
        taken.add(_on_disk(name))
        found.append(name)
    return found


def _made_up(stem: str, index: int) -> Iterator[str]:
    yield f"{stem}-{index}"
    yield from (f"{stem}-{index}-{again}" for again in count(2))


def _on_disk(name: str) -> str:
    """What two names have in common that may be one file."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
