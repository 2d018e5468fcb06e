"""The index of large catalogues: what a listing needs of them, a tenth of their size.

Most of a catalogue are facts (blocks, taps, schemas of options), and reading those of a thousand components
takes longer than all the rest of a listing. So a large one is read once, and its rows without their facts are
remembered by the file's time and size; the facts are read when a component is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from zoo.registry import cache
from zoo.registry.catalogue import Row, check_catalogue, read_catalogue
from zoo.spec.errors import PluginError

LARGE = 30_000
"""Bytes from which on a catalogue is indexed; smaller ones are read faster than an index is found."""

LISTED = ("parameters",)
"""The facts that a listing shows."""


def read_for_listing(file: Path, distribution: str) -> Row:
    """A catalogue, of a large one without the facts that only `facts_of` gives.

    Raises:
        PluginError: as `read_catalogue`.
    """
    try:
        stat = file.stat()
    except OSError as error:
        raise PluginError(f"{file}", expected="a readable file", got=error.strerror or str(error)) from None
    if stat.st_size < LARGE:
        return read_catalogue(file)
    key = [str(file), stat.st_mtime_ns, stat.st_size]
    name = cache.name("catalogues", distribution, str(file))
    remembered = cache.read(name, key)
    if remembered is not None:
        try:
            check_catalogue(remembered.get("catalogue"), str(file))
        except PluginError:  # a damaged cache says nothing about the plugin
            pass
        else:
            return remembered["catalogue"]  # type: ignore[no-any-return]  # checked above
    full = read_catalogue(file)
    slim = {**full, "components": [_slim(row) for row in full["components"]]}
    cache.write(name, key, {"catalogue": slim})
    return slim


def facts_of(file: Path, kind: str, name: str) -> Mapping[str, Any]:
    """All facts of one component in a catalogue; none where it is no longer there."""
    try:
        return _all_facts(file, file.stat().st_mtime_ns).get((kind, name), {})
    except (OSError, PluginError):
        return {}


# `_changed` is for the cache's key alone: a catalogue written anew is read anew
@lru_cache(maxsize=8)
def _all_facts(file: Path, _changed: int) -> Mapping[tuple[str, str], Mapping[str, Any]]:
    return {(row["kind"], row["name"]): row.get("facts", {}) for row in read_catalogue(file)["components"]}


def _slim(row: Row) -> Row:
    facts = row.get("facts", {})
    return {**row, "facts": {key: facts[key] for key in LISTED if key in facts}}
