"""The components of a registry, and what is said of their kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.registry.catalogue import read_namespace, read_registry
from zoo.spec.kinds import KINDS

CORE = "zoo-core"


@dataclass(frozen=True)
class Part:
    """One component of the registry.

    Args:
        row: its declaration and facts, as a catalogue holds them.
        distribution: where it comes from.
        namespace: of that distribution.
        ref: the shortest name that means it.
        others: all components of the registry, to show it with.
    """

    row: Mapping[str, Any]
    distribution: str
    namespace: str
    ref: str
    others: Sequence[Part] = field(default=(), repr=False, compare=False)

    @property
    def kind(self) -> str:
        """One of `KINDS`."""
        return str(self.row["kind"])

    @property
    def name(self) -> str:
        """Without namespace."""
        return str(self.row["name"])

    @property
    def summary(self) -> str:
        """One line."""
        return str(self.row["summary"])

    @property
    def qualified(self) -> str:
        """With namespace, which always means it."""
        return f"{self.namespace}:{self.name}"

    @property
    def task(self) -> str | None:
        """What it is for, if it says so."""
        return self.row.get("task")

    @property
    def example(self) -> Mapping[str, Any]:
        """What it says of its example; older catalogues say nothing."""
        return self.row.get("example") or {}

    @property
    def facts(self) -> Mapping[str, Any]:
        """What was read off it."""
        return self.row.get("facts") or {}

    @property
    def weights(self) -> Mapping[str, Mapping[str, Any]]:
        """Published weights by tag."""
        return self.row.get("weights") or {}

    @property
    def options(self) -> Mapping[str, Mapping[str, Any]]:
        """The JSON schema of each option."""
        own = (self.facts.get("options") or {}).get("properties") or {}
        return {**own, **{k: v for k, v in KINDS[self.kind].options.items() if k not in own}}

    @property
    def page(self) -> str:
        """Its page without the ending, from the folder of all."""
        return f"{self.kind}/{self.namespace}/{self.name}"

    @property
    def install(self) -> str:
        """The command that brings it, in a checkout of the repository."""
        return "pip install ." if self.distribution == CORE else f"pip install ./{self.folder}"

    @property
    def folder(self) -> str:
        """Of its distribution in the repository."""
        return f"plugins/{self.distribution}"


def read(registry: Path) -> list[Part]:
    """All components, by kind, those with a bare name first.

    Raises:
        PluginError: the file is no registry.
    """
    found: list[Part] = []
    for data in read_registry(registry):
        distribution = data["distribution"]
        space = read_namespace(data, distribution)
        for row in data["components"]:
            ref = row["name"] if space.claims(row["name"]) else f"{space.name}:{row['name']}"
            found.append(Part(row, distribution, space.name, ref, found))
    # In place: each has the list as its `others`.
    found.sort(key=lambda p: ([*KINDS].index(p.kind), ":" in p.ref, p.ref))
    return found
