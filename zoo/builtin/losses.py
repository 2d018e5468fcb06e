"""Losses of the tasks. Each checks at the door that output and target have the same shape.

Without that check a target of N beside an output of N x 1 would silently give the loss of N x N pairs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.errors import ShapeError
from zoo.interfaces import Loss

_LOGITS = ("binary", "multilabel", "ordinal")
"""Tasks of N x K logits, each of which speaks for itself; with one logit all of them are one loss."""

_VALUES = ("regression", "reconstruction")


def _check_same(name: str, output: Tensor, target: Tensor) -> None:
    if output.shape != target.shape or output.ndim < 2:
        raise ShapeError(
            f"loss {name}",
            expected="output and target alike, N x outputs",
            got=f"{_shape(output)} and {_shape(target)}",
            hint="prepare targets with the task's target()",
        )


def _shape(x: Tensor) -> str:
    return " x ".join(map(str, x.shape)) or "a scalar"


@contextmanager
def classes_checked(name: str, target: Tensor, classes: int, ignored: int | None = None) -> Iterator[None]:
    """Says which class indices are not below the number of classes, where torch stumbles over one inside.

    Only on the CPU: an accelerator reports it later and in its own words, and to look before would make each
    step wait. `fit` has checked the data.

    Args:
        name: of the loss.
        target: class indices, or probabilities, of which nothing is said.
        classes: how many there are.
        ignored: index that does not count.

    Raises:
        ShapeError: an index is negative, or as large as the number of classes or larger.
    """
    try:
        yield
    except (IndexError, RuntimeError) as error:
        if target.device.type != "cpu" or target.is_floating_point():
            raise
        wrong = target[(target != ignored) & ((target < 0) | (target >= classes))]
        if not wrong.numel():
            raise
        expected = f"indices below {classes}"
        raise ShapeError(f"loss {name}: targets", expected=expected, got=str(int(wrong[0]))) from error


class BCE(Loss):
    """Binary cross-entropy of logits.

    Args:
        positive_weight: weight of the second class against the first, above 0.
        label_smoothing: share of each target that is spread over both answers, in [0, 1): of 0.1, targets are
            0.05 and 0.95. That is the cross-entropy of two classes with the same smoothing.

    Example:
        >>> round(float(BCE()(torch.zeros(4, 1), torch.ones(4, 1))), 4)
        0.6931
    """

    cuts = True
    tasks = _LOGITS
    weight: Tensor

    def __init__(self, *, positive_weight: float = 1.0, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing
        # An option, so it stands in the recipe and in no checkpoint; a buffer, to move with the model
        self.register_buffer("weight", torch.tensor(float(positive_weight)), persistent=False)

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """The mean over N x 1 logits and N x 1 targets in [0, 1]."""
        _check_same("bce", output, target)
        if self.label_smoothing:
            target = torch.lerp(target, target.new_tensor(0.5), self.label_smoothing)
        return F.binary_cross_entropy_with_logits(output, target, pos_weight=self.weight)


class CrossEntropy(Loss):
    """Cross-entropy of logits.

    Args:
        label_smoothing: share of the target spread over all classes, in [0, 1).
        class_weights: one a class, above 0.

    Example:
        >>> round(float(CrossEntropy()(torch.zeros(2, 4), torch.tensor([0, 3]))), 4)
        1.3863
    """

    cuts = True
    tasks = ("multiclass",)
    weights: Tensor | None

    def __init__(
        self, *, label_smoothing: float = 0.0, class_weights: tuple[float, ...] | None = None
    ) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing
        weights = None if class_weights is None else torch.tensor(class_weights, dtype=torch.float32)
        # As of `BCE`: in the recipe, not in a checkpoint
        self.register_buffer("weights", weights, persistent=False)

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """The mean over N x K logits and N class indices, or N x K probabilities.

        Raises:
            ShapeError: the shapes do not fit, an index is K or more (on the CPU), or there are not K class
                weights.
        """
        if output.ndim != 2 or target.shape not in (output.shape[:1], output.shape):
            raise ShapeError(
                "loss cross-entropy",
                expected="output N x K and target N, or N x K probabilities",
                got=f"{_shape(output)} and {_shape(target)}",
            )
        classes = output.shape[1]
        if self.weights is not None and len(self.weights) != classes:
            raise ShapeError(
                "loss cross-entropy: class_weights",
                expected=f"{classes} number{'s' * (classes != 1)}",
                got=str(len(self.weights)),
            )
        # torch's mean over weighted probabilities is one over images: of sure ones another than of indices
        by_hand = self.weights is not None and target.is_floating_point()
        with classes_checked("cross-entropy", target, classes):
            found = F.cross_entropy(
                output,
                target,
                weight=self.weights,
                label_smoothing=self.label_smoothing,
                reduction="sum" if by_hand else "mean",
            )
        divisor = self.divisor(target) if by_hand else None
        return found if divisor is None else found / divisor

    def divisor(self, target: Tensor) -> Tensor | None:
        """The weights of the targets together; None, the number of images, without weights."""
        if self.weights is None:
            return None
        return (target @ self.weights if target.is_floating_point() else self.weights[target]).sum()


class CumulativeBCE(Loss):
    """Binary cross-entropy of each threshold between ordered classes (Frank and Hall, 2001)."""

    cuts = True
    tasks = _LOGITS

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """The mean over N x K - 1 logits and targets, 1 where the class is above the threshold."""
        _check_same("cumulative-bce", output, target)
        return F.binary_cross_entropy_with_logits(output, target)


class MultilabelSoftMargin(Loss):
    """Binary cross-entropy of each label, averaged over labels and images."""

    cuts = True
    tasks = _LOGITS

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """The mean over N x K logits and N x K indicators."""
        _check_same("multilabel-soft-margin", output, target)
        return F.multilabel_soft_margin_loss(output, target)


class MSE(Loss):
    """Mean squared error.

    Example:
        >>> float(MSE()(torch.zeros(2, 1), torch.full((2, 1), 3.0)))
        9.0
    """

    cuts = True
    tasks = _VALUES

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """The mean over output and target of one shape."""
        _check_same("mse", output, target)
        return F.mse_loss(output, target)


class L1(Loss):
    """Mean absolute error.

    Example:
        >>> float(L1()(torch.zeros(2, 1), torch.full((2, 1), 3.0)))
        3.0
    """

    cuts = True
    tasks = _VALUES

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """The mean over output and target of one shape."""
        _check_same("l1", output, target)
        return F.l1_loss(output, target)
