"""Whether what a model computes are numbers; said before anybody reads an answer off it."""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import Tensor

from zoo.interfaces.blocks.number_types import HALVES
from zoo.interfaces.blocks.weight_values import broken_weights, told
from zoo.interfaces.model import Model
from zoo.spec.errors import TrainingError, WeightsError


def check_answers(output: Tensor, model: Model, where: str, name: Callable[[int], str] = str) -> None:
    """Raises unless a model's output can be read: nan would be taken for the first class, or black.

    Args:
        output: N x ..., of N images.
        model: that has computed it.
        where: who asks, for messages.
        name: what the i-th image is called.

    Raises:
        WeightsError: the weights are no numbers.
        TrainingError: the weights are, the answers are not.
    """
    # A sum of numbers is one, which takes a fraction of the time
    if math.isfinite(float(output.sum())) or not (rows := output.isnan().flatten(1).any(dim=1)).any():
        return
    check_weights(model, where)
    bad = rows.nonzero().flatten().tolist()
    got = f"nan for {len(bad)} of {len(rows)}, {name(bad[0])} first"
    half = any(p.dtype in HALVES for p in model.parameters())
    hint = (
        "model.float() computes in a wider range than half precision has"
        if half
        else "its weights are numbers, so look which of its blocks overflows or divides by 0 with this image"
    )
    raise TrainingError(f"{where}: answers", expected="numbers", got=got, hint=hint)


def check_weights(model: Model, where: str) -> None:
    """Raises WeightsError where a model has weights that are no numbers, so that no answer of it is one."""
    if names := broken_weights(model):
        got = f"nan or infinite ones in {told(names)}"
        hint = "the training that made them went astray, or their file is damaged: take other weights"
        raise WeightsError(f"{where}: weights", expected="numbers", got=got, hint=hint)
