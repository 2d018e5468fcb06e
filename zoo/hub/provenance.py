"""Provenance of a model, without the paths of the machine that it was made on."""

from __future__ import annotations

import re
from pathlib import Path, PureWindowsPath
from typing import Any

from zoo.spec.files import WEIGHTS_FILE
from zoo.spec.reference import FILE_PREFIX, PathRef, without_prefix

_STEP = ", starting from "
_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\")
_REFERENCES = ("weights", "data")


def public(config: dict[str, Any]) -> dict[str, Any]:
    """A config with the last part in the place of each local path, wherever it tells of one.

    Example:
        >>> model = {"name": "net", "weights": "/home/me/runs/faces"}
        >>> origin = "trained on cats, starting from /a b/c d/e"
        >>> config = {"recipe": {"model": model}, "origin": origin}
        >>> public(config)["recipe"]["model"]["weights"], public(config)["origin"]
        ('file:faces', 'trained on cats, starting from e')
    """
    origin = config["origin"]
    if origin is not None:
        steps = (_last(step) if _is_local(step, reference=True) else step for step in origin.split(_STEP))
        origin = _STEP.join(steps)
    recipe, measured = _walk(config["recipe"]), _walk(config.get("measured", {}))
    licences: dict[str, str] = {}
    for source, licence in config.get("weights_licences", {}).items():
        name = _last(source) if _is_local(source, reference=True) else source
        while licences.get(name, licence) != licence:  # two folders of one name
            name = f"another {name}"
        licences[name] = licence
    return {
        **config, "recipe": recipe, "origin": origin, "measured": measured, "weights_licences": licences,
    }  # fmt: skip


def _walk(value: Any, key: str = "") -> Any:
    if key == "classes":
        return value  # names of classes may look like anything
    if isinstance(value, dict):
        return {k: _walk(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [_walk(item, key) for item in value]
    if isinstance(value, str) and _is_local(value, reference=key in _REFERENCES):
        return str(PathRef(_last(value)))
    return value


def _is_local(text: str, *, reference: bool) -> bool:
    if text.startswith("hf://"):
        return False
    if text.startswith((FILE_PREFIX, "/", "~", "./", "../", ".\\", "..\\")) or _WINDOWS.match(text):
        return True
    # Where a reference stands, a slash makes a path; elsewhere a text may have one and be no path
    return reference and ("/" in text or "\\" in text)


def _last(path: str) -> str:
    path = without_prefix(path)
    # A path may have been written on another system than this one
    parts = PureWindowsPath(path).parts if "\\" in path else Path(path).expanduser().resolve().parts
    # Without root or drive; `runs/faces/model.safetensors` is called faces
    named = [part for part in parts[1 if parts[0][-1:] in "/\\" else 0 :] if part != WEIGHTS_FILE]
    return named[-1] if named else WEIGHTS_FILE
