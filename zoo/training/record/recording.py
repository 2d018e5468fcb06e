"""Files of a run in its folder: splits, history, image grids, and in the end the model."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from zoo.data.splits import NAMES
from zoo.hub.folder import save_run
from zoo.interfaces.loss import fixed_left_out
from zoo.interfaces.model import Model
from zoo.interfaces.tasks.descriptions import ImageGrid
from zoo.registry.extras import present
from zoo.reports.files import image_path
from zoo.reports.image_grids import images
from zoo.reports.plots import curves
from zoo.reports.style import DRAWS
from zoo.runtime.arguments import SPLITS_FILE
from zoo.runtime.interruption import TERMINATED
from zoo.spec.data_options import called
from zoo.spec.disk.atomic_write import atomic_write, write_errors
from zoo.spec.disk.history import write_history, write_json
from zoo.spec.disk.systems import portable
from zoo.spec.errors import SaveError
from zoo.spec.files import CURVES_FILE, HISTORY_FILE, WEIGHTS_FILE
from zoo.training.record.checkpoint import Killed, newest
from zoo.training.record.run_folder import RunFolder
from zoo.training.run import Outcome, Run
from zoo.training.setup import Setup
from zoo.weights.tensor_files import write

LOSS_FILE = "loss.safetensors"
"""Parameters that the loss owns and that were trained too."""


_STEP = ", starting from "


def validation(outcome: Outcome) -> dict[str, float]:
    """The validation figures of the best epoch."""
    row = outcome.best or {}
    return {name.removeprefix("val_"): value for name, value in row.items() if name.startswith("val_")}


def begin(folder: Path, setup: Setup, facts: dict[str, Any], warps: str | None) -> RunFolder:
    """Records the splits and the start, from which the run can be resumed; a failure leaves nothing.

    Args:
        folder: of the run, empty.
        setup: what will be trained.
        facts: settings that the run is resumed with.
        warps: what warps images, if anything does.

    Raises:
        SaveError: the disk says no.
    """
    run_folder = RunFolder(folder, {})
    try:
        _record_splits(folder, setup)
        return RunFolder.begin(folder, setup, {**facts, "given": setup.given}, warps)
    except BaseException:
        discard(run_folder)
        raise


def name_outputs(setup: Setup) -> None:
    """Calls the model's outputs as the data do, by which figures are told."""
    model, labels = setup.model, setup.dataset.labels
    task = model.task
    # Classes do not name one value that is learnt from their numbers
    if task is not None and task.named and len(labels) == task.classes(model.outputs):
        model.labels = model.labels or labels


def finish(
    setup: Setup,
    folder: Path,
    *,
    run_folder: RunFolder | None,
    outcome: Outcome,
    note: str,
    seconds: float,
    resumed_after: int = 0,
    chosen_workers: int = 0,
) -> Run:
    """The trained model with its recipe and figures, saved by the one process that writes.

    Args:
        setup: what was trained.
        folder: of the run.
        run_folder: its record; None in a process that does not write.
        outcome: of the epochs.
        note: what of frozen blocks was kept on disk, and where.
        seconds: that the run took.
        resumed_after: epochs that were done before it was resumed.
        chosen_workers: that read images.

    Raises:
        SystemExit: the process was told to end; the run is kept.
    """
    model = _named(setup, outcome)
    if run_folder is not None:
        if outcome.history:
            _write_history(folder, outcome.history)
            if present(DRAWS):
                curves(outcome.history, outcome.best, folder / CURVES_FILE, folder.name, setup.trainer.charts)
        if outcome.history or not (folder / WEIGHTS_FILE).exists():  # less than an epoch replaces nothing
            save_run(model, folder)  # its card tells of both
        # A loss without parameters has learnt nothing
        if setup.loss is not None and (own := fixed_left_out(setup.loss)) and list(setup.loss.parameters()):
            _replace(folder / LOSS_FILE, own)
        if not outcome.interrupted:
            run_folder.finish()
    run = Run(
        folder=folder,
        model=model,
        history=tuple(outcome.history),
        best_epoch=int(outcome.best["epoch"]) if outcome.best else None,
        metrics=validation(outcome),
        images=setup.images,
        seconds=seconds,
        cache=note,
        by_class=setup.told,
        chosen_workers=chosen_workers,
        interrupted=outcome.interrupted,
        stopped_early=outcome.stopped_early,
        resumed_after=resumed_after,
    )
    if outcome.terminated:
        # As a scheduler has asked; a script that went on would be killed in the midst of something
        how = "ended by SIGTERM"
        told = str(run).replace("interrupted", how, 1) if run.interrupted else f"{how}, {run}"
        sys.stderr.write(f"{told}\n")
        raise SystemExit(TERMINATED)
    return run


def _named(setup: Setup, outcome: Outcome) -> Model:
    """The trained model with its labels, the origin of its weights, its figures and its recipe."""
    model = setup.model
    model.eval()
    data = called(setup.recipe.data)[0] if setup.recipe.data else type(setup.dataset).__name__
    model.note_origin(origin_after(data, model.origin))
    # Those of weights that training has replaced, the model's own and those of models in it
    for part in model.modules():
        if isinstance(part, Model):
            part.metrics = {split: part.metrics[split] for split, hold in part.figures_hold().items() if hold}
    if outcome.best is not None:
        splits = setup.splits
        on = {"data": setup.recipe.to_dict().get("data"), "count": len(splits.val), "hash": splits.hash}
        model.note_figures("val", validation(outcome), on)
    model.recipe = setup.recipe
    return model


def _replace(path: Path, state: Mapping[str, Tensor]) -> None:
    with write_errors(path), atomic_write(path) as staged:
        write(staged, state)


def _record_splits(folder: Path, setup: Setup) -> None:
    """Which image is where; names and keys stay in the run folder."""
    dataset, splits = setup.dataset, setup.splits
    lists = {
        name: [{"name": dataset.name(i), "key": dataset.key(i)} for i in getattr(splits, name)]
        for name in NAMES
    }
    # To find out later whether images to be measured on were trained on
    facts = {"data": setup.data, "fingerprint": dataset.fingerprint, "seed": splits.seed, "hash": splits.hash}
    _write(folder / SPLITS_FILE, partial(write_json, data={**facts, **lists}))


def record_epoch(folder: Path, rows: list[Any], sheets: Mapping[str, ImageGrid]) -> None:
    """Writes the history so far, and the grids of images that the trainer drew after its last epoch."""
    _write_history(folder, rows)
    for name, sheet in sheets.items() if present(DRAWS) else ():
        images(sheet, image_path(folder / portable(name) / f"epoch-{rows[-1]['epoch']:04.0f}.png"))


def _write_history(folder: Path, rows: list[Any]) -> None:
    _write(folder / HISTORY_FILE, partial(write_history, rows=rows))


def _write(path: Path, write: Any) -> None:
    with write_errors(path):
        write(path)


@contextmanager
def discarding(run_folder: RunFolder | None, folder: Path) -> Iterator[None]:
    """Context in which a new run that fails at once leaves nothing behind.

    Args:
        run_folder: of the new run; None in a process that does not write, and for one that goes on.
        folder: of the run.
    """
    try:
        yield
    except BaseException as error:
        # What was trained for an epoch or has a checkpoint is kept, to be looked at or resumed; so is what a
        # disk or a kill has ended, whose message says how to go on
        behind = (folder / HISTORY_FILE).exists() or newest(folder) is not None
        if run_folder is not None and not behind and not isinstance(error, Killed | SaveError | OSError):
            discard(run_folder)
        raise


def discard(run_folder: RunFolder) -> None:
    """A run that failed at once leaves nothing behind, where the disk lets it go."""
    with suppress(OSError):  # the reason of the failure is the error to tell
        run_folder.discard()
        (run_folder.folder / SPLITS_FILE).unlink(missing_ok=True)
        if run_folder.folder.is_dir() and not any(run_folder.folder.iterdir()):
            run_folder.folder.rmdir()


def origin_after(data: str, before: str | None) -> str:
    """The origin of weights that were trained once more.

    Args:
        data: what they were trained on now.
        before: their origin until then.

    Example:
        >>> origin_after("faces", "resnet18 imagenet")
        'trained on faces, starting from resnet18 imagenet'
        >>> origin_after("faces", "trained on faces, starting from resnet18 imagenet")
        'trained on faces 2 times, starting from resnet18 imagenet'
    """
    step, times = f"trained on {data}", 1
    steps = before.split(_STEP) if before else []
    # Several of version 0.1 stand one behind the other
    while steps and (found := re.fullmatch(rf"{re.escape(step)}(?: (\d+) times)?", steps[0])):
        times += int(found[1] or 1)
        del steps[0]
    return _STEP.join([step if times == 1 else f"{step} {times} times", *steps])
