"""Keypoints: a task that zoo does not know, with its head and loss.

Coordinates (x, y) are in pixels and counted from the middle of the upper left pixel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchmetrics import Metric, MetricCollection

from zoo.errors import DataError
from zoo.interfaces import (
    Analysis,
    CardWords,
    FeatureInfo,
    Findings,
    Head,
    Loss,
    Names,
    Overlay,
    Prediction,
    Size,
    SpatialTensor,
    Task,
    as_map,
    check_labels,
    class_table,
    warp_points,
)

if TYPE_CHECKING:
    from zoo.interfaces import Dataset

NEAR = 0.2
"""A point is right within this share of the longer side of the box around the true points."""


class Points(SpatialTensor):
    """N x K x 3: x, y, and 1 where a point can be seen, else 0."""

    def warped(self, matrices: Tensor, size: Size, to: Size) -> Self:
        """Moves the coordinates; a point that leaves the image cannot be seen any more."""
        # Plain inside, since slices and sums of places are no places
        given = self.as_subclass(Tensor)
        places = warp_points(given[..., :2], matrices, size, to)
        # The image reaches half a pixel beyond the middle of its outermost ones
        last = places.new_tensor([to[1] - 0.5, to[0] - 0.5])
        inside = ((places >= -0.5) & (places <= last)).all(dim=-1, keepdim=True)
        return torch.cat([places, given[..., 2:] * inside], dim=-1).as_subclass(type(self))


class Keypoints(Task):
    """K named points: N x 2 K coordinates from the model, K rows (x, y, visible) from the data."""

    name = "keypoints"
    spatial = True
    units = "px"
    card = CardWords(
        pipeline="keypoint-detection",
        usage='print(zoo.predict(model, "image.jpg")[0].details["points"])',
        figures={
            "pck": f"share of the visible points that are off by at most {NEAR} of their box's longer side",
            "error": "mean distance of the visible points, in pixels of the model's input",
        },
    )

    def outputs(self, classes: int | None) -> int:
        return 2 * super().outputs(classes)

    def classes(self, outputs: int) -> int:
        return outputs // 2

    def collate(self, targets: Sequence[Any]) -> Tensor:
        """Points N x K x 3."""
        return torch.tensor(list(targets), dtype=torch.float32).as_subclass(Points)

    def check(self, data: Dataset, outputs: int, labels: Sequence[str], where: str) -> None:
        """Raises DataError unless each target has a row (x, y, visible) for each point."""
        count = self.classes(outputs)
        for i, target in enumerate(data.targets):
            rows = target if isinstance(target, list | tuple) else []
            if len(rows) != count or not all(isinstance(r, list | tuple) and len(r) == 3 for r in rows):
                expected = f"{count} rows (x, y, visible)"
                raise DataError(f"{where}: target of {data.name(i)}", expected=expected, got=str(target))
        check_labels(data, len(data.labels) or count, count, labels, where)

    def read(self, output: Tensor, labels: Sequence[str] = ()) -> list[Prediction]:
        """The points by name, and as marks over the image."""
        return [self._said(row.detach().float().cpu().view(-1, 2), labels) for row in output]

    def placed(self, found: Prediction, matrix: Tensor, size: Size, own: Size) -> Prediction:
        """The points in the pixels of the image as it was given."""
        assert found.overlay is not None and found.overlay.points is not None  # noqa: S101 - from `read`
        # With the matrix itself points move as the image did to become the model's input; here they go back
        back = torch.linalg.inv(matrix)[None]
        return self._said(
            warp_points(found.overlay.points[None], back, size, own)[0], [*found.details["points"]]
        )

    def _said(self, points: Tensor, labels: Sequence[str]) -> Prediction:
        names = list(labels) or [str(i) for i in range(len(points))]
        places = {name: [round(v, 2) for v in xy] for name, xy in zip(names, points.tolist(), strict=True)}
        label = ", ".join(f"{name} ({x:.0f}, {y:.0f})" for name, (x, y) in places.items())
        return Prediction(label, None, {}, overlay=_marks(points), details={"points": places})

    def metrics(self, outputs: int) -> MetricCollection:
        """Share of right points (PCK, Yang and Ramanan, 2013), and the mean error in pixels."""
        found = MetricCollection({"pck": PCK()})  # the first one is what a run shows
        found.add_metrics({"error": MeanError()})
        return found

    def errors(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean distance of the visible points of each image."""
        off, seen = distances(output, target)
        return (off * seen).sum(dim=1) / seen.sum(dim=1).clamp(min=1)

    def overlay(self, output: Tensor, target: Tensor | None = None) -> Overlay:
        """The points of one image; of the true ones those that can be seen."""
        if target is None:
            return _marks(output.view(-1, 2))
        # A point that is not a number is not drawn
        return _marks(torch.where(target[:, 2:] > 0, target[:, :2], torch.nan))

    def analysis(self, labels: Sequence[str], most: int) -> Analysis:
        """Figures by point, and the images with the largest errors."""
        return KeypointAnalysis(self, labels, most)

    def example(self, classes: int, count: int) -> tuple[Tensor, Tensor]:
        """Random coordinates, and visible points."""
        return torch.rand(count, 2 * classes), torch.cat(
            [torch.rand(count, classes, 2), torch.ones(count, classes, 1)], -1
        )


class KeypointAnalysis(Analysis):
    """Figures by point beside the worst images."""

    def __init__(self, task: Task, labels: Sequence[str], most: int) -> None:
        super().__init__(task, labels, most)
        self._sums = torch.zeros(3, len(labels), dtype=torch.float64)

    def add(self, output: Tensor, target: Tensor, index: Tensor, size: Size) -> None:
        """Takes in N x 2 K coordinates and N x K x 3 points."""
        super().add(output, target, index, size)
        off, seen = distances(output, target)
        rows = [off * seen, (off <= reach(target)) * seen, seen]
        # To the CPU first, since some accelerators have no double precision
        self._sums += torch.stack(rows).cpu().double().sum(dim=1)

    def findings(self, names: Names, known: Mapping[str, float]) -> Findings:
        """Mean error, share of right ones and number of images of each point."""
        found, (off, right, seen) = super().findings(names, known), self._sums
        rows: dict[str, dict[str, float]] = {
            label: {
                "error": float(off[i] / seen[i].clamp(min=1)),
                "pck": float(right[i] / seen[i].clamp(min=1)),
                "images": int(seen[i]),
            }
            for i, label in enumerate(self.labels)
        }
        tables = (class_table(rows), *found.tables)
        return replace(found, labels=self.labels, per_class=rows, tables=tables)


class SoftArgmaxHead(Head):
    """N x 2 K coordinates: where the mass of each of K heat maps lies.

    Paper: Integral Human Pose Regression, https://arxiv.org/abs/1711.08229

    Args:
        inputs: the last map.
        classes: number of points.
    """

    def __init__(self, *, inputs: Sequence[FeatureInfo], classes: int | None = None) -> None:
        task = Keypoints()
        super().__init__(task=task, inputs=inputs, outputs=task.outputs(classes))
        self.heat = nn.Conv2d(self.inputs[0].channels, self.outputs // 2, 1)

    def forward(self, *features: Tensor) -> Tensor:
        """N x 2 K pixels of the model's input: x and y of the first point, then of the next."""
        self.check_features(features)
        info = self.inputs[0]
        heat = self.heat(as_map(features[0], replace(info, size=None) if info.layout == "NLC" else info))
        height, width = heat.shape[2:]
        # N x K x H x W, each map with a sum of 1
        mass = heat.flatten(2).softmax(dim=2).unflatten(2, (height, width))
        stride = info.reduction or 1
        # The middle of each cell of the map, in pixels of the input
        x, y = ((torch.arange(n, device=heat.device) + 0.5) * stride - 0.5 for n in (width, height))
        # Mean of x and of y, weighted by the mass in each column and row
        return torch.stack([(mass.sum(dim=2) * x).sum(-1), (mass.sum(dim=3) * y).sum(-1)], dim=-1).flatten(1)


class VisibleSmoothL1(Loss):
    """Smooth L1 distance in pixels, the mean over the visible points' coordinates."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """The loss of N x 2 K coordinates and N x K x 3 points."""
        seen = target[..., 2:].expand(-1, -1, 2)
        each = F.smooth_l1_loss(output.view(*seen.shape), target[..., :2], reduction="none")
        # 0 where no point of the batch can be seen
        return (each * seen).sum() / seen.sum().clamp(min=1)


class _PointMean(Metric):
    """A mean over visible points; not a number where there is none."""

    full_state_update = False
    values: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        # One by one: a sum over many images would lose digits where there is no double precision
        self.add_state("values", default=[], dist_reduce_fx="cat")

    def update(self, output: Tensor, target: Tensor) -> None:
        """Takes in N x 2 K coordinates and N x K x 3 points."""
        off, seen = distances(output, target)
        self.values.append(self.each(off, target)[seen > 0])

    def each(self, off: Tensor, target: Tensor) -> Tensor:
        """The value of each point."""
        raise NotImplementedError

    def compute(self) -> Tensor:
        """The mean."""
        # torchmetrics hands a list, but one tensor once processes were gathered
        found = [torch.as_tensor(v).reshape(-1).cpu() for v in self.values]
        return torch.cat(found).double().mean() if found else torch.tensor(float("nan"))


class MeanError(_PointMean):
    """Mean distance in pixels."""

    higher_is_better = False

    def each(self, off: Tensor, target: Tensor) -> Tensor:
        """The distance."""
        return off


class PCK(_PointMean):
    """Share of the points that are right."""

    higher_is_better = True

    def each(self, off: Tensor, target: Tensor) -> Tensor:
        """1 where a point is within reach, else 0."""
        return (off <= reach(target)).to(off.dtype)


def distances(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Distance of each point in pixels, and whether it can be seen, both N x K.

    Example:
        >>> off, seen = distances(torch.tensor([[3.0, 4.0]]), torch.tensor([[[0.0, 0.0, 1.0]]]))
        >>> off.tolist(), seen.tolist()
        ([[5.0]], [[1.0]])
    """
    points = output.float().view(len(target), -1, 2)
    return (points - target[..., :2]).norm(dim=-1), target[..., 2]


def reach(target: Tensor) -> Tensor:
    """How far a point may be off, N x 1 pixels: a share of the box around the visible points.

    Example:
        >>> reach(torch.tensor([[[0.0, 0.0, 1.0], [10.0, 2.0, 1.0]]])).tolist()
        [[2.0]]
    """
    places, seen = target[..., :2], target[..., 2:] > 0
    # Without a visible point the box is from inf to -inf, and its side is cut off at 0
    low = places.masked_fill(~seen, torch.inf).amin(dim=1)
    high = places.masked_fill(~seen, -torch.inf).amax(dim=1)
    return NEAR * (high - low).amax(dim=1, keepdim=True).clamp(min=0)


def _marks(points: Tensor) -> Overlay:
    """Points, each joined with the next."""
    count = len(points)
    return Overlay(points=points.detach().cpu(), lines=tuple((i, (i + 1) % count) for i in range(count)))
