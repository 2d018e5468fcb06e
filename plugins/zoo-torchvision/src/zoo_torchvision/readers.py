"""Reading off torchvision's objects what zoo needs: files or pixels, targets, names of classes, masks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from torchvision.models._meta import _IMAGENET_CATEGORIES

Array = npt.NDArray[Any]
Images = Sequence[Any] | Array
"""Paths, or arrays by number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One split of a set, or all of it.

    Args:
        images: paths, or arrays H x W (x C) by number.
        targets: class indices, rows of labels, or None beside masks; known without reading an image.
        labels: names of the classes.
        mask: H x W class indices of an image by number.
        numbered: whether the set names no classes, and `labels` are their numbers.
    """

    images: Images
    targets: Sequence[Any]
    labels: tuple[str, ...]
    mask: Callable[[int], npt.NDArray[np.uint8]] | None = None
    numbered: bool = False


class Pixels(Sequence[Array]):
    """Images that a set reads by itself, as arrays.

    Args:
        part: torchvision's object.
    """

    def __init__(self, part: Any) -> None:
        self.part = part

    def __len__(self) -> int:
        return len(self.part)

    def __getitem__(self, index: Any) -> Any:
        return np.asarray(self.part[index][0])


DIGITS = tuple("0123456789")
EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
PATCHES = ("normal", "tumor")
VOC = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train",
    "tvmonitor",
)  # fmt: skip
TRIMAP = ("pet", "background", "border")


def names_of(part: Any) -> tuple[str, ...]:
    """Names of a set's classes, the first one where a class has several."""
    return tuple(str(n if isinstance(n, str) else n[0]) for n in part.classes)


def classes(
    images: str | Callable[[Any], Images], targets: str, labels: Sequence[str] | None = None
) -> Callable[[Any], Part]:
    """Reader of sets that keep images and targets in two lists.

    Args:
        images: name of the list, or what gives it.
        targets: name of the list of class indices.
        labels: names of the classes; the set's own where None.
    """

    def read(part: Any) -> Part:
        found = images(part) if callable(images) else getattr(part, images)
        names = names_of(part) if labels is None else tuple(labels)
        held = found if isinstance(found, list) else np.asarray(found)  # a tensor is no array
        return Part(images=held, targets=_ints(getattr(part, targets)), labels=names)

    return read


def pairs(samples: str, labels: Sequence[str] | None = None) -> Callable[[Any], Part]:
    """Reader of sets that keep a list of pairs of path and class index."""

    def read(part: Any) -> Part:
        found = getattr(part, samples)
        names = names_of(part) if labels is None else tuple(labels)
        return Part(images=[path for path, _ in found], targets=_ints(y for _, y in found), labels=names)

    return read


def _ints(values: Any) -> list[int]:
    return [int(value) for value in values]


def channels_last(part: Any) -> Images:
    """Images of a set that keeps them as N x C x H x W."""
    return np.asarray(part.data).transpose(0, 2, 3, 1)


def numbers(part: Any) -> Part:
    """Traffic signs, which have numbers."""
    found = part._samples
    labels = tuple(map(str, range(43)))
    return Part(
        images=[path for path, _ in found], targets=_ints(y for _, y in found), labels=labels, numbered=True
    )


def emnist(part: Any) -> Part:
    """EMNIST; its letters are numbered from 1."""
    names, targets = tuple(part.classes), _ints(part.targets)
    if names[0] == "N/A":
        names, targets = names[1:], [target - 1 for target in targets]
    return Part(images=np.asarray(part.data), targets=targets, labels=names)


def qmnist(part: Any) -> Part:
    """QMNIST; a row of its targets begins with the digit."""
    return Part(images=np.asarray(part.data), targets=_ints(part.targets[:, 0]), labels=names_of(part))


def sun(part: Any) -> Part:
    """Scenes by kind."""
    # It has them as the disk lists them
    files, targets = zip(*sorted(zip(part._image_files, part._labels, strict=True)), strict=True)
    return Part(images=[*files], targets=_ints(targets), labels=names_of(part))


def places(part: Any) -> Part:
    """Photographs by place."""
    return Part(images=[file for file, _ in part.imgs], targets=_ints(part.targets), labels=names_of(part))


def caltech(folder: str, file: Callable[[int, int], str]) -> Callable[[Any], Part]:
    """Reader of Caltech's sets, which number the images of a class."""

    def read(part: Any) -> Part:
        top = Path(part.root) / folder
        at = zip(part.y, part.index, strict=True)
        paths = [top / part.categories[y] / file(y, number) for y, number in at]
        return Part(images=paths, targets=_ints(part.y), labels=tuple(part.categories))

    return read


def clevr(part: Any) -> Part:
    """Scenes by the number of objects, from 3 to 10."""
    labels = tuple(map(str, range(3, 11)))
    return Part(images=part._image_files, targets=[labels.index(str(n)) for n in part._labels], labels=labels)


def fer(part: Any) -> Part:
    """Faces and their expressions."""
    images = [pixels.numpy() for pixels, _ in part._samples]
    return Part(images=images, targets=_ints(y for _, y in part._samples), labels=EXPRESSIONS)


def pcam(part: Any) -> Part:
    """Patches, of which the targets alone are read at once."""
    file = part._base_folder / part._FILES[part._split]["targets"][0]
    with part.h5py.File(file) as data:
        targets = _ints(data["y"][:, 0, 0, 0])
    return Part(images=Pixels(part), targets=targets, labels=PATCHES)


def celeba(part: Any) -> Part:
    """Faces with attributes, or by person."""
    folder = Path(part.root) / part.base_folder / "img_align_celeba"
    images = [folder / name for name in part.filename]
    if part.target_type == ["attr"]:
        # The header ends with a blank
        names = tuple(name for name in part.attr_names if name)
        return Part(images=images, targets=part.attr.tolist(), labels=names)
    people = tuple(map(str, range(1, 10178)))  # who they are, nobody says
    targets = _ints(part.identity[:, 0] - 1)
    return Part(images=images, targets=targets, labels=people, numbered=True)


def imagenet(part: Any) -> Part:
    """ImageNet, with the names that torchvision's weights give the same classes in the same order."""
    names = tuple(_IMAGENET_CATEGORIES) if len(part.classes) == len(_IMAGENET_CATEGORIES) else names_of(part)
    return Part(images=[path for path, _ in part.samples], targets=_ints(part.targets), labels=names)


def inaturalist(part: Any) -> Part:
    """Plants and animals, by species or a group of them."""
    (kind,) = part.target_type
    folder = Path(part.root)
    index = sorted(part.index)  # it has them as the disk lists them
    full = [number for number, _ in index]
    images = [folder / part.all_categories[number] / file for number, file in index]
    if kind == "full":
        return Part(images=images, targets=full, labels=tuple(part.all_categories))
    known = part.categories_index[kind]
    targets = [part.categories_map[number][kind] for number in full]
    return Part(images=images, targets=targets, labels=tuple(sorted(known, key=known.__getitem__)))


def omniglot(part: Any) -> Part:
    """Characters of several alphabets."""
    folder = Path(part.target_folder)
    found = part._flat_character_images
    images = [folder / part._characters[y] / name for name, y in found]
    return Part(images=images, targets=_ints(y for _, y in found), labels=tuple(part._characters))


def people(part: Any) -> Part:
    """Faces by person."""
    names = tuple(sorted(part.class_to_idx, key=part.class_to_idx.__getitem__))
    return Part(images=part.data, targets=_ints(part.targets), labels=names)


def pet(part: Any) -> Part:
    """Cats and dogs by breed or kind, or with masks."""
    (kind,) = part._target_types
    if kind == "segmentation":
        masks = part._segs
        return _masked(part._images, TRIMAP, lambda i: _numbers(masks[i]) - np.uint8(1))
    if kind == "category":
        return Part(images=part._images, targets=part._labels, labels=tuple(part.classes))
    return Part(images=part._images, targets=part._bin_labels, labels=tuple(part.bin_classes))


def voc(part: Any) -> Part:
    """Photographs with masks as palette images."""
    return _masked(part.images, VOC, lambda i: _numbers(part.masks[i]))


def boundaries(part: Any) -> Part:
    """Photographs with masks in MATLAB's files."""
    return _masked(part.images, VOC, lambda i: np.array(part._get_target(part.masks[i]), dtype=np.uint8))


def cityscapes(part: Any, *, categories: bool) -> Part:
    """Streets; of the numbers in their masks those of 19 classes count, or the 7 categories of these."""
    counted = [c for c in part.classes if c.train_id not in (-1, 255)]
    names = [c.category if categories else c.name for c in sorted(counted, key=lambda c: c.train_id)]
    labels = tuple(dict.fromkeys(names))
    table = np.full(256, 255, dtype=np.uint8)
    for c in counted:
        table[c.id] = labels.index(c.category if categories else c.name)
    # It has them as the disk lists them
    images, masks = zip(*sorted(zip(part.images, part.targets, strict=True)), strict=True)
    return _masked([*images], labels, lambda i: table[_numbers(masks[i][0])])


def _masked(images: Sequence[Any], labels: tuple[str, ...], mask: Callable[[int], Any]) -> Part:
    return Part(images=images, targets=[None] * len(images), labels=labels, mask=mask)


def _numbers(path: Any) -> npt.NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.array(image, dtype=np.uint8)
