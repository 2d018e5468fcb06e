"""Figures that the data of a run leave undefined: said once, and no value to choose the best epoch by."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from zoo.interfaces.augmenter import Batch
from zoo.interfaces.trainer import Trainer
from zoo.spec.errors import TrainingError, listing, quote, warn
from zoo.trainers.score import NO_NUMBERS, noting_left_out


class MeasuredFigures:
    """A trainer's figures of an epoch, and the reasons for those that its scores have left out.

    Args:
        trainer: that measures.
    """

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self.reasons: dict[str, str] = {}

    def figures(self, batches: Iterable[Batch]) -> dict[str, float]:
        """Figures of the epoch's training images and of validation batches; warns once of each left out."""
        with noting_left_out() as train:
            values = self.trainer.collect()
        with noting_left_out() as val:
            found = self.trainer.evaluate(batches)
        values |= {f"val_{name}": value for name, value in found.items()}
        new: dict[str, list[str]] = {}
        for name, reason in {**train, **{f"val_{name}": why for name, why in val.items()}}.items():
            if name not in self.reasons and name != self.trainer.monitor:  # of which `check` says it
                new.setdefault(reason, []).append(name)
            self.reasons[name] = reason
        for reason, names in new.items():
            warn(f"left out of the figures: {listing(names)}: {reason}")
        return values

    def check(self, row: dict[str, Any]) -> None:
        """Raises unless an epoch has the value that the trainer watches.

        Raises:
            TrainingError: there is no such value, or it is left out.
        """
        monitor = self.trainer.monitor
        if monitor in row:
            return
        if self.reasons.get(monitor, "").endswith(NO_NUMBERS):
            row[monitor] = math.nan  # as a loss of such an epoch is, which is never the best
            return
        where = f"trainer {type(self.trainer).__name__}: monitor"
        if reason := self.reasons.get(monitor):
            expected, got = "a figure that is defined", f"{quote(monitor)}, left out: {reason}"
            hint = 'monitor="val_loss", or other validation images'
            raise TrainingError(where, expected=expected, got=got, hint=hint)
        known = listing(name for name in row if name not in ("epoch", "seconds"))
        raise TrainingError(where, expected=known, got=quote(monitor))
