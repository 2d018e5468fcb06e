"""`zoo.save` and `zoo.load`: a model as a folder."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import shutil
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from zoo.compose.build import restore
from zoo.compose.tensors import write
from zoo.compose.weights import CONFIG_FILE, WEIGHTS_FILE
from zoo.hub.card import card
from zoo.hub.files import current, transaction
from zoo.interfaces.model import Model
from zoo.registry.discovery import discover
from zoo.spec.errors import DeclarationError, FormatError, PluginError, SaveError, listing, quote
from zoo.spec.inputs import InputSpec
from zoo.spec.recipe import Recipe

FORMAT = 1
CARD_FILE = "README.md"
MOST_CONFIG_BYTES = 1 << 20

_REQUIREMENT = re.compile(r"[A-Za-z0-9][\w.\-]*==[\w.+!\-]+", re.ASCII)


def save(model: Model, path: str | os.PathLike[str], *, licence: str | None = None) -> Path:
    """Writes a model as a folder of `model.safetensors`, `config.json` and `README.md`.

    A crash leaves what was there before or the whole new model. Other files in the folder stay. Saving into
    the folder that the model was loaded from works.

    Args:
        model: from `zoo.build`, `zoo.load` or `zoo.fit`.
        path: folder, made if need be.
        licence: SPDX name for the card; the model's own where None, and none is claimed without.

    Returns:
        The folder.

    Raises:
        SaveError: the folder holds something else, or cannot be written.
    """
    folder = Path(path).expanduser()
    _check_target(model, folder)
    model.licence = licence or model.licence
    state = model.state_dict()
    try:
        _check_space(folder, sum(t.nbytes for t in state.values()))
        with transaction(folder) as staging:
            weights = staging / WEIGHTS_FILE
            write(weights, state)
            with weights.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            config = _config(model, digest)
            (staging / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
            (staging / CARD_FILE).write_text(card(model), encoding="utf-8")
    except OSError as error:
        raise SaveError(
            f"cannot save to {folder}",
            got=error.strerror or str(error),
            hint="what was there before is untouched; free space or choose another folder",
        ) from error
    return folder


def load(path: str | os.PathLike[str], *, copy: bool = False) -> Model:
    """Reads a folder that `save` wrote; the model computes what the saved one computed, bit for bit.

    The model is in inference mode; frozen blocks are frozen again. No code from the folder is run.

    Args:
        path: the folder.
        copy: read the weights into memory instead of mapping the file.

    Raises:
        FormatError: the folder is not a model, or of a newer format.
        PluginError: a plugin that it needs is not installed.
        WeightsError: the weights are truncated or do not fit.
    """
    folder = Path(str(path).removeprefix("file:")).expanduser()
    config = read_config(folder)
    recipe = Recipe.from_dict(config["recipe"], f"{folder}/{CONFIG_FILE}")
    try:
        spec = InputSpec.from_dict(config["input"])
    except DeclarationError as error:
        raise FormatError(f"{folder}/{CONFIG_FILE}", got=str(error)) from error
    _check_plugins(config["plugins"], folder)
    model = restore(recipe, spec, current(folder, WEIGHTS_FILE), copy=copy)
    model.labels, model.origin, model.metrics = tuple(config["labels"]), config["origin"], config["metrics"]
    model.licence = config["licence"]
    return model


def read_config(folder: Path) -> dict[str, Any]:
    """The checked `config.json` of a model folder.

    Raises:
        FormatError: it is missing, not JSON, not ours, or of a newer format.
    """
    where = f"{folder}/{CONFIG_FILE}"
    file = current(folder, CONFIG_FILE)
    try:
        if file.stat().st_size > MOST_CONFIG_BYTES:
            raise FormatError(
                where, expected=f"at most {MOST_CONFIG_BYTES} bytes", got=str(file.stat().st_size)
            )
        config = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise FormatError(
            f"{folder} is not a saved model",
            expected=f"a folder with {CONFIG_FILE}",
            got=error.strerror or str(error),
        ) from None
    except (ValueError, RecursionError) as error:
        raise FormatError(where, expected="JSON", got=quote(str(error))[1:-1]) from None
    if not isinstance(config, dict) or not isinstance(config.get("format"), int) or "zoo" not in config:
        raise FormatError(
            f"{folder} is not a model saved by zoo",
            expected="format and zoo in its config.json",
            got="neither",
        )
    if config["format"] > FORMAT:
        raise FormatError(
            where, expected=f"format {FORMAT} or older", got=f"format {config['format']}",
            hint="pip install --upgrade zoo-core",
        )  # fmt: skip
    config = {"labels": [], "origin": None, "metrics": {}, "licence": None, **config}
    pins = (
        [f"{k}=={v}" for k, v in config["plugins"].items()] if isinstance(config.get("plugins"), dict) else []
    )
    checks = {
        "recipe": (isinstance(config.get("recipe"), dict), "a table"),
        "input": (isinstance(config.get("input"), dict), "a table"),
        "plugins": (bool(pins) and all(map(_REQUIREMENT.fullmatch, pins)), "versions by distribution"),
        "labels": (_texts(config["labels"]), "a list of texts"),
        "origin": (config["origin"] is None or isinstance(config["origin"], str), "a text or null"),
        "licence": (config["licence"] is None or isinstance(config["licence"], str), "a text or null"),
        "metrics": (_figures(config["metrics"]), "numbers by name, by split"),
    }
    for key, (fine, expected) in checks.items():
        if not fine:
            raise FormatError(where, expected=f"{key} as {expected}", got=quote(config.get(key)))
    return config


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _figures(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(row, dict) and all(isinstance(figure, int | float) for figure in row.values())
        for row in value.values()
    )


def _config(model: Model, digest: str) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "zoo": version("zoo-core"),
        "recipe": model.recipe.to_dict(),
        "plugins": model.plugins,
        "labels": list(model.labels),
        "input": model.input_spec.to_dict(),
        "origin": model.origin,
        "metrics": {
            split: {name: value for name, value in row.items() if math.isfinite(value)}
            for split, row in model.metrics.items()
        },
        "licence": model.licence,
        "sha256": digest,
    }


def _check_target(model: Model, folder: Path) -> None:
    if not isinstance(model, Model) or not hasattr(model, "recipe"):
        raise SaveError("save", expected="a model from zoo.build", got=type(model).__name__)
    if folder.exists() and not folder.is_dir():
        raise SaveError(f"cannot save to {folder}", expected="a folder", got="a file")
    ours = [n for n in (CONFIG_FILE, WEIGHTS_FILE, CARD_FILE) if (folder / n).exists()]
    if ours:
        try:
            read_config(folder)
        except FormatError as error:
            raise SaveError(
                f"cannot save to {folder}",
                expected="a new folder or one that holds a saved model",
                got=f"other files named {listing(ours)}",
                hint="choose another folder",
            ) from error


def _check_space(folder: Path, needed: int) -> None:
    home = folder
    while not home.exists():
        home = home.parent
    free = shutil.disk_usage(home).free
    if free < needed:
        raise SaveError(
            f"cannot save to {folder}",
            expected=f"{needed / 1e6:.0f} MB of disk space",
            got=f"{free / 1e6:.0f} MB free",
            hint="what was there before is untouched",
        )


def _check_plugins(needed: Mapping[str, Any], folder: Path) -> None:
    installed = {plugin.distribution for plugin in discover()}
    missing = [f"{name}=={number}" for name, number in needed.items() if name not in installed]
    if missing:
        raise PluginError(
            f"{folder} needs {listing(missing)}", got="not installed", hint=f"pip install {' '.join(missing)}"
        )
