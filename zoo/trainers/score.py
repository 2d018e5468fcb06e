"""Loss and metrics added up over batches."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo.interfaces.augmenter import Batch
from zoo.interfaces.loss import total
from zoo.interfaces.metric import Seen, as_metrics
from zoo.interfaces.tasks import Task
from zoo.spec.errors import OptionError, ShapeError, listing, near, quote

_MOST_HELD = 1 << 20
"""Values held back at most before the metrics see them."""


class Score:
    """The mean loss a picture, its named parts, and the task's metrics.

    Args:
        task: gives the metrics.
        outputs: length of the output vector.
        loss: takes output and prepared target; None leaves it out.
        first_only: keep the task's first metric only, which is cheap enough for every training step.
        metrics: further ones; of the task's own one with such a name they take the place.

    Attributes:
        left_out: why figures that the data leave undefined are not among the last `values`, by name.

    Raises:
        OptionError: a metric does not fit the task, or two have one name.

    Example:
        >>> from zoo.interfaces.tasks import Binary
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
    ) -> None:
        self.task, self.outputs, self.loss = task, outputs, loss
        self.left_out: dict[str, str] = {}
        self._metrics = dict(task.metrics(outputs).items())
        self._asked = {metric.name: metric for metric in as_metrics(metrics)}
        for name, metric in self._asked.items():
            metric.check(task)
            self._metrics[name] = metric.measure(task, outputs)
        self._higher = {name: bool(metric.higher_is_better) for name, metric in self._metrics.items()}
        if first_only:
            self._metrics, self._asked = dict(list(self._metrics.items())[:1]), {}
        self._seen = Seen(task.classes(outputs))
        self._sums: dict[str, Tensor] = {}
        self._held: list[tuple[Tensor, Tensor]] = []
        self._size = self.count = 0

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
        self.count += output.shape[0]
        if self.loss is not None:
            parts = self.loss(output, self.task.target(target, self.outputs))
            named = {"loss": total(parts)} | (
                {f"loss_{k}": v for k, v in parts.items()} if isinstance(parts, dict) else {}
            )
            for name, value in named.items():
                self._sums[name] = self._sums.get(name, torch.zeros_like(value)) + value.detach() * len(
                    output
                )
        scored = self.task.scored(output)
        if target.numel() == scored.numel():  # values, given as N where the output is N x 1
            target = target.reshape(scored.shape)
        if self._asked:
            self._seen.add(batch["target"])
        if self._held and self._held[0][1].shape[1:] != target.shape[1:]:  # pictures of another size
            self._flush()
        self._held.append((scored, target))
        self._size += scored.numel()
        if self._size > _MOST_HELD:
            self._flush()

    def values(self) -> dict[str, float]:
        """Means and metrics by name, without those that the data leave undefined; starts anew."""
        self._flush()
        found = {name: float(value) / max(self.count, 1) for name, value in self._sums.items()}
        if self.count:
            with warnings.catch_warnings():
                # A split that lacks a class leaves some metrics undefined; torchmetrics says so at length.
                warnings.simplefilter("ignore", UserWarning)
                found |= self._measured()
        for metric in self._metrics.values():
            metric.reset()
        self._sums, self.count, self._seen = {}, 0, Seen(self.task.classes(self.outputs))
        return found

    def _measured(self) -> dict[str, float]:
        """The metrics that are defined; `left_out` says why others are not."""
        missing = {name: metric.missing(self._seen) for name, metric in self._asked.items()}
        self.left_out = {name: reason for name, reason in missing.items() if reason}
        found = {}
        for name, metric in self._metrics.items():
            if name not in self.left_out:
                found[name] = float(metric.compute().float().mean())  # of several values the mean
                if math.isnan(found[name]) and name in self._asked:
                    self.left_out[name] = "torchmetrics gives no number"
        return {name: value for name, value in found.items() if not math.isnan(value)}

    def higher_is_better(self, monitor: str) -> bool:
        """How to read a value of an epoch such as `val_loss` or `val_accuracy`.

        Raises:
            OptionError: neither loss nor metric is called so.
        """
        name = monitor.removeprefix("val_")
        if name == "loss" or name.startswith("loss_"):
            return False
        if name not in self._higher:
            known = [f"val_{name}" for name in ("loss", *self._higher)]
            raise OptionError(
                "monitor", expected=listing(known), got=quote(monitor), hint=near(monitor, known)
            )
        return self._higher[name]

    def state_dict(self) -> dict[str, Any]:
        """What was taken in since `values`, as plain data and tensors.

        What is held back is kept as it is: handed to the metrics now, it would be added up in another order.
        """
        metrics = {
            name: {"state": dict(metric.metric_state), "updates": metric.update_count}
            for name, metric in self._metrics.items()
        }
        held = [torch.cat(column) for column in zip(*self._held, strict=True)]
        return {"sums": dict(self._sums), "count": self.count, "metrics": metrics, "held": held}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """The reverse of `state_dict`."""
        self._sums, self.count = dict(state["sums"]), state["count"]
        self._held = [tuple(state["held"])] if state["held"] else []
        self._size = sum(scored.numel() for scored, _ in self._held)
        for name, metric in self._metrics.items():
            saved = state["metrics"][name]
            for key, value in saved["state"].items():
                setattr(metric, key, value)
            metric._update_count = saved["updates"]  # torchmetrics restores it from its own checkpoints alone
            metric._computed = None

    def _flush(self) -> None:
        """Hands what is held to the metrics; an update for each batch would cost as much as a small step."""
        if self._held:
            device = self._held[-1][0].device
            scored, target = (
                torch.cat([part.to(device) for part in column]) for column in zip(*self._held, strict=True)
            )
            for metric in self._metrics.values():
                metric.to(scored.device).update(scored, target)
        self._held, self._size = [], 0
