"""Options of the core's losses: what goes together and what does not."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from zoo.builtin.config import AdversarialOptions, PartOfLoss, PerceptualOptions


@pytest.mark.parametrize(
    ("kind", "smoothing", "fine"),
    [
        ("hinge", 0.0, True),
        ("wasserstein", 0.0, True),
        ("hinge", 0.1, False),
        ("wasserstein", 0.1, False),
        ("minimax", 0.1, True),
        ("least-squares", 0.1, True),
    ],
)
def test_targets_are_smoothed_in_games_with_probabilities_alone(
    kind: Any, smoothing: float, fine: bool
) -> None:
    if fine:
        assert AdversarialOptions(kind=kind, smoothing=smoothing).smoothing == smoothing
        return
    with pytest.raises(ValidationError, match=f"smoothing 0 in a game without probabilities, such as {kind}"):
        AdversarialOptions(kind=kind, smoothing=smoothing)


def test_a_part_of_a_sum_is_called_after_its_loss_unless_it_says_another() -> None:
    given: dict[str, Any] = {"mse": 2, "own": {"weight": 0.5, "loss": "l1"}, "bce": {"weight": 3.0}}
    parts = PerceptualOptions(parts=given).parts
    assert {name: (part.weight, part.loss) for name, part in parts.items()} == {
        "mse": (2, "mse"), "own": (0.5, "l1"), "bce": (3, "bce"),
    }  # fmt: skip
    assert {name: (part.weight, part.loss) for name, part in PerceptualOptions().parts.items()} == {
        "content": (0.006, "content"), "adversarial": (0.001, "adversarial"),
    }  # fmt: skip
    for wrong in ({}, ["mse"], {"mse": "much"}, {"mse": -1.0}):
        with pytest.raises(ValidationError):
            PerceptualOptions(parts=wrong)


def test_the_weight_of_a_part_follows_time_and_no_watched_value() -> None:
    assert PartOfLoss(schedule="linear").schedule.name == "linear"
    assert PartOfLoss().schedule.factor(0, 5) == 1
    with pytest.raises(ValidationError, match="a schedule of time alone, not plateau"):
        PartOfLoss(schedule="plateau")
