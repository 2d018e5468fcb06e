"""Division of losses: what parts of a batch are put together by, so that no mean of means is taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

Scalar = Tensor | str | None
"""What one value was divided by: a number, `SUM`, or None for the number of images."""

Divisor = Scalar | Mapping[str, Scalar]
"""The same of all values of a loss, or of each by its name."""

Sums = dict[str, Tensor]
"""What adds up over batches, by name."""

SUM = "sum"
"""Divisor of a value that is a sum, not a mean: values of parts are added up as they are."""

SHARE = "share of the loss"
"""Under this name a part of a batch has its `Share`."""

_BY = " is divided by"
"""Behind the name of a value, in sums."""

_WHOLE = "loss"
"""Name of a value that is not one of several."""


class Share:
    """A part's share of what the whole batch is divided by, over all processes.

    Trainers weight parts by their images. A value times what is here is one that those weights fit.

    Args:
        own: divisor of the part.
        whole: that of the batch, which `over` has made.
        images: of the batch, over all processes, for one of the part.

    Attributes:
        applied: whether values of the loss were put through it.
    """

    def __init__(self, own: Divisor, whole: Divisor, images: float) -> None:
        self.own, self.whole, self.images, self.applied = own, whole, images, False

    def computed(self, loss: nn.Module, output: Any, target: Any) -> Tensor | dict[str, Tensor]:
        """The loss of the part, as `apply` gives it."""
        return self.apply(loss(output, target))

    def apply(self, values: Tensor | dict[str, Tensor]) -> Tensor | dict[str, Tensor]:
        """Values of the part, so that their mean weighted by images is the value of the batch.

        Example:
            >>> share = Share(torch.tensor(1.0), torch.tensor(10.0), images=2.0)
            >>> float(share.apply(torch.tensor(5.0)))
            1.0
        """
        self.applied = True
        if isinstance(values, Tensor):
            return self._applied(values, of_name(self.own, ""), of_name(self.whole, ""))
        return {
            name: self._applied(value, of_name(self.own, name), of_name(self.whole, name))
            for name, value in values.items()
        }

    def _applied(self, value: Tensor, own: Scalar, whole: Scalar) -> Tensor:
        if own is None or whole is None:
            return value
        if isinstance(own, str) or isinstance(whole, str):
            return value * self.images
        # Nothing counts in this part: torch's mean over nothing is not a number
        value = torch.where(own > 0, value, torch.zeros_like(value))
        return value * (own / whole.clamp(min=torch.finfo(whole.dtype).tiny) * self.images).to(value.dtype)


def of_name(divisor: Divisor, name: str) -> Scalar:
    """Divisor of the value of a name: its own, else that of the part whose name it begins with.

    Example:
        >>> of_name({"ce": "sum", "l1": None}, "ce_inner"), of_name("sum", "any")
        ('sum', 'sum')
    """
    if not isinstance(divisor, Mapping):
        return divisor
    if name in divisor:
        return divisor[name]
    longest = max((key for key in divisor if name.startswith(f"{key}_")), key=len, default=None)
    return None if longest is None else divisor[longest]


def numbers(divisor: Divisor) -> Divisor:
    """The divisor with its numbers in float32, without gradients, to be added up."""
    if isinstance(divisor, Mapping):
        return {name: _number(value) for name, value in divisor.items()}
    return _number(divisor)


def _number(value: Scalar) -> Scalar:
    return value.detach().float() if isinstance(value, Tensor) else value


def over(parts: list[Divisor], add: Callable[[Tensor], Tensor]) -> Divisor:
    """The divisor of a batch, from those of its parts.

    Args:
        parts: one or more.
        add: sums a tensor over all processes.
    """
    first = parts[0]
    if not isinstance(first, Mapping):
        return _over(parts, add)
    return {name: _over([part[name] for part in parts], add) for name in first}  # type: ignore[index]


def _over(values: list[Any], add: Callable[[Tensor], Tensor]) -> Scalar:
    return add(torch.stack(values).sum()) if isinstance(values[0], Tensor) else values[0]


def multiplied(values: Tensor | dict[str, Tensor], divisor: Divisor, images: int) -> Sums:
    """Sums over a batch: values times their divisors, and those.

    Args:
        values: of a batch.
        divisor: of the batch.
        images: in it.

    Example:
        >>> sums = multiplied(torch.tensor(3.0), None, 2)
        >>> float(divided({name: value + value for name, value in sums.items()}))
        3.0
    """
    found: Sums = {}
    for name, value in (values if isinstance(values, dict) else {_WHOLE: values}).items():
        wide = value.detach().float()
        by = of_name(divisor, "" if isinstance(values, Tensor) else name)
        if isinstance(by, str):
            found[name] = wide
            continue
        count = wide.new_full((), float(images)) if by is None else by.detach().to(wide)
        # Of nothing that counts torch's mean is not a number
        found[name] = torch.where(count > 0, wide * count, torch.zeros_like(wide))
        found[name + _BY] = count
    return found


def divided(sums: Sums) -> Tensor | dict[str, Tensor]:
    """Values of all images whose sums were added up; the reverse of `multiplied`."""
    values = {
        name: _quotient(value, sums.get(name + _BY)) for name, value in sums.items() if not name.endswith(_BY)
    }
    return values[_WHOLE] if values.keys() == {_WHOLE} else values


def _quotient(value: Tensor, by: Tensor | None) -> Tensor:
    return value if by is None else value / by.clamp(min=torch.finfo(by.dtype).tiny)


# -- losses of torch -----------------------------------------------------------------------------------

_MEANS = (
    nn.L1Loss, nn.MSELoss, nn.SmoothL1Loss, nn.HuberLoss, nn.BCELoss, nn.BCEWithLogitsLoss, nn.SoftMarginLoss,
    nn.MultiLabelMarginLoss, nn.MultiLabelSoftMarginLoss, nn.MultiMarginLoss, nn.PoissonNLLLoss, nn.KLDivLoss,
    nn.HingeEmbeddingLoss,
)  # fmt: skip
"""Those whose mean is one over images, whatever their weights are."""

_WEIGHTED = (nn.CrossEntropyLoss, nn.NLLLoss)
"""Those whose mean is divided by the weights of the targets, without the ignored ones."""


def torchs_divisor(loss: nn.Module) -> Callable[[Any, Any], Divisor] | None:
    """Function that tells the divisor of a loss of torch's; None for any other module."""
    for kinds, told in ((_MEANS, _of_mean), (_WEIGHTED, _of_weighted)):
        # By their `forward`: a subclass may have one of its own
        if any(isinstance(loss, kind) and type(loss).forward is kind.forward for kind in kinds):
            return told
    return None


def of_nothing(loss: nn.Module, value: Any, target: Any) -> Any:
    """The value of a loss, 0 where it is a mean of torch's over nothing, of which torch makes 0 / 0.

    Example:
        >>> loss, ignored = nn.CrossEntropyLoss(), torch.tensor([-100])
        >>> value = loss(torch.zeros(1, 2), ignored)
        >>> value, of_nothing(loss, value, ignored)
        (tensor(nan), tensor(0.))
    """
    by = _of_weighted(loss, target) if torchs_divisor(loss) is _of_weighted else None
    return torch.where(by > 0, value, torch.zeros_like(value)) if isinstance(by, Tensor) else value


def _of_mean(loss: Any, _target: Tensor) -> Divisor:
    return SUM if loss.reduction == SUM else None


def _of_weighted(loss: Any, target: Tensor) -> Divisor:
    if loss.reduction == SUM:
        return SUM
    # Probabilities of classes in the place of indices: torch divides by their number
    if target.is_floating_point():
        return None
    counted: Tensor = target != loss.ignore_index
    if loss.weight is None:
        return counted.sum()
    weights: Tensor = loss.weight[target.where(counted, 0)] * counted
    return weights.sum()
