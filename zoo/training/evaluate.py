"""`zoo.evaluate`: figures on a split."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from zoo.data.batches import Batches
from zoo.data.splits import split as split_data
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.loss import Loss, needs_of
from zoo.interfaces.model import Model
from zoo.interfaces.scoring import Score
from zoo.interfaces.tasks import Generation, Reconstruction, Regression, Task, names_for
from zoo.interfaces.trainer import Sheet
from zoo.spec.errors import SaveError, warn
from zoo.training.answers import Answers, Mistake
from zoo.training.answers_masks import MaskAnswers
from zoo.training.answers_pictures import PictureAnswers
from zoo.training.checks import check_data
from zoo.training.common import SPLITS_FILE, as_dataset, as_loss, as_model, check_order, pick_seed
from zoo.training.evaluated import Evaluated
from zoo.training.history import write_json
from zoo.training.plots import folder_path
from zoo.training.progress import watched
from zoo.training.quality import measure_samples
from zoo.training.sheets import pictures as sheet_of
from zoo.training.state import borrowed, choose_device, isolated, to_device
from zoo.training.verify import CHOOSES, at_threshold, curve_of, known_threshold

if TYPE_CHECKING:
    from zoo.interfaces.verification import Roc

METRICS_FILE = "metrics.json"
SAMPLES_FILE = "samples.png"

_MOST_MISTAKES = 24
_MOST_DRAWN = 100


def evaluate(
    model: Model | str | os.PathLike[str],
    data: Any,
    *,
    split: str = "test",
    loss: Any = None,
    features: Model | str | os.PathLike[str] | None = None,
    samples: int | None = None,
    seed: int | None = None,
    batch_size: int = 64,
    device: str | torch.device | None = None,
    workers: int = 0,
    skip_unreadable: bool = False,
    progress: bool = True,
    out: str | os.PathLike[str] | None = None,
) -> Evaluated:
    """Measures a model on a split of data; the figures are also kept in `model.metrics`.

    A model that makes pictures of nothing is measured by another one, `features`, in whose eyes its pictures
    are compared with the real ones.

    Args:
        model: from `zoo.build` or `zoo.fit`, or the folder of a saved one.
        data: as `fit` takes it.
        split: `test`, `val`, `train`, or `all` for data that the model never saw.
        loss: by default the one it was trained with, else its task's; left out where it needs more than
            output and target.
        features: a model with a head, or the folder of one, trained on data like these; see
            `zoo.training.quality`.
        samples: how many pictures to generate; by default as many as are real.
        seed: of the split and of the generated pictures; by default the one it was trained with, so that the
            test split stays unseen.
        batch_size: pictures at a time.
        device: by default an accelerator if there is one.
        workers: processes that read pictures.
        skip_unreadable: leaves out the files of a folder that cannot be read.
        progress: whether a terminal or a notebook shows a bar where it takes longer.
        out: folder to write `metrics.json`, `confusion.png` (for values `scatter.png`, for embeddings
            `roc.png`) and `worst.png` into.

    Returns:
        A dictionary that prints as tables: `split`, `pictures`, `loss` and the task's metrics by name. For
        tasks of classes and of labels also `labels`, and `per_class` with precision, recall, f1 (in [0, 1]; 0
        where undefined) and the number of pictures of each; for tasks of classes `confusion` (rows are the
        truth, columns the answer). `worst` lists up to 24 mistakes, the surest one first, of values the
        largest errors: `name`, `label`, `score` and `truth` of each. Of masks `per_class` has iou, dice,
        precision, recall and the number of true pixels, and `worst` the pictures of the lowest IoU, which is
        their score. Of embeddings, figures of all pairs of pictures: `auc`, `eer`, `threshold`, from which
        cosine on two pictures are taken for the same (chosen at the equal error rate of the val split),
        `accuracy`, the mean of the shares of right answers to pairs of one class and of two, and `rates`, the
        thresholds for smaller false accept rates. With `features`: `frechet`, the Frechet distance,
        `precision` and `recall`, and `classes`, the share of generated pictures that are taken for each
        class, if it knows classes.

    Raises:
        DataError: the data cannot be read, do not fit the model, or lack the split.
        TrainingError: the model has no task, or generates pictures and `features` is missing.
        ShapeError: there are `features`, but the model does not generate.
        SaveError: `out` cannot be written.
    """
    check_order("evaluate", model, data)
    model, folder = as_model(model)
    dataset = as_dataset(data, task=model.task, skip_unreadable=skip_unreadable)
    check_data(model, dataset, "evaluate")
    seed = pick_seed(seed, model)
    indices = split_data(dataset, seed, training=False).of(split)
    if folder is not None:
        _warn_of_leak(folder, dataset, indices, split)
    target = None if out is None else folder_path(out)
    chosen = choose_device(device)
    if features is not None or samples is not None or isinstance(model.task, Generation):
        looked_at = Batches(dataset, indices, model.input_spec, batch_size=batch_size, workers=workers)
        count = len(indices) if samples is None else samples
        found, made = measure_samples(
            model, features, looked_at, count=count, seed=seed, device=chosen, progress=progress
        )
        model.metrics = {**model.metrics, split: {k: v for k, v in found.items() if isinstance(v, float)}}
        looked = Evaluated({"split": split, "pictures": len(indices), "samples": count, **found})
        if target is not None:
            _write_samples(target, looked, made)
        return looked
    the_loss, _ = as_loss(model.recipe.loss if loss is None else loss, model, needed=False)
    if the_loss is not None and needs_of(the_loss):  # of what only its trainer has
        the_loss = None
    if loss is None and isinstance(the_loss, Loss) and the_loss.learns:  # of the classes of its training
        the_loss = None
    batches = Batches(
        dataset, indices, model.input_spec, crop=model.crops, own_size=model.crops and model.any_size,
        batch_size=batch_size, workers=workers,
    )  # fmt: skip
    task = model.task
    assert task is not None  # noqa: S101 - check_data has looked
    score = Score(task, model.outputs, the_loss)
    labels = model.labels or dataset.labels if task.named else ()
    names = names_for(labels, task.classes(model.outputs))
    answers = _answers(task, names)
    with borrowed(model, chosen), isolated(chosen), torch.no_grad():
        model.eval()
        if isinstance(the_loss, Loss):
            the_loss.to(chosen).eval()
        for batch in watched(batches, "measuring", progress):
            ready = model.examples(to_device(batch, chosen))
            output = model.infer(ready["image"])
            score.add(output, ready)
            answers.add(output, ready["target"], batch["index"])
        figures = score.values()
    roc = curve_of(answers)
    figures |= at_threshold(roc, None if split == CHOOSES else known_threshold(model))
    model.metrics = {**model.metrics, split: figures}
    worst = answers.worst(_MOST_MISTAKES, dataset.name)
    result = Evaluated({"split": split, "pictures": len(indices), **figures, **answers.tables()})
    result["worst"] = [mistake.to_dict() for mistake in worst]
    if roc is not None:
        result["rates"] = roc.table()
    if target is not None:
        _write(target, result, answers, worst, dataset, roc=roc)
    return result


def _answers(task: Task, names: list[str]) -> Answers:
    """What collects the answers of a task."""
    if task.needs == "mask":
        return MaskAnswers(task, names, _MOST_MISTAKES)
    return PictureAnswers(task, _MOST_MISTAKES) if isinstance(task, Reconstruction) else Answers(task, names)


def _write_samples(folder: Path, result: dict[str, Any], made: Tensor) -> None:
    """The figures, and the first pictures."""
    _write_json(folder, result)
    sheet_of(Sheet({"": made[:_MOST_DRAWN]}), folder / SAMPLES_FILE)


def _write_json(folder: Path, result: dict[str, Any]) -> None:
    try:
        write_json(folder / METRICS_FILE, result)
    except OSError as error:
        raise SaveError(f"cannot write into {folder}", got=error.strerror or str(error)) from error


def _write(
    folder: Path,
    result: dict[str, Any],
    answers: Answers,
    worst: list[Mistake],
    dataset: Dataset,
    *,
    roc: Roc | None,
) -> None:
    """The figures, and pictures of them; what an earlier evaluation left is replaced."""
    from zoo.training import evaluation_plots as plots
    from zoo.training.plots import sheet

    title = f"{result['split']} split, {result['pictures']} pictures"
    values = isinstance(answers.task, Regression)
    _write_json(folder, result)
    if "confusion" in result:
        if "accuracy" in result:
            title += f", accuracy {result['accuracy']:.1%}"
        plots.confusion(result["confusion"], result["labels"], folder / plots.CONFUSION_FILE, title)
    elif values:
        truths, said = answers.column("truth").numpy(), answers.column("answer").numpy()
        plots.scatter(truths, said, answers.labels, folder / plots.SCATTER_FILE, title)
    elif roc is not None:
        plots.roc_curve(roc, result["threshold"], folder / plots.ROC_FILE, title)
    if worst and isinstance(answers, PictureAnswers):
        sheet_of(answers.sheet(f"worst: {title}"), folder / plots.WORST_FILE)
    elif worst and isinstance(answers, MaskAnswers):
        from zoo.training.overlay_plots import overlays

        rows = [(dataset[mistake.index], mistake) for mistake in worst]
        overlays(rows, answers.labels, folder / plots.WORST_FILE, f"lowest IoU: {title}")
    elif worst:
        sheet(
            [dataset[mistake.index].picture for mistake in worst],
            [mistake.label for mistake in worst],
            [mistake.score for mistake in worst],
            folder / plots.WORST_FILE,
            truths=[mistake.truth for mistake in worst],
            names=[mistake.name for mistake in worst],
            title=f"{'largest errors' if values else 'worst mistakes'}: {title}",
        )
    else:
        (folder / plots.WORST_FILE).unlink(missing_ok=True)


def _warn_of_leak(folder: Path, dataset: Dataset, indices: tuple[int, ...], split: str) -> None:
    """Says so where pictures to be measured on were trained on."""
    try:
        record = json.loads((folder / SPLITS_FILE).read_text(encoding="utf-8"))
        trained = {item["key"] for item in record["train"]}
    except (OSError, ValueError, KeyError, TypeError):
        return
    known = [i for i in indices if dataset.key(i) in trained]
    if known and split != "train":
        warn(
            f"{len(known)} of {len(indices)} pictures of the {split} split were trained on, "
            f"{dataset.name(known[0])} first; have the data or the seed changed since?"
        )
