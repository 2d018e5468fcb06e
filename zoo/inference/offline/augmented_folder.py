"""A folder of images with variants of the training images beside them, made once."""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from zoo.data.sources.class_folders import RootedFiles
from zoo.data.sources.mask_layout import IMAGES, MASKS, has_masks
from zoo.data.sources.mask_reader import CLASSES
from zoo.data.sources.variant_names import variant_stem
from zoo.data.splits import NAMES, Splits, split
from zoo.data.view import source_of
from zoo.images.prepare import prepare
from zoo.inference.file_names import DistinctStems
from zoo.interfaces.augmenter import Augmenter, AugmentLike
from zoo.interfaces.dataset import Sample
from zoo.interfaces.draws import draws
from zoo.interfaces.tasks.choice import for_masks
from zoo.reports.image_grids import write_image, write_mask
from zoo.runtime.arguments import as_augmenter
from zoo.runtime.augment_checks import warn_misread
from zoo.runtime.data_arguments import as_dataset
from zoo.spec.data_options import PATH
from zoo.spec.disk.atomic_write import write_errors
from zoo.spec.display import counted, size
from zoo.spec.errors import DataError, OptionError, SaveError
from zoo.spec.inputs import InputSpec
from zoo.spec.reference import PathLike, local_path


@dataclass(frozen=True, slots=True)
class AugmentedFolder:
    """Record of what was written.

    Args:
        folder: with train, val and test inside.
        images: number of images by split, before augmentation.
        variants: written beside those of train.
        given: bytes of the images that were there.
        bytes: of all files written.
        seconds: that augmenting takes, without reading and writing, by the median of all variants.
    """

    folder: Path
    images: dict[str, int]
    variants: int
    given: int
    bytes: int
    seconds: float

    def __str__(self) -> str:
        parts = ", ".join(f"{name} {count}" for name, count in self.images.items() if count)
        an_epoch = self.seconds / max(1, self.variants) * self.images["train"]
        return (
            f"images: {parts}; val and test are copied as they are\n"
            f"train: {counted(self.variants, 'variant')} beside them\n"
            f"disk: {size(self.bytes)}, before {size(self.given)}; {self.seconds:.2g} s of augmenting, once\n"
            f"online, by augment= of fit: no disk, other variants in each epoch, "
            f"about {an_epoch:.2g} s of augmenting an epoch"
        )


def augment_folder(
    folder: PathLike,
    augment: AugmentLike,
    *,
    out: PathLike,
    count: int = 5,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
) -> AugmentedFolder:
    """Writes a folder with `count` variants beside each training image; val and test are copied.

    The training images are those of a training with this seed. `cat~aug1.png` is a variant of `cat.jpg`:
    where such a folder is split again, they stay on one side.

    Args:
        folder: of class folders, or of images and masks.
        augment: an augmenter by name, several in a list, or objects.
        out: folder to write; it must not be there, or be empty.
        count: variants of an image.
        seed: of the split and of the draws.
        options: of the data, as `zoo.fit` takes them, such as `group`.

    Raises:
        DataError: the folder cannot be read, or is none of class folders or masks.
        OptionError: images of several files would be mixed.
        SaveError: `out` has something in it.
    """
    augmenter, value = as_augmenter(augment)
    if augmenter is None or augmenter.changes_labels or augmenter.by_class:
        expected, hint = "augmenters of one image", "zoo.fit(augment=...) takes it"
        got = "one that looks at classes" if augmenter and augmenter.by_class else "one that mixes images"
        raise OptionError("augment", expected=expected, got=got, hint=hint)
    target = local_path(out)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise SaveError(f"folder {target}", expected="a new one, or an empty one", got="one with files in it")
    root = local_path(folder)
    data = {**(options or {}), PATH: str(root)}
    sides = as_dataset(data, task=for_masks() if has_masks(root) else None)
    dataset = source_of(sides)
    if not isinstance(dataset, RootedFiles) or not (dataset.masks or dataset.labels):
        expected = "a folder of class folders, or of images and masks"
        raise DataError(f"data {folder}", expected=expected, got=type(dataset).__name__)
    if not dataset.numbered:
        warn_misread(augmenter, dataset.labels, value, prefix="")
    splits = split(sides, seed)
    writer = _Writer(dataset, augmenter.train(), target, count, seed)
    try:
        with write_errors(f"folder {target}"):
            writer.write(splits)
    except BaseException:
        # Half of a data set would be taken for a whole one
        shutil.rmtree(target, ignore_errors=True)
        raise
    return writer.record()


class _Writer:
    """Writes images, their variants and masks below a folder."""

    def __init__(
        self, dataset: RootedFiles, augmenter: Augmenter, folder: Path, count: int, seed: int
    ) -> None:
        self.dataset, self.augmenter, self.folder = dataset, augmenter, folder
        self.count, self.seed = count, seed
        self.seconds: list[float] = []
        self.images: dict[str, int] = {}

    def write(self, splits: Splits) -> None:
        """Writes all splits."""
        for name in NAMES:
            indices: tuple[int, ...] = getattr(splits, name)
            self.images[name] = len(indices)
            taken: dict[str, DistinctStems] = {}
            for index in indices:
                sample, place = self.dataset[index], self._place(name, index)
                stem = taken.setdefault(str(place), DistinctStems()).of(self.dataset.files[index].stem)
                self._copy(index, sample, place, stem)
                if name == "train":
                    self._vary(index, sample, place, stem)
        if self.dataset.masks and not self.dataset.numbered:
            (self.folder / CLASSES).write_text("\n".join(self.dataset.labels) + "\n", encoding="utf-8")

    def record(self) -> AugmentedFolder:
        """Record of what was written."""
        written = sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file())
        given = sum(file.stat().st_size for file in self.dataset.files)
        variants = self.images["train"] * self.count
        # The first one waits for what it needs to be imported, as only the first of a training does
        seconds = statistics.median(self.seconds) * variants if self.seconds else 0.0
        return AugmentedFolder(self.folder, self.images, variants, given, written, seconds)

    def _place(self, name: str, index: int) -> Path:
        if self.dataset.masks:
            return self.folder / name / IMAGES
        label: str = self.dataset.labels[self.dataset.targets[index]]
        return self.folder / name / label

    def _copy(self, index: int, sample: Sample, place: Path, stem: str) -> None:
        place.mkdir(parents=True, exist_ok=True)
        file = self.dataset.files[index]
        shutil.copyfile(file, place / f"{stem}{file.suffix}")
        self._mask(sample.mask, place, stem)

    def _vary(self, index: int, sample: Sample, place: Path, stem: str) -> None:
        pixels = sample.image
        channels = pixels.shape[2] - (pixels.shape[2] in (2, 4))  # without transparency
        plain = InputSpec(
            channels=channels, size=pixels.shape[:2], mean=(0.0,) * channels, std=(1.0,) * channels
        )
        batch: dict[str, Any] = {"image": prepare(pixels, plain)[None]}
        if sample.mask is not None:
            batch["mask"] = torch.from_numpy(sample.mask).long()[None]
        for number in range(1, self.count + 1):
            started = time.perf_counter()
            # As in so many epochs of a training
            made = self.augmenter(batch, draws(self.seed, number, [index]))
            self.seconds.append(time.perf_counter() - started)
            name = variant_stem(stem, number)
            write_image(made["image"][0], place / f"{name}.png")
            self._mask(made["mask"][0] if "mask" in made else None, place, name)

    def _mask(self, mask: Any, place: Path, stem: str) -> None:
        if mask is not None:
            folder = place.with_name(MASKS)
            folder.mkdir(parents=True, exist_ok=True)
            write_mask(torch.as_tensor(mask), folder / f"{stem}.png")
