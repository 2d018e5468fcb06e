"""The loop around every trainer's steps."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from zoo.data.batches import Batches
from zoo.data.seeds import draws
from zoo.interfaces.augmenter import Augmenter, Batch, check_batch
from zoo.interfaces.loss import Loss
from zoo.interfaces.model import Model
from zoo.interfaces.trainer import Trainer
from zoo.spec.errors import TrainingError, listing, quote
from zoo.training.history import Row, best_row
from zoo.training.progress import Reporter
from zoo.training.state import isolated, seed_epoch, seed_step, to_device

_LOOK_EVERY = 20
"""Steps between looks at the loss where a look makes an accelerator wait."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to.

    Args:
        history: one row an epoch.
        best: the row whose weights the model has now; None where no epoch was finished.
        interrupted: whether the user stopped it.
    """

    history: list[Row]
    best: Row | None
    interrupted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
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
        augment: applied in order to each training batch.
        seed: of all draws.
        device: where batches go.
        on_epoch: called after each epoch with the rows so far.
        progress: whether to show it; None on a terminal only.
    """

    model: Model
    trainer: Trainer
    loss: Loss | None
    train: Batches
    val: Batches
    augment: Sequence[Augmenter] = ()
    seed: int
    device: torch.device
    on_epoch: Callable[[list[Row]], None] | None = None
    progress: bool | None = None

    def run(self) -> Outcome:
        """Trains.

        Raises:
            TrainingError: nothing is trainable, the loss is no longer a number, or the trainer's `monitor`
                names nothing that it measures.
        """
        trainer, history = self.trainer, list[Row]()
        best = _Best(self.model)
        interrupted = False
        with isolated(self.device):
            seed_step(self.seed, 0, 0, self.device)
            if self.loss is not None:
                self.loss.to(self.device).train()
            trainer.setup(self.model, self.loss)
            with Reporter(self.progress, trainer.epochs, len(self.train)) as reporter:
                try:
                    for epoch in range(1, trainer.epochs + 1):
                        row = self._epoch(epoch, reporter)
                        self._check_monitor(row)
                        history.append(row)
                        if improved := best_row(history, trainer.monitor, trainer.higher_is_better) is row:
                            best.keep(self.model)
                        trainer.end_epoch(epoch, row)
                        reporter.epoch(row, improved)
                        if self.on_epoch is not None:
                            self.on_epoch(history)
                except KeyboardInterrupt:
                    interrupted = True
                except TrainingError:
                    best.restore(self.model)
                    raise
        best.restore(self.model)
        return Outcome(history, best_row(history, trainer.monitor, trainer.higher_is_better), interrupted)

    def _epoch(self, epoch: int, reporter: Reporter) -> Row:
        started = time.perf_counter()
        seed_epoch(self.seed, epoch)
        self.model.train()
        means = _Means(epoch, len(self.train), every=1 if self.device.type == "cpu" else _LOOK_EVERY)
        for step, batch in enumerate(self.train.epoch(epoch)):
            ready = self._augmented(to_device(batch, self.device), epoch)
            seed_step(self.seed, epoch, step, self.device)
            means.add(self.trainer.step(ready), len(ready["image"]))
            reporter.step()
        values = means.values() | self.trainer.collect()
        measured = self.trainer.evaluate(self._on_device(self.val))
        values |= {f"val_{name}": value for name, value in measured.items()}
        return {"epoch": epoch, **values, "seconds": round(time.perf_counter() - started, 3)}

    def _augmented(self, batch: Batch, epoch: int) -> Batch:
        if self.augment:
            generators = draws(self.seed, epoch, batch["index"].tolist())
            for augmenter in self.augment:
                batch = augmenter(batch, generators)
                check_batch(batch)
        return batch

    def _on_device(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        return (to_device(batch, self.device) for batch in batches)

    def _check_monitor(self, row: Row) -> None:
        monitor = self.trainer.monitor
        if monitor not in row:
            known = listing(name for name in row if name not in ("epoch", "seconds"))
            where = f"trainer {type(self.trainer).__name__}: monitor"
            raise TrainingError(where, expected=known, got=quote(monitor))


class _Means:
    """Means a picture of what the steps return; stops a run whose loss is no longer a number."""

    def __init__(self, epoch: int, steps: int, every: int) -> None:
        self.epoch, self.steps, self.every = epoch, steps, every
        self.seen: dict[str, list[tuple[Tensor, int]]] = {}
        self.waiting: list[Tensor] = []
        self.done = 0

    def add(self, values: dict[str, Tensor], pictures: int) -> None:
        """Takes in one step.

        Raises:
            TrainingError: the first value of a step is not finite.
        """
        for name, value in values.items():
            self.seen.setdefault(name, []).append((value, pictures))
        self.waiting += list(values.values())[:1]
        if len(self.waiting) >= self.every:
            self._look()

    def values(self) -> dict[str, float]:
        """The means by name."""
        self._look()
        means = {}
        for name, pairs in self.seen.items():
            values = torch.stack([value for value, _ in pairs]).tolist()
            means[name] = sum(v * n for v, (_, n) in zip(values, pairs, strict=True)) / sum(
                n for _, n in pairs
            )
        return means

    def _look(self) -> None:
        values = (
            torch.stack(self.waiting).tolist() if len(self.waiting) > 1 else [w.item() for w in self.waiting]
        )
        for value in values:
            self.done += 1
            if not math.isfinite(value):
                raise TrainingError(
                    f"the loss is no longer a number in epoch {self.epoch}, step {self.done} of {self.steps}",
                    expected="a finite loss",
                    got=str(value),
                    hint="lower lr, e.g. to a tenth",
                )
        self.waiting = []


class _Best:
    """The weights of the best epoch so far: a copy of all that training can change."""

    def __init__(self, model: Model) -> None:
        fixed = {name for name, p in model.named_parameters() if not p.requires_grad}
        self.names = [name for name in model.state_dict() if name not in fixed]
        self.kept: dict[str, Tensor] = {}

    def keep(self, model: Model) -> None:
        state = model.state_dict()
        self.kept = {name: state[name].detach().clone() for name in self.names}

    def restore(self, model: Model) -> None:
        state = model.state_dict()
        with torch.no_grad():
            for name, value in self.kept.items():
                state[name].copy_(value)
