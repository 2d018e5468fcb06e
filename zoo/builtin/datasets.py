"""Data sets that other packages ship, so that they need no download."""

from __future__ import annotations

import hashlib
import importlib
from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from zoo.errors import DataError, OptionError, listing, quote
from zoo.interfaces import Binary, Dataset, Multiclass, Sample, Task

Array = npt.NDArray[np.uint8]


class Embedded(Dataset):
    """Images that fit in memory.

    Args:
        images: M x H x W x 1, uint8 in 0..255.
        targets: M class indices.
        per_class: keep only so many of each class, the first ones.
        classes: keep only the images of these, with indices in this order.

    Raises:
        OptionError: there is no class of such a name, or one is named twice.
    """

    title: ClassVar[str]

    def __init__(
        self,
        images: Array,
        targets: npt.NDArray[np.int64],
        *,
        per_class: int | None = None,
        classes: Sequence[str] | None = None,
    ) -> None:
        if classes is not None:
            numbers = np.full(len(self.labels), -1)
            numbers[chosen(self.title, classes, self.labels)] = np.arange(len(classes))
            kept_classes = numbers[targets] >= 0
            images, targets = images[kept_classes], numbers[targets[kept_classes]]
            self.labels = tuple(classes)
        if per_class is not None:
            kept = [np.flatnonzero(targets == label)[:per_class] for label in range(len(self.labels))]
            order = np.sort(np.concatenate(kept))
            images, targets = images[order], targets[order]
        self._images, self._targets = images, targets
        digest = hashlib.blake2b(images.tobytes(), digest_size=16)
        digest.update(targets.tobytes())
        self.fingerprint = digest.hexdigest()

    def __len__(self) -> int:
        return len(self._targets)

    def __getitem__(self, index: int) -> Sample:
        return Sample(self._images[index], int(self._targets[index]))

    @property
    def targets(self) -> Sequence[int]:
        """Class indices."""
        return [int(target) for target in self._targets]

    def name(self, index: int) -> str:
        """Name of a sample, such as `digits[17]`."""
        return f"{self.title}[{index}]"


def chosen(title: str, classes: Sequence[str], labels: Sequence[str], option: str = "classes") -> list[int]:
    """The numbers of the classes that are named, or of what else a data set can be asked for by name.

    Raises:
        OptionError: there is none of such a name, or one is named twice.

    Example:
        >>> chosen("digits", ["7", "1"], "0123456789")
        [7, 1]
    """
    where = f"dataset {title}: {option}"
    if unknown := [name for name in classes if name not in labels]:
        raise OptionError(where, expected=f"some of {listing(labels)}", got=quote(unknown[0]))
    if twice := [name for name, count in Counter(classes).items() if count > 1]:
        raise OptionError(where, expected="each once", got=f"{quote(twice[0])} twice")
    return [labels.index(name) for name in classes]


class Digits(Embedded):
    """Handwritten digits, 8 x 8 gray pixels (E. Alpaydin, C. Kaynak, 1998).

    Args:
        per_class: keep only so many of each digit, the first ones.
        classes: keep only these digits; all where None.

    Raises:
        DataError: scikit-learn is missing.
        OptionError: there is no class of such a name, or one is named twice.
    """

    title = "digits"
    task: Task = Multiclass()
    labels = tuple("0123456789")

    def __init__(self, *, per_class: int | None = None, classes: Sequence[str] | None = None) -> None:
        bunch = _package("sklearn.datasets", self.title).load_digits()
        # Sixteen gray levels above zero, spread over the bytes.
        images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)[..., None]
        super().__init__(images, bunch.target.astype(np.int64), per_class=per_class, classes=classes)


class Faces(Embedded):
    """Faces of Labeled Faces in the Wild, and crops of the same photographs without one; 25 x 25 gray pixels.

    Args:
        per_class: keep only so many of each class, the first ones.

    Raises:
        DataError: scikit-image is missing.
    """

    title = "faces"
    task: Task = Binary()
    labels = ("no face", "face")

    def __init__(self, *, per_class: int | None = None) -> None:
        crops = _package("skimage.data", self.title).lfw_subset()
        images = np.rint(crops * 255).astype(np.uint8)[..., None]
        targets = (np.arange(len(images)) < len(images) // 2).astype(np.int64)  # the faces come first
        super().__init__(images, targets, per_class=per_class)


def _package(module: str, dataset: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise missing(dataset, module, str(error)) from None


def missing(dataset: str, package: str, reason: str) -> DataError:
    """The error for a data set whose package is not there."""
    return DataError(
        f"dataset {dataset}",
        expected=f"the package of {package}",
        got=reason,
        hint="in the checkout of zoo: pip install '.[datasets]'",
    )
