"""Early stopping: how long a run waits for a better epoch, and whether it has waited long enough."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PositiveInt, WithJsonSchema

from zoo.spec.disk.history import Row, last_better
from zoo.spec.options import Options


class EarlyStopping(Options):
    """Early stopping: the condition on which a run ends before its last epoch."""

    patience: PositiveInt = Field(description="epochs without a better value to wait")
    min_delta: float = Field(
        0.0, ge=0, allow_inf_nan=False, description="what a value has to be better by to count as better"
    )


def _patience(value: Any) -> Any:
    # Not bool, which is an int; a float goes on to be judged with the words for `patience`
    return {"patience": value} if type(value) in (int, float) else value


AnyEarlyStopping = Annotated[
    EarlyStopping,
    BeforeValidator(_patience),
    # The catalogue has the short form too, of which pydantic's schema knows nothing
    WithJsonSchema({"anyOf": [{"exclusiveMinimum": 0, "type": "integer"}, {"type": "object"}]}),
]
"""Early stopping by its patience, or a table of patience and options."""


def stalled(
    stopping: int | EarlyStopping | None, history: list[Row], monitor: str, higher: bool, waits_from: int = 0
) -> bool:
    """Whether the watched value has not got better for as long as a trainer waits.

    Args:
        stopping: of the trainer, whose classes may hold the short form; None never stops.
        history: one row an epoch.
        monitor: the value that is watched.
        higher: whether more of it is better.
        waits_from: epoch before which nothing counts, since the run was lengthened there.
    """
    if stopping is None or not history:
        return False
    how = EarlyStopping(patience=stopping) if isinstance(stopping, int) else stopping
    better = last_better(history, monitor, higher, how.min_delta)
    return bool(history[-1]["epoch"] - max(better, waits_from) >= how.patience)
