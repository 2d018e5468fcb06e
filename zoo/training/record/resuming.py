"""Resumed runs: where they go on, and more epochs than they were begun with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from zoo.hub.foreign_files import is_foreign
from zoo.interfaces.geometry.warp import check_resampler
from zoo.interfaces.loss import Loss
from zoo.interfaces.trainer import Trainer
from zoo.runtime.torch_losses import check_state, is_torchs
from zoo.spec.display import counted
from zoo.spec.errors import FormatError, OptionError, TrainingError, listing, quote, warn
from zoo.spec.files import HISTORY_FILE
from zoo.spec.hints.next_steps import how_to_begin_anew

if TYPE_CHECKING:
    from zoo.runtime.progress import Reporter
    from zoo.training.record.run_folder import RunFolder
    from zoo.training.setup import Setup


@dataclass(frozen=True, slots=True)
class Lengthening:
    """Another number of epochs for a run.

    Args:
        before: epochs that it had.
        epochs: that it has now.
        done: that are behind.
        finished: whether it had come to its end, by epochs or by early stopping.
    """

    before: int
    epochs: int
    done: int
    finished: bool

    def to_dict(self) -> dict[str, int]:
        """Plain data for the run's file."""
        return {"after": self.done, "before": self.before, "epochs": self.epochs}


def check_own_model(folder: Path) -> None:
    """Raises TrainingError where another model was saved into the folder of a run since."""
    if is_foreign(folder, HISTORY_FILE):
        expected, got = "the model of the run in its folder", "another one that was saved into it since"
        hint = "save other models elsewhere, and begin the run anew"
        raise TrainingError(f"resume {folder}", expected=expected, got=got, hint=hint)


def asked_epochs(run_folder: RunFolder, trainer: Any, options: Mapping[str, Any]) -> Any:
    """The number of epochs that is asked for at resuming, if any; a trainer object brings its own.

    Args:
        run_folder: that is resumed.
        trainer: given beside it; one that the run did not ask for is left to `RunFolder.check_given`.
        options: given beside it.

    Raises:
        OptionError: epochs stand beside a trainer object.
    """
    epochs = options.get("epochs")
    if not isinstance(trainer, Trainer) or "trainer" not in run_folder.facts["objects"]:
        return epochs
    if epochs is not None:
        hint = f"give them to it: trainer={type(trainer).__name__}(epochs={quote(epochs)}, ...)"
        got = f"epochs={quote(epochs)} beside its epochs={trainer.epochs}"
        where = f"resume {run_folder.folder}"
        raise OptionError(where, expected="the epochs of the trainer object", got=got, hint=hint)
    return trainer.epochs


def as_epochs(run: str, epochs: Any, done: int) -> int:
    """A new number of epochs, checked against those behind.

    Raises:
        TrainingError: it is none, or not more.
    """
    # True is an int as well
    if isinstance(epochs, bool) or not isinstance(epochs, int) or epochs <= done:
        expected = f"more than the {done} behind" if done else "1 or more"
        hint = "to train anew, begin a new run"
        raise TrainingError(f"resume {run}: epochs", expected=expected, got=quote(epochs), hint=hint)
    return epochs


def check_longer(
    run_folder: RunFolder, lengthening: Lengthening, trainer: Trainer, loss: nn.Module | None
) -> None:
    """Raises unless it is clear how the run goes on.

    A schedule over all epochs is stretched from the end of a run only: stretched from the moment at which a
    run was killed, it would give other weights for each such moment.

    Args:
        run_folder: its record.
        lengthening: what is asked for.
        trainer: with the new number of epochs.
        loss: that is minimised.

    Raises:
        TrainingError: it is not.
    """
    run, anew = run_folder.folder, how_to_begin_anew(run_folder.folder, run_folder.facts)
    if trainer.schedule is None:
        what, expected = f"resume {run}: trainer {type(trainer).__name__}", "a schedule of its rate"
        hint = f"begin a new run from its model: {anew}"
        raise TrainingError(what, expected=expected, got="none", hint=hint)
    trainer.check_longer(lengthening.before)
    if not lengthening.finished and (moving := stretched(lengthening, trainer, loss)):
        raise TrainingError(
            f"resume {run}",
            expected=f"a finished run, since its {moving} depends on the number of epochs",
            got=f"one with {lengthening.done} of {counted(lengthening.before, 'epoch')} behind",
            hint=f"{run_folder.again()} trains those {lengthening.before}, then it can go on for longer; "
            f"{anew} begins a new run from its best weights",
        )


def stretched(lengthening: Lengthening, trainer: Trainer, loss: nn.Module | None) -> str:
    """The settings that change with the number of epochs, in words; empty where none does."""
    if lengthening.before == lengthening.epochs or trainer.schedule is None:
        return ""
    parts = [f"{trainer.schedule.name} schedule"] if trainer.schedule.stretches else []
    parts += ["schedule of the loss"] if isinstance(loss, Loss) and loss.stretches else []
    return " and ".join(parts)


def lengthening_line(lengthening: Lengthening, trainer: Trainer, loss: nn.Module | None) -> str:
    """The epoch that the run goes on from, its rate, and what is stretched, as one line; after `setup`."""
    rates = {name: f"{rate:.4g}" for name, rate in trainer.rates.items()}
    each = [*rates.values()] if len({*rates.values()}) == 1 else [f"{n} {rate}" for n, rate in rates.items()]
    at = f" at learning rate {', '.join(dict.fromkeys(each))}" if each else ""
    line = f"goes on after epoch {lengthening.done} to epoch {lengthening.epochs}{at}"
    if moving := stretched(lengthening, trainer, loss):
        epochs = counted(lengthening.epochs, "epoch")
        line += f": the {moving} is stretched from {lengthening.before} to {epochs}"
    return line


def note_lengthening(lengthening: Lengthening, setup: Setup, reporter: Reporter) -> None:
    """Says `told`: as a warning where rates are stretched, which nobody should overlook."""
    line = lengthening_line(lengthening, setup.trainer, setup.loss)
    if stretched(lengthening, setup.trainer, setup.loss):
        warn(line)
    else:
        reporter.note(line)


def take_up(
    run_folder: RunFolder,
    lengthening: Lengthening | None,
    setup: Setup,
    warps: str | None,
    device: torch.device,
) -> dict[str, Any] | None:
    """Puts the model where the run began, and lengthens the run; returns the newest checkpoint.

    Raises:
        FormatError: an earlier version trained more of the model than this one builds.
    """
    if lengthening is not None:
        check_longer(run_folder, lengthening, setup.trainer, setup.loss)
    checkpoint = run_folder.take_up(setup.model, setup.splits.hash, warps, device)
    if checkpoint is not None:
        _check_names(run_folder, setup.model, checkpoint["present"][0])
        if setup.loss is not None and "loss" in setup.objects and is_torchs(setup.loss):
            kept = checkpoint["present"][1:]
            check_state(setup.loss, kept[0] if kept else {}, f"resume {run_folder.folder}")
    before = run_folder.facts.get("given", {})  # earlier versions noted none
    for name in setup.given.keys() & before.keys():
        was, now = before[name], setup.given[name]
        # Earlier versions noted no settings
        if was != (now if "(" in was else now.partition("(")[0]):
            change = f"{name} {was}, and goes on with {now}"
            warn(f"the run was begun with {change}: its epochs do not compare")
    if lengthening is not None:
        run_folder.lengthen(lengthening, setup.recipe.trainer)
    return checkpoint


def _check_names(run_folder: RunFolder, model: nn.Module, present: Mapping[str, Any]) -> None:
    """Raises FormatError: an optimizer's state goes by places, so that it cannot be cut as weights are."""
    if gone := [*(present.keys() - model.state_dict().keys())]:
        places = listing(dict.fromkeys(name.rpartition(".")[0] for name in sorted(gone)))
        raise FormatError(
            f"resume {run_folder.folder}",
            expected="a run of the model as this version builds it",
            got=f"one with {counted(len(gone), 'tensor')} more, of {places}, which its head does not read",
            hint=f"{how_to_begin_anew(run_folder.folder, run_folder.facts)} begins anew from its weights",
        )


def check_warps(run_folder: RunFolder, device: torch.device) -> None:
    """Refuses a run whose images were warped by what is not installed here."""
    recorded = run_folder.facts["versions"].get("resampler", "")
    check_resampler(recorded, device, f"resume {run_folder.folder}")


def go_on(
    run_folder: RunFolder | None,
    lengthening: Lengthening | None,
    checkpoint: Mapping[str, Any] | None,
    setup: Setup,
    reporter: Reporter,
) -> None:
    """Says where a resumed run goes on, and records that it goes on for longer: all has been checked now."""
    if run_folder is None:  # another process tells and writes
        return
    if checkpoint is None:
        reporter.note(f"{run_folder.folder} was killed before its first checkpoint: it begins anew")
    if lengthening is not None:
        note_lengthening(lengthening, setup, reporter)
        run_folder.record()
