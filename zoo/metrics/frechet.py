"""The Frechet distance of two samples of features."""

from __future__ import annotations

import torch
from torch import Tensor

from zoo.spec.errors import DataError


def frechet(real: Tensor, made: Tensor) -> float:
    """The Frechet distance of two normal distributions with the means and covariances of two samples.

    Heusel et al., GANs Trained by a Two Time-Scale Update Rule (2017), https://arxiv.org/abs/1706.08500

    Args:
        real: N x D features of real images, N of 2 or more.
        made: M x D features of generated ones.

    Example:
        >>> frechet(torch.tensor([[0.0], [2.0]]), torch.tensor([[3.0], [5.0]]))
        9.0
    """
    (mean_a, cov_a), (mean_b, cov_b) = (_moments(x, "frechet") for x in (real, made))
    # The symmetric root of the first covariance; rounding makes eigenvalues of 0 slightly negative
    values, vectors = torch.linalg.eigh(cov_a)
    root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    # The trace of sqrt(A B), by a symmetric matrix with the same eigenvalues as A B.
    cross = torch.linalg.eigvalsh(root @ cov_b @ root).clamp(min=0).sqrt().sum()
    distance = (mean_a - mean_b).square().sum() + cov_a.trace() + cov_b.trace() - 2 * cross
    # Of one sample twice, what is left of the difference may be below 0
    return max(float(distance), 0.0)


def _moments(features: Tensor, where: str) -> tuple[Tensor, Tensor]:
    if len(features) < 2:
        raise DataError(where, expected="2 or more images on each side", got=str(len(features)))
    # Features have thousands of dimensions, and the distance is a small difference of large traces
    x = features.double()
    # Of one dimension torch.cov returns a scalar
    return x.mean(dim=0), torch.cov(x.T).reshape(x.shape[1], x.shape[1])
