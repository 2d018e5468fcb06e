"""Declarations of this distribution, free of torch and of timm."""

from __future__ import annotations

from zoo import Component, InputSpec, Namespace, Weights, hookimpl
from zoo_timm.table import Row, architectures

ALIASES = {"xception": "legacy_xception", "nasnet": "nasnetalarge"}
"""Architectures of the literature that timm has under another name."""

BARE = ("xception", "inception_v3", "inception_resnet_v2", "densenet121", "nasnet")
"""The only names that are also reached without `timm:`; no plugin of zoo has them otherwise."""


def _weights(row: Row) -> dict[str, Weights]:
    return {
        tag: Weights(
            repo=entry["repo"],
            classes=entry.get("classes"),
            labels=entry.get("labels", ()),
            input=InputSpec.from_dict(entry["input"]),
            licence=entry.get("licence"),
        )
        for tag, entry in row["weights"].items()
    }


def _component(name: str, architecture: str, row: Row) -> Component:
    return Component(
        kind="backbone",
        name=name,
        target="zoo_timm.backbone:TimmBackbone",
        config=f"zoo_timm.config:{architecture}",
        summary=row["summary"],
        paper=row.get("paper"),
        licence="Apache-2.0",
        tags=("timm", row["module"]),
        weights=_weights(row),
        tiny=row["tiny"],
    )


@hookimpl
def zoo_components() -> list[Component]:
    """One backbone an architecture of the survey, and the aliases."""
    table = architectures()
    own = [_component(name, name, row) for name, row in table.items()]
    return own + [_component(alias, name, table[name]) for alias, name in ALIASES.items()]


@hookimpl
def zoo_namespace() -> Namespace:
    """`timm:`, which all names need but those listed in `BARE`."""
    return Namespace(name="timm", bare=BARE)
