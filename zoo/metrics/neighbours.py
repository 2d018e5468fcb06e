"""Precision and recall of a sample of features, by nearest neighbours in another one."""

from __future__ import annotations

import torch
from torch import Tensor

from zoo.spec.errors import DataError

# The paper's choice
NEIGHBOURS = 3
_ROWS = 1024
"""Images whose distances to all others are taken at a time, so that no N x M of them are in memory."""


def precision_recall(real: Tensor, made: Tensor, *, neighbours: int = NEIGHBOURS) -> tuple[float, float]:
    """Precision and recall of generated images: how many could be real, and how many real ones are covered.

    Kynkaanniemi et al., Improved Precision and Recall Metric for Assessing Generative Models (2019),
    https://arxiv.org/abs/1904.06991: a sample covers all points that lie no farther from one of its own
    than that one's k-th nearest neighbour in it.

    Args:
        real: N x D features of real images, N above `neighbours`.
        made: M x D features of generated ones, M above `neighbours`.
        neighbours: k.

    Returns:
        The share of the generated that the real cover, and the share of the real that the generated cover.

    Raises:
        DataError: there are too few.

    Example:
        >>> real, made = torch.tensor([[0.0], [1.0], [2.0]]), torch.tensor([[1.0], [2.0], [9.0]])
        >>> [round(share, 2) for share in precision_recall(real, made, neighbours=1)]
        [0.67, 1.0]
    """
    for name, sample in (("real", real), ("generated", made)):
        if len(sample) <= neighbours:
            expected = f"more than {neighbours} {name} images"
            raise DataError("precision and recall", expected=expected, got=str(len(sample)))
    return _covered(real, made, neighbours), _covered(made, real, neighbours)


def _covered(sample: Tensor, points: Tensor, neighbours: int) -> float:
    """The share of points inside of one of the sample's balls."""
    sample, points = sample.double(), points.double()
    # The nearest of a point to its own sample is itself.
    radii = torch.cat(
        [torch.cdist(part, sample).kthvalue(neighbours + 1).values for part in torch.split(sample, _ROWS)]
    )
    # P x N, each column against the radius of its own ball
    inside = [(torch.cdist(part, sample) <= radii).any(dim=1) for part in torch.split(points, _ROWS)]
    return float(torch.cat(inside).double().mean())
