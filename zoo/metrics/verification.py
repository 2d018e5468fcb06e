"""Verification: whether two images show the same person or thing, by the likeness of their embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.functional.classification import binary_auroc, binary_eer, binary_roc
from torchmetrics.utilities import dim_zero_cat

MOST_PAIRS = 50_000
"""Pairs of one class, and of two, that are looked at; where there are more, so many are drawn."""

# Drawn pairs are always the same ones, so that figures of two models can be compared
_SEED = 0
# Pairs at a time, since each takes a copy of two rows
_AT_ONCE = 1 << 14
# Beyond every cosine, so that the outermost thresholds take no pair and all of them
_ABOVE = 1 + 1e-9


def pairs(targets: Tensor, most: int = MOST_PAIRS) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs of images, the same ones at every call.

    Args:
        targets: N class indices.
        most: pairs of one class, and of two, to draw where there are more.

    Returns:
        P numbers of the one and of the other image, and P truth values, whether their classes are equal.

    Example:
        >>> one, other, same = pairs(torch.tensor([5, 7, 5]))
        >>> list(zip(one.tolist(), other.tolist(), same.tolist()))
        [(0, 1, False), (0, 2, True), (1, 2, False)]
    """
    targets = targets.detach().flatten().cpu()
    count = len(targets)
    # Few enough to list each pair once; else numbers of pairs are drawn and decoded, and no list is made
    if count * (count - 1) // 2 <= 2 * most:
        one, other = torch.triu_indices(count, count, offset=1)
        return one, other, targets[one] == targets[other]
    _, classes, sizes = torch.unique(targets, return_inverse=True, return_counts=True)
    # Sorted by class, each class is one stretch, and a pair is two places in it
    order = classes.argsort(stable=True)
    starts = sizes.cumsum(0) - sizes
    generator = torch.Generator().manual_seed(_SEED)
    like = _alike(sizes, starts, most, generator)
    unlike = _unlike(sizes, starts, most, generator)
    one, other = (torch.cat([a, b]) for a, b in zip(like, unlike, strict=True))
    return order[one], order[other], torch.arange(len(one)) < len(like[0])


def _alike(sizes: Tensor, starts: Tensor, most: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two places of one class, in the order by class."""
    weights = sizes * (sizes - 1)
    ends = weights.cumsum(0)
    total = int(ends[-1])
    if not total:
        return torch.empty(0, dtype=torch.int64), torch.empty(0, dtype=torch.int64)
    # Each pair has two numbers, one for either order.
    number = torch.arange(total) if total <= 2 * most else torch.randint(total, (most,), generator=generator)
    group = torch.bucketize(number, ends, right=True)
    rest = number - (ends - weights)[group]
    one, other = rest // (sizes[group] - 1), rest % (sizes[group] - 1)
    # Skips the image itself
    other = other + (other >= one)
    # Of a full list each pair is there in both orders; drawn ones are as they came
    kept = slice(None) if total > 2 * most else one < other
    return (starts[group] + one)[kept], (starts[group] + other)[kept]


def _unlike(sizes: Tensor, starts: Tensor, most: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two places of two classes, in the order by class."""
    count = int(sizes.sum())
    others = count - sizes
    ends = (sizes * others).cumsum(0)
    total = int(ends[-1])
    if not total:
        return torch.empty(0, dtype=torch.int64), torch.empty(0, dtype=torch.int64)
    number = torch.randint(total, (most,), generator=generator)
    group = torch.bucketize(number, ends, right=True)
    rest = number - (ends - sizes * others)[group]
    one, other = starts[group] + rest // others[group], rest % others[group]
    # Places behind the class' own stretch are moved past it
    return one, other + sizes[group] * (other >= starts[group])


def cosines(embeddings: Tensor, one: Tensor, other: Tensor) -> Tensor:
    """P cosines in double precision, in [-1, 1].

    Args:
        embeddings: N x D.
        one: P numbers of rows.
        other: P numbers of rows.
    """
    rows = F.normalize(embeddings.detach().cpu().double(), dim=1)
    parts = [slice(start, start + _AT_ONCE) for start in range(0, len(one), _AT_ONCE)]
    found = [(rows[one[part]] * rows[other[part]]).sum(dim=1) for part in parts]
    # Rounding leaves the cosine of an image with itself a little above 1
    return torch.cat(found).clamp(-1, 1) if found else rows.new_empty(0)


@dataclass(frozen=True, slots=True)
class Roc:
    """ROC curve: how many pairs are taken for the same at each threshold, the highest first.

    Args:
        accepted: share of the pairs of different classes that are taken for the same (false accept rate).
        found: share of the pairs of the same class that are (true accept rate).
        thresholds: least cosine of a pair that is taken for the same, halfway between two that were seen.
        similarity: cosine of each pair.
        same: whether it is of one class.
    """

    accepted: Tensor
    found: Tensor
    thresholds: Tensor
    similarity: Tensor
    same: Tensor

    @classmethod
    def of(cls, embeddings: Tensor, targets: Tensor, most: int = MOST_PAIRS) -> Roc | None:
        """The curve of embeddings; None unless there are pairs of the same class and of different ones.

        Args:
            embeddings: N x D.
            targets: N class indices.
            most: pairs of either kind at most.
        """
        one, other, same = pairs(targets, most)
        if not len(same) or bool(same.all()) or not bool(same.any()):
            return None
        return cls.from_pairs(cosines(embeddings, one, other), same)

    @classmethod
    def from_pairs(cls, similarity: Tensor, same: Tensor) -> Roc:
        """The curve of pairs of both kinds.

        Args:
            similarity: P cosines.
            same: P truth values.

        Example:
            >>> same = torch.tensor([True, True, False, False])
            >>> roc = Roc.from_pairs(torch.tensor([0.9, 0.2, 0.4, 0.1]), same)
            >>> roc.auc, roc.eer
            (0.75, 0.5)
        """
        accepted, found, cuts = binary_roc(_likeness(similarity), same.long(), validate_args=False)
        # Halfway between two cosines that were seen, a threshold does not hang on their last digits.
        seen = torch.cat([cuts.new_tensor([_ABOVE]), cuts[1:] * 2 - 1, cuts.new_tensor([-_ABOVE])])
        return cls(accepted, found, (seen[:-1] + seen[1:]) / 2, similarity, same)

    @property
    def auc(self) -> float:
        """Area under the curve, torchmetrics': the chance that a pair of one class is liker than another."""
        return float(binary_auroc(_likeness(self.similarity), self.same.long(), validate_args=False))

    @property
    def eer(self) -> float:
        """Equal error rate, torchmetrics': the mean of the shares of wrong pairs where they are nearest."""
        return float(binary_eer(_likeness(self.similarity), self.same.long(), validate_args=False))

    @property
    def _crossing(self) -> tuple[int, float]:
        """The first point where no fewer are accepted wrongly than missed, and how far on the way to it."""
        # Wrongly accepted less missed: from -1 at the highest threshold to 1 at the lowest
        gap = self.accepted.double() + self.found.double() - 1
        after = int((gap >= 0).nonzero()[0])
        before = gap[after - 1]
        return after, float(before / (before - gap[after]))

    @property
    def threshold(self) -> float:
        """The cosine at the equal error rate."""
        after, way = self._crossing
        return float(torch.lerp(self.thresholds[after - 1], self.thresholds[after], way))

    def threshold_at(self, rate: float) -> float:
        """The lowest threshold at which no larger share of the pairs of different classes is accepted.

        Args:
            rate: the false accept rate that is put up with, in [0, 1].
        """
        return float(self.thresholds[int((self.accepted <= rate).nonzero()[-1])])

    def rates(self, threshold: float) -> tuple[float, float]:
        """Shares of the pairs of different classes, and of one class, that are taken for the same."""
        taken = self.similarity >= threshold
        return float(taken[~self.same].double().mean()), float(taken[self.same].double().mean())

    def table(self, rates: Sequence[float] = (0.1, 0.01, 0.001)) -> list[dict[str, float]]:
        """Threshold and share of the pairs of one class that are found, for each false accept rate.

        Left out are rates that too few pairs of different classes are there to tell.
        """
        different = int((~self.same).sum())
        # Below one pair the share could only be 0
        told = [rate for rate in rates if rate * different >= 1]
        cuts = [self.threshold_at(rate) for rate in told]
        return [
            {"false_accepts": rate, "threshold": cut, "true_accepts": self.rates(cut)[1]}
            for rate, cut in zip(told, cuts, strict=True)
        ]


def _likeness(similarity: Tensor) -> Tensor:
    """Cosines as numbers in [0, 1]; torchmetrics takes those beyond for logits."""
    return (similarity.double() + 1) / 2


class Verification(Metric):
    """Metric over all pairs of images; not a number where there are none of one class, or none of two.

    Fed with N x D embeddings and N class indices.
    """

    full_state_update: bool = False
    embeddings: list[Tensor]
    targets: list[Tensor]

    def __init__(self) -> None:
        # What several processes have found is gathered before: fed twice, an image would be its own double.
        super().__init__(sync_on_compute=False)
        self.add_state("embeddings", default=[], dist_reduce_fx="cat")
        self.add_state("targets", default=[], dist_reduce_fx="cat")

    def update(self, embeddings: Tensor, targets: Tensor) -> None:
        """Takes in a batch."""
        self.embeddings.append(embeddings.detach())
        self.targets.append(targets.detach().flatten())

    def compute(self) -> Tensor:
        """The figure of all batches."""
        roc = Roc.of(dim_zero_cat(self.embeddings), dim_zero_cat(self.targets))
        return torch.tensor(float("nan") if roc is None else self.figure(roc))

    def figure(self, roc: Roc) -> float:
        """Figure that is read off the curve."""
        raise NotImplementedError


class VerificationAUC(Verification):
    """Area under the ROC curve."""

    higher_is_better: bool = True

    def figure(self, roc: Roc) -> float:
        """The area, in [0, 1]; 0.5 is chance."""
        return roc.auc


class EqualErrorRate(Verification):
    """Equal error rate."""

    higher_is_better: bool = False

    def figure(self, roc: Roc) -> float:
        """The rate, in [0, 1]."""
        return roc.eer


class EqualErrorThreshold(Verification):
    """The cosine at the equal error rate, from which on two images are taken for the same."""

    higher_is_better: None = None

    def figure(self, roc: Roc) -> float:
        """The cosine, in [-1, 1]."""
        return roc.threshold
