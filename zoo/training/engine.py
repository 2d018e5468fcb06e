"""The loop around every trainer's steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from zoo.interfaces.augmenter import Augmenter, Batch, check_batch
from zoo.interfaces.blocks.block import Block, watched
from zoo.interfaces.blocks.freezing_state import check_frozen, freezing_state, restore_freezing
from zoo.interfaces.blocks.frozen_prefix import rows
from zoo.interfaces.draws import drawing
from zoo.interfaces.execution import Execution
from zoo.interfaces.geometry.places import plain_tensors
from zoo.interfaces.loss import Loss
from zoo.interfaces.model import Model
from zoo.interfaces.tasks.descriptions import ImageGrid
from zoo.interfaces.trainer import Trainer
from zoo.runtime.devices import RandomStates, isolated, seed_step, to_device
from zoo.runtime.interruption import Interruption
from zoo.runtime.progress import Reporter
from zoo.spec.disk.history import Row, best_row
from zoo.spec.errors import FormatError, TrainingError, listing, reason
from zoo.spec.hints.spoken import argument
from zoo.spec.trainers.early_stopping import stalled
from zoo.training.batch_sources import Source
from zoo.training.best_weights import BestWeights
from zoo.training.mixed_batches import augmented
from zoo.training.record.checkpoint import Saving
from zoo.training.run import Outcome
from zoo.training.running_means import RunningMeans
from zoo.training.undefined_figures import MeasuredFigures

_LOOK_EVERY = 20
"""Steps between looks at the loss where a look makes an accelerator wait."""

_MOST_SAVING = 0.05
"""Share of the time that writing checkpoints may take."""


@dataclass(kw_only=True)
class Engine:
    """Runs the epochs of a trainer.

    Every random draw follows from (seed, epoch, step) or (seed, epoch, index), and the caller's random states
    are left as they were.

    Args:
        model: on `device`; in the end it has the weights of the best epoch.
        trainer: what one step is.
        loss: for the trainer; None where it needs none.
        train: batches to train on.
        val: batches to look at after each epoch.
        augment: applied to each training batch; None leaves them as they are.
        seed: of all draws.
        device: where batches go.
        execution: how steps are carried out.
        on_epoch: called after each epoch with the rows so far and the trainer's sheets.
        saving: how checkpoints are kept; None keeps none.
        resumed: what a checkpoint held, to go on from there.
        lengthened: epochs behind when the run last got more of them; early stopping that ended it waits anew.
        on_restored: called when model and trainer are where they go on from.
        reporter: shows how it goes.
    """

    model: Model
    trainer: Trainer
    loss: Loss | None
    train: Source
    val: Source
    augment: Augmenter | None = None
    seed: int
    device: torch.device
    execution: Execution | None = None
    on_epoch: Callable[[list[Row], Mapping[str, ImageGrid]], None] | None = None
    saving: Saving | None = None
    resumed: Mapping[str, Any] | None = None
    lengthened: int | None = None
    on_restored: Callable[[], None] | None = None
    reporter: Reporter | None = None

    def run(self) -> Outcome:
        """Runs the epochs.

        Raises:
            TrainingError: nothing is trainable, the loss is no longer a number, or the trainer's `monitor`
                names nothing that it measures.
        """
        trainer = self.trainer
        self._steps = len(self.train.order)
        self._execution = self.execution or Execution(self._steps)
        self._history: list[Row] = []
        self._measuring = MeasuredFigures(trainer)
        self._waits_from = 0
        self._best = BestWeights(self.model, self.loss)
        self._saved, self._pause = time.monotonic(), self.saving.every if self.saving else 0.0
        self._cached_prefix: tuple[str, ...] | None = None
        interrupted = False
        with isolated(self.device), watched(self._refrozen), self.reporter or Reporter(False) as reporter:
            if self.loss is not None:
                self.loss.to(self.device).train()
            with drawing:
                # What `setup` draws, such as weights, follows from the seed too.
                seed_step(self.seed, 0, 0, self.device)
                trainer.setup(self.model, self.loss, self._execution)
            # After `setup`, which makes what a state is put into.
            epoch, step, means = self._restore()
            if self.on_restored is not None:
                self.on_restored()
            reporter.begin(trainer.epochs, self._steps, done=(epoch - 1) * self._steps + step)
            self._interruption = Interruption(patient=self._execution.processes == 1)
            try:
                with self._interruption:
                    while epoch <= trainer.epochs and not self._stalled():
                        self._epoch(epoch, step, means, reporter)
                        epoch, step, means = epoch + 1, 0, None
                        self._keep(epoch, step, None)
            except KeyboardInterrupt:
                interrupted = True
            except TrainingError:
                self._best.restore()
                raise
        self._best.restore()
        with isolated(self.device):
            trainer.finish()
        best = best_row(self._history, trainer.monitor, trainer.higher_is_better)
        stopped = self._stalled() and epoch <= trainer.epochs
        return Outcome(self._history, best, interrupted, stopped, self._interruption.terminated)

    def _epoch(self, epoch: int, step: int, means: Any, reporter: Reporter) -> None:
        """One epoch, from a step of it on."""
        started, left = time.perf_counter(), None
        self.model.train()  # puts a frozen block's modules back in inference mode too
        check_frozen(self.model)
        self._best.widen()
        look = 1 if self.device.type == "cpu" else _LOOK_EVERY
        seen = RunningMeans(epoch, self._steps, every=look, state=means)
        for batch in self.train.epoch(epoch, step):
            ready = self._examples(self._augmented(to_device(batch, self.device), epoch, step))
            with drawing:  # other threads seed the same generators
                seed_step(self.seed, epoch, step, self.device)
                seen.add(self._stepped(ready, epoch, step), rows(ready))
                step += 1
                left = RandomStates.now(self.device) if step == self._steps else None
            reporter.step()
            if step < self._steps and self._execution.processes == 1:  # the others' means are not here
                self._keep(epoch, step, seen)
        with drawing:
            if left is not None:  # where the last step left them
                left.restore(self.device)
            self._close(epoch, seen, started, reporter)

    def _stepped(self, ready: Batch, epoch: int, step: int) -> Mapping[str, Any]:
        """One step of the trainer, and what it measured."""
        if isinstance(self.loss, Loss):
            self.loss.advance(epoch - 1 + step / self._steps, self.trainer.epochs)
        self._execution.announce(self.train.order.images(step))
        self._cached_prefix = None if "image" in ready else self.model.prefix
        with self._execution.apart(partial(seed_step, self.seed, epoch, step, self.device)):
            measured = self.trainer.step(ready)
        self._cached_prefix = None
        return measured

    def _close(self, epoch: int, seen: RunningMeans, started: float, reporter: Reporter) -> None:
        """Validation, and all that follows it at the end of an epoch."""
        trainer = self.trainer
        self._check_trained()
        values = seen.values(self._execution.add)
        values |= self._measuring.figures(self._on_device(self.val.epoch()))
        row: Row = {"epoch": epoch, **values, "seconds": round(time.perf_counter() - started, 3)}
        self._measuring.check(row)
        self._history.append(row)
        # Kept before `end_epoch`, in which a trainer may change or unfreeze weights.
        if improved := best_row(self._history, trainer.monitor, trainer.higher_is_better) is row:
            self._best.keep()
        trainer.end_epoch(epoch, row)
        reporter.epoch(row, improved)
        if self.on_epoch is not None:
            self.on_epoch(self._history, trainer.draw())

    def _refrozen(self, block: Block) -> None:
        """Called where any block was frozen or unfrozen, before a step moves it."""
        self._best.widen()
        if self._cached_prefix is not None and self.model.prefix != self._cached_prefix:
            hint = f"do it in end_epoch, or give fit {argument('cache', False)}"
            expected = "the frozen blocks that the step's cached features come from"
            got = f"{listing(self.model.prefix) or 'none'} frozen within the step"
            raise TrainingError(
                f"trainer {type(self.trainer).__name__}", expected=expected, got=got, hint=hint
            )

    def _check_trained(self) -> None:
        """Raises where the epoch has trained what was frozen, or what no checkpoint knew of."""
        check_frozen(self.model, modes=True)
        if late := self._best.widen():
            hint = "model.unfreeze(...) may be called at any time, requires_grad be set in setup or end_epoch"
            got = f"requires_grad set on {listing(late)} within the epoch"
            raise TrainingError(
                f"trainer {type(self.trainer).__name__}", expected="parameters that trained from its start",
                got=got, hint=hint,
            )  # fmt: skip

    def _augmented(self, batch: Batch, epoch: int, step: int) -> Batch:
        if self.augment is not None:
            repeats = self.train.order.repeats(step)
            batch = augmented(self.augment, batch, self.seed, epoch, self._execution, repeats=repeats)
            check_batch(batch)
        return batch

    def _examples(self, batch: Batch) -> Batch:
        return (
            plain_tensors(self.model.examples(batch)) if "image" in batch else batch
        )  # features have their targets

    def _on_device(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        return (self._examples(to_device(batch, self.device)) for batch in batches)

    def _stalled(self) -> bool:
        own = self.trainer
        watched = own.monitor, own.higher_is_better
        return stalled(own.early_stopping, self._history, *watched, self._waits_from)

    # -- checkpoints -----------------------------------------------------------------------------------

    def _keep(self, epoch: int, step: int, means: RunningMeans | None) -> None:
        """Writes a checkpoint if it is time: of the state before step `step` (from 0) of epoch `epoch`.

        It is after the last epoch, so that the run can go on for longer, and where the user wants to stop.

        Raises:
            KeyboardInterrupt: the user wants to stop, and there was something left to do.
        """
        last = means is None and (epoch > self.trainer.epochs or self._stalled())
        asked = self._interruption.asked and not last
        if last or asked or time.monotonic() - self._saved >= self._pause:
            self._save(epoch, step, means)
        if asked:
            raise KeyboardInterrupt

    def _save(self, epoch: int, step: int, means: RunningMeans | None) -> None:
        if self.saving is None:
            return
        started = time.monotonic()
        self.saving.write(
            {
                "epoch": epoch,
                "step": step,
                "means": means.state_dict() if means else None,
                "history": self._history,
                "present": self._best.present(),
                "best": None if means is None and self._best.is_present() else self._best.kept,
                "waits_from": self._waits_from,
                "freezing": freezing_state(self.model),
                "trainer": self.trainer.state_dict(),
                "execution": self._execution.state_dict(),
            }
        )
        self._saved = time.monotonic()
        if self.saving.every:
            self._pause = max(self.saving.every, (self._saved - started) / _MOST_SAVING)

    def _restore(self) -> tuple[int, int, Any]:
        """Where to go on: epoch, step, and what that epoch's steps have returned."""
        state = self.resumed
        if state is None:
            return 1, 0, None
        try:
            if "freezing" in state:  # a trainer may have frozen or unfrozen blocks since the start
                restore_freezing(self.model, state["freezing"])
            self._best.take_up(state["present"], state["best"])
            self.trainer.load_state_dict(state["trainer"])
            self._execution.load_state_dict(state["execution"])
            self._history = [dict(row) for row in state["history"]]
            self._waits_from = state.get("waits_from", 0)
            # Once, where the run is lengthened: later checkpoints know from when it waits.
            if self.lengthened == len(self._history) and self._stalled():
                self._waits_from = len(self._history)
            return state["epoch"], state["step"], state["means"]
        # Other parts have other names, shapes or states.
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            hint = "resume with the parts that the run was begun with"
            got = reason(error)
            raise FormatError("checkpoint", expected="the state of this run", got=got, hint=hint) from error
