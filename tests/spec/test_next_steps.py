"""Calls and commands that messages tell people to type."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from zoo.spec.hints.next_steps import how_to_resume

RUN = Path("runs/a")


@pytest.mark.parametrize(
    ("objects", "epochs", "said"),
    [
        ([], None, "zoo fit --resume runs/a"),
        ([], 4, "zoo fit --resume runs/a --epochs 4"),
        (["loss"], None, "zoo.fit(resume='runs/a', loss=...)"),
        (["loss"], 4, "zoo.fit(resume='runs/a', loss=..., epochs=4)"),
        (["trainer"], None, "zoo.fit(resume='runs/a', trainer=...)"),
        (["trainer"], 4, "zoo.fit(resume='runs/a', trainer=...(epochs=4))"),
        (["model", "augment"], None, "zoo.fit(MODULE(...), resume='runs/a', augment=...)"),
    ],
)
def test_a_run_is_gone_on_with_by_what_no_file_holds(
    objects: list[str], epochs: int | None, said: str
) -> None:
    facts: dict[str, Any] = {"objects": objects}
    assert how_to_resume(RUN, facts, epochs) == said
