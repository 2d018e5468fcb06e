"""`zoo.predict`: what a model says of pictures."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from zoo.data.batches import Batches
from zoo.data.folders import PictureFiles, picture_files
from zoo.data.pictures import to_picture
from zoo.interfaces.dataset import Dataset, Picture, Sample
from zoo.interfaces.model import Model
from zoo.spec.errors import DataError, TrainingError, quote
from zoo.training.common import as_model
from zoo.training.state import borrowed, choose_device, isolated

_BATCH_AXES = 4


@dataclass(frozen=True, slots=True)
class Predicted:
    """What a model says of one picture.

    Args:
        source: the file's path, or the picture's number.
        label: name of the class, several names joined by a comma, or the value as text.
        score: probability of the label in [0, 1]; None where the task has none.
        scores: probability by class, value by target.
    """

    source: str
    label: str
    score: float | None
    scores: dict[str, float]


def predict(
    model: Model | str | os.PathLike[str],
    source: Any,
    *,
    batch_size: int = 32,
    device: str | torch.device | None = None,
    workers: int = 0,
) -> list[Predicted]:
    """Reads pictures as in training, and says what the model sees, in their order.

    Args:
        model: from `zoo.build` or `zoo.fit`, or the folder of a saved one.
        source: a file, a folder (with all folders in it), a Pillow image, an array H x W (x C), a tensor
            C x H x W or N x C x H x W, or a list of these; values are uint8, or floats in [0, 1].
        batch_size: pictures at a time.
        device: by default an accelerator if there is one.
        workers: processes that read pictures.

    Raises:
        DataError: there is no picture, or one cannot be read.
        TrainingError: the model has no task.
    """
    model, _ = as_model(model)
    if model.task is None:
        hint = "build it with head=, or call the model"
        raise TrainingError("predict", expected="a model with a head", got="a feature extractor", hint=hint)
    dataset = _dataset(source)
    chosen = choose_device(device)
    batches = Batches(dataset, range(len(dataset)), model.input_spec, batch_size=batch_size, workers=workers)
    found: list[Predicted] = []
    with borrowed(model, chosen), isolated(chosen), torch.no_grad():
        model.eval()
        for batch in batches:
            read = model.read(model(batch["image"].to(chosen)))
            names = [dataset.name(i) for i in batch["index"].tolist()]
            found += [Predicted(n, p.label, p.score, p.scores) for n, p in zip(names, read, strict=True)]
    return found


class _Given(Dataset):
    """Pictures without targets, from files and objects."""

    def __init__(self, items: Sequence[tuple[str, Path | Picture]]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Sample:
        item = self.items[index][1]
        if isinstance(item, Path):
            return PictureFiles([item])[0]
        return Sample(item, None)

    @property
    def targets(self) -> Sequence[Any]:
        """There are none."""
        return [None] * len(self.items)

    def name(self, index: int) -> str:
        """The path, or the number."""
        return self.items[index][0]


def _dataset(source: Any) -> Dataset:
    items = list(_items(source))
    if not items:
        raise DataError("predict", expected="at least one picture", got=quote(source))
    numbered = [(name or f"picture {i}", item) for i, (name, item) in enumerate(items)]
    return _Given(numbered)


def _items(source: Any) -> Iterator[tuple[str, Path | Picture]]:
    """Names (empty where there is none) and files or pictures."""
    if isinstance(source, str | os.PathLike):
        path = Path(str(source).removeprefix("file:")).expanduser()
        if path.is_dir():
            files = picture_files(path)
            if not files:
                raise DataError(f"folder {path}", expected="pictures", got="none")
            yield from ((str(file), file) for file in files)
        elif path.exists():
            yield str(path), path
        else:
            raise DataError(f"picture {path}", expected="a file or folder", got="nothing there")
    elif isinstance(source, Tensor | np.ndarray) and source.ndim == _BATCH_AXES:
        for picture in source:
            yield "", to_picture(picture)
    elif isinstance(source, Tensor | np.ndarray | Image.Image):
        yield "", to_picture(source)
    elif isinstance(source, list | tuple):
        for item in source:
            yield from _items(item)
    else:
        expected = "a file, folder, Pillow image, array, tensor, or a list of these"
        raise DataError("predict", expected=expected, got=quote(type(source).__name__))
