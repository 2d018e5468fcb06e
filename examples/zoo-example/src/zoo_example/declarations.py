"""What the plugin offers for keypoints, free of torch."""

from __future__ import annotations

from zoo import Component

KEYPOINTS = [
    Component(
        kind="head",
        name="soft-argmax",
        target="zoo_example.keypoints:SoftArgmaxHead",
        summary="Coordinates of named points, from a heat map each.",
        paper="https://arxiv.org/abs/1711.08229",
        licence="Apache-2.0",
        tags=("keypoints", "heatmap"),
        task="keypoints",
    ),
    Component(
        kind="loss",
        name="visible-smooth-l1",
        target="zoo_example.keypoints:VisibleSmoothL1",
        summary="Smooth L1 distance of the points that can be seen.",
        licence="Apache-2.0",
        tags=("default",),
        task="keypoints",
    ),
    Component(
        kind="dataset",
        name="triangles",
        target="zoo_example.triangles:Triangles",
        config="zoo_example.config:TrianglesOptions",
        summary="Drawn triangles with a red, a green and a blue corner.",
        licence="Apache-2.0",
        tags=("drawn", "small"),
        task="keypoints",
        tiny={"count": 12, "size": 32},
    ),
]
