"""Lookup: from a reference to the one component that it names."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from zoo.registry.hints import recipe_sources, ways
from zoo.registry.plugins.discovery import discover
from zoo.registry.snapshot import Entry, Kinds, Registry, checked_kinds
from zoo.spec.errors import (
    AmbiguousNameError,
    PluginError,
    UnknownComponentError,
    ZooError,
    near,
    quote,
)
from zoo.spec.kinds import KINDS
from zoo.spec.reference import ComponentRef

# Two distributions of one namespace are for `entry` to refuse


def find(ref: str | ComponentRef | Mapping[str, Any], kind: Kinds = None) -> Entry:
    """The installed component that a reference means.

    Args:
        ref: `name`, `namespace:name`, or a table with a name and options.
        kind: which kind it has to be of, or which kinds.

    Raises:
        UnknownComponentError: there is none; the message names the nearest and the next step.
        AmbiguousNameError: several distributions claim the name, or several kinds have it.
        PluginError: its distribution's catalogue or namespace is at fault.
        BadReferenceError: the reference does not name a component.
    """
    return registry().find(ref, kind)


def entries(kind: Kinds = None) -> Iterator[Entry]:
    """All installed components of a kind, those of plugins at fault left out."""
    now = registry()
    kinds = checked_kinds(kind)
    for offer in now.offers:
        if offer.kind in kinds and offer.plugin.namespace.name not in now.clashes:
            try:
                yield now.entry(offer)
            except PluginError:  # a malformed row costs that row; it is named when it is asked for
                continue


def recipe_file(ref: str) -> Path:
    """The file of a recipe that a plugin ships, by `name` or `namespace:name`.

    Raises:
        UnknownComponentError: no plugin ships one of that name.
        AmbiguousNameError: several do.
    """
    namespace, _, name = ref.rpartition(":")
    found = {
        f"{plugin.namespace.name}:{key}": file
        for plugin in registry().plugins
        for key, file in plugin.recipes.items()
    }
    fits = [
        key
        for key in found
        if key.endswith(f":{name}") and key.startswith(f"{namespace}:" if namespace else "")
    ]
    if not fits:
        away = recipe_sources(name)
        hint = f"it comes from {ways(away)}" if away else near(ref, sorted(found))
        raise UnknownComponentError(f"no plugin ships a recipe {quote(ref)}", hint=hint)
    if len(fits) > 1:
        hint = f"say {' or '.join(fits)}"
        raise AmbiguousNameError(f"recipe {quote(ref)} is shipped by several plugins", hint=hint)
    return found[fits[0]]


def recipe_series(ref: str) -> tuple[Path, ...]:
    """The file of a recipe, or those of all recipes called `ref-...`, in the order of their names.

    Raises:
        UnknownComponentError: no plugin ships one of that name or beginning.
        AmbiguousNameError: several ship one of that very name.
    """
    namespace, _, name = ref.rpartition(":")
    files = {
        (key, plugin.namespace.name): file
        for plugin in registry().plugins
        for key, file in plugin.recipes.items()
        if namespace in ("", plugin.namespace.name)
    }
    series = [files[key] for key in sorted(files) if key[0].startswith(f"{name}-")]
    exact = any(key == name for key, _ in files)
    return tuple(series) if series and not exact else (recipe_file(ref),)


_current: tuple[object, Registry] | None = None


def options_of(reference: str, kinds: tuple[str, ...]) -> Mapping[str, Any]:
    """Schemas of a component's options by name, with those of its kind; none where it is not there.

    Example:
        >>> "dropout" in options_of("binary", ("head",)), options_of("no_such", ("head",))
        (True, {})
    """
    try:
        entry = find(reference, kinds)
    except ZooError:
        return {}
    own = entry.facts.get("options", {}).get("properties", {})
    return {**KINDS[entry.component.kind].options, **own}


def registry() -> Registry:
    """The registry of now; read again when something was installed or the environment changed.

    Raises:
        PluginError: a plugin is broken and `ZOO_STRICT_PLUGINS` is set.
    """
    global _current  # noqa: PLW0603 - one snapshot a process
    state = _state()
    if _current is None or _current[0] != state:
        _current = (state, Registry(discover()))
    return _current[1]


def reset() -> None:
    """Forgets the snapshot: the next look reads everything again."""
    global _current  # noqa: PLW0603
    _current = None


def _state() -> object:
    # Installing or removing changes the time of the folder that it happens in
    times = []
    for folder in sys.path:
        try:
            times.append((folder, os.stat(folder or ".").st_mtime_ns))  # noqa: PTH116 - may be no path at all
        except (OSError, TypeError):
            times.append((folder, 0))
    # Each of these changes what `discover` finds
    variables = ("ZOO_PLUGINS", "ZOO_DISABLED_PLUGINS", "ZOO_STRICT_PLUGINS", "ZOO_CACHE")
    return times, [os.environ.get(name) for name in variables]
