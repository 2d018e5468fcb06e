"""One run: from a model and data to a trained model in a run folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from zoo.data.loader.chosen_workers import ChosenWorkers
from zoo.data.resolve import DataLike
from zoo.hub.folder_rules import readme
from zoo.interfaces.augmenter import AugmentLike
from zoo.interfaces.geometry.warp import resampler
from zoo.interfaces.loss import LossLike
from zoo.interfaces.model import ModelLike
from zoo.interfaces.trainer import TrainerLike
from zoo.registry.extras import present, way_to_have
from zoo.reports.style import DRAWS
from zoo.runtime.arguments import new_run_folder
from zoo.runtime.computing import Computing
from zoo.runtime.devices import borrowed
from zoo.runtime.processes import FULL, Precision
from zoo.runtime.progress import Reporter
from zoo.runtime.team.team import Team
from zoo.spec.disk.paths import need_folder
from zoo.spec.errors import OptionError, TrainingError, warn
from zoo.spec.files import CURVES_FILE
from zoo.spec.hints.spoken import spoken
from zoo.spec.recipe import Recipe
from zoo.spec.reference import PathLike, local_path
from zoo.training.batch_sources import sources
from zoo.training.engine import Engine
from zoo.training.record.checkpoint import Saving
from zoo.training.record.recording import begin, discarding, finish, name_outputs, record_epoch
from zoo.training.record.resuming import Lengthening, asked_epochs, check_warps, go_on, take_up
from zoo.training.record.run_facts import computed_on
from zoo.training.record.run_folder import RunFolder
from zoo.training.record.run_lock import RunLock
from zoo.training.request import Request, as_recipe, resumed, with_data_options
from zoo.training.run import Outcome, Run
from zoo.training.setup import Setup, warn_frozen_random

CHECKPOINT_SECONDS = 30.0


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
    resume: PathLike | None = None,
    checkpoint_every: float = CHECKPOINT_SECONDS,
    progress: bool = True,
    **options: Any,
) -> Run:
    """Trains one run; see `zoo.experiments.fit.fit`, which trains several where folds are asked for.

    Raises:
        ZooError: as there.
    """
    need_folder("fit")  # torch looks for the working folder in the midst of training
    if not checkpoint_every >= 0:  # which nan is not either
        name = "--checkpoint-every" if spoken().way == "shell" else "checkpoint_every"
        raise OptionError(name, expected="0 or more seconds", got=str(checkpoint_every))
    model = as_recipe(model)
    if resume is None:
        data, options = with_data_options(model, data, options)
    parts = {"data": data, "augment": augment, "loss": loss, "trainer": trainer}
    request = Request(model, parts, seed, precision, skip_unreadable, options)
    with Team("fit") as team, RunLock() as lock:
        run = _fit(
            request, team, lock, out=out, device=device, resume=resume, every=checkpoint_every,
            progress=progress, workers=workers, cache=cache,
        )  # fmt: skip
        if run.interrupted:
            team.leave(KeyboardInterrupt())
        return run


def _fit(
    request: Request,
    team: Team,
    lock: RunLock,
    *,
    out: PathLike | None,
    device: str | torch.device | None,
    resume: PathLike | None,
    every: float,
    progress: bool,
    workers: int | None,
    cache: bool | str | None,
) -> Run:
    """The run of a request, in a folder that is its own while it lasts."""
    started = time.perf_counter()
    run_folder, lengthening = None, None
    if resume is not None:
        if team.first:
            lock.take(local_path(resume))
        run_folder, lengthening, request = _found(request, local_path(resume), out)
    elif request.model is None:
        hint = 'zoo.fit(zoo.build("resnet18", head="binary"), "photos"), or resume="runs/resnet18-1"'
        raise TrainingError("fit", expected="a model, or resume=", got="neither", hint=hint)
    computing = Computing.on(device, request.precision or FULL)
    if run_folder is not None:
        check_warps(run_folder, computing.device)
    setup = request.assemble()
    team.agree("data", setup.splits.hash)
    resamples = setup.augment is not None and setup.augment.resamples
    warps = resampler(computing.device) if resamples else None
    checkpoint = None
    if run_folder is not None:
        checkpoint = take_up(run_folder, lengthening, setup, warps, computing.device)
    elif team.first:
        home = new_run_folder(out, setup.recipe.model.called)
        lock.take(home)
        run_folder = _begun(request, setup, home, computing, warps)
    folder = Path(team.from_first(partial(_place, run_folder))["folder"])
    mine = run_folder if team.first else None  # one process writes
    reporter = _reporter(progress, team.first)
    chosen = ChosenWorkers(setup.trainer.epochs + 1 - (checkpoint or {"epoch": 1})["epoch"], reporter.note)
    restored = partial(go_on, mine, lengthening, checkpoint, setup, reporter) if resume is not None else None
    with discarding(run_folder if resume is None else None, folder), team.apart():
        outcome, note = _train(
            setup, computing, run_folder=run_folder, checkpoint=checkpoint, on_restored=restored,
            every=every, reporter=reporter, workers=chosen if workers is None else workers, cache=cache,
        )  # fmt: skip
    seconds, before = time.perf_counter() - started, len(checkpoint["history"]) if checkpoint else 0
    return finish(
        setup, folder, run_folder=mine, outcome=outcome, note=note, seconds=seconds, resumed_after=before,
        chosen_workers=chosen.most,
    )  # fmt: skip


def _place(run_folder: RunFolder | None) -> dict[str, str]:
    """The folder of a run, to be told to the processes that have not made it."""
    assert run_folder is not None  # noqa: S101 - the process that tells it has one
    return {"folder": str(run_folder.folder)}


def _found(
    request: Request, folder: Path, out: PathLike | None
) -> tuple[RunFolder, Lengthening | None, Request]:
    """The run in a folder, the epochs that it gets more, and the request with all that it was begun with."""
    run_folder = RunFolder.read(folder)
    if "module" not in run_folder.facts:  # a torch module has no card
        readme(folder)  # what cannot be kept in the end is said before hours of work
    asked = asked_epochs(run_folder, request.parts["trainer"], request.options)
    return run_folder, run_folder.lengthening(asked), resumed(request, run_folder, out)


def _begun(
    request: Request, setup: Setup, folder: Path, computing: Computing, warps: str | None
) -> RunFolder:
    """The folder of a new run, with what it is resumed with."""
    # Of a model that is built here, building has told already
    if not isinstance(request.model, Recipe):
        warn_frozen_random(setup.model)
    facts = {
        "precision": computing.precision,
        "skip_unreadable": request.skip_unreadable,
        "computed": computed_on(computing.device),
    }
    return begin(folder, setup, facts, warps)


def _reporter(shown: bool, first: bool) -> Reporter:
    """The one who says how it goes, and at once what will not be drawn."""
    reporter = Reporter(shown and first)
    if first and not present(DRAWS):
        # Without a word of progress the file would be missing in silence
        tell = reporter.note if shown else warn
        tell(f"no {CURVES_FILE}, since {DRAWS} is not installed: {way_to_have(DRAWS)}")
    return reporter


def _train(
    setup: Setup,
    computing: Computing,
    *,
    run_folder: RunFolder | None,
    checkpoint: Mapping[str, Any] | None,
    on_restored: Callable[[], None] | None,
    workers: int | ChosenWorkers,
    cache: bool | str | None,
    every: float,
    reporter: Reporter,
) -> tuple[Outcome, str]:
    """Runs the epochs; returns their outcome, and what of frozen blocks was kept."""
    writes = run_folder if computing.first else None
    name_outputs(setup)
    if checkpoint is not None and setup.stream is not None:
        warn(
            "the stream begins anew: a run that was not interrupted would have seen other images from here on"
        )
    # A loss that is another's comes back as it was given
    loss = nn.Identity() if setup.loss is None else setup.loss
    with borrowed(setup.model, computing.device), borrowed(loss, computing.device):
        train, val, note = sources(
            setup, device=computing.device, precision=computing.precision, workers=workers, cache=cache,
            reporter=reporter, accelerator=computing.accelerator,
        )  # fmt: skip
        execution = computing.execution(len(train.order), fused=run_folder is None or run_folder.fused)
        engine = Engine(
            model=setup.model,
            trainer=setup.trainer,
            loss=setup.loss,  # type: ignore[arg-type]  # any module that takes output and target will do
            train=train,
            val=val,
            augment=setup.augment.to(computing.device) if setup.augment is not None else None,
            seed=setup.seed,
            device=computing.device,
            execution=execution,
            on_epoch=partial(record_epoch, writes.folder) if writes is not None else None,
            saving=Saving(write=writes.keep, every=every) if writes is not None else None,
            resumed=checkpoint,
            lengthened=run_folder.lengthened if run_folder is not None else None,
            on_restored=on_restored,
            reporter=reporter,
        )
        try:
            return engine.run(), note
        finally:
            execution.close()
