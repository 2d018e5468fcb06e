"""Hooks that a plugin implements: two, of pluggy, in the module that its entry point names."""

from __future__ import annotations

import pluggy

from zoo.spec.component import Component, Namespace

hookspec = pluggy.HookspecMarker("zoo")
hookimpl = pluggy.HookimplMarker("zoo")
"""Marks a function of a plugin's module as the implementation of one of the hooks below."""


# One plugin is asked at a time, so its answer comes alone and not in a list of answers
@hookspec(firstresult=True)
def zoo_components() -> list[Component]:  # type: ignore[empty-body]  # a specification has no body
    """The components that this distribution offers, each name once per kind."""


@hookspec(firstresult=True)
def zoo_namespace() -> Namespace | None:
    """The namespace of the names; optional, by default the distribution's name without `zoo-`."""
