"""Words that mean splits, as folders and cells of tables have them."""

from __future__ import annotations

import re

WORDS = {
    "train": "train", "training": "train",
    "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": "test", "testing": "test",
}  # fmt: skip
"""Words, and the split that each means."""

BETWEEN = re.compile(r"[ _.\-]+")
"""Signs between the words of a name."""

_MORE = re.compile(r"(set|data|dataset|images?|imgs?|split)")


def split_named(name: str) -> str | None:
    """The split that a name means; None where it means none.

    Example:
        >>> [split_named(name) for name in ("Training", "test_set", "valset", "dev", "trains", "test tube")]
        ['train', 'test', 'val', 'val', None, None]
        >>> [split_named(name) for name in ("test images", "test images old")]
        ['test', None]
    """
    first, *rest = BETWEEN.split(name.lower())
    if len(rest) > 1 or (rest and not _MORE.fullmatch(rest[0])):
        return None
    if not rest and (more := _MORE.search(first)) and more.end() == len(first):
        first = first[: more.start()]
    return WORDS.get(first)


def split_within(name: str) -> str | None:
    """The split that one of the words of a name means, as those of shards have it; None where none does.

    Example:
        >>> [split_within(name) for name in ("train-00000-of-00002", "cats_validation", "latest")]
        ['train', 'val', None]
    """
    words = re.split(r"[^a-z0-9]+", name.lower())
    return next((WORDS[word] for word in words if word in WORDS), None)
