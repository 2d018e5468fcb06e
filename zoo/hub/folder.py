"""`zoo.save` and `zoo.load`: a model as a folder."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Mapping
from copy import copy as shallow_copy
from pathlib import Path
from typing import Any, TypeVar

from torch import nn

from zoo.compose.as_built import check_as_built
from zoo.compose.build import restore
from zoo.compose.foreign.module_files import load_module, write_module
from zoo.compose.foreign.torch_module import PlainModel
from zoo.compose.formats import read_recipe
from zoo.compose.parts import BODIES
from zoo.hub import config as configs
from zoo.hub.card import card, known_rows
from zoo.hub.claims.licences import warn_contradiction
from zoo.hub.claims.names import check_licence
from zoo.hub.claims.plugins import check_plugins
from zoo.hub.folder_rules import check_space, check_target, read_config, unwritten, write_card
from zoo.hub.foreign_files import is_foreign, note_foreign
from zoo.interfaces.blocks.freezing_state import unrecorded
from zoo.interfaces.blocks.number_types import mixed_types
from zoo.interfaces.blocks.wrapped import inside, wrapped_part
from zoo.interfaces.model import Model
from zoo.registry.references import component_hint
from zoo.spec.disk.places import check_places
from zoo.spec.disk.reading import sha256
from zoo.spec.disk.transaction import current, transaction
from zoo.spec.errors import (
    DeclarationError,
    FormatError,
    SaveError,
    WeightsError,
    ZooError,
    listing,
    warn,
)
from zoo.spec.files import CARD_FILE, CONFIG_FILE, CURVES_FILE, HISTORY_FILE, RUN_FILE, WEIGHTS_FILE
from zoo.spec.inputs import InputSpec
from zoo.spec.recipe import Recipe
from zoo.spec.reference import PathLike, local_path
from zoo.weights.fitting import PICKLES, SUFFIX
from zoo.weights.tensor_files import Tensors, read, write

_PATIENCE = 10.0
"""Seconds that a reader waits for others to be done with saving."""

T = TypeVar("T")


def save(model: Model, path: PathLike, *, licence: str | None = None) -> Path:
    """Writes a model as a folder of `model.safetensors`, `config.json` and `README.md`.

    A crash leaves what was there before or the whole new model. Other files in the folder stay, and so does
    what people wrote in the README; history and curves of other weights, which were trained there, stay too,
    but are in no card and are not pushed with the new ones. Saving into the folder that the model was loaded
    from works. Of a torch module that `zoo.fit` trained the weights are written, and what `zoo.load(module=)`
    needs beside them.

    Args:
        model: from `zoo.build`, `zoo.load` or `zoo.fit`; also inside of what torch wraps around it.
        path: folder, made if need be.
        licence: SPDX name for the card; the model's own where None, and none is claimed without.

    Returns:
        The folder.

    Raises:
        SaveError: the folder holds something else, a README that cannot be read and kept, or cannot be
            written; a frozen block has no path; a layer was changed by hand; or the model says something of
            itself, such as its labels, that could not be read again.
    """
    return _write(model, path, licence)


def _write(model: Model, path: PathLike, licence: str | None, *, run: bool = False) -> Path:
    model = inside(model)
    check_licence(licence, f"save {path}")
    if isinstance(model, PlainModel):
        return write_module(model, local_path(path), licence=licence, run=run)
    _check_model(model)
    folder = local_path(path)
    before = check_target(folder, run=run)
    state = model.state_dict()
    # Another object over the same tensors, so that saving changes nothing of the caller's
    model = shallow_copy(model)
    warn_contradiction(licence, model.weights_licences, f"save {folder}")
    model.licence = licence or model.licence
    licences = before["licence"] if before is not None else None, model.licence
    model.forget_old_figures()
    # Before anything is written; a hash is as long as any other
    configs.dump(configs.describe(model, "0" * 64), str(folder))
    try:
        # Before anything is staged; the old files stay beside the new ones until these are committed
        check_places(folder, (WEIGHTS_FILE, CONFIG_FILE, *(() if run else (CARD_FILE,))))
        check_space(folder, sum(t.nbytes for t in state.values()))
        with transaction(folder) as staging:
            write(staging / WEIGHTS_FILE, state)
            digest = sha256(staging / WEIGHTS_FILE)
            text = configs.dump(configs.describe(model, digest), str(folder))
            (staging / CONFIG_FILE).write_text(text, encoding="utf-8")
            same = run or before is None or before["sha256"] == digest
            if not same:  # the run's files are another model's
                note_foreign(folder, staging)
            own = [n for n in (HISTORY_FILE, CURVES_FILE) if same and not is_foreign(folder, n)]
            text = card(
                model,
                history=known_rows(folder / HISTORY_FILE) if HISTORY_FILE in own else (),
                curves=CURVES_FILE in own and (folder / CURVES_FILE).exists(),
            )
            unkept = write_card(staging / CARD_FILE, text, folder, licences, run=run)
    except OSError as error:
        raise unwritten(folder, error) from error
    if not same and (folder / RUN_FILE).exists():
        warn(f"{folder} holds a run of another model, which can no longer go on; save models elsewhere")
    if unkept is not None:
        warn(f"the model is saved, and {CARD_FILE} left as it is, which cannot be renewed: {unkept}")
    return folder


def _check_model(model: Model) -> None:
    """Raises SaveError for a model that could not be read again as it is."""
    if isinstance(model, Model) and (found := wrapped_part(model)) is not None:
        path, around, step = found
        got = f"{around} around model.{path}"
        raise SaveError("save", expected="parts as they were built", got=got, hint=step)
    if not isinstance(model, Model) or not hasattr(model, "recipe") or not model.plugins:
        plain = isinstance(model, nn.Module) and not isinstance(model, Model)
        call = f"zoo.load(folder, module={type(model).__name__}(...))"
        hint = f"zoo.fit trains a torch module and saves it in the folder of its run, which {call} reads"
        got = type(model).__name__
        raise SaveError("save", expected="a model from zoo.build", got=got, hint=hint if plain else None)
    if (mixed := mixed_types(model)) is not None:
        hint = "model.float() or model.half() makes one type of all"
        raise SaveError("save", expected="weights of one type", got=mixed, hint=hint)
    if lost := unrecorded(model):
        hint = "unfreeze them, or let the model's class list them in freezable"
        got = f"frozen {listing(lost)}, which no freeze path reaches"
        raise SaveError("save", expected="frozen blocks that a recipe can name", got=got, hint=hint)
    check_as_built(model, "save")


def save_run(model: Model, folder: Path) -> None:
    """Saves a model into the folder of its own run, whose history and curves are of these weights."""
    _write(model, folder, None, run=True)


def load(path: PathLike, *, copy: bool = False, module: nn.Module | None = None) -> Model:
    """Reads a folder that `save` wrote; the model computes what the saved one computed, bit for bit.

    The model is in inference mode; frozen blocks are frozen again. No code from the folder is run. Who saves
    into the folder meanwhile does no harm: the old model is read, or the new one.

    Args:
        path: the folder.
        copy: read the weights into memory instead of mapping the file.
        module: of a torch module that `zoo.fit` trained, one of the same class and options, which no file
            holds: it gets the weights.

    Raises:
        FormatError: the folder is not a model, or of a newer format.
        PluginError: a plugin that it needs is not installed.
        WeightsError: the weights are truncated or do not fit.
        TrainingError: `module` is no torch module.
    """
    folder = local_path(path)
    if module is not None:
        return load_module(folder, module, copy=copy)
    config, state = steady(folder, lambda config: (config, read(current(folder, WEIGHTS_FILE), copy=copy)))
    return assemble(config, state, str(folder))


def steady(folder: Path, use: Callable[[dict[str, Any]], T]) -> T:
    """Reads a folder with `use`, which gets its config, again until none of its files was replaced meanwhile.

    Raises:
        FormatError: the folder is not a model, or of a newer format; or it is written to all the time.
    """
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        seen = _seen(folder)
        try:
            found = use(read_config(folder))
        except (ZooError, OSError):
            # An error of files that were replaced meanwhile is none: look again
            if _seen(folder) == seen:
                if not folder.is_dir():
                    raise _no_folder(folder) from None
                raise
            continue
        if _seen(folder) == seen:
            return found
    raise FormatError(f"{folder} changes while it is read", hint="wait until nobody saves into it")


def checked(config: Mapping[str, Any], where: str) -> tuple[Recipe, InputSpec]:
    """The recipe and input of a config, whose plugins are here.

    Args:
        config: as read.
        where: how messages call the model.

    Raises:
        FormatError: they do not fit.
        PluginError: a plugin is not installed.
    """
    try:
        spec = InputSpec.from_dict(config["input"])
    except DeclarationError as error:
        raise FormatError(f"{where}/{CONFIG_FILE}", got=str(error)) from error
    check_plugins(config["plugins"], where)
    return read_recipe(config, f"{where}/{CONFIG_FILE}"), spec


def _no_folder(folder: Path) -> FormatError:
    """The error for a saved model that is not there; for a component's name also how to get a model of it."""
    what = component_hint(str(folder), BODIES)
    hint = f"{what}, which zoo.build makes and zoo.fit trains" if what else None
    if folder.is_file() and folder.suffix in PICKLES:
        hint = f"zoo convert {shlex.quote(str(folder))} --to NAME makes a file for weights= of it"
    elif folder.is_file() and folder.suffix == SUFFIX:
        hint = f'a file of weights goes with its network: zoo.build(NAME, weights="file:{folder}")'
    got = "a file" if folder.exists() else "no such folder"
    expected = f"a folder with {CONFIG_FILE}"
    return FormatError(f"{folder} is not a saved model", expected=expected, got=got, hint=hint)


def assemble(config: Mapping[str, Any], state: Tensors, where: str) -> Model:
    """The model of a config and its weights; see `load`.

    Args:
        config: as read.
        state: the tensors.
        where: how messages call the model.
    """
    recipe, spec = checked(config, where)
    model = restore(recipe, spec, state, f"{where}/{WEIGHTS_FILE}")
    model.labels, model.metrics = tuple(config["labels"]), config["metrics"]
    model.measured = config["measured"]
    model.note_weights()
    model.note_origin(config["origin"])
    model.licence = config["licence"]
    model.note_licences(config["weights_licences"])
    return model


def verified(folder: Path, config: Mapping[str, Any], where: str, *, copy: bool = False) -> Tensors:
    """The tensors of a folder, which have the hash that its config tells.

    Args:
        folder: where they are.
        config: as read from it.
        where: how messages call it.
        copy: read them into memory instead of mapping the file.

    Raises:
        WeightsError: they have not, or cannot be read.
    """
    file, wanted = current(folder, WEIGHTS_FILE), config["sha256"]
    state = read(file, copy=copy, verified=True)
    found = sha256(file)
    if found != wanted:
        raise WeightsError(
            f"weights of {where}",
            expected=f"sha256 {wanted[:12]}...",
            got=f"{found[:12]}...",
            hint=f"{WEIGHTS_FILE} is damaged or another model's; save or push it again",
        )
    return state


def _seen(folder: Path) -> tuple[int, ...] | None:
    """Which version of the config is there: a new one is a new file."""
    try:
        stat = current(folder, CONFIG_FILE).stat()
    except OSError:
        return None
    # The inode tells two saves apart that fall into one tick of the clock
    return stat.st_ino, stat.st_mtime_ns, stat.st_size
