"""Words of a task for the model card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class CardWords:
    """Words of a task for the model card.

    Args:
        pipeline: the Hub's word for the task (`pipeline_tag`); None where it has none.
        noun: what the model is, after the task's name.
        usage: a line of code that uses `model`, after `import zoo`.
        figures: what the metrics mean, by name; a line each below the table.
    """

    pipeline: str | None = None
    noun: str = "model"
    usage: str = 'print(zoo.predict(model, "image.jpg"))'
    figures: Mapping[str, str] = field(default_factory=dict)
