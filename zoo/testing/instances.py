"""Tiny instances of every kind, made as the verbs make them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from zoo.compose.instantiate import make
from zoo.compose.meta_build import seeded
from zoo.interfaces.blocks.feature_info import FeatureInfo
from zoo.testing.case import Case
from zoo.testing.tiny_models import built

MAP = FeatureInfo(name="block5", channels=8, reduction=32, layout="NCHW", size=(3, 4))
"""What a head is made on."""


def instance(case: Case, seed: int = 0) -> Any:
    """A tiny instance of the component, with repeatable weights."""
    with seeded(seed):
        return _WAYS.get(case.entry.component.kind, _made)(case)


def with_options(case: Case, options: Mapping[str, Any]) -> Case:
    """The case of the same component with other options in the place of its tiny ones."""
    component = replace(case.entry.component, tiny=dict(options))
    return Case(replace(case.entry, component=component))


def _made(case: Case) -> Any:
    return make(case.entry.component.kind, case.reference)


_WAYS: Mapping[str, Callable[[Case], Any]] = MappingProxyType(
    {
        "backbone": lambda case: case.part(in_channels=3),
        "head": lambda case: case.part(inputs=(MAP,), classes=2),
        "model": lambda case: built(case.entry),
    }
)
