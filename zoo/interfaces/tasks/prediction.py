"""Prediction of a model for one image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from zoo.interfaces.tasks.descriptions import Overlay
from zoo.spec.display import counted
from zoo.spec.errors import ShapeError


@dataclass(frozen=True, slots=True)
class Prediction:
    """Prediction of a model for one image.

    Args:
        label: name of the class, several names joined by a comma, or the value as text.
        score: probability of the label in [0, 1]; None where the task has none.
        scores: probability by class, value by target, or nothing.
        mask: H x W class indices, where each pixel has a class.
        image: C x H x W in [0, 1], where the answer is an image.
        overlay: what is laid over the image beside a mask, such as points.
        details: what else is said, by name: plain data that JSON can hold.
    """

    label: str
    score: float | None
    scores: dict[str, float]
    mask: Tensor | None = None
    image: Tensor | None = None
    overlay: Overlay | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


def names_for(labels: Sequence[str], count: int) -> list[str]:
    """The labels, or their numbers where they are not known.

    Raises:
        ShapeError: there are labels, but not as many as outputs.
    """
    if labels and len(labels) != count:
        raise ShapeError("labels", expected=counted(count, "name"), got=str(len(labels)))
    return list(labels) or [str(i) for i in range(count)]
