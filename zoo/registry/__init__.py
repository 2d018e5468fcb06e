"""Discovery, lookup, catalogue reading, hook specification; nothing here imports torch."""

from zoo.registry.listing import Row, info, list_components
from zoo.registry.loading import Loaded, load, resolve_config, resolve_target
from zoo.registry.lookup import entries, find, recipe_file, registry, reset
from zoo.registry.plugins.discovery import Plugin, discover
from zoo.registry.snapshot import Entry

__all__ = [
    "Entry",
    "Loaded",
    "Plugin",
    "Row",
    "discover",
    "entries",
    "find",
    "info",
    "list_components",
    "load",
    "recipe_file",
    "registry",
    "reset",
    "resolve_config",
    "resolve_target",
]
