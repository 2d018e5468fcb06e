"""A weighted sum of losses by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from zoo.builtin.config import PartOfLoss
from zoo.errors import OptionError, listing
from zoo.interfaces import OUTPUT, Loss, Task, compute, cuts_of, divisor_of, from_sums, needs_of, sums_of

_TARGET = "target"
_OF = ": "
"""Between a part and its own names, in sums; the name of a part may have underscores."""


class Perceptual(Loss):
    """The weighted sum of any losses.

    Paper: Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network,
    https://arxiv.org/abs/1609.04802, whose perceptual loss is content + 0.001 adversarial.

    What is logged of each part is its share of the sum, that is with its weight.

    Args:
        parts: loss, weight and schedule of each, by name.

    Raises:
        OptionError: there is no part, or two of them are a game against a discriminator.

    Example:
        >>> import torch
        >>> from zoo.builtin.losses import L1, MSE
        >>> def part(loss, weight):
        ...     return PartOfLoss(weight=weight).model_copy(update={"loss": loss})
        >>> loss = Perceptual(parts={"mse": part(MSE(), 2.0), "l1": part(L1(), 0.5)})
        >>> {name: float(v) for name, v in loss(torch.ones(1, 1), torch.full((1, 1), 3.0)).items()}
        {'mse': 8.0, 'l1': 1.0}
    """

    def __init__(self, *, parts: Mapping[str, PartOfLoss]) -> None:
        super().__init__()
        if not parts:
            raise OptionError("loss perceptual: parts", expected="at least one loss", got="none")
        self.parts = nn.ModuleDict({name: part.loss for name, part in parts.items()})  # type: ignore[misc]
        self.schedules = {name: part.schedule for name, part in parts.items()}
        self.full = {name: part.weight for name, part in parts.items()}
        self.weights = dict(self.full)
        # Without doubles and in order, which a set would not keep
        self.needs = tuple(dict.fromkeys(need for loss in self.parts.values() for need in needs_of(loss)))
        self.learns = any(loss.learns for loss in self._losses())
        said = {cuts_of(loss) for loss in self.parts.values()}
        self.cuts = False if False in said else None if None in said else True
        games = [name for name, loss in self.parts.items() if _opposes(loss)]
        if len(games) > 1:
            expected = "at most one game against a discriminator"
            raise OptionError("loss perceptual: parts", expected=expected, got=listing(games))

    def forward(self, output: Any, target: Any) -> dict[str, Tensor]:
        """Each part's share of the sum, by name.

        Args:
            output: as the parts take it; where one of them needs more, tensors by name.
            target: as the parts take it; where one of them needs more, the batch.
        """
        # With `needs`, trainers hand all outputs and the batch; else bare tensors, which get their names here
        outputs, batch = (output, target) if self.needs else ({OUTPUT: output}, {_TARGET: target})
        shares: dict[str, Tensor] = {}
        for name, loss in self.parts.items():
            shares |= self._shares(name, compute(loss, outputs, batch[_TARGET], batch))
        return shares

    def divisor(self, target: Any) -> dict[str, Any]:
        """Divisors of the parts, by name."""
        found: dict[str, Any] = {}
        for name, loss in self.parts.items():
            own = divisor_of(loss, self._given(loss, target))
            of_parts = own if isinstance(own, Mapping) else {"": own}
            found |= {f"{name}_{inner}" if inner else name: value for inner, value in of_parts.items()}
        return found

    def sums(self, output: Any, target: Any) -> dict[str, Tensor]:
        """Sums of each part, by name and the part's own names."""
        outputs, batch = (output, target) if self.needs else ({OUTPUT: output}, {_TARGET: target})
        return {
            f"{name}{_OF}{inner}": value
            for name, loss in self.parts.items()
            for inner, value in sums_of(loss, outputs, batch[_TARGET], batch).items()
        }

    def of_sums(self, sums: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Each part's share of the sum, by name."""
        shares: dict[str, Tensor] = {}
        for name, loss in self.parts.items():
            own = {key.removeprefix(name + _OF): v for key, v in sums.items() if key.startswith(name + _OF)}
            shares |= self._shares(name, from_sums(loss, own))
        return shares

    @property
    def adds_up(self) -> bool:
        """Whether the sums of all parts do."""
        return all(loss.adds_up for loss in self._losses())

    def _shares(self, name: str, found: Tensor | dict[str, Tensor]) -> dict[str, Tensor]:
        """Values of a part with its weight; parts of a part keep both names: the log tells them apart."""
        return {
            f"{name}_{inner}" if inner else name: self.weights[name] * value
            for inner, value in (found.items() if isinstance(found, dict) else [("", found)])
        }

    def _given(self, loss: nn.Module, target: Any) -> Any:
        return target[_TARGET] if self.needs and not needs_of(loss) else target

    def unfit(self, task: Task) -> tuple[str, ...]:
        """Names of the tasks of the first part that is for others."""
        return next((names for loss in self._losses() if (names := loss.unfit(task))), ())

    def prepare(self, outputs: int, classes: int | None) -> None:
        """Prepares the parts."""
        for loss in self._losses():
            loss.prepare(outputs, classes)

    def oppose(
        self, discriminator: nn.Module, real: Tensor, fake: Tensor
    ) -> Tensor | dict[str, Tensor] | None:
        """The discriminator's loss against the adversarial part; weights do not count there."""
        found = (loss.oppose(discriminator, real, fake) for loss in self._losses() if _opposes(loss))
        return next(found, None)

    def advance(self, position: float, epochs: int) -> None:
        """Moves the weights along their schedules, and the parts."""
        self.weights = {
            name: w * self.schedules[name].factor(position, epochs) for name, w in self.full.items()
        }
        for loss in self._losses():
            loss.advance(position, epochs)

    @property
    def stretches(self) -> bool:
        """Whether a part, or the schedule of its weight, depends on how many epochs the run has."""
        return any(s.stretches for s in self.schedules.values()) or any(x.stretches for x in self._losses())

    def _losses(self) -> list[Loss]:
        # A part may be any module that takes output and target; those have no `prepare` and `advance`
        return [loss for loss in self.parts.values() if isinstance(loss, Loss)]


def _opposes(loss: nn.Module) -> bool:
    """Whether a loss is a game, or has one in it."""
    if isinstance(loss, Perceptual):
        return any(map(_opposes, loss.parts.values()))
    return isinstance(loss, Loss) and type(loss).oppose is not Loss.oppose
