"""File names that tell variants of an image: `cat~aug1.png` was made of `cat.jpg`, beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

_VARIANT = re.compile(r"(?P<original>.+)~aug\d+")


def variant_stem(stem: str, number: int) -> str:
    """The name of a variant, without its suffix.

    Args:
        stem: of the image that it is made of.
        number: of the variant, from 1.

    Example:
        >>> variant_stem("cat", 2)
        'cat~aug2'
    """
    return f"{stem}~aug{number}"


def groups_of(files: Sequence[Path]) -> list[str | None]:
    """The image that each file is a variant of, or that has variants; None for all others.

    Example:
        >>> groups_of([Path("a/cat.jpg"), Path("a/cat~aug1.png"), Path("a/dog.jpg")])
        ['a/cat', 'a/cat', None]
    """
    originals = [_original(file) for file in files]
    known = {name for name in originals if name is not None}
    own = (file.with_suffix("").as_posix() for file in files)
    return [
        name if name is not None else stem if stem in known else None
        for name, stem in zip(originals, own, strict=True)
    ]


def _original(file: Path) -> str | None:
    found = _VARIANT.fullmatch(file.stem)
    return None if found is None else file.with_name(found["original"]).as_posix()
