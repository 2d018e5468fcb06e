"""Choice of the files of a repository that are data: images, or tables that hold them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from os.path import commonpath
from pathlib import PurePosixPath
from typing import Any

import yaml

from zoo.images.decode import SUFFIXES
from zoo.spec.errors import DataError, OptionError, did_you_mean, listing, quote, reason
from zoo.spec.names import closest

CONFIG = "config"
"""Option that says which of the configurations of a repository is meant."""

_USUAL = "default"
_MOST = 6


@dataclass(frozen=True, slots=True)
class Chosen:
    """The files of a repository that are the data.

    Args:
        files: their names.
        folder: of the repository that holds them and no other data; empty for the whole of it.
    """

    files: tuple[str, ...]
    folder: str = ""


def choose(
    names: Sequence[str], card: str, *, tables: Sequence[str], config: str | None, where: str
) -> Chosen:
    """The files that are the data.

    Args:
        names: of all files.
        card: the repository's front matter, as YAML; it may list configurations.
        tables: suffixes of tables that may hold images.
        config: the configuration that was asked for.
        where: the data, for messages.

    Raises:
        DataError: there are neither images nor tables, or another configuration's lie among them.
        OptionError: there is no such configuration, or one of several has to be named.

    Example:
        >>> choose(["README.md", "data/train-0.parquet"], "", tables=[".parquet"], config=None, where="data")
        Chosen(files=('data/train-0.parquet',), folder='data')
    """
    seen = [name for name in names if not any(part.startswith(".") for part in name.split("/"))]
    patterns = _patterns(card, config, where)
    found = [name for name in seen if patterns is None or any(fnmatch(name, one) for one in patterns)]
    held = [name for name in found if name.lower().endswith(tuple(tables))]
    if any(_is_image(name) for name in found):
        return Chosen(tuple(found if patterns is None else [*found, *_beside(seen, found)]))
    if not held:
        got = listing(map(quote, found or seen), _MOST) if seen else "no file"
        hint = "download it, and give its images as a folder"
        expected = f"images, or tables that hold them ({listing(sorted(tables))})"
        raise DataError(where, expected=expected, got=got, hint=hint)
    folder = commonpath([str(PurePosixPath(name).parent) for name in held])
    folder = "" if folder == "." else folder
    others = {name for name in seen if name.lower().endswith(tuple(tables))} - {*held}
    if not others:
        return Chosen(tuple(held), folder)
    if not folder or any(PurePosixPath(folder) in PurePosixPath(name).parents for name in others):
        hint = "download it, and give its tables by their paths"
        expected, got = "tables of one configuration in a folder", f"others beside them ({min(others)})"
        raise DataError(where, expected=expected, got=got, hint=hint)
    return Chosen(tuple(held), folder)


def _patterns(card: str, config: str | None, where: str) -> list[str] | None:
    """The patterns of files of a configuration; None where the card lists none."""
    listed = {str(one["config_name"]): one for one in _configs(card, where)}
    if config is not None and config not in listed:
        close = closest(config, listed)
        hint = did_you_mean(config, close) if close else None
        expected = (
            f"one of {listing(map(quote, listed))}" if listed else "none, as the repository has one alone"
        )
        raise OptionError(f"{where}: {CONFIG}", expected=expected, got=quote(config), hint=hint)
    if not listed:
        return None
    usual = [name for name, one in listed.items() if one.get("default") or name == _USUAL]
    name = config or next(iter(usual if usual else listed if len(listed) == 1 else []), None)
    if name is None:
        got, hint = f"{len(listed)} of them", f'say {CONFIG}="{next(iter(listed))}"'
        expected = f"one configuration of {listing(map(quote, listed), _MOST)}"
        raise OptionError(f"{where}: {CONFIG}", expected=expected, got=got, hint=hint)
    return [*_paths(listed[name].get("data_files"))]


def _configs(card: str, where: str) -> list[Mapping[str, Any]]:
    try:
        front = yaml.safe_load(card)
    except Exception as error:  # whatever the reader of YAML says
        raise DataError(f"{where}: README.md", expected="YAML at its head", got=reason(error)) from None
    listed = front.get("configs") if isinstance(front, dict) else None
    found = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return [one for one in found if "config_name" in one and one.get("data_files")]


def _paths(files: Any) -> list[str]:
    """The patterns in `data_files`: a text, a list of texts, or a list of splits with a path each."""
    if isinstance(files, str):
        return [files]
    if isinstance(files, Mapping):
        return _paths(files.get("path") if "path" in files else [*files.values()])
    return [path for one in files for path in _paths(one)] if isinstance(files, list) else []


def _beside(names: Sequence[str], found: Sequence[str]) -> list[str]:
    """Tables that lie beside images, and are not found by their pattern."""
    folders = {PurePosixPath(name).parent for name in found}
    return [
        name
        for name in names
        if name not in found and not _is_image(name) and PurePosixPath(name).parent in folders
    ]


def _is_image(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in SUFFIXES
