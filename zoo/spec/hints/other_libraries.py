"""Arguments of other libraries that zoo has in another place, or that need no saying."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from zoo.spec.hints.spoken import spoken
from zoo.spec.hints.toml_text import toml

_OF_LOSSES = MappingProxyType(
    {
        "class_weight": "class_weights",
        "class_weights": "class_weights",
        "pos_weight": "positive_weight",
        "positive_weight": "positive_weight",
        "label_smoothing": "label_smoothing",
    }
)

_OF_DATA = "the data say what val is: folders train and val, or a column ({}); else it is drawn"

_TOLD = MappingProxyType(
    {
        "tta": ("zoo.evaluate and zoo.predict have it: tta='flip'", "zoo evaluate has it: --tta flip"),
        **dict.fromkeys(
            ("validation_split", "validation_data", "val_split"),
            (_OF_DATA.format("split='...'"), _OF_DATA.format("--set data.split=...")),
        ),
        "verbose": ("progress=False trains in silence", "--quiet trains in silence"),
        "shuffle": ("images come in a new order each epoch",) * 2,
    }
)
"""Answers in Python and on a command line."""


def answer(name: str, value: Any) -> str | None:
    """The place in zoo of an argument of another library's training; None where that is not known.

    Args:
        name: of the argument.
        value: as given.

    Example:
        >>> print(answer("class_weight", "balanced"))
        an option of losses that weigh classes: loss={"name": ..., "class_weights": "balanced"}
    """
    shell = spoken().way == "shell"
    if (own := _OF_LOSSES.get(name)) is None:
        return _TOLD[name][shell] if name in _TOLD else None
    text = toml(value)
    typed = value if isinstance(value, str) else text
    way = f"--loss NAME --set loss.{own}={typed}" if shell else f'loss={{"name": ..., "{own}": {text}}}'
    what = "smooth labels" if own == "label_smoothing" else "weigh classes"
    return f"an option of losses that {what}: {way}"
