"""Prediction of a model for one image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from zoo.interfaces.tasks.descriptions import Overlay


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
