"""What losses of torch and of zoo divide by, as the gradient of many small parts needs it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from zoo.interfaces.loss import OUTPUT, Loss, compute, divisor_of, from_sums, sums_of, target_for

WEIGHT = torch.tensor([0.5, 2.0, 4.0])
TARGET = torch.tensor([0, 2, -1, 1])
OUTPUTS = torch.tensor([[1.0, 0.0, -1.0], [0.5, 0.25, 0.0], [9.0, 9.0, 9.0], [-1.0, 0.0, 2.0]])


class OfAll(Loss):
    """Takes the whole batch."""

    needs = (OUTPUT, "extra")

    def forward(self, output: dict[str, Tensor], target: dict[str, Tensor]) -> Tensor:
        return (output[OUTPUT] * target["scale"]).mean()


@pytest.mark.parametrize(
    ("loss", "divided_by"),
    [
        (nn.CrossEntropyLoss(weight=WEIGHT, ignore_index=-1), 0.5 + 4 + 2),
        (nn.CrossEntropyLoss(ignore_index=-1), 3),
        (nn.CrossEntropyLoss(weight=WEIGHT, ignore_index=-1, reduction="sum"), None),
    ],
)
def test_a_loss_of_torch_divides_by_the_weights_of_what_counts(
    loss: nn.Module, divided_by: float | None
) -> None:
    found = divisor_of(loss, TARGET)
    if divided_by is None:
        whole = compute(loss, {OUTPUT: OUTPUTS}, TARGET, {})
        parts = [compute(loss, {OUTPUT: OUTPUTS[i : i + 2]}, TARGET[i : i + 2], {}) for i in (0, 2)]
        assert float(whole) == pytest.approx(sum(map(float, parts)))
        return
    assert float(found) == pytest.approx(divided_by)
    # Divided by it, the sum of the parts is the loss of all
    parts = [
        float(loss(OUTPUTS[i : i + 1], TARGET[i : i + 1])) * float(divisor_of(loss, TARGET[i : i + 1]))
        for i in range(4)
        if TARGET[i] >= 0
    ]
    assert sum(parts) / divided_by == pytest.approx(float(loss(OUTPUTS, TARGET)), rel=1e-6)


def test_the_second_argument_is_the_target_or_the_batch() -> None:
    batch = {"image": torch.zeros(4, 1), "scale": torch.ones(4, 1)}
    assert target_for(nn.CrossEntropyLoss(), TARGET, batch) is TARGET
    assert target_for(OfAll(), TARGET, batch) == {**batch, "target": TARGET}


def test_sums_of_parts_make_the_loss_of_all() -> None:
    loss = nn.CrossEntropyLoss(weight=WEIGHT, ignore_index=-1)
    parts = [sums_of(loss, {OUTPUT: OUTPUTS[i : i + 2]}, TARGET[i : i + 2], {}) for i in (0, 2)]
    added = {key: parts[0][key] + parts[1][key] for key in parts[0]}
    assert float(from_sums(loss, added)) == pytest.approx(float(loss(OUTPUTS, TARGET)), rel=1e-6)


@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_a_batch_in_which_nothing_counts_is_a_loss_of_nothing(weight: Tensor | None) -> None:
    loss = nn.CrossEntropyLoss(weight=weight, ignore_index=-1)
    output = OUTPUTS.clone().requires_grad_()
    value = compute(loss, {OUTPUT: output}, torch.full((4,), -1), {})
    value.backward()  # type: ignore[union-attr]
    assert value.detach() == 0  # type: ignore[union-attr]
    assert torch.equal(output.grad, torch.zeros(4, 3))  # type: ignore[arg-type]
    assert torch.equal(compute(loss, {OUTPUT: OUTPUTS}, TARGET, {}), loss(OUTPUTS, TARGET))
    broken = compute(loss, {OUTPUT: OUTPUTS * float("nan")}, TARGET, {})
    assert float(broken) != float(broken)  # type: ignore[arg-type]
