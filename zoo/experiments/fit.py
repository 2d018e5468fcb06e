"""`zoo.fit`: one run, or a run for each fold of cross-validation."""

from __future__ import annotations

from typing import Any, Literal, overload

import torch
from torch import nn

from zoo.data.resolve import DataLike
from zoo.experiments.fold_figures import Folds
from zoo.experiments.fold_record import Asked, holds_folds
from zoo.experiments.folds import begin_folds, resume_folds
from zoo.interfaces.augmenter import AugmentLike
from zoo.interfaces.loss import LossLike
from zoo.interfaces.model import ModelLike
from zoo.interfaces.trainer import TrainerLike
from zoo.runtime.processes import Precision
from zoo.spec.recipe import Recipe
from zoo.spec.reference import PathLike
from zoo.training.fit import CHECKPOINT_SECONDS
from zoo.training.fit import fit as fit_once
from zoo.training.run import Run


@overload
def fit(
    model: ModelLike | nn.Module | Recipe | None = None,
    data: DataLike | None = None,
    *,
    augment: AugmentLike | None = None,
    loss: LossLike | None = None,
    trainer: TrainerLike | None = None,
    seed: int | None = None,
    out: PathLike | None = None,
    device: str | torch.device | None = None,
    precision: Precision | None = None,
    workers: int | None = None,
    cache: bool | Literal["pixels"] | None = None,
    skip_unreadable: bool = False,
    folds: None = None,
    resume: PathLike | None = None,
    checkpoint_every: float = CHECKPOINT_SECONDS,
    progress: bool = True,
    **options: Any,
) -> Run: ...


@overload
def fit(
    model: ModelLike | nn.Module | Recipe | None = None,
    data: DataLike | None = None,
    *,
    augment: AugmentLike | None = None,
    loss: LossLike | None = None,
    trainer: TrainerLike | None = None,
    seed: int | None = None,
    out: PathLike | None = None,
    device: str | torch.device | None = None,
    precision: Precision | None = None,
    workers: int | None = None,
    cache: bool | Literal["pixels"] | None = None,
    skip_unreadable: bool = False,
    folds: int,
    resume: PathLike | None = None,
    checkpoint_every: float = CHECKPOINT_SECONDS,
    progress: bool = True,
    **options: Any,
) -> Folds: ...


@overload
def fit(
    model: ModelLike | nn.Module | Recipe | None = None,
    data: DataLike | None = None,
    *,
    augment: AugmentLike | None = None,
    loss: LossLike | None = None,
    trainer: TrainerLike | None = None,
    seed: int | None = None,
    out: PathLike | None = None,
    device: str | torch.device | None = None,
    precision: Precision | None = None,
    workers: int | None = None,
    cache: bool | Literal["pixels"] | None = None,
    skip_unreadable: bool = False,
    folds: int | None,
    resume: PathLike | None = None,
    checkpoint_every: float = CHECKPOINT_SECONDS,
    progress: bool = True,
    **options: Any,
) -> Run | Folds: ...


def fit(
    model: ModelLike | nn.Module | Recipe | None = None,
    data: DataLike | None = None,
    *,
    augment: AugmentLike | None = None,
    loss: LossLike | None = None,
    trainer: TrainerLike | None = None,
    seed: int | None = None,
    out: PathLike | None = None,
    device: str | torch.device | None = None,
    precision: Precision | None = None,
    workers: int | None = None,
    cache: bool | Literal["pixels"] | None = None,
    skip_unreadable: bool = False,
    folds: int | None = None,
    resume: PathLike | None = None,
    checkpoint_every: float = CHECKPOINT_SECONDS,
    progress: bool = True,
    **options: Any,
) -> Run | Folds:
    """Trains a model on images and saves it in a run folder, or as many as there are folds.

    Whatever is left None is taken from the model's recipe; after that data are needed, loss and trainer are
    the defaults of the model's task. In the end the model has the weights of its best epoch, is in inference
    mode, and on the device where it was. The same seed gives the same weights, with any number of workers.

    A run that was killed goes on with `resume=` and ends with the same weights as if nothing had happened.
    With `epochs=` beside it, a run goes on for longer, a finished one too: it ends as one with so many epochs
    from the start, unless its schedule depends on their number and is stretched, which is told.
    What the frozen blocks at a model's beginning compute is kept on disk and reused where that gives the same
    result: for training images without augmentation, for validation images always.

    With `folds=5` it trains five runs, `fold-1` to `fold-5` in one folder, from copies of the model, each on
    other images and measured once on those left out; the model given stays as it is. Folds are drawn as
    scikit-learn's `StratifiedGroupKFold` and `StratifiedKFold` do, by what else decides splits: groups and
    identical images stay together; what has an order in time is tested by what came before; folds that a
    column tells are taken, and images that the user keeps for the test are in none.

    Args:
        model: from `zoo.build`, the folder of a saved one, or any torch module, which needs a loss; or a
            recipe, which is built for the classes of its data where it says nothing of classes.
        data: a folder of class folders, a table of labels, the name of a data set, or a torch data set.
        augment: an augmenter by name, several in a list, or objects.
        loss: a loss by name, or a module.
        trainer: a trainer by name, or an object.
        seed: of splits, order, augmentation and dropout; the recipe's, else 0.
        out: folder of the run, new or empty; by default the next free `runs/<name>-<n>`.
        device: `cpu`, `cuda`, ...; by default an accelerator if there is one.
        precision: `fp32` (the default), `bf16` or `fp16`, of forwards and losses; weights stay in fp32.
        workers: processes that read images; None begins some where images are files and the time of the
            first batches says that it pays, 0 reads in this one.
        cache: whether to keep what frozen blocks compute, or else what was decoded and resized; None where
            it is possible and there is room, True raises where nothing of frozen blocks can be kept,
            "pixels" where no pixels can, and keeps these alone.
        skip_unreadable: leave out images that cannot be decoded, and say which.
        folds: of cross-validation, 2 or more; None for one run.
        resume: folder of a run, or of folds, to go on with. What it was begun with is known; give only what
            was an object (data, a loss, `metrics` and the like), where to compute, and `epochs` to go on for
            longer with a run.
        checkpoint_every: seconds between two checkpoints at least; 0 writes one after each step.
        progress: whether to say how it goes: a bar on a terminal and in a notebook, else a line an epoch on
            standard error.
        **options: of the trainer, such as `epochs=5`, `lr=1e-4`, `schedule="cosine"`, `early_stopping=3`; and
            of the data, such as `group="patient[0-9]+"`.

    Returns:
        The run; of folds their figures, with mean and spread.

    Raises:
        DataError: the data cannot be read, or do not fit the model.
        MissingPackageError: a precision or several processes need Accelerate, or a resumed run OpenCV.
        TrainingError: nothing is trainable, the loss is no longer a number, or there is nothing to resume.
        OptionError: an option is unknown or does not fit.
        SaveError: the README of a run that goes on cannot be kept.
        UnknownComponentError: no plugin has a part of that name.

    Example:
        >>> import tempfile, zoo
        >>> model = zoo.build("small_cnn", head="binary", in_channels=1, input_size=32, seed=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     run = zoo.fit(model, {"name": "faces", "per_class": 8}, epochs=1, out=folder + "/run")
        >>> run.images
        {'train': 12, 'val': 2, 'test': 2}
    """
    if folds is None and not (resume is not None and holds_folds(resume)):
        return fit_once(
            model, data, augment=augment, loss=loss, trainer=trainer, seed=seed, out=out, device=device,
            precision=precision, workers=workers, cache=cache, skip_unreadable=skip_unreadable, resume=resume,
            checkpoint_every=checkpoint_every, progress=progress, **options,
        )  # fmt: skip
    asked = Asked(
        model=model, parts={"data": data, "augment": augment, "loss": loss, "trainer": trainer}, seed=seed,
        precision=precision, skip_unreadable=skip_unreadable, options=options,
    )  # fmt: skip
    how: dict[str, Any] = {"device": device, "workers": workers, "cache": cache, "progress": progress}
    how["checkpoint_every"] = checkpoint_every
    if resume is not None:
        return resume_folds(asked, how, resume, folds, out)
    return begin_folds(asked, how, folds, out)
