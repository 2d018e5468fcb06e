"""`zoo.predict`: what a model says of images."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from zoo.data.batches import PLACE, SIZE, Batches
from zoo.data.reading import readable
from zoo.data.sources.class_folders import ImageFiles
from zoo.data.sources.walk import kinds, walk, warn_passed_over
from zoo.images.decode import ImageArray, decode, to_image
from zoo.inference.predictions import MOST_SHOWN, THUMBNAIL, Predicted, Predictions
from zoo.interfaces.dataset import Dataset, Sample
from zoo.interfaces.model import ModelLike
from zoo.interfaces.tasks import Task
from zoo.reports.files import folder_path, image_path, is_image, plots_path
from zoo.reports.image_grids import marked, write_image, write_mask
from zoo.reports.plots import fitted, sheet
from zoo.runtime.arguments import BATCH_SIZE, as_model, check_order
from zoo.runtime.devices import borrowed, choose_device, isolated
from zoo.runtime.progress import watched
from zoo.spec.errors import DataError, SaveError, TrainingError, ZooWarning, quote
from zoo.spec.reference import PathLike, local_path

_BATCH_AXES = 4
_MOST_DRAWN = 60


def predict(
    model: ModelLike,
    source: Any,
    *,
    batch_size: int = BATCH_SIZE,
    device: str | torch.device | None = None,
    workers: int = 0,
    skip_unreadable: bool = False,
    progress: bool = True,
    out: PathLike | None = None,
) -> Predictions:
    """Reads images as in training, and says what the model sees, in their order.

    Args:
        model: from `zoo.build` or `zoo.fit`, or the folder of a saved one.
        source: a file, a folder (with all folders in it), an open binary file, a Pillow image, an array
            H x W (x C), a tensor C x H x W or N x C x H x W, or a list of these; values are uint8, or floats
            in [0, 1].
        batch_size: images at a time.
        device: by default an accelerator if there is one.
        workers: processes that read images.
        skip_unreadable: leaves out the files that cannot be read, with a warning.
        progress: whether a terminal or a notebook shows a bar where it takes longer.
        out: image file (PNG, JPEG or WebP) to draw the first 60 images into, with their labels or masks.
            Where the answer is an image, file for the one, or folder for several; a folder takes masks too.

    Raises:
        DataError: there is no image, or one cannot be read.
        TrainingError: the model has no task, or makes images of nothing.
        SaveError: `out` cannot be written.
        MissingPackageError: images are to be drawn with their labels, and matplotlib is not installed.
    """
    check_order("predict", model, source)
    model, _ = as_model(model)
    if model.task is None:
        hint = "build it with head=, or call the model"
        raise TrainingError("predict", expected="a model with a head", got="a feature extractor", hint=hint)
    if model.task.generates:
        hint = "model.sample(16), zoo sample"
        raise TrainingError("predict", expected="a model that takes images", got=model.recipe.model.called,
                            hint=hint)  # fmt: skip
    dataset = given(source, skip_unreadable)
    # Before the work, which would be lost
    written = PredictionFolder(dataset, out, model.task)
    chosen = choose_device(device)
    found = Predictions()
    with borrowed(model, chosen), isolated(chosen), torch.no_grad():
        model.eval()
        batches = Batches(
            dataset, range(len(dataset)), model.input_spec, own_size=model.any_size, batch_size=batch_size,
            workers=workers, places=True,
        )  # fmt: skip
        for batch in watched(batches, "predicting", progress):
            read = model.read(model.infer(batch["image"].to(chosen)))
            height, width = batch["image"].shape[2:]
            for i, (index, said) in enumerate(zip(batch["index"].tolist(), read, strict=True)):
                # Height and width of the image before it was resized
                own = (int(batch[SIZE][i, 0]), int(batch[SIZE][i, 1]))
                p = model.task.placed(said, batch[PLACE][i], (height, width), own)
                found.append(Predicted(
                    dataset.name(index), p.label, p.score, p.scores, p.mask, p.image, dataset.small(index),
                    p.overlay and replace(p.overlay, size=p.overlay.size or own), p.details,
                ))  # fmt: skip
                written.take(index, found[-1])
    written.draw(found)
    return found


class PredictionFolder:
    """The folder that predictions are written to; checked before any is made.

    Args:
        dataset: the images.
        out: as `predict` takes it.
        task: whose answers they are.

    Raises:
        SaveError: it cannot be written.
    """

    def __init__(self, dataset: Dataset, out: PathLike | None, task: Task) -> None:
        self.dataset = dataset
        self.makes_images = task.answers == "image"
        self.file: Path | None = None
        self.folder: Path | None = None
        self._names: set[str] = set()
        if out is None:
            return
        if task.answers != "words" and not is_image(out):
            self.folder = folder_path(out)
            return
        self.file = image_path(out) if self.makes_images else plots_path(out)
        if self.makes_images and len(dataset) > 1:
            got, hint = f"one file for {len(dataset)} images", f"leave out the {self.file.suffix}"
            raise SaveError(f"file {out}", expected="a folder", got=got, hint=hint)

    def take(self, index: int, found: Predicted) -> None:
        """Writes an answer that is a file of its own."""
        if self.folder is not None:
            stem = Path(found.source).stem
            # Files of two folders may have one name
            name = f"{stem}-{index}.png" if stem in self._names else f"{stem}.png"
            self._names.add(stem)
            if found.image is not None:
                write_image(found.image, self.folder / name)
            elif found.mask is not None:
                write_mask(found.mask, self.folder / name)
        elif self.file is not None and found.image is not None:
            write_image(found.image, self.file)

    def draw(self, found: Sequence[Predicted]) -> None:
        """Draws all answers into one file, where they are no images themselves."""
        if self.file is None or self.makes_images:
            return
        shown = found[:_MOST_DRAWN]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ZooWarning)  # said when they were read first
            images = [self.dataset[i].image for i in range(len(shown))]
        images = [
            image if item.marks is None else marked(image, item.marks)
            for image, item in zip(images, shown, strict=True)
        ]
        sheet(
            images,
            [item.label for item in shown],
            [item.score for item in shown],
            self.file,
            names=[item.source for item in shown],
            title=f"{len(shown)} of {len(found)} images" if len(shown) < len(found) else "",
        )


class Given(Dataset):
    """Images without targets, from files and objects."""

    def __init__(self, items: Sequence[tuple[str, Path | ImageArray]]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Sample:
        item = self.items[index][1]
        if isinstance(item, Path):
            return ImageFiles([item])[0]
        return Sample(item, None)

    @property
    def targets(self) -> Sequence[Any]:
        """Targets, of which there are none."""
        return [None] * len(self.items)

    def name(self, index: int) -> str:
        """Path of the file, or number of the image."""
        return self.items[index][0]

    def small(self, index: int) -> ImageArray | None:
        """A thumbnail of what is no file, as far as a list of predictions shows it."""
        item = self.items[index][1]
        return None if index >= MOST_SHOWN or isinstance(item, Path) else fitted(item, THUMBNAIL)


def given(source: Any, skip_unreadable: bool = False, *, where: str = "predict") -> Given:
    """The images that a caller gives, as a data set.

    Args:
        source: as `predict` takes it.
        skip_unreadable: leaves out the files that cannot be read, with a warning.
        where: who asks, for messages.
    """
    items = list(_items(source, where))
    if not items:
        raise DataError(where, expected="at least one image", got=quote(source))
    numbered = [(name or f"image {i}", item) for i, (name, item) in enumerate(items)]
    if skip_unreadable:
        files = {i: item for i, (_, item) in enumerate(numbered) if isinstance(item, Path)}
        numbers = [*files]
        bad = set(numbers) - {numbers[i] for i in readable([*files.values()])}
        numbered = [item for i, item in enumerate(numbered) if i not in bad]
        if not numbered:
            raise DataError(where, expected="an image that can be read", got="none")
    return Given(numbered)


def _items(source: Any, where: str) -> Iterator[tuple[str, Path | ImageArray]]:
    """Names (empty where there is none) and files or images."""
    if isinstance(source, str | os.PathLike):
        path = local_path(source)
        if path.is_dir():
            found = walk(path)
            files = found.images
            if not files:
                got = f"none that can be read ({kinds(found.others)})" if found.others else "none"
                raise DataError(f"folder {path}", expected="images", got=got)
            warn_passed_over(path, len(files), found.reasons())
            yield from ((str(file), file) for file in files)
        elif path.exists():
            yield str(path), path
        else:
            raise DataError(f"image {path}", expected="a file or folder", got="nothing there")
    elif isinstance(source, Tensor | np.ndarray) and source.ndim == _BATCH_AXES:
        for image in source:
            yield "", to_image(image)
    elif isinstance(source, Tensor | np.ndarray | Image.Image):
        yield "", to_image(source)
    elif isinstance(source, io.IOBase):
        name = str(getattr(source, "name", "") or "")
        yield name, decode(_bytes(source), f"image {name}".strip())
    elif isinstance(source, list | tuple):
        for item in source:
            yield from _items(item, where)
    else:
        expected = "a file, folder, open file, Pillow image, array, tensor, or a list of these"
        raise DataError(where, expected=expected, got=quote(type(source).__name__))


def _bytes(source: io.IOBase) -> io.BytesIO:
    """All of an open file, which need not be able to seek."""
    # Pillow seeks, and a pipe or an HTTP response cannot
    content = source.read()
    if not isinstance(content, bytes):
        raise DataError(
            "predict", expected="a file opened in binary mode", got="text", hint="open(..., 'rb')"
        )
    return io.BytesIO(content)
