"""Facts of a run as its `run.json` has them: read and checked, and what it was computed with."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from zoo.compose.formats import FORMAT, SECTIONS, former
from zoo.interfaces.model import Model
from zoo.registry.plugins.install_command import way_to_upgrade
from zoo.registry.plugins.installed import CORE
from zoo.spec.disk.reading import read_json
from zoo.spec.disk.records import RUN, RUN_NEEDED
from zoo.spec.disk.schema import misfit
from zoo.spec.display import counted
from zoo.spec.errors import FormatError, TrainingError, reason, warn
from zoo.spec.files import RUN_FILE


def read_facts(folder: Path) -> dict[str, Any]:
    """The facts of the run in a folder, those of earlier versions as this one writes them.

    Raises:
        TrainingError: there is no run in it.
        FormatError: its file is damaged, or of a newer format.
    """
    path = folder / RUN_FILE
    try:
        facts = read_json(path)
    except FileNotFoundError:
        there = folder.is_dir()
        hint = "if it was killed before it began, begin a new run in another folder" if there else None
        got = "none in it" if there else "nothing there"
        expected = f"the folder of a run, with {RUN_FILE}"
        raise TrainingError(f"resume {folder}", expected=expected, got=got, hint=hint) from None
    except (OSError, ValueError) as error:
        hint = "it is damaged or was cut off; begin a new run in another folder"
        raise FormatError(f"run {path}", expected="JSON", got=reason(error), hint=hint) from None
    if not isinstance(facts, dict) or not isinstance(facts.get("format"), int):
        raise FormatError(f"run {path}", expected="a run of zoo.fit", got="something else")
    if facts["format"] > FORMAT:
        hint = way_to_upgrade(CORE)
        raise FormatError(f"run {path}", expected=f"format {FORMAT}", got=str(facts["format"]), hint=hint)
    if found := misfit(facts, RUN, RUN_NEEDED):
        raise FormatError(f"run {path}", expected=found[0], got=found[1])
    if facts["format"] == 1:  # what was asked for alone: the defaults of its day are filled in
        recipe = dict(facts["recipe"])
        recipe |= {name: former(kind, recipe[name]) for name, kind in SECTIONS.items() if name in recipe}
        facts |= {"format": FORMAT, "recipe": recipe, "data": former("dataset", facts["data"])}
    return facts


def versions(model: Model, resampler: str | None) -> dict[str, str]:
    """Versions of all that computes, by distribution.

    Args:
        model: with its plugins.
        resampler: what warps images, if anything does.
    """
    warps = {"resampler": resampler} if resampler else {}
    return {CORE: version(CORE), "torch": torch.__version__, **model.plugins, **warps}


def computed_on(device: torch.device) -> dict[str, Any]:
    """Device and number of threads, on which the last bits of a run depend besides versions."""
    return {"device": device.type, "threads": torch.get_num_threads()}


def warn_of_changes(facts: dict[str, Any], model: Model, resampler: str | None, device: torch.device) -> None:
    """Says what computes otherwise than when a run was begun.

    Args:
        facts: of the run.
        model: with its plugins as they are now.
        resampler: what warps images now.
        device: that computes now.
    """
    now = versions(model, resampler)
    changed = [f"{k} {v} (now {now.get(k)})" for k, v in facts["versions"].items() if now.get(k) != v]
    was, here = facts.get("computed"), computed_on(device)  # 0.1 noted none
    step = ""
    if was and was["device"] != here["device"]:
        changed.append(f"on {was['device']} (now {here['device']})")
    elif was and was["threads"] != here["threads"] and device.type == "cpu":
        changed.append(f"{counted(was['threads'], 'thread')} (now {here['threads']})")
        step = f"; torch.set_num_threads({was['threads']}) or OMP_NUM_THREADS={was['threads']} before it"
        step += " gives the same bits"
    if changed:
        warn(f"the run was begun with {', '.join(changed)}; it may end otherwise than unbroken{step}")
