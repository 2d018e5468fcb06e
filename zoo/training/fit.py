"""`zoo.fit`: from a model and data to a trained model in a run folder."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from zoo.data.splits import NAMES
from zoo.hub.folder import save
from zoo.interfaces.execution import Execution
from zoo.interfaces.geometry.warp import resampler
from zoo.interfaces.loss import fixed_left_out
from zoo.interfaces.model import Model
from zoo.interfaces.trainer import Sheet
from zoo.reports.image_grids import images
from zoo.reports.plots import curves, image_path
from zoo.runtime.arguments import SPLITS_FILE, data_value, new_run_folder
from zoo.runtime.devices import borrowed, choose_device
from zoo.runtime.processes import FULL, Accelerated, accelerator_for, processes, shared_by_first
from zoo.runtime.progress import Reporter
from zoo.runtime.torch_module import PlainModel
from zoo.spec.errors import OptionError, SaveError, TrainingError
from zoo.spec.files import CURVES_FILE, HISTORY_FILE, WEIGHTS_FILE
from zoo.spec.history import write_history, write_json
from zoo.spec.recipe import Recipe
from zoo.training.batch_sources import sources
from zoo.training.engine import Engine, Outcome, Saving
from zoo.training.more_epochs import Longer, asked, check_longer, tell
from zoo.training.own_metrics import METRICS
from zoo.training.run import Run
from zoo.training.run_folder import Job
from zoo.training.setup import Work, assemble
from zoo.weights.tensor_files import write

CHECKPOINT_SECONDS = 30.0
LOSS_FILE = "loss.safetensors"
"""Parameters that the loss owns and that were trained too."""


def fit(
    model: Model | nn.Module | Recipe | str | os.PathLike[str] | None = None,
    data: Any = None,
    *,
    augment: Any = None,
    loss: Any = None,
    trainer: Any = None,
    seed: int | None = None,
    out: str | os.PathLike[str] | None = None,
    device: str | torch.device | None = None,
    precision: str | None = None,
    workers: int = 0,
    cache: bool | None = None,
    skip_unreadable: bool = False,
    resume: str | os.PathLike[str] | None = None,
    checkpoint_every: float = CHECKPOINT_SECONDS,
    progress: bool = True,
    **options: Any,
) -> Run:
    """Trains a model on images and saves it in a run folder.

    Whatever is left None is taken from the model's recipe; after that data are needed, loss and trainer are
    the defaults of the model's task. In the end the model has the weights of its best epoch, is in inference
    mode, and on the device where it was. The same seed gives the same weights, with any number of workers.

    A run that was killed goes on with `resume=` and ends with the same weights as if nothing had happened.
    With `epochs=` beside it, a run goes on for longer, a finished one too: it ends as one with so many epochs
    from the start, unless its schedule depends on their number and is stretched, which is told.
    What the frozen blocks at a model's beginning compute is kept on disk and reused where that gives the same
    result: for training images without augmentation, for validation images always.

    Args:
        model: from `zoo.build`, the folder of a saved one, or any torch module, which needs a loss; or a
            recipe, which is built for the classes of its data where it says nothing of classes.
        data: a folder of class folders, the name of a data set, or a torch data set.
        augment: an augmenter by name, several in a list, or objects.
        loss: a loss by name, or a module.
        trainer: a trainer by name, or an object.
        seed: of splits, order, augmentation and dropout; the recipe's, else 0.
        out: folder of the run, new or empty; by default the next free `runs/<name>-<n>`.
        device: `cpu`, `cuda`, ...; by default an accelerator if there is one.
        precision: `fp32` (the default), `bf16` or `fp16`, of forwards and losses; weights stay in fp32.
        workers: processes that read images.
        cache: whether to keep what frozen blocks compute; None where it is possible and there is room, True
            raises where it is not.
        skip_unreadable: leave out images that cannot be decoded, and say which.
        resume: folder of a run to go on with. What it was begun with is known; give only what was an object
            (data, a loss, `metrics` and the like), where to compute, and `epochs` to go on for longer.
        checkpoint_every: seconds between two checkpoints at least; 0 writes one after each step.
        progress: whether to say how it goes: a bar on a terminal and in a notebook, else a line an epoch on
            standard error.
        **options: of the trainer, such as `epochs=5`, `lr=1e-4`, `schedule="cosine"`, `early_stopping=3`.

    Raises:
        DataError: the data cannot be read, or do not fit the model.
        TrainingError: nothing is trainable, the loss is no longer a number, or there is nothing to resume.
        OptionError: an option is unknown or does not fit.
        UnknownComponentError: no plugin has a part of that name.

    Example:
        >>> import tempfile, zoo
        >>> model = zoo.build("small_cnn", head="binary", in_channels=1, input_size=32, seed=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     run = zoo.fit(model, {"name": "faces", "per_class": 8}, epochs=1, out=folder + "/run")
        >>> run.images
        {'train': 12, 'val': 2, 'test': 2}
    """
    started = time.perf_counter()
    if not checkpoint_every >= 0:  # which nan is not either
        raise OptionError("checkpoint_every", expected="0 or more seconds", got=str(checkpoint_every))
    parts = {"data": data, "augment": augment, "loss": loss, "trainer": trainer}
    job, longer = None, None
    if resume is not None:
        job = Job.read(Path(resume).expanduser())
        longer = job.longer(asked(job, trainer, options))
        settings = {
            "seed": seed,
            "out": out,
            "precision": precision,
            **options,
            "epochs": None,
            METRICS: None,
        }
        job.check_given(
            {"model": model, **parts, METRICS: options.get(METRICS)},
            {**settings, "skip_unreadable": skip_unreadable or None},
        )
        seed, precision, skip_unreadable = job.settings
        parts, model, options = job.parts(parts), job.model(model), job.options(options)
    elif model is None:
        hint = 'zoo.fit(zoo.build("resnet18", head="binary"), "photos"), or resume="runs/resnet18-1"'
        raise TrainingError("fit", expected="a model, or resume=", got="neither", hint=hint)
    precision = precision or FULL
    chosen = choose_device(device)
    accelerator = accelerator_for(precision, chosen)
    chosen = accelerator.device if accelerator is not None else chosen
    work = assemble(model, **parts, seed=seed, options=options, skip_unreadable=skip_unreadable)
    first = processes()[0] == 0
    warps = resampler(chosen) if work.augment is not None and work.augment.resamples else None
    if job is not None and longer is not None:
        check_longer(str(job.folder), longer, work.trainer, work.loss)
    resumed = job.take_up(work.model, work.splits.hash, warps) if job is not None else None
    if job is not None and longer is not None:
        job.lengthen(longer, work.recipe.trainer)
    if job is None and first:
        folder = new_run_folder(out, work.recipe.model.called)
        job = _begin(folder, work, {"precision": precision, "skip_unreadable": skip_unreadable}, warps)
    folder = shared_by_first(accelerator, job.folder if job is not None else Path())
    reporter = Reporter(progress and first)
    saving = Saving(write=job.keep, every=checkpoint_every) if job is not None and first else None
    try:
        with borrowed(work.model, chosen):
            train, val, note = sources(
                work, device=chosen, precision=precision, workers=workers, cache=cache, reporter=reporter,
                accelerator=accelerator,
            )  # fmt: skip
            steps, fused = len(train.order), job is None or job.fused
            execution = (
                Execution(steps, fused=fused)
                if accelerator is None
                else Accelerated(accelerator, steps, fused=fused)
            )
            engine = Engine(
                model=work.model,
                trainer=work.trainer,
                loss=work.loss,  # type: ignore[arg-type]  # any module that takes output and target will do
                train=train,
                val=val,
                augment=work.augment.to(chosen) if work.augment is not None else None,
                seed=work.seed,
                device=chosen,
                execution=execution,
                on_epoch=partial(_record_epoch, folder) if first else None,
                saving=saving,
                resumed=resumed,
                lengthened=job.lengthened if job is not None else None,
                on_restored=partial(_go_on, job, longer, resumed, work, reporter)
                if job is not None and resume is not None and first
                else None,
                reporter=reporter,
            )
            try:
                outcome = engine.run()
            finally:
                execution.close()
    except BaseException:
        # What was trained for an epoch or more is kept, to be looked at or resumed.
        if job is not None and resume is None and not (folder / HISTORY_FILE).exists():
            _discard(job)
        raise
    seconds = time.perf_counter() - started
    return _finish(work, folder, job=job if first else None, outcome=outcome, note=note, seconds=seconds)


def validation(outcome: Outcome) -> dict[str, float]:
    """The validation figures of the best epoch."""
    row = outcome.best or {}
    return {name.removeprefix("val_"): value for name, value in row.items() if name.startswith("val_")}


def data_name(data: Any) -> str:
    """How people call the data."""
    value = data_value(data)
    if value is None:
        return type(data).__name__
    name = str(value["name"] if isinstance(value, dict) else value)
    return name.removeprefix("file:") if name.startswith("file:") else name.rpartition(":")[2]


def _begin(folder: Path, work: Work, facts: dict[str, Any], warps: str | None) -> Job:
    """Records the splits and the start, from which the run can be resumed."""
    job = Job(folder, {})
    try:
        _record_splits(folder, work)
        return Job.begin(folder, work, facts, warps)
    except BaseException:
        _discard(job)
        raise


def _go_on(
    job: Job, longer: Longer | None, checkpoint: Mapping[str, Any] | None, work: Work, reporter: Reporter
) -> None:
    """Says where a resumed run goes on, and records that it goes on for longer: all has been checked now."""
    if checkpoint is None:
        reporter.note(f"{job.folder} was killed before its first checkpoint: it begins anew")
    if longer is not None:
        tell(longer, work, reporter)
        job.record()


def _finish(work: Work, folder: Path, *, job: Job | None, outcome: Outcome, note: str, seconds: float) -> Run:
    """The trained model with its recipe, saved by the one process that has the job."""
    model = work.model
    model.eval()
    if model.task is not None and model.task.named:
        model.labels = model.labels or work.dataset.labels
    before = f", starting from {model.origin}" if model.origin else ""
    model.note_origin(f"trained on {data_name(work.data if work.data is not None else work.dataset)}{before}")
    if outcome.best is not None:
        known, splits = model.measured, work.splits
        on = {"data": work.recipe.to_dict().get("data"), "count": len(splits.val), "hash": splits.hash}
        model.metrics = {**model.metrics, "val": validation(outcome)}
        model.measured = {**known, "val": on}
    model.recipe = work.recipe
    if job is not None:
        if outcome.history:
            _write_history(folder, outcome.history)
            curves(outcome.history, outcome.best, folder / CURVES_FILE, folder.name, work.trainer.charts)
        if outcome.history or not (folder / WEIGHTS_FILE).exists():  # less than an epoch replaces nothing
            _save(model, folder)  # its card tells of both
        if work.loss is not None and (own := fixed_left_out(work.loss)) and list(work.loss.parameters()):
            _replace(folder / LOSS_FILE, own)
        if not outcome.interrupted:
            job.finish()
    return Run(
        folder=folder,
        model=model,
        history=tuple(outcome.history),
        best_epoch=int(outcome.best["epoch"]) if outcome.best else None,
        metrics=validation(outcome),
        images={name: len(getattr(work.splits, name)) for name in NAMES},
        seconds=seconds,
        cache=note,
        interrupted=outcome.interrupted,
        stopped_early=outcome.stopped_early,
    )


def _save(model: Model, folder: Path) -> None:
    if isinstance(model, PlainModel):
        _replace(folder / WEIGHTS_FILE, model.module.state_dict())
    else:
        save(model, folder)


def _replace(path: Path, state: Mapping[str, Tensor]) -> None:
    staged = path.with_name(f".{path.name}.part")
    write(staged, state)
    staged.replace(path)


def _record_splits(folder: Path, work: Work) -> None:
    """Which image is where; names and keys stay in the run folder."""
    dataset, splits = work.dataset, work.splits
    lists = {
        name: [{"name": dataset.name(i), "key": dataset.key(i)} for i in getattr(splits, name)]
        for name in NAMES
    }
    facts = {"data": work.data, "fingerprint": dataset.fingerprint, "seed": splits.seed, "hash": splits.hash}
    _write(folder / SPLITS_FILE, partial(write_json, data={**facts, **lists}))


def _record_epoch(folder: Path, rows: list[Any], sheets: Mapping[str, Sheet]) -> None:
    _write_history(folder, rows)
    for name, sheet in sheets.items():
        images(sheet, image_path(folder / name / f"epoch-{rows[-1]['epoch']:04.0f}.png"))


def _write_history(folder: Path, rows: list[Any]) -> None:
    _write(folder / HISTORY_FILE, partial(write_history, rows=rows))


def _write(path: Path, write: Any) -> None:
    try:
        write(path)
    except OSError as error:
        raise SaveError(
            f"cannot write {path}", got=error.strerror or str(error), hint="free space"
        ) from error


def _discard(job: Job) -> None:
    """A run that failed at once leaves nothing behind."""
    job.discard()
    (job.folder / SPLITS_FILE).unlink(missing_ok=True)
    if job.folder.is_dir() and not any(job.folder.iterdir()):
        job.folder.rmdir()
