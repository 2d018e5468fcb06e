"""The dataset contract: images with targets, labels and a task."""

from __future__ import annotations

import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.images.decode import ImageArray
from zoo.images.digests import digest_of_pixels
from zoo.images.ranges import as_stored
from zoo.interfaces.tasks import Task
from zoo.spec.inputs import InputSpec


@dataclass(frozen=True, slots=True)
class Sample:
    """One image and what is known of it.

    Args:
        image: H x W x C, uint8 in 0..255 or float32 in [0, 1].
        target: class index, indicator row, value, or None.
        mask: H x W class indices, uint8, where each pixel has a class; 255 for pixels that do not count.
        size: height and width of the source, where the image was read smaller than it is.
        fields: further images and targets by name, where the data have `fields`.
    """

    image: ImageArray
    target: Any
    mask: npt.NDArray[np.uint8] | None = None
    size: tuple[int, int] | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


class Dataset(ABC):
    """Images by number. A subclass' constructor takes the options of its config class, keyword-only.

    Attributes:
        task: what the targets are for; None where images have no targets, but are what is to be learnt.
        labels: names of the classes, in the order of their indices.
        numbered: whether the data name no classes, and `labels` are made up of their numbers; they are then
            the classes of a model in its order, and called as it calls them.
        numerals: whether such numbers are what a table calls its classes, so that they are names for a model
            whose classes are called by numbers too.
        tagged: whether samples name their labels one by one, so that one that no sample names is on none; of
            other data nobody knows it.
        masks: whether samples have masks; `labels` are then the classes of pixels, and targets are None.
        files: paths of the images by their numbers, where each is a file that holds nothing else.
        fingerprint: changes whenever the data change; None where that cannot be known.
        fields: the further fields of each sample by name: how an image is prepared, or the task of a target.
    """

    task: Task | None = None
    labels: tuple[str, ...] = ()
    numbered: bool = False
    numerals: bool = False
    tagged: bool = False
    masks: bool = False
    files: Sequence[Path] | None = None
    fingerprint: str | None = None
    fields: Mapping[str, InputSpec | Task] = MappingProxyType({})

    @abstractmethod
    def __len__(self) -> int:
        """Number of images."""

    @abstractmethod
    def __getitem__(self, index: int) -> Sample:
        """One sample; the same at every call."""

    def reduced(self, index: int, least: tuple[int, int]) -> Sample:
        """The same sample, where its image is resized afterwards: files may be decoded at a reduced scale.

        A data set that reads files may do so by `zoo.interfaces.decode_reduced`.

        Args:
            index: of the sample.
            least: height and width that the image will have.
        """
        return self[index]

    @property
    @abstractmethod
    def targets(self) -> Sequence[Any]:
        """All targets, without reading images; splits are stratified by them. May be None each."""

    def name(self, index: int) -> str:
        """The sample's name in messages: a file's path, or its number."""
        return f"{type(self).__name__.lower()}[{index}]"

    def key(self, index: int) -> str:
        """A digest of the image's content: identical images go to the same split."""
        return digest_of_pixels(as_stored(lambda: self[index].image))

    def unchanged(self, index: int) -> bool:
        """Whether the image is still the one of `key`, as far as that is known without reading it.

        What is computed of images is kept by their digests, and they may change between the two.
        """
        return True

    def split_of(self, index: int) -> str | None:
        """`train`, `val` or `test` where the user made the splits; else None."""
        return None

    def fold_of(self, index: int) -> int | None:
        """The fold of cross-validation that the user put a sample in, by a number; else None."""
        return None

    def order_of(self, index: int) -> Any:
        """The place of a sample in time or the like, a number or text that sorts; None for none.

        Where samples have one, the last ones are the test split, those before them are for validation, and
        those of one place stay together.
        """
        return None

    def for_task(self, task: Task | None) -> Dataset:
        """The data as a task reads them: what a column means, say; themselves where they are read one way.

        Args:
            task: of the model; None where nobody said it, so that it is read off the data.
        """
        return self

    def group_of(self, index: int) -> str | None:
        """The group of a sample, such as a patient; a group stays in one split. None for no group."""
        return None


def fingerprint_of(data: Dataset) -> str:
    """Digest of the names, images and targets of all samples.

    Args:
        data: all of whose images are looked at.
    """
    digest = hashlib.blake2b(digest_size=16)
    for i, target in enumerate(data.targets):
        digest.update(os.fsencode(f"{data.name(i)}\0{data.key(i)}\0{target}\n"))
    return digest.hexdigest()
