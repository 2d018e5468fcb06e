"""`zoo.predict`: what a model says of images."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from zoo.images.ranges import scaled_by
from zoo.inference.asking.shared import Asked
from zoo.inference.asking.views import Views, check_views
from zoo.inference.file_names import DistinctStems, distinct_stems
from zoo.inference.given_images import Given, Named, chunks, given, is_stream, peeked
from zoo.inference.predictions import Predicted, Predictions
from zoo.inference.predictor import answering
from zoo.interfaces.model import ModelLike
from zoo.interfaces.tasks import Task
from zoo.reports.files import folder_path, image_path, is_image, plots_path
from zoo.reports.image_grids import marked, write_image, write_mask
from zoo.reports.plots import sheet
from zoo.runtime.arguments import BATCH_SIZE, as_model, check_order
from zoo.runtime.devices import borrowed
from zoo.runtime.team.shares import check_alike, digest_of
from zoo.runtime.team.team import Team
from zoo.spec.errors import DataError, SaveError, ZooWarning, quote
from zoo.spec.hints.channels import of_trained
from zoo.spec.reference import PathLike

_MOST_DRAWN = 60


@of_trained()
def predict(
    model: ModelLike,
    source: Any,
    *,
    batch_size: int = BATCH_SIZE,
    device: str | torch.device | None = None,
    workers: int = 0,
    tta: Views | None = None,
    skip_unreadable: bool = False,
    progress: bool = True,
    out: PathLike | None = None,
) -> Predictions:
    """Reads images as in training, and says what the model sees, in their order.

    Args:
        model: from `zoo.build` or `zoo.fit`, or the folder of a saved one.
        source: a file, a folder (with all folders in it), bytes of a file, an open binary file, a Pillow
            image, an array H x W (x C), a tensor C x H x W or N x C x H x W, or a list or iterator of these;
            values are uint8, or floats in [0, 1].
        batch_size: images at a time.
        device: by default an accelerator if there is one.
        workers: processes that read images.
        tta: answers to views of each image, averaged: `flip` for the image and its mirror image, `d4` for its
            eight turns and mirror images. Masks and images are turned back.
        skip_unreadable: leaves out the files that cannot be read, with a warning.
        progress: whether a terminal or a notebook shows a bar where it takes longer.
        out: image file (PNG, JPEG or WebP) to draw the first 60 images into, with their labels or masks.
            Where the answer is an image, file for the one, or folder for several; a folder takes masks too.

    Raises:
        DataError: there is no image, or one cannot be read.
        TrainingError: the model has no task, or makes images of nothing.
        OptionError: answers to the views cannot be made one.
        SaveError: `out` cannot be written.
        MissingPackageError: images are to be drawn with their labels, and matplotlib is not installed.
    """
    check_order("predict", model, source)
    with Team("predict") as team:
        model, _ = as_model(model)
        task = answering(model)
        check_views(model, tta, "predict")
        check_alike(team, model)
        values = model.input_spec.reading
        if is_stream(source):
            source, several = peeked(source)
            parts, sources = chunks(source, batch_size, skip_unreadable, values=values), None
        else:
            parts = iter([images := given(source, skip_unreadable, values=values)])
            several, sources = len(images) > 1, [images.name(i) for i in range(len(images))]
            team.agree("images", digest_of(sources))
        # Before the work, which would be lost; one process writes
        written = PredictionFolder(out if team.first else None, task, several=several, sources=sources)
        asked = Asked(model, team, team.device(device), batch_size, workers, progress=progress, tta=tta)
        found = Predictions()
        with borrowed(model, asked.device, inference=True):
            for item, said in asked.answers(parts):
                written.take(item, said)
                found.append(said)
        if not found:
            raise DataError("predict", expected="at least one image", got=quote(source))
        with scaled_by(values):
            written.draw(found)
        return found


class PredictionFolder:
    """The folder that predictions are written to; checked before any is made.

    Args:
        out: as `predict` takes it.
        task: whose answers they are.
        several: whether there are several images.
        sources: names of all images; None where they are not known beforehand.

    Raises:
        SaveError: it cannot be written.
    """

    def __init__(
        self, out: PathLike | None, task: Task, *, several: bool, sources: Sequence[str] | None
    ) -> None:
        self.makes_images = task.answers == "image"
        self.file: Path | None = None
        self.folder: Path | None = None
        stems = [Path(source).stem for source in sources or ()]
        self._names = DistinctStems(stems)
        self._drawn: list[Named] = []
        if out is None:
            return
        if task.answers != "words" and not is_image(out):
            self.folder = folder_path(out)
            _check_kept(sources or (), [self.folder / f"{stem}.png" for stem in distinct_stems(stems)])
            return
        self.file = image_path(out) if self.makes_images else plots_path(out)
        if self.makes_images and several:
            got, hint = "one file for several images", f"leave out the {self.file.suffix}"
            raise SaveError(f"file {out}", expected="a folder", got=got, hint=hint)
        _check_kept(sources or (), [self.file])

    def take(self, item: Named, found: Predicted) -> None:
        """Writes an answer that is a file of its own, and keeps the image where it is to be drawn."""
        if self.folder is not None:
            # Files of two folders may have one name
            place = self.folder / f"{self._names.of(Path(found.source).stem)}.png"
            # Of a stream it was not known beforehand
            _check_kept([found.source], [place])
            if found.image is not None:
                write_image(found.image, place)
            elif found.mask is not None:
                write_mask(found.mask, place)
        elif self.file is not None and found.image is not None:
            write_image(found.image, self.file)
        elif self.file is not None and len(self._drawn) < _MOST_DRAWN:
            self._drawn.append(item)

    def draw(self, found: Sequence[Predicted]) -> None:
        """Draws all answers into one file, where they are no images themselves."""
        if self.file is None or self.makes_images:
            return
        shown = found[:_MOST_DRAWN]
        drawn = Given(self._drawn)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ZooWarning)  # said when they were read first
            images = [drawn[i].image for i in range(len(shown))]
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


def _check_kept(sources: Sequence[str], places: Sequence[Path]) -> None:
    """Raises SaveError where an answer would take the place of an image that was given."""
    there = [place for place in places if place.exists()]
    given = {_identity(file) for file in map(Path, sources if there else ()) if file.exists()}
    if over := next((place for place in there if _identity(place) in given), None):
        hint = "say another folder or name"
        raise SaveError("predict: out", expected="files of its own", got=f"the image {over}", hint=hint)


def _identity(file: Path) -> tuple[int, int]:
    """The same for one file under two names."""
    found = file.stat()
    return found.st_dev, found.st_ino
