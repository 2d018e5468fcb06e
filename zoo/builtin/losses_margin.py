"""Losses of embeddings with a margin: classes are directions, which the loss learns beside the model."""

from __future__ import annotations

import math
from abc import abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.errors import OptionError, ShapeError, TrainingError
from zoo.interfaces import Loss

_LEAST = 1e-12
"""Least square that a root is taken of: at zero its slope is infinite."""


class MarginLoss(Loss):
    """Cross-entropy of scaled cosines between embeddings and a direction a class, the true one handicapped.

    Only directions count: embeddings are scaled to length one, whatever the head does.

    Args:
        margin: the handicap of the true class.
        scale: what the cosines are multiplied with.
    """

    # Directions of the training's classes say nothing of other data, so `zoo.evaluate` leaves the loss out
    learns = True
    cuts = True
    tasks = ("embedding",)
    prototypes: Tensor | None

    def __init__(self, *, margin: float, scale: float) -> None:
        super().__init__()
        self.margin, self.scale = margin, scale
        # Made by `prepare`, when the number of classes is known; until then in no state dict
        self.register_parameter("prototypes", None)

    @property
    def _where(self) -> str:
        return f"loss {type(self).__name__.lower()}"

    def prepare(self, outputs: int, classes: int | None) -> None:
        """Makes a random direction for each class; those that fit already are kept.

        Args:
            outputs: length of the embeddings.
            classes: of the data.

        Raises:
            OptionError: the data have no classes.
        """
        if classes is None:
            hint = "give a folder for each person or thing"
            raise OptionError(self._where, expected="data with classes", got="none", hint=hint)
        if self.prototypes is None or self.prototypes.shape != (classes, outputs):
            # About length one; only the direction counts
            self.prototypes = nn.Parameter(torch.randn(classes, outputs) / math.sqrt(outputs))

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """The mean over N x D embeddings and N class indices.

        Raises:
            TrainingError: `prepare` was not called.
            ShapeError: the shapes do not fit, or an index is beyond the classes.
        """
        prototypes = self.prototypes
        if prototypes is None:
            hint = "zoo.fit does it; else call prepare(outputs, classes)"
            raise TrainingError(self._where, expected="prepared classes", got="none", hint=hint)
        classes, dim = prototypes.shape
        if output.ndim != 2 or output.shape[1] != dim or target.shape != output.shape[:1]:
            got = f"{' x '.join(map(str, output.shape))} and {' x '.join(map(str, target.shape))}"
            raise ShapeError(self._where, expected=f"output N x {dim} and target N", got=got)
        # On an accelerator a look would make it wait; `fit` has checked the data.
        if target.device.type == "cpu" and ((target < 0) | (target >= classes)).any():
            got = f"{int(target.min())} to {int(target.max())}"
            raise ShapeError(f"{self._where}: targets", expected=f"indices below {classes}", got=got)
        # In half precision cosines near one would all be one.
        with torch.autocast(output.device.type, enabled=False):
            cosine = F.linear(F.normalize(output.float(), dim=1), F.normalize(prototypes.float(), dim=1))
            # N x classes
            true = F.one_hot(target, classes).bool()
            return F.cross_entropy(self.scale * torch.where(true, self.handicapped(cosine), cosine), target)

    @abstractmethod
    def handicapped(self, cosine: Tensor) -> Tensor:
        """The cosines as they count for the true class; never more than they are."""


class ArcFace(MarginLoss):
    """Additive angular margin: the true class counts as if it were `margin` further off.

    J. Deng, J. Guo, N. Xue, S. Zafeiriou, "ArcFace", 2019, https://arxiv.org/abs/1801.07698. Where the angle
    and the margin are more than half a turn, the cosine is lowered by a constant instead, so that the loss
    goes on growing with the angle.

    Args:
        margin: in radians, at least 0 and below a quarter of a turn.
        scale: what the cosines are multiplied with, above 0.

    Example:
        >>> loss = ArcFace(margin=0.0, scale=1.0)
        >>> loss.prepare(2, 2)
        >>> loss.prototypes.data = torch.eye(2)
        >>> round(float(loss(torch.eye(2), torch.tensor([0, 1])).detach()), 4)
        0.3133
    """

    def __init__(self, *, margin: float = 0.5, scale: float = 64.0) -> None:
        super().__init__(margin=margin, scale=scale)

    def handicapped(self, cosine: Tensor) -> Tensor:
        """The cosine of the angle with the margin added."""
        sine = (1 - cosine.square()).clamp(min=_LEAST).sqrt()
        # cos(angle + margin), by the theorem of addition: no arc cosine, whose slope is infinite at 1
        moved = cosine * math.cos(self.margin) - sine * math.sin(self.margin)
        # Angle and margin beyond half a turn, where the cosine would rise again; both branches fall
        far = cosine < -math.cos(self.margin)
        return torch.where(far, cosine - self.margin * math.sin(self.margin), moved)


class CosFace(MarginLoss):
    """Additive cosine margin: the true class' cosine counts less by `margin`.

    H. Wang et al., "CosFace", 2018, https://arxiv.org/abs/1801.09414.

    Args:
        margin: in cosines, at least 0 and below 2.
        scale: what the cosines are multiplied with, above 0.
    """

    def __init__(self, *, margin: float = 0.35, scale: float = 64.0) -> None:
        super().__init__(margin=margin, scale=scale)

    def handicapped(self, cosine: Tensor) -> Tensor:
        """The cosine less the margin."""
        return cosine - self.margin
