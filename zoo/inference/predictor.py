"""`zoo.Predictor`: a model that answers, for programs that ask again and again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import partial
from typing import Any, overload

import torch
from PIL import Image

from zoo.data.batches import Batches
from zoo.data.collating import PLACE, SIZE
from zoo.data.depths import warn_losses
from zoo.inference.asking.views import Views, answered, check_views
from zoo.inference.given_images import Given, chunks, given, is_one, is_stream
from zoo.inference.predictions import Predicted, Predictions
from zoo.interfaces.augmenter import Batch
from zoo.interfaces.model import Model, ModelLike
from zoo.interfaces.tasks import Task
from zoo.runtime.answer_checks import check_answers
from zoo.runtime.arguments import BATCH_SIZE, as_model, bare
from zoo.runtime.devices import choose_device
from zoo.runtime.progress import watched
from zoo.runtime.team.team import Values
from zoo.spec.errors import OptionError, TrainingError, ZooError
from zoo.spec.hints.channels import of_trained


class Predictor:
    """A model that is asked again and again: what it is, where and how it computes is decided once.

    It answers as the model was when the predictor was made: a model object is copied, a folder is read, and
    what happens to either afterwards changes no answer. Many threads may ask it at the same time.

    Args:
        model: from `zoo.build` or `zoo.fit`, the folder of a saved one, or `hf://owner/name`.
        device: by default an accelerator if there is one.
        batch_size: images at a time, of many; an iterator is read so many images ahead of its answers.
        tta: answers to views of each image, averaged, as `zoo.predict` does: `flip` or `d4`.
        skip_unreadable: leaves out the files and bytes that cannot be read, with a warning; one image alone
            that cannot be read is an error all the same.

    Raises:
        TrainingError: the model has no task, or makes images of nothing.
        OptionError: this machine lacks the device, the batch size is below 1, or answers to the views cannot
            be made one.

    Example:
        >>> import torch, zoo
        >>> model = zoo.build("mlp", head="binary", classes=["no", "yes"], in_channels=1, input_size=8)
        >>> predictor = zoo.Predictor(model, device="cpu")
        >>> predictor(torch.zeros(1, 8, 8)).label in predictor.labels
        True
        >>> answers = predictor(torch.rand(1, 8, 8) for _ in range(1000))
        >>> next(answers).source
        'image 0'
    """

    def __init__(
        self,
        model: ModelLike,
        *,
        device: str | torch.device | None = None,
        batch_size: int = BATCH_SIZE,
        tta: Views | None = None,
        skip_unreadable: bool = False,
    ) -> None:
        if batch_size < 1:
            raise OptionError("batch_size", expected="1 or more", got=str(batch_size))
        self.device = choose_device(device)
        self.batch_size, self.tta, self.skip_unreadable = batch_size, tta, skip_unreadable
        model = bare(model)
        read, folder = as_model(model)
        answering(read)
        check_views(read, tta, "predictor")
        # What was read from a folder is nobody else's
        own = deepcopy(read) if read is model else read
        self._model = own.to(self.device).eval().requires_grad_(False)
        self._name = str(folder or (model if read is not model else read.recipe.model.called))

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the outputs; empty where they are not known."""
        return self._model.labels

    def __repr__(self) -> str:
        views = f", tta={self.tta!r}" if self.tta else ""
        return f"Predictor({self._name!r}, device={str(self.device)!r}{views})"

    @overload
    def __call__(self, source: bytes | Image.Image) -> Predicted: ...

    @overload
    def __call__(self, source: Sequence[Any]) -> Predictions: ...

    @overload
    def __call__(self, source: Iterator[Any]) -> Iterator[Predicted]: ...

    @overload
    def __call__(self, source: Any) -> Any: ...

    @of_trained()
    def __call__(self, source: Any) -> Predicted | Predictions | Iterator[Predicted]:
        """What the model sees.

        Args:
            source: an image (a file's path or bytes, an open binary file, a Pillow image, an array
                H x W (x C) or a tensor C x H x W); or several (a folder, a tensor N x C x H x W, a list or an
                iterator of all these). Values are uint8, or floats in [0, 1].

        Returns:
            `Predicted` for one image, `Predictions` for several in their order. For an iterator an iterator,
            which reads `batch_size` images at a time and keeps none.

        Raises:
            DataError: there is no image, or one cannot be read; of an iterator, after the answers to the
                images before it.
        """
        if is_stream(source):
            return self._stream(source)
        alone = is_one(source)
        skips, values = self.skip_unreadable and not alone, self._model.input_spec.reading
        images = given(source, skips, values=values, where="predictor")
        found = Predictions(said for _, said in self._answers(images))
        return found[0] if alone else found

    def _stream(self, source: Iterator[Any]) -> Iterator[Predicted]:
        with of_trained():
            yield from self._in_parts(source)

    def _in_parts(self, source: Iterator[Any]) -> Iterator[Predicted]:
        how: Any = {"values": self._model.input_spec.reading, "where": "predictor"}
        for images in chunks(source, self.batch_size, self.skip_unreadable, **how):
            try:
                found = [said for _, said in self._answers(images)]
            except ZooError:
                # One by one, up to the image at fault
                for i, item in enumerate(images.items):
                    yield from (
                        said for _, said in self._answers(Given([item], images.first + i, images.values))
                    )
                raise
            yield from found

    def _answers(self, images: Given) -> Iterator[tuple[int, Predicted]]:
        return answers(
            self._model, images, self.device, batch_size=self.batch_size, progress=False, tta=self.tta
        )


def answering(model: Model) -> Task:
    """The task of a model that says something of images.

    Raises:
        TrainingError: it has none, or makes images of nothing.
    """
    if model.task is None:
        hint = "build it with head=, or call the model"
        raise TrainingError("predict", expected="a model with a head", got="a feature extractor", hint=hint)
    if model.task.generates:
        got, hint = model.recipe.model.called, "model.sample(16), zoo sample"
        raise TrainingError("predict", expected="a model that takes images", got=got, hint=hint)
    return model.task


def answers(
    model: Model,
    images: Given,
    device: torch.device,
    *,
    batch_size: int,
    workers: int = 0,
    progress: bool = True,
    tta: str | None = None,
) -> Iterator[tuple[int, Predicted]]:
    """Number and answer of each image, in their order.

    Args:
        model: in inference mode, and on the device.
        images: to be answered.
        device: to compute on.
        batch_size: images at a time.
        workers: processes that read images.
        progress: whether to show a bar where it takes longer.
        tta: views of each image; see `zoo.inference.asking.views`.

    Raises:
        DataError: an image cannot be read.
        WeightsError: the weights are no numbers.
        TrainingError: an answer is none.
    """
    warn_losses(model, [item for _, item in images.items], known=images.lost, given=images.given)
    batches = Batches(
        images, range(len(images)), model.input_spec, own_size=model.any_size, batch_size=batch_size,
        workers=workers, places=True, device=device,
    )  # fmt: skip
    for found in outputs(model, images, watched(batches, "predicting", progress), device, tta):
        yield from said_of(model, images, found, device)


def outputs(
    model: Model, images: Given, batches: Iterable[Batch], device: torch.device, tta: str | None = None
) -> Iterator[Values]:
    """Outputs of a model for batches, and what is needed to read them.

    Args:
        model: in inference mode, and on the device.
        images: to be answered.
        batches: of them, with places.
        device: to compute on.
        tta: views of each image; see `zoo.inference.asking.views`.

    Raises:
        WeightsError: the weights are no numbers.
        TrainingError: an answer is none.
    """
    for batch in batches:
        # Left before an answer is handed on: who asks may be computing gradients
        with torch.no_grad():
            output = answered(model, batch["image"].to(device), tta)
            named = partial(_name, images, batch["index"].tolist())
            check_answers(output, model, "predict", named)
        places = {name: batch[name].cpu() for name in ("index", PLACE, SIZE)}
        yield {"output": output, "shape": [*batch["image"].shape[2:]], **places}


def _name(images: Given, numbers: Sequence[int], row: int) -> str:
    return images.name(numbers[row])


def said_of(model: Model, images: Given, found: Values, device: torch.device) -> list[tuple[int, Predicted]]:
    """Number and answer of each image of a batch.

    Args:
        model: in inference mode, and on the device.
        images: to be answered.
        found: of a batch, from `outputs`.
        device: to compute on.
    """
    assert model.task is not None  # noqa: S101 - checked by `answering`
    answers = []
    height, width = found["shape"]
    with torch.no_grad():
        read = model.read(found["output"].to(device))
    for i, (index, said) in enumerate(zip(found["index"].tolist(), read, strict=True)):
        # Height and width of the image before it was resized
        own = (int(found[SIZE][i, 0]), int(found[SIZE][i, 1]))
        p = model.task.placed(said, found[PLACE][i], (height, width), own)
        answers.append((index, Predicted(
            images.name(index), p.label, p.score, p.scores, p.mask, p.image, images.small(index),
            p.overlay and replace(p.overlay, size=p.overlay.size or own), p.details,
        )))  # fmt: skip
    return answers
