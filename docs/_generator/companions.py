"""What a component is shown with: what it declares, else what others declare that they are taken for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch

from _generator.parts import Part
from zoo.errors import OptionError
from zoo.interfaces.tasks import Task
from zoo.interfaces.tasks.choice import BY_NAME, DEFAULT

CLASSES = 10
"""Of an example whose data do not say how many they have."""


def task_of(part: Part) -> str:
    """The task that a component is shown with."""
    model = declared(part, "model")
    return (model.task if model else part.task) or usual_task(part)


def usual_task(part: Part) -> str:
    """The task of the head that the backbone of most examples is shown with."""
    backbone = companion(part, "backbone", "*")
    found = declared(backbone, "head") if backbone else None
    return str(found.task) if found else DEFAULT


def declared(part: Part, section: str) -> Part | None:
    """The component that `example` names for a section, if it is in the registry."""
    name = part.example.get(section)
    kind = {"data": "dataset"}.get(section, section)
    return next((p for p in part.others if p.kind == kind and name in (p.ref, p.qualified)), None)


def companion(part: Part, kind: str, task: str) -> Part | None:
    """The component of a kind that examples of a task take: one that says so, or one beside it."""
    of_kind = [p for p in part.others if p.kind == kind]
    for wanted in (task, "*"):
        for other in of_kind:
            if wanted in other.example.get("for", ()):
                return other
    own = [p for p in of_kind if p.task == task and p.distribution == part.distribution]
    return own[0] if own and task not in BY_NAME else None


def head(part: Part, task: str) -> str:
    """The head for a task; they are called alike where the registry has none."""
    heads = [p for p in part.others if p.kind == "head" and p.task == task]
    return min(heads, key=lambda p: p.name != task).ref if heads else task


def classes(task: str, data: Part | None) -> int | None:
    """The number of classes, where a model for the task asks for it."""
    known = BY_NAME.get(task)
    if known is None or not _asks(known):
        return None
    return int((data.example if data else {}).get("classes", CLASSES))


def with_form(part: Part, forms: Iterable[str]) -> str:
    """The first task with answers of one of the forms; the usual one where there is none."""
    found = (task.name for form in forms for task in BY_NAME.values() if task.form == form)
    return next(found, usual_task(part))


def generates(task: str) -> bool:
    """Whether models for it make images of nothing."""
    return task in BY_NAME and BY_NAME[task].generates


def targets(task: str) -> Mapping[str, str]:
    """Random targets of a task as lines of a program: their name, and how they are made."""
    drawn = BY_NAME[task].example(5, 40)[1]
    several = drawn.ndim > 1 and {*drawn.flatten().tolist()} <= {0, 1}
    return {"labels": "torch.randint(0, 2, (40, 5))"} if several else {"values": "torch.rand(40)"}


def _asks(task: Task) -> bool:
    try:
        task.outputs(None)
    except OptionError:
        return task.probabilities(torch.zeros(1, CLASSES)) is not None
    return False
