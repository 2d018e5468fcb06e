"""Record of folds: what they were begun with, and the figures of those that are done."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.hub.folder import save
from zoo.interfaces.blocks.freezing_state import freezing_state
from zoo.interfaces.model import Model
from zoo.registry.plugins.install_command import way_to_upgrade
from zoo.registry.plugins.installed import CORE
from zoo.runtime.data_arguments import data_value, kept_value
from zoo.spec.data_options import in_memory
from zoo.spec.disk.atomic_write import write_errors
from zoo.spec.disk.history import write_json
from zoo.spec.disk.reading import read_json
from zoo.spec.disk.records import MEASURED_FOLDS
from zoo.spec.disk.schema import misfit
from zoo.spec.errors import FormatError, TrainingError, quote, reason
from zoo.spec.files import FOLDS_FILE
from zoo.spec.reference import PathLike, local_path

START = "start"
"""Folder of the model that each run begins with a copy of."""
_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Model, parts and settings, as `zoo.fit` takes them.

    Args:
        model: or a recipe.
        parts: data, augment, loss and trainer.
        seed: of folds and runs.
        precision: of the runs.
        skip_unreadable: leave out images that cannot be decoded.
        options: of trainer and data.
    """

    model: Any
    parts: Mapping[str, Any]
    seed: int | None
    precision: Any
    skip_unreadable: bool
    options: Mapping[str, Any]


def holds_folds(folder: PathLike) -> bool:
    """Whether a folder is that of folds, done or not."""
    return (local_path(folder) / FOLDS_FILE).is_file()


def keep(home: Path, model: Model, asked: Asked, count: int) -> dict[str, Any]:
    """Writes the model as it is, and what was asked for, with which the folds go on.

    Args:
        home: folder of the folds.
        model: that each run begins with.
        asked: of each run, without the model.
        count: of folds.

    Returns:
        The record.
    """
    begun = copy.copy(model)
    begun.metrics = {}  # of weights that training replaces
    save(begun, home / START)
    data = asked.parts["data"]
    parts = {name: _plain(value) for name, value in asked.parts.items()}
    parts["data"] = kept_value(data)
    lost = [name for name, value in asked.parts.items() if name != "data" and value is not None]
    objects = [name for name in lost if parts[name] is None] + ["data"] * in_memory(data_value(data))
    options = {name: _plain(value) for name, value in asked.options.items()}
    objects += [n for n, value in asked.options.items() if value is not None and options[n] is None]
    facts = {
        "format": _FORMAT,
        "count": count,
        "seed": asked.seed,
        "precision": asked.precision,
        "skip_unreadable": asked.skip_unreadable,
        "parts": parts,
        "options": {name: value for name, value in options.items() if name not in objects},
        "objects": objects,
        "origin": model.origin,
        "freezing": freezing_state(model),
        "results": [],
    }
    write(home, facts)
    return facts


def _plain(value: Any) -> Any:
    """A value as JSON gives it back; None where it does not."""
    if isinstance(value, tuple):
        value = [*value]
    try:
        return value if json.loads(json.dumps(value)) == value else None
    except (TypeError, ValueError):
        return None


def write(home: Path, facts: Mapping[str, Any]) -> None:
    """Writes the record.

    Raises:
        SaveError: the disk says no.
    """
    with write_errors(home / FOLDS_FILE):
        write_json(home / FOLDS_FILE, facts)


def read(home: Path) -> dict[str, Any]:
    """The record of folds that are not done.

    Raises:
        TrainingError: there are none in the folder, or they are done.
        FormatError: it is damaged, or of a newer format.
    """
    path = home / FOLDS_FILE
    try:
        facts = read_json(path)
    except FileNotFoundError:
        got, hint = "none in it", "leave out folds: a run of its own goes on without them"
        expected = f"the folder of folds, with {FOLDS_FILE}"
        raise TrainingError(f"resume {home}", expected=expected, got=got, hint=hint) from None
    except (OSError, ValueError) as error:
        raise FormatError(f"folds {path}", expected="JSON", got=reason(error)) from None
    expected, got = "folds of zoo.fit", quote(facts)
    if isinstance(facts, dict):
        expected, got = misfit(facts, MEASURED_FOLDS, MEASURED_FOLDS.keys() - {"mean", "spread"}) or ("", "")
    if expected:
        raise FormatError(f"folds {path}", expected=expected, got=got)
    if facts["format"] > _FORMAT:
        hint = way_to_upgrade(CORE)
        raise FormatError(f"folds {path}", expected=f"format {_FORMAT}", got=str(facts["format"]), hint=hint)
    if len(facts["results"]) == facts["count"]:
        anew = "begin anew in another folder, or read folds.json"
        raise TrainingError(f"resume {home}", expected="unfinished folds", got="finished ones", hint=anew)
    return dict(facts)
