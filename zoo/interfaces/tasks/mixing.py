"""Means: targets of images that were mixed, and outputs for several views of one image."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


class MixedTargets:
    """The part of a task that says how targets are averaged; by default they cannot be."""

    def mixable(self, y: Tensor, outputs: int) -> Tensor | None:
        """Raw targets as rows of numbers whose weighted means are targets too; None where there are none.

        What comes back is taken again, so that images can be mixed twice, and `target` takes it.

        Args:
            y: raw targets, N ...
            outputs: length of the model's output vector.
        """
        return None

    def hard(self, y: Tensor) -> Tensor:
        """Raw targets as metrics take them: of mixed ones the likeliest; others as they are.

        Args:
            y: raw targets, perhaps mixed.
        """
        return y

    def averaged(self, outputs: Tensor) -> Tensor:
        """The output whose probabilities are the mean of those of several; by default the mean itself.

        Args:
            outputs: V x N x ..., of V views of N images.
        """
        return outputs.mean(dim=0)


def mean_logit(outputs: Tensor) -> Tensor:
    """The logits whose sigmoids are the means of those of V x N x ... logits.

    Example:
        >>> mean_logit(torch.tensor([[0.0], [2.0]])).sigmoid() - torch.tensor([0.0, 2.0]).sigmoid().mean()
        tensor([0.])
    """
    # By logarithms, since a sigmoid near 1 has no digits left
    return F.logsigmoid(outputs).logsumexp(dim=0) - F.logsigmoid(-outputs).logsumexp(dim=0)


def mean_softmax(outputs: Tensor) -> Tensor:
    """The logits whose softmax is the mean of those of V x N x K x ... logits, over K."""
    return outputs.log_softmax(dim=2).logsumexp(dim=0) - math.log(len(outputs))


def one_hot(y: Tensor, classes: int) -> Tensor:
    """N x classes shares of N class indices; shares as they are.

    Example:
        >>> one_hot(torch.tensor([1, 0]), 3).tolist()
        [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """
    return y if y.is_floating_point() else F.one_hot(y.long(), classes).float()


def likeliest(y: Tensor) -> Tensor:
    """N class indices of N x classes shares; indices as they are.

    Example:
        >>> likeliest(torch.tensor([[0.2, 0.8], [0.6, 0.4]])).tolist()
        [1, 0]
    """
    return y.argmax(dim=1) if y.is_floating_point() and y.ndim == 2 else y


def likelier(y: Tensor) -> Tensor:
    """Indicators with what lies between 0 and 1 rounded; all else as it is.

    Example:
        >>> likelier(torch.tensor([0.0, 0.7, 0.3, -1.0])).tolist()
        [0.0, 1.0, 0.0, -1.0]
    """
    return torch.where((y > 0) & (y < 1), (y >= 0.5).to(y.dtype), y) if y.is_floating_point() else y
