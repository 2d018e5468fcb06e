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
from zoo.spec.disk.reading import read_json
from zoo.spec.errors import FormatError, SaveError, quote, reason
from zoo.spec.history import finite

MOST_BYTES = 8 << 20
"""Bytes of each file beside the weights: a stranger's is not read into memory whatever its size."""

# Stands in commands that messages and cards tell people to type: nothing that a shell would read
_REQUIREMENT = re.compile(r"[A-Za-z0-9][\w.\-]*==[\w.+!\-]+", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}")


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
        raise FormatError(
            f"{where} is not a saved model",
            expected=f"a folder with {file.name}",
            got=error.strerror or str(error),
        ) from None
    except ValueError as error:
        raise FormatError(place, expected="JSON", got=reason(error)) from None
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
    plugins, digest = config.get("plugins"), config["sha256"]
    pins = [f"{k}=={v}" for k, v in plugins.items()] if isinstance(plugins, dict) else []
    checks = {
        "recipe": (isinstance(config.get("recipe"), dict), "a table"),
        "input": (isinstance(config.get("input"), dict), "a table"),
        "plugins": (bool(pins) and all(map(_REQUIREMENT.fullmatch, pins)), "versions by distribution"),
        "labels": (_texts(config["labels"]), "a list of texts"),
        "origin": (config["origin"] is None or isinstance(config["origin"], str), "a text or null"),
        "licence": (config["licence"] is None or isinstance(config["licence"], str), "a text or null"),
        "weights_licences": (_named_texts(config["weights_licences"]), "texts by name"),
        "metrics": (_figures(config["metrics"]), "numbers by name, by split"),
        "measured": (_measured(config["measured"]), "data, count and hash, by split"),
        # Without it nothing could tell that the weights are the model's
        "sha256": (
            isinstance(digest, str) and _DIGEST.fullmatch(digest) is not None,
            "64 hexadecimal digits",
        ),
    }
    for key, (fine, expected) in checks.items():
        if not fine:
            raise FormatError(place, expected=f"{key} as {expected}", got=quote(config.get(key)))
    return config


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _named_texts(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def _figures(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(row, dict) and all(isinstance(figure, int | float) for figure in row.values())
        for row in value.values()
    )


def _measured(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(on, dict)
        and isinstance(on.get("data"), str | dict | None)
        and isinstance(on.get("count"), int)
        and isinstance(on.get("hash"), str)
        for on in value.values()
    )
