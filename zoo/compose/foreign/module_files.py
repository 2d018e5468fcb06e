"""A torch module's weights in a folder: what stands beside them in their file, and the module again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import copy as shallow_copy
from pathlib import Path
from typing import Any

import torch
from torch import nn

from zoo.compose.foreign.torch_module import PlainModel, count_outputs
from zoo.interfaces.blocks.number_types import fitted
from zoo.interfaces.blocks.wrapped import inside
from zoo.interfaces.model import Model
from zoo.interfaces.tasks import Task
from zoo.interfaces.tasks.choice import BY_NAME
from zoo.registry.plugins.install_command import way_to_upgrade
from zoo.registry.plugins.installed import CORE
from zoo.spec.disk.atomic_write import atomic_write, write_errors
from zoo.spec.disk.history import finite
from zoo.spec.disk.reading import parse_json
from zoo.spec.disk.records import LICENCES, MODULE_NOTE, known_run
from zoo.spec.disk.schema import misfit
from zoo.spec.disk.unfinished import is_training
from zoo.spec.display import counted
from zoo.spec.errors import FormatError, SaveError, TrainingError, WeightsError, ZooError, listing, warn
from zoo.spec.files import CARD_FILE, CONFIG_FILE, WEIGHTS_FILE
from zoo.spec.hints.next_steps import how_to_load, how_to_resume
from zoo.spec.inputs import InputSpec
from zoo.spec.recipe import Recipe
from zoo.weights.fitting import assign
from zoo.weights.licences import read_licences
from zoo.weights.tensor_files import read, read_notes, write

FORMAT = 1
_NOTE = "zoo.module"
_MOST_LAYERS = 3

Facts = Mapping[str, Any]


def identity(module: nn.Module) -> dict[str, Any]:
    """Class and layers of a module, by which it is known again."""
    return {"class": type(module).__name__, "layers": layers_of(module)}


def layers_of(module: nn.Module) -> dict[str, str]:
    """Class of each layer by its name, for torch's own ones with what they compute.

    Example:
        >>> layers_of(nn.Sequential(nn.Linear(2, 1)))["0"]
        'Linear(in_features=2, out_features=1, bias=True)'
    """
    return {
        # What others write there may be an address in memory
        name: f"{type(part).__name__}({part.extra_repr() if _is_torchs(part) else ''})"
        for name, part in module.named_modules()
    }


def _is_torchs(part: nn.Module) -> bool:
    return type(part).__module__.startswith("torch.nn.")


def warn_other_layers(module: nn.Module, layers: Mapping[str, str], where: str) -> None:
    """Warns where a module is not made of the layers that were trained, though the weights may fit."""
    own = layers_of(module)
    found = [
        f"{name or 'the module'} is {own.get(name, 'missing')}, was {layers.get(name, 'missing')}"
        for name in dict.fromkeys([*layers, *own])
        if own.get(name) != layers.get(name)
    ]
    if found:
        others = "not all of the layers that were trained, so answers may differ"
        warn(f"{where}: {type(module).__name__} has {others}: {listing(found, _MOST_LAYERS)}")


def write_module(model: PlainModel, folder: Path, *, licence: str | None = None, run: bool = False) -> Path:
    """Writes a module's weights with what is needed to use them; a crash leaves the old file or the new one.

    Args:
        model: around the module.
        folder: where they go, made if need be.
        licence: SPDX name; the model's own where None.
        run: whether it is the folder of the module's own run, whose file may be of version 0.1.

    Returns:
        The folder.

    Raises:
        SaveError: it holds another model or a file of another program, or cannot be written.
    """
    file = folder / WEIGHTS_FILE
    if not run:
        _check_target(folder)
    model = shallow_copy(model)  # saving changes nothing of the caller's
    model.forget_old_figures()
    note = {**_described(model), "licence": licence or model.licence}
    with write_errors(file):
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(file) as staged:
            write(staged, model.module.state_dict(), {_NOTE: json.dumps(note)})
    return folder


def _check_target(folder: Path) -> None:
    others = [name for name in (CONFIG_FILE, CARD_FILE) if (folder / name).exists()]
    if (folder / WEIGHTS_FILE).exists() and _note(folder) is None:
        others.append(WEIGHTS_FILE)
    if others or (folder.exists() and not folder.is_dir()):
        got = f"one with {listing(others)}, which is another model" if others else "a file"
        expected = "a new folder, or one with weights of a torch module"
        raise SaveError(f"cannot save to {folder}", expected=expected, got=got, hint="choose another folder")


def load_module(folder: Path, module: nn.Module, *, copy: bool) -> PlainModel:
    """A module with the weights in a folder, as the model that they were trained or saved in.

    Args:
        folder: of a run of `zoo.fit`, or that `write_module` wrote.
        module: of the same class and options; it gets the weights.
        copy: read them into memory instead of mapping the file.

    Raises:
        FormatError: the folder holds no weights of a torch module.
        TrainingError: `module` is none, or its task is not known.
        WeightsError: the weights do not fit it.
    """
    _check_module(folder, module)
    if (folder / CONFIG_FILE).is_file():
        expected, hint = (
            "the folder of a torch module's weights",
            f"zoo.load({str(folder)!r}), without module=",
        )
        raise FormatError(
            f"load {folder}", expected=expected, got="a model that zoo builds itself", hint=hint
        )
    facts = _facts(folder)
    text = f"{folder / WEIGHTS_FILE}"
    state = read(folder / WEIGHTS_FILE, copy=copy)
    own = module.state_dict()
    # To where the module is, whose own types of number give way to the file's
    devices = {k: t.device for k, t in own.items() if t.device.type != "meta"}
    placed = {k: t.to(devices.get(k, t.device)) for k, t in state.items()}
    assign(module, placed, text, cast=False)
    warn_other_layers(module, facts["layers"], text)
    try:
        spec = InputSpec.from_dict(facts["input"])
        recipe = Recipe.from_dict(facts["recipe"])
    except ZooError as error:
        raise FormatError(text, got=str(error)) from error
    outputs = count_outputs(module, fitted(torch.zeros(1, spec.channels, *spec.size), module))
    if outputs != facts["outputs"]:
        got = f"{outputs}: does its forward differ?"
        raise WeightsError(
            f"module {type(module).__name__}", expected=counted(facts["outputs"], "output"), got=got
        )
    task = _task(facts, module, text)
    model = PlainModel(module, task=task, input_spec=spec, outputs=outputs, labels=tuple(facts["labels"]))
    model.recipe, model.metrics, model.measured = recipe, facts["metrics"], facts["measured"]
    model.note_weights()
    model.note_origin(facts["origin"])
    model.licence = facts["licence"]
    model.note_licences(read_licences(facts))
    return model.eval()


def _check_module(folder: Path, module: object) -> None:
    """Raises TrainingError unless it is a torch module that is no model of zoo's and nothing around one."""
    expected = "an instance of the torch module's class"
    if not isinstance(module, nn.Module) or isinstance(module, Model):
        made = isinstance(module, type) and issubclass(module, nn.Module)
        got = f"the class {module.__name__}" if made else f"a {type(module).__name__}"  # type: ignore[attr-defined]
        hint = f"module={module.__name__}(...)" if made else None  # type: ignore[attr-defined]
        raise TrainingError(f"load {folder}: module", expected=expected, got=got, hint=hint)
    if (own := inside(module)) is not module:
        got, hint = (
            f"{type(module).__name__} around it",
            f"give the {type(own).__name__} inside, and wrap it then",
        )
        raise TrainingError(f"load {folder}: module", expected="the module itself", got=got, hint=hint)


def without_module(folder: Path) -> FormatError | None:
    """The error for a torch module's folder where a model's is needed; None where it is no such folder."""
    note, run = _note(folder), known_run(folder)
    if note is None and "model" not in run.get("objects", ()):
        return None
    known = {"class": "Net", **(note or run.get("module") or {})}
    call = how_to_load(folder, {"module": known})
    problem, expected = f"{folder} is of a torch module", "its module too, which no file holds"
    if note is not None:
        hint = f"in Python give {call} in the folder's place: zoo.evaluate, zoo.predict and zoo.fit take it"
    elif (folder / WEIGHTS_FILE).is_file():
        hint = "version 0.1 noted weights alone: module.load_state_dict(safetensors.torch.load_file(...))"
    else:
        step = f"{how_to_resume(folder, {**run, 'module': known})} goes on"
        hint = f"it has no weights yet: {'wait until its run has ended' if is_training(folder) else step}"
    return FormatError(problem, expected=expected, got="the folder alone", hint=hint)


def _described(model: PlainModel) -> dict[str, Any]:
    """What stands beside a module's weights."""
    return {
        "format": FORMAT,
        **identity(model.module),
        "task": None if model.task is None else [model.task.name, type(model.task).__name__],
        "input": model.input_spec.to_dict(),
        "outputs": model.outputs,
        "labels": list(model.labels),
        "recipe": model.recipe.to_dict(),
        "origin": model.origin,
        "weights_licences": model.weights_licences,
        "metrics": finite(model.metrics),
        "measured": model.measured,
    }


def _facts(folder: Path) -> dict[str, Any]:
    """What stands beside the weights, checked.

    Raises:
        FormatError: there are none, they are not a module's, damaged, or of a newer format.
    """
    note = _note(folder)
    if note is None:
        there = (folder / WEIGHTS_FILE).is_file()
        if there or "model" not in known_run(folder).get("objects", ()):
            got = f"a {WEIGHTS_FILE} without what zoo.fit notes in it" if there else f"no {WEIGHTS_FILE}"
            hint = (
                "module.load_state_dict(safetensors.torch.load_file(...)) reads bare weights"
                if there
                else None
            )
            expected = "the folder of a run of a torch module"
            raise FormatError(f"load {folder}", expected=expected, got=got, hint=hint)
        hint = f"{how_to_resume(folder, known_run(folder), module='MODULE')} goes on"
        hint = "wait until it has ended" if is_training(folder) else hint
        raise FormatError(
            f"load {folder}", expected=WEIGHTS_FILE, got="a run without an epoch behind", hint=hint
        )
    if isinstance(note.get("format"), int) and note["format"] > FORMAT:
        got, hint = f"format {note['format']}", way_to_upgrade(CORE)
        raise FormatError(f"load {folder}", expected=f"format {FORMAT} or older", got=got, hint=hint)
    if found := misfit(note, {**MODULE_NOTE, "weights_licences": LICENCES}, MODULE_NOTE):
        expected, got = f"what zoo.fit notes, {found[0]}", found[1]
        raise FormatError(f"load {folder}", expected=expected, got=got)
    return note


def _task(facts: Facts, module: nn.Module, text: str) -> Task | None:
    """The task of the core that is named, or the module's own attribute; names alone stand in a file."""
    if facts["task"] is None:
        return None
    name, kind = facts["task"]
    known = BY_NAME.get(name)
    found = known if type(known).__name__ == kind else getattr(module, "task", None)
    if not isinstance(found, Task) or type(found).__name__ != kind:
        hint = f"give the module an attribute task = {kind}()"
        raise TrainingError(
            f"weights {text}", expected=f"their task {kind}", got="none of that name", hint=hint
        )
    return found


def _note(folder: Path) -> dict[str, Any] | None:
    """What stands in the header of the weights; None where there is no such thing."""
    try:
        note = parse_json(read_notes(folder / WEIGHTS_FILE).get(_NOTE, "null"))
    except (WeightsError, ValueError):
        return None
    return note if isinstance(note, dict) else None
