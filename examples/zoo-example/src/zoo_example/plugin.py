"""Declarations of this distribution, free of torch."""

from __future__ import annotations

from zoo import Component, hookimpl
from zoo_example.declarations import KEYPOINTS


@hookimpl
def zoo_components() -> list[Component]:
    """One backbone, and the parts of a task of its own."""
    return [
        Component(
            kind="backbone",
            name="nin",
            target="zoo_example.nin:NIN",
            config="zoo_example.config:NINOptions",
            summary="Network in Network for small images.",
            paper="https://arxiv.org/abs/1312.4400",
            licence="Apache-2.0",
            tags=("cnn", "small"),
            tiny={"channels": [8, 8, 8]},
        ),
        *KEYPOINTS,
    ]
