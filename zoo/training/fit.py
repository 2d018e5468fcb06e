"""`zoo.fit`: from a model and data to a trained model in a run folder."""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path
from typing import Any

import torch

from zoo.data.batches import Batches
from zoo.data.splits import NAMES, Splits, split
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.model import Model
from zoo.spec.errors import DataError, SaveError
from zoo.training.checks import check_data
from zoo.training.common import (
    SPLITS_FILE,
    as_augmenters,
    as_dataset,
    as_loss,
    as_model,
    as_trainer,
    data_value,
    new_run_folder,
    pick_seed,
)
from zoo.training.engine import Engine, Outcome
from zoo.training.history import HISTORY_FILE, write_json
from zoo.training.plots import CURVES_FILE, curves
from zoo.training.run import Run
from zoo.training.state import borrowed, choose_device, has_live_batch_norm


def fit(
    model: Model | str | os.PathLike[str],
    data: Any = None,
    *,
    augment: Any = None,
    loss: Any = None,
    trainer: Any = None,
    seed: int | None = None,
    out: str | os.PathLike[str] | None = None,
    device: str | torch.device | None = None,
    workers: int = 0,
    progress: bool | None = None,
    **options: Any,
) -> Run:
    """Trains a model on pictures and saves it in a run folder.

    Whatever is left None is taken from the model's recipe; after that data are needed, loss and trainer are
    the defaults of the model's task. In the end the model has the weights of its best epoch, is in inference
    mode, and on the device where it was. The same seed gives the same weights, with any number of workers.

    Args:
        model: from `zoo.build`, or the folder of a saved one.
        data: a folder of class folders, the name of a data set, or a torch data set.
        augment: an augmenter by name, several in a list, or objects.
        loss: a loss by name, or a module.
        trainer: a trainer by name, or an object.
        seed: of splits, order, augmentation and dropout; the recipe's, else 0.
        out: folder of the run, new or empty; by default the next free `runs/<name>-<n>`.
        device: `cpu`, `cuda`, ...; by default an accelerator if there is one.
        workers: processes that read pictures.
        progress: whether to show a bar; by default on a terminal only.
        **options: of the trainer, such as `epochs=5`, `lr=1e-4`.

    Raises:
        DataError: the data cannot be read, or do not fit the model.
        TrainingError: nothing is trainable, or the loss is no longer a number.
        OptionError: an option is unknown or does not fit.
        UnknownComponentError: no plugin has a part of that name.

    Example:
        >>> import tempfile, zoo
        >>> model = zoo.build("small_cnn", head="binary", in_channels=1, input_size=32, seed=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     run = zoo.fit(model, {"name": "faces", "per_class": 8}, epochs=1, out=folder + "/run")
        >>> run.pictures
        {'train': 12, 'val': 2, 'test': 2}
    """
    started = time.perf_counter()
    model, _ = as_model(model)
    recipe = model.recipe
    data, augment = (recipe.data if data is None else data), (recipe.augment if augment is None else augment)
    loss, trainer = (recipe.loss if loss is None else loss), (recipe.trainer if trainer is None else trainer)
    if data is None:
        hint = "give a folder of class folders, or a data set's name"
        raise DataError("fit", expected="data", got="none", hint=hint)
    seed = pick_seed(seed, model)
    chosen = choose_device(device)
    dataset = as_dataset(data)
    check_data(model, dataset, "fit")
    the_loss, loss_value = as_loss(loss, model, needed=trainer is None)
    the_trainer, trainer_value = as_trainer(trainer, model, options)
    augmenters, augment_value = as_augmenters(augment)
    splits = split(dataset, seed)
    folder = new_run_folder(out, recipe.model.name)
    try:
        _record_splits(folder, dataset, splits, data)
        with borrowed(model, chosen):
            read = partial(
                Batches,
                dataset,
                spec=model.input_spec,
                batch_size=the_trainer.batch_size,
                seed=seed,
                workers=workers,
            )
            # A frozen batch norm takes nothing from the batch; `.train()` leaves it as it is.
            join = has_live_batch_norm(model.train())
            engine = Engine(
                model=model,
                trainer=the_trainer,
                loss=the_loss,  # type: ignore[arg-type]  # any module that takes output and target will do
                train=read(splits.train, shuffle=True, join_single=join),
                val=read(splits.val),
                augment=[augmenter.to(chosen) for augmenter in augmenters],
                seed=seed,
                device=chosen,
                on_epoch=lambda rows: _write(folder / HISTORY_FILE, rows),
                progress=progress,
            )
            outcome = engine.run()
    except BaseException:
        _discard(folder)
        raise
    model.eval()
    model.labels = model.labels or dataset.labels
    before = f", starting from {model.origin}" if model.origin else ""
    model.origin = f"trained on {data_name(data)}{before}"
    if outcome.best is not None:
        model.metrics = {**model.metrics, "val": validation(outcome)}
    model.recipe = recipe.model_copy(
        update={
            "model": model.recipe.model,
            "data": data_value(data),
            "data_hash": splits.hash,
            "augment": augment_value,
            "loss": loss_value,
            "trainer": trainer_value,
            "seed": seed,
        }
    )
    return _finish(model, folder, outcome, splits, time.perf_counter() - started)


def validation(outcome: Outcome) -> dict[str, float]:
    """The validation figures of the best epoch."""
    row = outcome.best or {}
    return {name.removeprefix("val_"): value for name, value in row.items() if name.startswith("val_")}


def data_name(data: Any) -> str:
    """How people call the data."""
    value = data_value(data)
    if value is None:
        return type(data).__name__
    return str(value["name"] if isinstance(value, dict) else value).removeprefix("file:")


def _finish(model: Model, folder: Path, outcome: Outcome, splits: Splits, seconds: float) -> Run:
    from zoo.hub.folder import save

    save(model, folder)
    if outcome.history:
        _write(folder / HISTORY_FILE, outcome.history)
        curves(outcome.history, outcome.best, folder / CURVES_FILE, folder.name)
    return Run(
        folder=folder,
        model=model,
        history=tuple(outcome.history),
        best_epoch=int(outcome.best["epoch"]) if outcome.best else None,
        metrics=validation(outcome),
        pictures={name: len(getattr(splits, name)) for name in NAMES},
        seconds=seconds,
        interrupted=outcome.interrupted,
    )


def _record_splits(folder: Path, dataset: Dataset, splits: Splits, data: Any) -> None:
    """Which picture is where; names and keys stay in the run folder."""
    lists = {
        name: [{"name": dataset.name(i), "key": dataset.key(i)} for i in getattr(splits, name)]
        for name in NAMES
    }
    source = str(data) if isinstance(data, Path) else data if isinstance(data, str | dict) else None
    facts = {"data": source, "fingerprint": dataset.fingerprint, "seed": splits.seed, "hash": splits.hash}
    _write(folder / SPLITS_FILE, {**facts, **lists})


def _write(path: Path, data: Any) -> None:
    try:
        write_json(path, data)
    except OSError as error:
        raise SaveError(
            f"cannot write {path}", got=error.strerror or str(error), hint="free space"
        ) from error


def _discard(folder: Path) -> None:
    """A run that failed leaves nothing behind."""
    for name in (HISTORY_FILE, SPLITS_FILE):
        (folder / name).unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
