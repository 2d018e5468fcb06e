"""Losses of segmentation: of a pixel's logits and class; index 255 does not count, unless it is a class."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.builtin.losses import classes_checked
from zoo.errors import ShapeError
from zoo.interfaces import Loss, Segmentation, ignored_index

_MAPS = 4
"""Axes of N x K x H x W."""


class PixelLoss(Loss):
    """Base of the losses of segmentation: the check at the door, and weights of classes.

    Args:
        class_weights: one a class, above 0; all are 1 where None.
    """

    name: str
    """As it is registered, for errors."""

    weights: Tensor | None

    def __init__(self, *, class_weights: tuple[float, ...] | None = None) -> None:
        super().__init__()
        weights = None if class_weights is None else torch.tensor(class_weights, dtype=torch.float32)
        self.register_buffer("weights", weights, persistent=False)
        # As many as the weights, or as `prepare` is told
        self._outputs = 0 if class_weights is None else len(class_weights)

    def prepare(self, outputs: int, classes: int | None) -> None:
        """Takes note of the number of classes, on which it depends whether 255 is one of them."""
        self._outputs = outputs

    def check(self, output: Tensor, target: Tensor) -> None:
        """Raises ShapeError unless the shapes are N x K x H x W and N x H x W, with K class weights."""
        if output.ndim != _MAPS or target.shape != (output.shape[0], *output.shape[2:]):
            got = " and ".join(" x ".join(map(str, x.shape)) for x in (output, target))
            raise ShapeError(
                f"loss {self.name}", expected="output N x K x H x W and target N x H x W", got=got
            )
        if self.weights is not None and len(self.weights) != output.shape[1]:
            expected, got = f"{output.shape[1]} number{'s' * (output.shape[1] != 1)}", str(len(self.weights))
            raise ShapeError(f"loss {self.name}: class_weights", expected=expected, got=got)

    def indices(self, output: Tensor, target: Tensor) -> AbstractContextManager[None]:
        """Within it, an index of K or more on the CPU is a ShapeError."""
        return classes_checked(self.name, target, output.shape[1], _ignored(output.shape[1]))

    def counted(self, target: Tensor, outputs: int) -> Tensor:
        """True where a pixel of N x H x W counts, for a model of so many classes."""
        ignored = _ignored(outputs)
        return torch.ones_like(target, dtype=torch.bool) if ignored is None else target != ignored

    def counts(self, target: Tensor, outputs: int) -> Tensor:
        """Weight of each pixel, N x H x W: that of its class, or 0."""
        counted = self.counted(target, outputs)
        if self.weights is None:
            return counted.float()
        # An ignored index is none of the weights; what it is replaced by counts 0
        return self.weights[target.where(counted, 0)] * counted

    def divisor(self, target: Tensor) -> Tensor | None:
        """The weights of the pixels together."""
        return self.counts(target, self._outputs).sum()


class PixelCrossEntropy(PixelLoss):
    """Cross-entropy of each pixel's logits.

    Args:
        label_smoothing: share of the target spread over all classes, in [0, 1).
        class_weights: one a class, above 0.

    Example:
        >>> output, target = torch.zeros(1, 4, 2, 2), torch.tensor([[[0, 1], [3, 255]]])
        >>> round(float(PixelCrossEntropy()(output, target)), 4)
        1.3863
    """

    name = "pixel-cross-entropy"
    tasks = (Segmentation.name,)
    cuts = True

    def __init__(
        self, *, label_smoothing: float = 0.0, class_weights: tuple[float, ...] | None = None
    ) -> None:
        super().__init__(class_weights=class_weights)
        self.label_smoothing = label_smoothing

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """The mean over the pixels of N x K x H x W logits and N x H x W class indices; 0 where none counts.

        Raises:
            ShapeError: the shapes do not fit, an index is K or more (on the CPU), or there are not K class
                weights.
        """
        self.check(output, target)
        with self.indices(output, target):
            summed = F.cross_entropy(
                output,
                target,
                weight=self.weights,
                label_smoothing=self.label_smoothing,
                ignore_index=_torchs(output.shape[1]),
                # torch's mean over no pixel is not a number; `_over` makes 0 of it
                reduction="sum",
            )
        return _over(summed, self.counts(target, output.shape[1]).sum())


class Focal(PixelLoss):
    """Cross-entropy of each pixel times `(1 - p) ** gamma`: pixels that are right already count less.

    Paper: Focal Loss for Dense Object Detection, https://arxiv.org/abs/1708.02002, here for the softmax over
    K classes; `class_weights` are its alpha.

    Args:
        gamma: 0 is the cross-entropy; the larger, the less do sure pixels count.
        class_weights: one a class, above 0.

    Example:
        >>> output, target = torch.zeros(1, 4, 2, 2), torch.tensor([[[0, 1], [3, 255]]])
        >>> round(float(Focal(gamma=2)(output, target) / PixelCrossEntropy()(output, target)), 4)
        0.5625
    """

    name = "focal"
    tasks = (Segmentation.name,)
    cuts = True

    def __init__(self, *, gamma: float = 2.0, class_weights: tuple[float, ...] | None = None) -> None:
        super().__init__(class_weights=class_weights)
        self.gamma = gamma

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """The mean over the pixels of N x K x H x W logits and N x H x W class indices; 0 where none counts.

        Raises:
            ShapeError: the shapes do not fit, an index is K or more (on the CPU), or there are not K class
                weights.
        """
        self.check(output, target)
        with self.indices(output, target):
            entropy = F.cross_entropy(output, target, ignore_index=_torchs(output.shape[1]), reduction="none")
        missing = -torch.expm1(-entropy)  # 1 - p, exact where p is near 1
        # A power below 1 has no gradient at 0.
        values = missing.clamp(min=torch.finfo(missing.dtype).eps) ** self.gamma * entropy
        counts = self.counts(target, output.shape[1])
        return _over((values * counts).sum(), counts.sum())


class Dice(PixelLoss):
    """One minus the mean over classes of Dice's coefficient, with probabilities in the place of answers.

    Paper: V-Net: Fully Convolutional Neural Networks for Volumetric Medical Image Segmentation,
    https://arxiv.org/abs/1606.04797, without the squares in its denominator. Sums run over all images of a
    batch; classes that are in none of them do not count.

    Args:
        smooth: pixels added to numerator and denominator.
        class_weights: one a class, above 0.

    Example:
        >>> target = torch.tensor([[[0, 1], [1, 0]]])
        >>> right = F.one_hot(target).permute(0, 3, 1, 2) * 100.0
        >>> float(Dice()(right, target)), float(Dice()(-right, target))
        (0.0, 1.0)
    """

    name = "dice"
    tasks = (Segmentation.name,)
    # What its classes divide by is in the answers too
    cuts = False

    def __init__(self, *, smooth: float = 0.0, class_weights: tuple[float, ...] | None = None) -> None:
        super().__init__(class_weights=class_weights)
        self.smooth = smooth

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """The loss of N x K x H x W logits and N x H x W class indices, in [0, 1].

        Raises:
            ShapeError: the shapes do not fit, an index is K or more (on the CPU), or there are not K class
                weights.
        """
        return self.of_sums(self.sums(output, target))

    def divisor(self, target: Tensor) -> None:
        """None: no number that is known of the targets alone."""
        return

    def sums(self, output: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Overlap of answers and truth of each class, the pixels in both together, and the true ones.

        Raises:
            ShapeError: as `forward`.
        """
        self.check(output, target)
        counted = self.counted(target, output.shape[1])[:, None]
        # Sums over all pixels of a batch are beyond half precision
        likely = output.float().softmax(dim=1) * counted
        index = target[:, None].where(counted, 0)
        # N x K x H x W, all 0 at pixels that do not count
        with self.indices(output, target):
            true = torch.zeros_like(likely).scatter_(1, index, counted.to(likely.dtype))
        axes = (0, 2, 3)
        pixels = true.sum(axes)
        return {"common": (likely * true).sum(axes), "both": likely.sum(axes) + pixels, "true": pixels}

    def of_sums(self, sums: Mapping[str, Tensor]) -> Tensor:
        """The loss of all pixels that are in the sums."""
        score = _over(2 * sums["common"] + self.smooth, sums["both"] + self.smooth)
        weights = (sums["true"] > 0).to(score.dtype)
        if self.weights is not None:
            weights = weights * self.weights.to(score)
        return _over(((1 - score) * weights).sum(), weights.sum())


def _ignored(outputs: int) -> int | None:
    return ignored_index(Segmentation, outputs)


def _torchs(outputs: int) -> int:
    """The index for torch, which has to be told one; below 0 it is no class."""
    ignored = _ignored(outputs)
    return -1 if ignored is None else ignored


def _over(value: Tensor, count: Tensor) -> Tensor:
    """The quotient; 0 where both are 0, without a branch that an accelerator would wait at."""
    return value / count.clamp(min=torch.finfo(count.dtype).tiny)
