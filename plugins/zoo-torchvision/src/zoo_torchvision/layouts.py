"""Splits of each set as torchvision's arguments, and how its objects are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from zoo_torchvision import readers
from zoo_torchvision.readers import Part, caltech, channels_last, classes, pairs

Arguments = Mapping[str, Any]
Splits = tuple[tuple[str | None, Arguments], ...]
"""The split of ours, None where the set has none, and torchvision's arguments for it."""

WHOLE: Splits = ((None, {}),)
TRAIN_TEST: Splits = (("train", {"train": True}), ("test", {"train": False}))


def by(argument: str, **values: str) -> Splits:
    """The values of an argument, each with the split that it means; of a word, itself where none is said.

    Example:
        >>> by("split", train="train", val="valid")
        (('train', {'split': 'train'}), ('val', {'split': 'valid'}))
    """
    return tuple((split, {argument: value}) for split, value in values.items())


TWO = by("split", train="train", test="test")
THREE = by("split", train="train", val="val", test="test")
SEEN = by("split", train="train", val="val")

# name: its splits, and what reads one of them; what depends on options is in `splits` and `read`
TABLE: Mapping[str, tuple[Splits, Callable[[Any], Part]]] = {
    "CIFAR10": (TRAIN_TEST, classes("data", "targets")),
    "CIFAR100": (TRAIN_TEST, classes("data", "targets")),
    "CLEVRClassification": (SEEN, readers.clevr),
    "Caltech101": (WHOLE, caltech("101_ObjectCategories", lambda y, n: f"image_{n:04d}.jpg")),
    "Caltech256": (WHOLE, caltech("256_ObjectCategories", lambda y, n: f"{y + 1:03d}_{n:04d}.jpg")),
    "CelebA": (by("split", train="train", val="valid", test="test"), readers.celeba),
    "Cityscapes": (SEEN, partial(readers.cityscapes, categories=False)),
    "Country211": (by("split", train="train", val="valid", test="test"), pairs("samples")),
    "DTD": (THREE, classes("_image_files", "_labels")),
    "EMNIST": (TRAIN_TEST, readers.emnist),
    "EuroSAT": (WHOLE, pairs("samples")),
    "FER2013": (TWO, readers.fer),
    "FGVCAircraft": (THREE, classes("_image_files", "_labels")),
    "FashionMNIST": (TRAIN_TEST, classes("data", "targets")),
    "Flowers102": (THREE, classes("_image_files", "_labels")),
    "Food101": (TWO, classes("_image_files", "_labels")),
    "GTSRB": (TWO, readers.numbers),
    "INaturalist": (WHOLE, readers.inaturalist),
    "ImageNet": (SEEN, readers.imagenet),
    "Imagenette": (SEEN, pairs("_samples")),
    "KMNIST": (TRAIN_TEST, classes("data", "targets")),
    "LFWPeople": (WHOLE, readers.people),
    "MNIST": (TRAIN_TEST, classes("data", "targets")),
    "Omniglot": (WHOLE, readers.omniglot),
    "OxfordIIITPet": (by("split", train="trainval", test="test"), readers.pet),
    "PCAM": (THREE, readers.pcam),
    "Places365": (by("split", train="train-standard", val="val"), readers.places),
    "QMNIST": (TRAIN_TEST, readers.qmnist),
    "RenderedSST2": (THREE, pairs("_samples")),
    "SBDataset": (by("image_set", train="train", val="val"), readers.boundaries),
    "SEMEION": (WHOLE, classes("data", "labels", readers.DIGITS)),
    "STL10": (TWO, classes(channels_last, "labels")),
    "SUN397": (WHOLE, readers.sun),
    "SVHN": (TWO, classes(channels_last, "labels", readers.DIGITS)),
    "StanfordCars": (TWO, pairs("_samples")),
    "USPS": (TRAIN_TEST, classes("data", "targets", readers.DIGITS)),
    "VOCSegmentation": (by("image_set", train="train", val="val"), readers.voc),
}

SAME: Mapping[str, Mapping[str, str]] = {
    "DTD": {"partition": "partition"},
    "EMNIST": {"variant": "split"},
    "FGVCAircraft": {"annotation_level": "annotation_level"},
    "OxfordIIITPet": {"target": "target_types"},
    "CelebA": {"target": "target_type"},
    "Cityscapes": {"mode": "mode"},
    "Imagenette": {"size": "size"},
    "INaturalist": {"target": "target_type"},
    "LFWPeople": {"image_set": "image_set"},
    "Omniglot": {"background": "background"},
    "Places365": {"small": "small"},
    "VOCSegmentation": {"year": "year"},
}
"""Options that are an argument of torchvision's, and its name there."""

ALWAYS: Mapping[str, Arguments] = {
    "Cityscapes": {"target_type": "semantic"},
    "SBDataset": {"mode": "segmentation"},
}
"""Arguments that are the same for all splits and options."""


def splits(name: str, options: Arguments) -> Splits:
    """The splits of a set with its options, as torchvision's arguments.

    Args:
        name: of the set.
        options: its own, without root and download.

    Example:
        >>> splits("VOCSegmentation", {"year": "2007"})[2]
        ('test', {'image_set': 'test', 'year': '2007'})
    """
    found = TABLE[name][0]
    if name == "SVHN" and options["extra"]:
        found += by("split", train="extra")
    elif name == "VOCSegmentation" and options["year"] == "2007":
        found += by("image_set", test="test")
    elif name == "INaturalist":
        version = options["version"]
        years = {"train": f"{version.replace('_', '_train_') if '_' in version else f'{version}_train'}"}
        found = (
            by("version", **years, val="2021_valid")
            if version.startswith("2021")
            else ((None, {"version": version}),)
        )
    more = {theirs: options[ours] for ours, theirs in SAME.get(name, {}).items()}
    return tuple((split, {**arguments, **more, **ALWAYS.get(name, {})}) for split, arguments in found)


def read(name: str, part: Any, options: Arguments) -> Part:
    """Images, targets and names of one of torchvision's objects.

    Args:
        name: of the set.
        part: the object.
        options: of the set.
    """
    if name == "Cityscapes":
        return readers.cityscapes(part, categories=options["target"] == "categories")
    return TABLE[name][1](part)
