"""Installed distributions that have an entry point of ours, and the places of their code.

`importlib.metadata` answers the same question, but importing it takes as long as everything else that
a listing does (46 of 100 ms, measured), so the folders on `sys.path` are read here: names of `*.dist-info`
folders, and `entry_points.txt` in them. Most are other people's: each is read
up to a ceiling, and no pipe is.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zoo.spec.disk.reading import read_text
from zoo.spec.errors import PluginError, listing, quote
from zoo.spec.names import normalise, one_line

GROUP = "zoo"
CORE = "zoo-core"
CORE_MODULE = "zoo.builtin.plugin"
UNKNOWN_VERSION = "unknown"
ENTRY_POINTS = "entry_points.txt"

MOST_BYTES = 1 << 20
"""Largest file of metadata that is read, in bytes; they have some thousands."""

_NOT_TOLD = "whether it is a plugin cannot be told; install it again, or remove it"


@dataclass(frozen=True, slots=True)
class Installed:
    """One distribution with entry points in our group.

    Args:
        distribution: name, lower case with dashes (PEP 503).
        version: as installed.
        values: values of its entry points; a good plugin has one, a module.
    """

    distribution: str
    version: str
    values: tuple[str, ...]

    @property
    def module(self) -> str:
        """The module that carries the hooks.

        Raises:
            PluginError: there is not exactly one entry point, or it does not name a module.
        """
        where = f"{self.distribution}'s entry points in the group {quote(GROUP)}"
        if len(self.values) != 1:
            raise PluginError(where, expected="one", got=listing(self.values))
        value = self.values[0]
        if not all(part.isidentifier() for part in value.split(".")):
            raise PluginError(where, expected="a module, as in `zoo_name.plugin`", got=quote(value))
        return value


def installed() -> list[Installed]:
    """All distributions with an entry point of ours, the first of each name on `sys.path`, by name.

    The core is always among them: in a checkout that was never installed, its own plugin is added.
    """
    found: list[Installed] = []
    for name, version, folder in _distributions():
        # What cannot be read may be anybody's: `unreadable` tells of it
        with contextlib.suppress(OSError, ValueError):
            if values := _entry_points(f"{folder}/{ENTRY_POINTS}"):
                found.append(Installed(name, version, values))
    if not any(item.distribution == CORE for item in found):
        found.append(Installed(CORE, UNKNOWN_VERSION, (CORE_MODULE,)))
    return sorted(found, key=lambda item: item.distribution)


def unreadable() -> list[str]:
    """Distributions of which nobody can say whether they are plugins, ours or not: one line each, why."""
    found = []
    for name, version, folder in _distributions():
        try:
            _entry_points(f"{folder}/{ENTRY_POINTS}")
        except (OSError, ValueError) as error:
            problem = getattr(error, "strerror", None) or error
            found.append(f"{name} {version}: {folder}/{ENTRY_POINTS}: {problem}; {_NOT_TOLD}")
    return [one_line(line) for line in found]


def requirements(distribution: str) -> tuple[str, ...]:
    """Requirements that a distribution's metadata state; none where they cannot be read."""
    for name, _, folder in _distributions():
        if name == distribution:
            file = "PKG-INFO" if folder.endswith(".egg-info") else "METADATA"
            return tuple(value for key, value in _headers(f"{folder}/{file}") if key == "Requires-Dist")
    return ()


def environment() -> tuple[str, ...]:
    """Installed distributions, of ours or not, as names with versions; changes with every installation."""
    return tuple(sorted(entry for _, entry in _metadata_folders()))


def package_folder(module: str) -> Path:
    """The folder of the package that holds the module, found without running any of it.

    Example:
        >>> package_folder("zoo.registry.plugins.installed").name
        'plugins'

    Raises:
        PluginError: there is no such package on `sys.path`.
    """
    top, *rest = module.split(".")
    try:
        # Of the top alone: for a dotted name find_spec imports the packages above it
        spec = importlib.util.find_spec(top)
    except (Exception, SystemExit) as error:  # an editable install's finder is foreign code
        raise PluginError(
            f"module {quote(module)}", expected="a findable package", got=quote(error)
        ) from error
    if spec is None:
        raise PluginError(
            f"module {quote(module)}",
            expected="a package on sys.path",
            got="none",
            hint="install the plugin again",
        )
    if spec.submodule_search_locations is None:
        return Path(spec.origin or ".").parent
    # Several where a package has no `__init__.py` of its own
    for location in spec.submodule_search_locations:
        folder = Path(location, *rest[:-1])
        if folder.is_dir():
            return folder
    raise PluginError(
        f"module {quote(module)}", expected=f"the folder {'/'.join([top, *rest[:-1]])}", got="none"
    )


def is_package(module: str, folder: Path) -> bool:
    """Whether the folder belongs to the module alone; a single file shares its folder with others."""
    return "." in module or folder.name == module


def _metadata_folders() -> Iterator[tuple[str, str]]:
    for folder in dict.fromkeys(sys.path):
        try:
            names = sorted(os.listdir(folder or "."))  # noqa: PTH208 - half the time of Path.iterdir
        except (OSError, TypeError):  # a zip, a folder that is gone, or nothing that names a folder
            continue
        for name in names:
            if name.endswith((".dist-info", ".egg-info")):
                yield folder or ".", name


def _distributions() -> Iterator[tuple[str, str, str]]:
    """Name, version and metadata folder of each; the first on the path hides others, as for imports."""
    seen: set[str] = set()
    for folder, entry in _metadata_folders():
        name, version = _name_and_version(folder, entry)
        if name not in seen:
            seen.add(name)
            yield name, version, f"{folder}/{entry}"


def _name_and_version(folder: str, entry: str) -> tuple[str, str]:
    stem = entry.rpartition(".")[0]
    if entry.endswith(".dist-info"):
        # Such a folder's name writes dashes of the distribution as underscores: the first one ends it
        name, _, version = stem.partition("-")
        return normalise(name), version or UNKNOWN_VERSION
    name, version = stem.partition("-")[0], UNKNOWN_VERSION
    for key, value in _headers(f"{folder}/{entry}/PKG-INFO"):
        if key == "Name":
            name = value
        elif key == "Version":
            version = value
    return normalise(name), version


def _headers(file: str) -> list[tuple[str, str]]:
    """Names and values of a metadata file's headers; none where it cannot be read."""
    try:
        # They end at the first empty line; a description below may have lines like theirs
        head = read_text(file, MOST_BYTES).partition("\n\n")[0]
    except (OSError, ValueError):
        return []
    lines = (line.partition(":") for line in head.splitlines())
    return [(key, value.strip()) for key, _, value in lines]


def _entry_points(file: str) -> tuple[str, ...]:
    """Values of our group.

    Raises:
        OSError: it is there, and cannot be read.
        ValueError: it is no UTF-8.
    """
    try:
        text = read_text(file, MOST_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return ()
    # Most files are of other people's distributions, and need not be gone through
    if f"[{GROUP}]" not in text:
        return ()
    inside, values = False, []
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("["):
            inside = line == f"[{GROUP}]"
        elif inside and "=" in line and not line.startswith(("#", ";")):
            values.append(line.partition("=")[2].strip())
    return tuple(values)
