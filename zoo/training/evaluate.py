"""`zoo.evaluate`: figures on a split."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zoo.data.batches import Batches
from zoo.data.splits import split as split_data
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.loss import Loss
from zoo.interfaces.model import Model
from zoo.interfaces.scoring import Score
from zoo.interfaces.tasks import Binary, Multiclass, Ordinal, names_for
from zoo.spec.errors import warn
from zoo.training.checks import check_data
from zoo.training.common import SPLITS_FILE, as_dataset, as_loss, as_model, pick_seed
from zoo.training.state import borrowed, choose_device, isolated, to_device


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

    Returns:
        `split`, `pictures`, `loss` and the task's metrics by name; for tasks of classes also `labels`,
        `confusion` (rows are the truth, columns the answer) and `per_class` with precision, recall, f1 (in
        [0, 1]; 0 where undefined) and the number of pictures of each label.

    Raises:
        DataError: the data cannot be read, do not fit the model, or lack the split.
        TrainingError: the model has no task.
    """
    model, folder = as_model(model)
    dataset = as_dataset(data)
    check_data(model, dataset, "evaluate")
    seed = pick_seed(seed, model)
    indices = split_data(dataset, seed, training=False).of(split)
    if folder is not None:
        _warn_of_leak(folder, dataset, indices, split)
    chosen = choose_device(device)
    the_loss, _ = as_loss(model.recipe.loss if loss is None else loss, model, needed=False)
    batches = Batches(dataset, indices, model.input_spec, batch_size=batch_size, workers=workers)
    task = model.task
    assert task is not None  # noqa: S101 - check_data has looked
    score = Score(task, model.outputs, the_loss)
    answers: list[Tensor] = []
    truths: list[Tensor] = []
    with borrowed(model, chosen), isolated(chosen), torch.no_grad():
        model.eval()
        if isinstance(the_loss, Loss):
            the_loss.to(chosen).eval()
        for batch in batches:
            ready = to_device(batch, chosen)
            output = model(ready["image"])
            score.add(output, ready)
            table = task.probabilities(output)
            if table is not None:
                answers.append(table.argmax(dim=1).cpu())
                truths.append(batch["target"])
        figures = score.values()
    model.metrics = {**model.metrics, split: figures}
    result: dict[str, Any] = {"split": split, "pictures": len(indices), **figures}
    if isinstance(task, Binary | Multiclass | Ordinal):
        labels = names_for(model.labels or dataset.labels, task.classes(model.outputs))
        result |= per_class(torch.cat(truths), torch.cat(answers), labels)
    return result


def per_class(truths: Tensor, answers: Tensor, labels: list[str]) -> dict[str, Any]:
    """Confusion matrix, and precision, recall, F1 and pictures by label.

    Args:
        truths: N class indices.
        answers: N class indices.
        labels: names by index.

    Example:
        >>> per_class(torch.tensor([0, 0, 1]), torch.tensor([0, 1, 1]), ["a", "b"])["confusion"]
        [[1, 1], [0, 1]]
    """
    count = len(labels)
    confusion = torch.bincount(truths * count + answers, minlength=count * count).view(count, count)
    hits = confusion.diagonal().double()
    precision = hits / confusion.sum(dim=0).clamp(min=1)
    recall = hits / confusion.sum(dim=1).clamp(min=1)
    f1 = 2 * hits / (confusion.sum(dim=0) + confusion.sum(dim=1)).clamp(min=1)
    rows = {
        label: {
            "precision": float(precision[i]),
            "recall": float(recall[i]),
            "f1": float(f1[i]),
            "pictures": int(confusion[i].sum()),
        }
        for i, label in enumerate(labels)
    }
    return {"labels": labels, "confusion": confusion.tolist(), "per_class": rows}


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
