"""Targets of data: which figures of which form of answers they leave defined."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:
    from zoo.interfaces.tasks.base import Task

WORDS = {"Binary": ("binary",), "Multiclass": ("multiclass", "masks"), "Multilabel": ("multilabel",)}
"""Forms of answers by the first word of torchmetrics' names."""


def whole_numbers(target: Tensor, form: str) -> Tensor:
    """Labels of zeros and ones as whole numbers: some of torchmetrics' figures take no others."""
    return target.long() if form == "multilabel" and bool((target == target.long()).all()) else target


class TargetCounts:
    """The targets of the data, as far as they decide which figures are defined.

    Args:
        classes: number of classes or labels of the model, K.
        form: of the targets; see `zoo.interfaces.Task.form`.
        ignored: class index that is not counted; None where there is none.

    Attributes:
        count: number of images.
        classes: how often each class or label is the truth, K counts; None where targets are no classes.
        total: how often anything is: images with a class, or with labels, or pixels.
        low: the least value of each of K values; None where targets are no values.
        high: the largest ones.
        size: the shorter side of the image whose shorter side is longest; None where targets are no images.

    Example:
        >>> seen = TargetCounts(3)
        >>> seen.add(torch.tensor([0, 2, 2]))
        >>> seen.count, seen.classes.tolist(), seen.absent()
        (3, [1, 0, 2], [1])
    """

    def __init__(self, classes: int, form: str = "multiclass", ignored: int | None = None) -> None:
        self.form = form
        self.count = self.total = 0
        self.classes: Tensor | None = None
        self.low: Tensor | None = None
        self.high: Tensor | None = None
        self.size: int | None = None
        self._known, self._ignored = classes, ignored

    def add(self, target: Tensor) -> None:
        """Takes in the raw targets of N images, as the form says."""
        self.count += target.shape[0]
        # Rows without values have no least one
        if not target.numel():
            return
        if self.form == "multilabel":
            self._counted((target >= 0.5).sum(dim=0), len(target))
        elif self.form != "values" and not target.is_floating_point():
            indices = target.flatten().long()
            # `bincount` takes nothing below 0
            counted = indices >= 0 if self._ignored is None else (indices >= 0) & (indices != self._ignored)
            self._counted(torch.bincount(indices[counted], minlength=self._known), int(counted.sum()))
        elif self.form == "images":
            self.size = max(self.size or 0, min(target.shape[-2:]))
        # Images are no values of which one could be constant
        elif target.ndim <= 2:
            rows = target.detach().reshape(len(target), -1).cpu().double()
            low, high = rows.amin(dim=0), rows.amax(dim=0)
            self.low = low if self.low is None else torch.minimum(low, self.low)
            self.high = high if self.high is None else torch.maximum(high, self.high)

    def _counted(self, found: Tensor, total: int) -> None:
        self.total += total
        both = [found.cpu()] if self.classes is None else [found.cpu(), self.classes]
        # Embeddings have targets of any classes, and each batch may have others
        size = max(map(len, both))
        self.classes = torch.stack([F.pad(counts, (0, size - len(counts))) for counts in both]).sum(dim=0)

    def absent(self) -> list[int]:
        """Classes that are never the truth."""
        return [] if self.classes is None else (self.classes == 0).nonzero().flatten().tolist()

    def lacks_positive(self) -> str | None:
        """The reason where some class has no image, else None; of two by one logit the second counts.

        Example:
            >>> seen = TargetCounts(2, "binary")
            >>> seen.add(torch.tensor([0, 0]))
            >>> seen.lacks_positive()
            'no image is of class 1'
        """
        absent = [index for index in self.absent() if self.form != "binary" or index == 1]
        return self._without(absent[0]) if absent else None

    def lacks_others(self) -> str | None:
        """The reason, where all is of some class; of two classes told by one logit the second counts."""
        indices = [] if self.classes is None else (self.classes == self.total).nonzero().flatten().tolist()
        found = [index for index in indices if self.form != "binary" or index == 1]
        return f"all {self._things[0]} {self._things[1]} {found[0]}" if found else None

    def lacks_contrast(self) -> str | None:
        """The reason where some class has no image in it, or none out of it, else None."""
        absent = self.absent()
        return self._without(absent[0]) if absent else self.lacks_others()

    def lacks_second_class(self) -> str | None:
        """The reason where there is one class alone, else None."""
        alone = self.classes is None or int((self.classes > 0).sum()) < 2
        return f"all {self._things[0]} are of one class" if alone else None

    def lacks_variation(self) -> str | None:
        """The reason where a value is the same for all images, else None."""
        if self.low is None:
            return None
        assert self.high is not None  # noqa: S101 - there is none without the other
        same = (self.low == self.high).nonzero().flatten().tolist()
        if not same:
            return None
        return "all images have one value" if len(self.low) == 1 else f"all images have one value {same[0]}"

    def _without(self, index: int) -> str:
        thing, verb = self._things
        return f"no {thing.removesuffix('s')} {verb.replace('are', 'is').replace('have', 'has')} {index}"

    @property
    def _things(self) -> tuple[str, str]:
        things = "pixels" if self.form == "masks" else "images"
        return things, "have label" if self.form == "multilabel" else "are of class"

    def state_dict(self) -> dict[str, Any]:
        """Plain data and tensors."""
        names = ("count", "total", "classes", "low", "high", "size")
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """The reverse of `state_dict`."""
        self.count, self.total, self.classes = state["count"], state["total"], state.get("classes")
        self.low, self.high, self.size = state.get("low"), state.get("high"), state.get("size")


def ignored_index(task: Task | type[Task], outputs: int) -> int | None:
    """Class index that a task does not count, None where there is none: one that is a class counts.

    Args:
        task: says which.
        outputs: of the model.

    Example:
        >>> from zoo.interfaces import Segmentation
        >>> ignored_index(Segmentation, 255), ignored_index(Segmentation, 256)
        (255, None)
    """
    return None if task.ignored is None or task.ignored < outputs else task.ignored
