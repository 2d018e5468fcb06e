"""The kit's check of resuming, shown to find trainers that forget."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import zoo
from zoo.builtin.supervised import Supervised
from zoo.testing import check_resuming, killed_after
from zoo.training.run import Run

FACES = {"name": "faces", "per_class": 12}


class Forgetful(Supervised):
    """Begins with new moments after it was killed."""

    def load_state_dict(self, state: Any) -> None:
        """Loads nothing."""


class Counting(Supervised):
    """Measures how many evaluations there were, which no state remembers."""

    seen = 0

    def evaluate(self, batches: Any) -> dict[str, float]:
        self.seen += 1
        return {**super().evaluate(batches), "seen": float(self.seen)}


def training(
    trainer: type[Supervised], **options: Any
) -> tuple[Callable[[Path], Run], Callable[[Path], Run]]:
    def train(out: Path) -> Run:
        model = zoo.build("mlp", hidden=[4], head="binary", in_channels=1, input_size=16, seed=0)
        made = trainer(epochs=2, batch_size=6, **options)
        return zoo.fit(model, FACES, trainer=made, out=out, checkpoint_every=0, progress=False)

    def resume(out: Path) -> Run:
        return zoo.fit(resume=out, trainer=trainer(epochs=2, batch_size=6, **options), progress=False)

    return train, resume


def test_a_trainer_that_remembers_ends_alike(tmp_path: Path) -> None:
    train, resume = training(Supervised)
    assert len(check_resuming(train, tmp_path, after=[1, 4], resume=resume).history) == 2


def test_a_trainer_that_forgets_its_optimizer_is_found(tmp_path: Path) -> None:
    train, resume = training(Forgetful)
    with pytest.raises(AssertionError, match=r"resumed after checkpoint 2: .* got other values in backbone"):
        check_resuming(train, tmp_path, after=[2], resume=resume)


def test_figures_that_differ_are_found(tmp_path: Path) -> None:
    train, resume = training(Counting)
    with pytest.raises(AssertionError, match="got other figures in epoch 2: val_seen"):
        check_resuming(train, tmp_path, after=[4], resume=resume)


def test_a_killed_run_leaves_its_folder_as_it_is(tmp_path: Path) -> None:
    train, _ = training(Supervised)
    with killed_after(1):
        train(tmp_path / "run")
    assert {"run.json", "start", "checkpoint.safetensors"} <= {
        file.name for file in (tmp_path / "run").iterdir()
    }


def test_a_run_that_ends_before_is_an_error(tmp_path: Path) -> None:
    train, _ = training(Supervised)
    with (
        pytest.raises(AssertionError, match=r"at least 100 checkpoints, got \d+; checkpoint_every=0"),
        killed_after(100),
    ):
        train(tmp_path / "run")
    train(tmp_path / "another")  # nothing is left that kills
