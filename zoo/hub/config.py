"""`config.json`: what a saved model says of itself, checked field by field when it is read."""

from __future__ import annotations

import errno
import json
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

from zoo.compose.formats import FORMAT
from zoo.interfaces.model import Model
from zoo.registry.plugins.install_command import way_to_upgrade
from zoo.registry.plugins.installed import CORE
from zoo.spec.disk.history import finite
from zoo.spec.disk.reading import read_json
from zoo.spec.disk.records import FIGURES, LICENCES, MEASURED
from zoo.spec.disk.schema import (
    Schema,
    matching,
    misfit,
    or_none,
    table,
    text,
    texts,
)
from zoo.spec.errors import FormatError, SaveError, reason

MOST_BYTES = 8 << 20
"""Bytes of each file beside the weights: a stranger's is not read into memory whatever its size."""

# Stands in commands that messages and cards tell people to type: nothing that a shell would read
_REQUIREMENT = re.compile(r"[A-Za-z0-9][\w.\-]*==[\w.+!\-]+", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}")
DAMAGED = "it is damaged or was cut off; pull or save the model again"


def describe(model: Model, digest: str) -> dict[str, Any]:
    """The config of a model.

    Args:
        model: what it is of.
        digest: sha256 of its weights file.
    """
    return {
        "format": FORMAT,
        "zoo": version(CORE),
        "recipe": model.recipe.to_dict(),
        "plugins": model.plugins,
        "labels": list(model.labels),
        "input": model.input_spec.to_dict(),
        "origin": model.origin,
        "metrics": finite(model.metrics),
        "measured": model.measured,
        "licence": model.licence,
        "weights_licences": model.weights_licences,
        "sha256": digest,
    }


def dump(config: dict[str, Any], where: str) -> str:
    """The text of the file, which `parse` takes.

    Args:
        config: of a model.
        where: how messages call the place that it is for.

    Raises:
        SaveError: it holds what would be refused when it is read.
    """
    problem = f"cannot save to {where}"
    try:
        text = json.dumps(config, indent=2) + "\n"
        _checked(json.loads(text), where)
    except FormatError as error:
        raise SaveError(problem, expected=error.expected, got=error.got) from None
    except (TypeError, ValueError, RecursionError) as error:
        raise SaveError(problem, expected="plain data", got=reason(error)) from None
    if len(text) > MOST_BYTES:  # of ASCII alone
        expected, hint = f"a config of at most {MOST_BYTES} bytes", "shorten the labels"
        raise SaveError(problem, expected=expected, got=str(len(text)), hint=hint)
    return text


def parse(file: Path, where: str) -> dict[str, Any]:
    """The checked content of a file.

    Args:
        file: to read.
        where: how messages call the model.

    Raises:
        FormatError: it is missing, not JSON, not ours, without a hash, or of a newer format.
    """
    place = f"{where}/{file.name}"
    try:
        config = read_json(file, MOST_BYTES)
    except OSError as error:
        if error.errno == errno.EFBIG:
            found = str(error.strerror).partition(" bytes")[0]
            raise FormatError(place, expected=f"at most {MOST_BYTES:,} bytes", got=found) from None
        missing = isinstance(error, FileNotFoundError) and file.parent.is_dir()
        raise FormatError(
            f"{where} is not a saved model",
            expected=f"a folder with {file.name}",
            got="a folder without it" if missing else error.strerror or str(error),
        ) from None
    except ValueError as error:
        raise FormatError(place, expected="JSON", got=reason(error), hint=DAMAGED) from None
    # Other libraries call their file config.json too
    if not isinstance(config, dict) or not isinstance(config.get("format"), int) or "zoo" not in config:
        raise FormatError(
            f"{where} is not a model saved by zoo",
            expected=f"format and zoo in its {file.name}",
            got="neither",
        )
    if config["format"] > FORMAT:
        raise FormatError(
            place, expected=f"format {FORMAT} or older", got=f"format {config['format']}",
            hint=way_to_upgrade(CORE),
        )  # fmt: skip
    return _checked(config, place)


def _checked(config: dict[str, Any], place: str) -> dict[str, Any]:
    empty: dict[str, Any] = {"labels": [], "metrics": {}, "measured": {}, "weights_licences": {}}
    config = {**empty, **dict.fromkeys(("origin", "licence", "sha256")), **config}
    if found := misfit(config, _FIELDS, _FIELDS):
        raise FormatError(place, expected=found[0], got=found[1])
    return config


def _pinned(plugins: Any) -> bool:
    """Whether it is a table of versions by distribution: it goes into a command for people to copy."""
    pins = [f"{name}=={version}" for name, version in plugins.items()] if isinstance(plugins, dict) else []
    return bool(pins) and all(map(_REQUIREMENT.fullmatch, pins))


_FIELDS: Schema = {
    "recipe": table,
    "input": table,
    "plugins": (_pinned, "versions by distribution"),
    "labels": texts,
    "origin": or_none(text),
    "licence": or_none(text),
    "weights_licences": LICENCES,
    "metrics": FIGURES,
    "measured": MEASURED,
    # Without it nothing could tell that the weights are the model's
    "sha256": matching(_DIGEST, "64 hexadecimal digits"),
}
