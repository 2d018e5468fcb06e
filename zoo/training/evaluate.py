"""`zoo.evaluate`: figures on a split."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch

from zoo.data.batches import Batches
from zoo.data.splits import split as split_data
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.loss import Loss
from zoo.interfaces.model import Model
from zoo.interfaces.scoring import Score
from zoo.interfaces.tasks import Regression, names_for
from zoo.spec.errors import SaveError, warn
from zoo.training.answers import Answers, Mistake
from zoo.training.checks import check_data
from zoo.training.common import SPLITS_FILE, as_dataset, as_loss, as_model, pick_seed
from zoo.training.history import write_json
from zoo.training.plots import folder_path
from zoo.training.state import borrowed, choose_device, isolated, to_device

METRICS_FILE = "metrics.json"

_MOST_MISTAKES = 24


def evaluate(
    model: Model | str | os.PathLike[str],
    data: Any,
    *,
    split: str = "test",
    loss: Any = None,
    seed: int | None = None,
    batch_size: int = 64,
    device: str | torch.device | None = None,
    workers: int = 0,
    skip_unreadable: bool = False,
    out: str | os.PathLike[str] | None = None,
) -> dict[str, Any]:
    """Measures a model on a split of data; the figures are also kept in `model.metrics`.

    Args:
        model: from `zoo.build` or `zoo.fit`, or the folder of a saved one.
        data: as `fit` takes it.
        split: `test`, `val`, `train`, or `all` for data that the model never saw.
        loss: by default the one it was trained with, else its task's.
        seed: of the split; by default the one it was trained with, so that the test split stays unseen.
        batch_size: pictures at a time.
        device: by default an accelerator if there is one.
        workers: processes that read pictures.
        skip_unreadable: leaves out the files of a folder that cannot be read.
        out: folder to write `metrics.json`, `confusion.png` (for values `scatter.png`) and `worst.png` into.

    Returns:
        `split`, `pictures`, `loss` and the task's metrics by name. For tasks of classes and of labels also
        `labels`, and `per_class` with precision, recall, f1 (in [0, 1]; 0 where undefined) and the number of
        pictures of each; for tasks of classes `confusion` (rows are the truth, columns the answer). `worst`
        lists up to 24 mistakes, the surest one first, of values the largest errors: `name`, `label`, `score`
        and `truth` of each.

    Raises:
        DataError: the data cannot be read, do not fit the model, or lack the split.
        TrainingError: the model has no task.
        SaveError: `out` cannot be written.
    """
    model, folder = as_model(model)
    dataset = as_dataset(data, task=model.task, skip_unreadable=skip_unreadable)
    check_data(model, dataset, "evaluate")
    seed = pick_seed(seed, model)
    indices = split_data(dataset, seed, training=False).of(split)
    if folder is not None:
        _warn_of_leak(folder, dataset, indices, split)
    target = None if out is None else folder_path(out)
    chosen = choose_device(device)
    the_loss, _ = as_loss(model.recipe.loss if loss is None else loss, model, needed=False)
    batches = Batches(
        dataset, indices, model.input_spec, crop=model.crops, batch_size=batch_size, workers=workers
    )
    task = model.task
    assert task is not None  # noqa: S101 - check_data has looked
    score = Score(task, model.outputs, the_loss)
    answers = Answers(task, names_for(model.labels or dataset.labels, task.classes(model.outputs)))
    with borrowed(model, chosen), isolated(chosen), torch.no_grad():
        model.eval()
        if isinstance(the_loss, Loss):
            the_loss.to(chosen).eval()
        for batch in batches:
            ready = model.examples(to_device(batch, chosen))
            output = model.infer(ready["image"])
            score.add(output, ready)
            answers.add(output, ready["target"], batch["index"])
        figures = score.values()
    model.metrics = {**model.metrics, split: figures}
    worst = answers.worst(_MOST_MISTAKES, dataset.name)
    result: dict[str, Any] = {"split": split, "pictures": len(indices), **figures, **answers.tables()}
    result["worst"] = [mistake.to_dict() for mistake in worst]
    if target is not None:
        _write(target, result, answers, worst, dataset)
    return result


def _write(
    folder: Path, result: dict[str, Any], answers: Answers, worst: list[Mistake], dataset: Dataset
) -> None:
    """The figures, and pictures of them; what an earlier evaluation left is replaced."""
    from zoo.training.evaluation_plots import CONFUSION_FILE, SCATTER_FILE, WORST_FILE, confusion, scatter
    from zoo.training.plots import sheet

    title = f"{result['split']} split, {result['pictures']} pictures"
    values = isinstance(answers.task, Regression)
    try:
        write_json(folder / METRICS_FILE, result)
    except OSError as error:
        raise SaveError(f"cannot write into {folder}", got=error.strerror or str(error)) from error
    if "confusion" in result:
        if "accuracy" in result:
            title += f", accuracy {result['accuracy']:.1%}"
        confusion(result["confusion"], result["labels"], folder / CONFUSION_FILE, title)
    elif values:
        truths, said = answers.column("truth").numpy(), answers.column("answer").numpy()
        scatter(truths, said, answers.labels, folder / SCATTER_FILE, title)
    if worst:
        sheet(
            [dataset[mistake.index].picture for mistake in worst],
            [mistake.label for mistake in worst],
            [mistake.score for mistake in worst],
            folder / WORST_FILE,
            truths=[mistake.truth for mistake in worst],
            names=[mistake.name for mistake in worst],
            title=f"{'largest errors' if values else 'worst mistakes'}: {title}",
        )
    else:
        (folder / WORST_FILE).unlink(missing_ok=True)


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
