"""`zoo.evaluate`: figures on a split."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from zoo.data.as_trained import as_trained
from zoo.data.depths import warn_dataset
from zoo.data.resolve import DataLike
from zoo.data.splits import Split
from zoo.data.splits import split as split_data
from zoo.inference.asking.views import Views, check_views, warn_views
from zoo.inference.evaluation import Evaluation, Measured
from zoo.inference.looks import looks, warn_of_leak
from zoo.inference.measuring.answers import measure
from zoo.inference.measuring.constant import constant_figures
from zoo.inference.measuring.files import figures_folder, write_figures
from zoo.inference.sample_quality import measure_samples
from zoo.inference.saved_figures import SavedFigures
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.loss import Loss, LossLike, needs_of
from zoo.interfaces.metric import Metric
from zoo.interfaces.model import Model, ModelLike
from zoo.runtime.arguments import BATCH_SIZE, as_loss, as_model, check_order, folder_of, metrics_of, pick_seed
from zoo.runtime.data_arguments import as_dataset, classes_of, data_value, declared_fields, with_said
from zoo.runtime.data_checks import for_model
from zoo.runtime.loss_checks import check_fits, held_warnings, warn_squashed
from zoo.runtime.team.shares import check_alike, own_batches
from zoo.runtime.team.team import Team
from zoo.spec.errors import OptionError, SaveError, listing, warn
from zoo.spec.hints.channels import of_trained
from zoo.spec.reference import PathLike
from zoo.trainers.loss_cuts import depends_on_batches
from zoo.trainers.score import UNDEFINED, Score


@of_trained()
def evaluate(
    model: ModelLike,
    data: DataLike,
    *,
    split: Split = "test",
    loss: LossLike | None = None,
    metrics: Sequence[Any] = (),
    features: ModelLike | None = None,
    samples: int | None = None,
    seed: int | None = None,
    batch_size: int = BATCH_SIZE,
    device: str | torch.device | None = None,
    workers: int = 0,
    tta: Views | None = None,
    skip_unreadable: bool = False,
    progress: bool = True,
    out: PathLike | None = None,
    save: bool = False,
    **options: Any,
) -> Evaluation:
    """Measures a model on a split of data; the figures are also kept in `model.metrics`.

    A model that makes images of nothing is measured by another one, `features`, in whose eyes its images
    are compared with the real ones.

    Args:
        model: from `zoo.build` or `zoo.fit`, or the folder of a saved one.
        data: as `fit` takes it.
        split: `test`, `val`, `train`, or `all` for data that the model never saw.
        loss: by default the one it was trained with, else its task's; left out where it needs more than
            output and target.
        metrics: figures beside those of the model's task, such as `["precision", {"name": "top-k", "k": 3}]`:
            by name, by table, or objects of `zoo.interfaces.Metric` or torchmetrics. Where the data leave one
            undefined, `left_out` of the result says why.
        features: a model with a head, or the folder of one, trained on data like these; see
            `zoo.inference.sample_quality`.
        samples: how many images to generate; by default as many as are real.
        seed: of the split and of the generated images; by default the one it was trained with, so that the
            test split stays unseen.
        batch_size: images at a time.
        device: by default an accelerator if there is one.
        workers: processes that read images.
        tta: answers to views of each image, averaged, as `predict` takes it. The figures are then not the
            model's own, so that they are not kept with it.
        skip_unreadable: leaves out the files of a folder that cannot be read.
        progress: whether a terminal or a notebook shows a bar where it takes longer.
        out: folder to write `metrics.json`, `confusion.png` (for values `scatter.png`, for embeddings
            `roc.png`) and `worst.png` into; without matplotlib `metrics.json` alone, which is said before.
        save: keeps the figures in the saved model's folder and card too.
        options: of the data, as `fit` takes them: `target`, `folder`, ...; by default those of the training,
            but for the folder that paths are read from.

    Returns:
        The figures, which print as tables: `metrics` (loss and the task's metrics by name), `on` (what was
        measured on) and, by task, `per_class`, `confusion` and `worst`. Of classes and labels `per_class` has
        precision, recall, f1 (in [0, 1]; 0 where undefined) and the number of images of each, and `worst`
        up to 24 mistakes, the surest one first; of values it has the largest errors. Of masks `per_class` has
        iou, dice, precision, recall and the number of true pixels, and `worst` the images of the lowest
        IoU, which is their score. Of embeddings, figures of all pairs of images: `auc`, `eer`,
        `threshold`, from which cosine on two images are taken for the same (chosen at the equal error rate
        of the val split), `accuracy`, the mean of the shares of right answers to pairs of one class and of
        two, and in `more` `rates`, the thresholds for smaller false accept rates. With `features`: `frechet`,
        the Frechet distance, `precision` and `recall`, and in `more` `classes`, the share of generated
        images that are taken for each class, if it knows classes.

    Raises:
        DataError: the data cannot be read, do not fit the model, or lack the split.
        TrainingError: the model has no task, or generates images and `features` is missing.
        OptionError: answers to the views cannot be made one; or data have no such option.
        ShapeError: there are `features`, but the model does not generate.
        SaveError: `out` cannot be written; or `save` without a saved model's folder to keep the figures in.
    """
    check_order("evaluate", model, data)
    with Team("evaluate") as team:
        kept = _kept(model, tta) if save else None
        model, folder = as_model(model)
        check_alike(team, model)
        data = as_trained(with_said(data, options, evaluate), model.recipe.data, "evaluate")
        dataset = _data(model, data, tta, skip_unreadable=skip_unreadable)
        splits = split_data(dataset, seed := pick_seed(seed, model), training=False)
        indices = splits.of(split)
        team.agree("data", f"{splits.hash} {len(indices)}")
        _warn_of_images(model, folder, dataset, indices, split)
        target = figures_folder(out) if out is not None and team.first else None  # one process writes
        task: Any = model.task  # for_model has looked; where it cannot generate, `sample` says so
        sampled = features is not None or samples is not None or task.generates
        score, cropped = None, model.crops and not sampled
        # A network that takes every size is measured on whole images
        own_size = cropped and model.any_size
        batches = own_batches(
            team, dataset, indices, model.input_spec, crop=cropped, own_size=own_size,
            batch_size=batch_size, workers=workers, task=task, device=(at := team.device(device)),
        )  # fmt: skip
        how: dict[str, Any] = {"team": team, "device": at, "progress": progress}
        asked = _asked(metrics, model, sampled)
        if sampled:
            count = len(indices) if samples is None else samples
            figures, found = measure_samples(model, features, batches, count=count, seed=seed, **how)
        else:
            score = _score(model, dataset, _loss(model, loss, batch_size), asked)
            figures, found = measure(model, dataset, batches, score, split=split, tta=tta, **how)
        figures, left_out = _defined(figures, score)
        depends = _options(model, seed, tta, cropped=cropped, own_size=own_size)
        seen = team.from_first(lambda: {"looks": looks(model, folder, splits.hash) if split == "test" else 1})
        known: Any = {"count": len(indices), "hash": splits.hash, "options": depends, **seen}
        on = Measured(data=data_value(data), split=split, **known)
        same = {} if sampled else constant_figures(model, dataset, splits.train, indices)
        result = Evaluation.of(on, figures, found, left_out, same)
        if target is not None:
            write_figures(target, result, found, dataset)
        if tta is None:  # of views they are not the model's own
            _note(model, result, kept if team.first else None)
        return result


def _note(model: Model, result: Evaluation, kept: SavedFigures | None) -> None:
    """Keeps the figures with the model, and in its folder where that was asked for."""
    model.note_figures(result.on.split, result.metrics, result.on.kept)
    if kept is not None:
        kept.add(model, result.on.split)


def _options(model: Model, seed: int, tta: str | None, *, cropped: bool, own_size: bool) -> dict[str, Any]:
    """What the figures depend on beside model and data; see `Measured`."""
    size = None if own_size else [*model.input_spec.size]
    return {"seed": seed, "size": size, "cropped": cropped} | ({"tta": tta} if tta else {})


def _data(model: Model, data: DataLike, tta: str | None, *, skip_unreadable: bool) -> Dataset:
    """The data with the classes of the model; where these have names, some of them are enough."""
    check_views(model, tta, "evaluate")
    dataset = as_dataset(
        data, task=model.task, classes=classes_of(model), part=bool(model.labels),
        skip_unreadable=skip_unreadable, fields=declared_fields(model), values=model.input_spec.reading,
    )  # fmt: skip
    found = for_model(model, dataset, "evaluate")
    warn_views(found, model.task, tta, "evaluate")
    return found


def _kept(model: object, tta: str | None) -> SavedFigures:
    """Where figures are kept; refused before anything is read where there is no such place."""
    if tta is not None:
        expected, hint = "a model that answers by itself", "leave out tta or save"
        raise OptionError("evaluate: save", expected=expected, got=f"tta={tta!r}", hint=hint)
    if (folder := folder_of(model)) is not None:
        return SavedFigures.of(folder)
    if isinstance(model, Model):
        got, hint = "a model in memory", "its figures are in model.metrics, which zoo.save writes"
    else:
        got, hint = f"{model}", f"zoo pull {model} --out FOLDER, and measure that"
    raise SaveError("keep figures", expected="the folder of a saved model", got=got, hint=hint)


def _asked(metrics: Sequence[Any], model: Model, sampled: bool) -> list[Metric]:
    """Metrics that are asked for; OptionError where it is generated images that are measured."""
    found = list(metrics_of(metrics, model))
    if found and sampled:
        names, hint = listing(metric.name for metric in found), "leave them out"
        raise OptionError("metrics of generated images", expected="none", got=names, hint=hint)
    return found


def _score(model: Model, dataset: Dataset, loss: nn.Module | None, asked: Sequence[Metric]) -> Score:
    assert model.task is not None  # noqa: S101 - for_model has looked
    return Score(model.task, model.outputs, loss, metrics=asked, labels=model.labels or dataset.labels)


def _loss(model: Model, loss: LossLike | None, batch_size: int) -> nn.Module | None:
    """Loss to measure beside the metrics; None where it needs more than output and target."""
    with held_warnings():
        found, _ = as_loss(model.recipe.loss if loss is None else loss, model, needed=False)
        if found is not None and loss is not None:  # what a saved model was trained with is measured
            check_fits(found, loss, model)
    warn_squashed(model)
    learns = isinstance(found, Loss) and found.learns
    # Of what only its trainer has, or of the classes of its training
    if found is not None and (needs_of(found) or (learns and loss is None)):
        return None
    if isinstance(found, Loss) and not learns:
        found.prepare(model.outputs, len(model.labels) or None)
    if found is not None and depends_on_batches(found, model.task, model.outputs):
        name = type(found).__name__
        warn(f"loss {name} looks at a batch as a whole: its figure is a mean over batches of {batch_size}")
    return found


def _defined(figures: Mapping[str, float], score: Score | None) -> tuple[dict[str, float], dict[str, str]]:
    """Figures that are numbers, as JSON has no others, and why other ones are left out."""
    if score is None:  # of generated images
        return dict(figures), {}
    why = score.lost or UNDEFINED
    odd = {name: why for name, value in figures.items() if not math.isfinite(value)}
    left_out = {**odd, **score.left_out}
    return {name: value for name, value in figures.items() if name not in left_out}, left_out


def _warn_of_images(
    model: Model, folder: Path | None, dataset: Dataset, indices: tuple[int, ...], split: str
) -> None:
    """Says what reading loses of the images, and whether they are new to the model."""
    warn_dataset(model, dataset)
    if folder is not None:
        warn_of_leak(folder, dataset, indices, split)
