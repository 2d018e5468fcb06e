"""What this distribution offers, free of torch."""

from __future__ import annotations

from zoo import Component, hookimpl


@hookimpl
def zoo_components() -> list[Component]:
    """Its components."""
    return []
