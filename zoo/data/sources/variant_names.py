"""File names that tell variants of an image: `cat~aug1.png` was made of `cat.jpg`, beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

_MARK = "~aug"
_VARIANT = re.compile(rf"(?P<original>.+){_MARK}\d+")


def variant_stem(stem: str, number: int) -> str:
    """The name of a variant, without its suffix.

    Args:
        stem: of the image that it is made of.
        number: of the variant, from 1.

    Example:
        >>> variant_stem("cat", 2)
        'cat~aug2'
    """
    return f"{stem}{_MARK}{number}"


def groups_of(files: Sequence[Path]) -> list[str | None]:
    """The image that each file is a variant of, or that has variants; None for all others.

    Example:
        >>> groups_of([Path("a/cat.jpg"), Path("a/cat~aug1.png"), Path("a/dog.jpg")])
        ['a/cat', 'a/cat', None]
    """
    originals = [_original(file) for file in files]
    known = {name for name in originals if name is not None}
    if not known:
        return originals
    own = (file.with_suffix("").as_posix() for file in files)
    return [
        name if name is not None else stem if stem in known else None
        for name, stem in zip(originals, own, strict=True)
    ]


def _original(file: Path) -> str | None:
    # Most of a hundred thousand names are none, and their stems need not be cut
    found = _VARIANT.fullmatch(file.stem) if _MARK in file.name else None
    return None if found is None else file.with_name(found["original"]).as_posix()
