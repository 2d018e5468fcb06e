"""Loss and metrics added up over batches."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor, nn

from zoo.interfaces.augmenter import Batch
from zoo.interfaces.loss import OUTPUT
from zoo.interfaces.metric import as_metrics
from zoo.interfaces.tasks import Task
from zoo.interfaces.tasks.target_counts import TargetCounts, ignored_index, whole_numbers
from zoo.spec.display import counted
from zoo.spec.errors import OptionError, ShapeError, listing, near, quote, reason
from zoo.trainers.accumulators import (
    added_up,
    asks_for_ranks,
    computed,
    has_counted_nothing,
    lost_answers,
    settings_of,
    told_apart,
)
from zoo.trainers.loss_sums import LossSums

_MOST_HELD = 1 << 20
"""Values held back at most before the metrics see them."""


NOTHING = "nothing counts in these targets"
"""Why a figure is left out that has seen ignored classes alone."""

NO_NUMBERS = "answers are no numbers"
"""Why all figures are left out where the model has answered nan, behind how many such answers there were."""

UNDEFINED = "not a number for these answers"
"""Why a figure is left out that the targets alone would allow."""

_TOLD: ContextVar[dict[str, str] | None] = ContextVar("left out", default=None)


@contextmanager
def noting_left_out() -> Iterator[dict[str, str]]:
    """Yields a table in which every score notes which figures it leaves out, and why."""
    told: dict[str, str] = {}
    token = _TOLD.set(told)
    try:
        yield told
    finally:
        _TOLD.reset(token)


class Score:
    """The loss of all images, its named parts, and the task's metrics.

    Args:
        task: gives the metrics.
        outputs: length of the output vector.
        loss: takes output and prepared target; None leaves it out.
        first_only: keep the task's first metric only, which is cheap enough for every training step.
        metrics: further ones; one that is called like the task's own has to measure the same.
        labels: names of the outputs; several values with names have figures of their own each.

    Attributes:
        left_out: why figures that the data leave undefined are not among the last `values`, by name.
        higher: whether more is better, by figure; None where there is no direction.
        lost: why there are no metrics among the last `values`, since answers were no numbers; empty where
            they were. With `first_only` the loss tells it.

    Raises:
        OptionError: a metric does not fit the task, two have one name, or one is called like a figure of the
            task that it is not.

    Example:
        >>> from zoo.interfaces import Binary
        >>> score = Score(Binary(), 1, None)
        >>> score.add(torch.tensor([[3.0], [-3.0]]), {"target": torch.tensor([1, 1])})
        >>> score.values()["accuracy"]
        0.5
    """

    def __init__(
        self,
        task: Task,
        outputs: int,
        loss: nn.Module | None,
        *,
        first_only: bool = False,
        metrics: Iterable[object] = (),
        labels: Sequence[str] = (),
    ) -> None:
        self.task, self.outputs, self.loss = task, outputs, loss
        self.left_out: dict[str, str] = {}
        self._metrics = dict(task.metrics(outputs).items())
        self.higher = {name: metric.higher_is_better for name, metric in self._metrics.items()}
        self._asked = {metric.name: metric for metric in as_metrics(metrics)}
        for name, metric in self._asked.items():
            metric.check(task)
            measured = added_up(metric, task, outputs)
            if name in self._metrics and settings_of(measured) != settings_of(self._metrics[name]):
                expected, got = "a name of its own", f"that of a figure of task {task.name}"
                hint = 'call it otherwise: name = "..." in its class, called="..." beside it'
                raise OptionError(f"metric {name}", expected=expected, got=got, hint=hint)
            self._metrics[name] = measured
            self.higher[name] = metric.higher_is_better
        apart, self._apart = told_apart(task, outputs, labels)
        self._metrics |= apart
        self.higher = {told: self.higher[n] for n in self.higher for told in self._apart.get(n, [n])}
        # Only now, since any figure may be watched and is checked, whichever are measured in each step.
        if first_only:
            self._metrics = dict(list(self._metrics.items())[:1])
            self._asked = {name: metric for name, metric in self._asked.items() if name in self._metrics}
        self._seen = self._nothing_seen()
        # Looking at targets makes an accelerator wait, so only where it can decide something.
        self._looks = bool(self._asked) or not self._metrics.keys().isdisjoint(task.missing(self._seen))
        self._by_rank = {name for name, metric in self._metrics.items() if asks_for_ranks(metric)}
        self._losses = None if loss is None else LossSums(loss)
        self._held: list[tuple[Tensor, ...]] = []
        self._size = self.count = 0
        self.lost = ""
        self._lost: list[Tensor] | None = None if first_only else []

    def add(self, output: Tensor, batch: Batch) -> None:
        """Takes in one batch.

        Args:
            output: N x outputs, as the model returns it.
            batch: with raw targets.

        Raises:
            ShapeError: the batch has no target.
        """
        target = batch.get("target")
        if target is None:
            raise ShapeError("batch", expected="a target", got="none", hint="give data with targets")
        output = output.detach()
        # In half precision many answers would be one
        output = output.float() if output.dtype in (torch.bfloat16, torch.float16) else output
        self.count += output.shape[0]
        if self._losses is not None:
            compared, wanted = self.task.for_loss(output, self.task.target(target, self.outputs))
            self._losses.add({OUTPUT: compared}, wanted, batch)
        scored, target = self.task.scored(output), self.task.hard(target)
        if self._lost is not None:
            self._lost.append(lost_answers(output, scored))
        if target.numel() == scored.numel():  # values, given as N where the output is N x 1
            target = target.reshape(scored.shape)
        if self._held and self._held[0][1].shape[1:] != target.shape[1:]:  # images of another size
            self._flush()
        self._held.append((scored, target, *([self.task.ranked(output)] if self._by_rank else [])))
        self._size += scored.numel()
        if self._size > _MOST_HELD:
            self._flush()

    def values(self) -> dict[str, float]:
        """Means and metrics by name, without those that the data leave undefined; starts anew."""
        self._flush()
        lost = int(torch.stack(self._lost).sum()) if self._lost else 0
        self.lost = f"{lost} of {self.count} {NO_NUMBERS}" if lost else ""
        found = {} if self._losses is None else self._losses.values()
        if self.count:
            with warnings.catch_warnings():
                # A split that lacks a class leaves some metrics undefined; torchmetrics says so at length.
                warnings.simplefilter("ignore", UserWarning)
                found |= self._measured()
        for metric in self._metrics.values():
            metric.reset()
        if self._losses is not None:
            self._losses.reset()
        self.count, self._seen = 0, self._nothing_seen()
        self._lost = None if self._lost is None else []
        if (told := _TOLD.get()) is not None:
            told |= self.left_out
        return found

    def _nothing_seen(self) -> TargetCounts:
        ignored = ignored_index(self.task, self.outputs)
        return TargetCounts(self.task.classes(self.outputs), self.task.form, ignored)

    def _measured(self) -> dict[str, float]:
        """The metrics that are defined; `left_out` says why others are not."""
        missing = dict(self.task.missing(self._seen)) if self._looks else {}
        missing |= {name: metric.missing(self._seen) for name, metric in self._asked.items()}
        if self.lost:  # which metrics would take for a class, or the lowest value
            missing |= dict.fromkeys(self._metrics, self.lost)
        self.left_out = {}
        found: dict[str, float] = {}
        for name, metric in self._metrics.items():
            if reason := missing.get(name):
                self.left_out[name] = reason
                continue
            if has_counted_nothing(metric):
                self.left_out[name] = NOTHING
                continue
            value = computed(metric, name, own=name not in self._asked)
            if name in self._apart:
                found |= dict(zip(self._apart[name], map(float, value), strict=True))
                continue
            if name in self._asked and not (isinstance(value, Tensor) and value.numel() == 1):
                got = counted(value.numel(), "value") if isinstance(value, Tensor) else type(value).__name__
                hint = 'give it average="macro", or the like'
                raise OptionError(f"metric {name}", expected="one number", got=got, hint=hint)
            # Of several values of a task's own the mean.
            found[name] = float(value if name in self._asked else value.float().mean())
        self.left_out |= {name: UNDEFINED for name, value in found.items() if not math.isfinite(value)}
        return {name: value for name, value in found.items() if name not in self.left_out}

    def higher_is_better(self, monitor: str) -> bool:
        """Direction of a value of an epoch such as `val_loss` or `val_accuracy`.

        Raises:
            OptionError: neither loss nor metric is called so.
        """
        name = monitor.removeprefix("val_")
        if name == "loss" or name.startswith("loss_"):
            return False
        if name not in self.higher:
            known = [f"val_{name}" for name in ("loss", *self.higher)]
            raise OptionError(
                "monitor", expected=listing(known), got=quote(monitor), hint=near(monitor, known)
            )
        found = self.higher[name]
        if found is None:
            hint = "choose another, such as val_loss, or give the metric higher_is_better"
            raise OptionError(
                "monitor", expected="a figure that is better one way", got=quote(monitor), hint=hint
            )
        return found

    def state_dict(self) -> dict[str, Any]:
        """State since the last `values`, as plain data and tensors.

        What is held back is kept as it is: handed to the metrics now, it would be added up in another order.
        """
        metrics = {
            name: {"state": dict(metric.metric_state), "updates": metric.update_count}
            for name, metric in self._metrics.items()
        }
        held = [torch.cat(column) for column in zip(*self._held, strict=True)]
        seen = {"seen": self._seen.state_dict()} if self._looks else {}
        sums = {} if self._losses is None else self._losses.state_dict()
        return {"sums": sums, "count": self.count, "metrics": metrics, "held": held, **seen}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """The reverse of `state_dict`."""
        self.count = state["count"]
        if self._losses is not None:
            self._losses.load_state_dict(state["sums"])
        self._held = [tuple(state["held"])] if state["held"] else []
        if self._by_rank and len(state["held"]) == 2:  # as version 0.1 held them
            self._held = [(*state["held"], state["held"][0])]
        self._size = sum(scored.numel() for scored, *_ in self._held)
        if "seen" in state:  # which version 0.1 did not look at
            self._seen.load_state_dict(state["seen"])
        for name, metric in self._metrics.items():
            saved = state["metrics"][name]
            for key, value in saved["state"].items():
                setattr(metric, key, value)
            metric._update_count = saved["updates"]  # torchmetrics restores it from its own checkpoints alone
            # The figure that torchmetrics keeps is of what it had before.
            metric._computed = None

    def _flush(self) -> None:
        """Hands what is held to the metrics; an update for each batch would cost as much as a small step."""
        if self._held:
            *_, newest = self._held
            device = newest[0].device
            # What a checkpoint gave back lies on the CPU.
            scored, target, *ranked = (
                torch.cat([part.to(device) for part in column]) for column in zip(*self._held, strict=True)
            )
            if self._looks:
                self._seen.add(target)
            target = whole_numbers(target, self.task.form)
            for name, metric in self._metrics.items():
                given = ranked[0] if name in self._by_rank else scored
                self._update(name, metric.to(scored.device), given, target)
        self._held, self._size = [], 0

    def _update(self, name: str, metric: Any, scored: Tensor, target: Tensor) -> None:
        try:
            metric.update(scored, target)
        except Exception as error:
            # Too little memory says nothing of the metric.
            if name not in self._asked or isinstance(error, torch.OutOfMemoryError):
                raise
            task, got = self.task, reason(error)
            expected = f"one that takes the answers of task {task.name} ({task.form or 'its own form'})"
            raise OptionError(f"metric {name}", expected=expected, got=got) from error
