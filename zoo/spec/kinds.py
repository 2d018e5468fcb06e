"""The kinds of components in words: which argument takes one, and how it is called with its article."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

ARGUMENT: Mapping[str, str] = MappingProxyType(
    {
        "backbone": "model",
        "model": "model",
        "head": "head",
        "dataset": "data",
        "augmenter": "augment",
        "loss": "loss",
        "trainer": "trainer",
    }
)
"""The section of a recipe that takes a kind: an argument of `zoo.build` or `zoo.fit`, a flag of `zoo fit`."""


def with_article(text: str) -> str:
    """The words with their article.

    Example:
        >>> with_article("augmenter"), with_article("backbone or model")
        ('an augmenter', 'a backbone or model')
    """
    return f"{'an' if text[:1] in 'aeiou' else 'a'} {text}"
