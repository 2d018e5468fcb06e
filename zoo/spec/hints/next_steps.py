"""Calls and commands that messages about a run tell people to type."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

Facts = Mapping[str, Any]


def how_to_resume(folder: Path, facts: Facts, epochs: int | None = None, *, module: str | None = None) -> str:
    """Command that goes on with a run, or call where it was begun with objects, which no command has.

    Args:
        folder: of the run.
        facts: of its record.
        epochs: to go on to; None for those of the run.
        module: expression of the run's torch module; None for what its record tells.

    Example:
        >>> how_to_resume(Path("runs/a"), {"objects": []}, 4)
        'zoo fit --resume runs/a --epochs 4'
        >>> how_to_resume(Path("runs/a"), {"objects": ["model", "loss"], "module": {"class": "Net"}})
        "zoo.fit(Net(...), resume='runs/a', loss=...)"
    """
    objects = facts.get("objects", ())
    if not objects:
        return f"zoo fit --resume {folder}" + (f" --epochs {epochs}" if epochs is not None else "")
    given = [module or module_of(facts)] if "model" in objects else []
    given.append(f"resume={str(folder)!r}")
    given += [f"{name}=..." for name in objects if name not in ("model", "trainer")]
    if "trainer" in objects:  # brings its epochs
        given.append("trainer=..." if epochs is None else f"trainer=...(epochs={epochs})")
    elif epochs is not None:
        given.append(f"epochs={epochs}")
    return f"zoo.fit({', '.join(given)})"


def how_to_begin_anew(folder: Path, facts: Facts) -> str:
    """Command or call that begins a new run from the weights of one.

    Example:
        >>> how_to_begin_anew(Path("runs/a"), {"objects": ["model"], "module": {"class": "Net"}})
        "zoo.fit(zoo.load('runs/a', module=Net(...)), data, loss=...)"
    """
    if "model" in facts.get("objects", ()):
        return f"zoo.fit({how_to_load(folder, facts)}, data, loss=...)"
    return f"zoo fit {folder} --data ..."


def how_to_load(folder: Path, facts: Facts) -> str:
    """Call that makes the model of a torch module's run."""
    return f"zoo.load({str(folder)!r}, module={module_of(facts)})"


def module_of(facts: Facts) -> str:
    """Expression that makes a run's torch module, as far as its record tells."""
    return f"{facts.get('module', {}).get('class', 'MODULE')}(...)"
