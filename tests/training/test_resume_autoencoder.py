"""A killed and resumed run of an autoencoder ends as an unbroken one, with its noise and its draws."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import zoo
from zoo.training import fit as fit_module
from zoo.training.engine import Engine

DIGITS = {"name": "digits", "per_class": 8}
SETTINGS: dict[str, Any] = {
    "epochs": 3, "batch_size": 16, "noise": 0.3, "mask": 0.1, "schedule": "cosine", "checkpoint_every": 0,
}  # fmt: skip
KINDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "map": ({}, {}),
    "variational": ({"latent": 2, "variational": True}, {"beta": 0.1, "micro_batch_size": 6}),
    "variational map, other loss": ({"variational": True}, {"loss": "pixel-bce", "optimizer": "adamw"}),
}


class Killed(BaseException):
    """In the place of a signal, which a test cannot survive."""


def rows(run: Any) -> list[dict[str, float]]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in run.history]


@pytest.mark.slow
@pytest.mark.parametrize("at", [2, 6, 9])
@pytest.mark.parametrize("kind", KINDS)
def test_a_resumed_run_ends_as_an_unbroken_one(kind: str, at: int, tmp_path: Path, monkeypatch: Any) -> None:
    model, more = KINDS[kind]

    def fit(folder: Path) -> Any:
        encoder = {"name": "conv_encoder", "channels": [4, 8]}
        made = zoo.build("autoencoder", encoder=encoder, in_channels=1, input_size=8, seed=0, **model)
        return zoo.fit(made, DIGITS, out=folder, **SETTINGS, **more)

    whole = fit(tmp_path / "whole")
    save, seen = Engine._save, iter(range(1, 10**6))

    def dying(self: Engine, *state: Any) -> None:
        save(self, *state)
        if next(seen) == at:
            raise Killed

    monkeypatch.setattr(Engine, "_save", dying)
    monkeypatch.setattr(fit_module, "discard", lambda run_folder: None)
    with pytest.raises(Killed):
        fit(tmp_path / "cut")
    monkeypatch.undo()
    resumed = zoo.fit(resume=tmp_path / "cut", workers=2 * (at == 6))
    one, two = whole.model.state_dict(), resumed.model.state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert rows(whole) == rows(resumed)
    assert whole.best_epoch == resumed.best_epoch


@pytest.mark.slow
def test_a_finished_run_goes_on_for_longer(tmp_path: Path) -> None:
    def fit(out: str, epochs: int) -> Any:
        encoder = {"name": "conv_encoder", "channels": [4, 8]}
        made = zoo.build(
            "autoencoder", encoder=encoder, in_channels=1, input_size=8, seed=0, variational=True
        )
        options = {**SETTINGS, "schedule": "exponential", "epochs": epochs}
        return zoo.fit(made, DIGITS, out=tmp_path / out, **options)

    whole, short = fit("whole", 4), fit("short", 2)
    longer = zoo.fit(resume=short.folder, epochs=4)
    one, two = whole.model.state_dict(), longer.model.state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert rows(whole) == rows(longer)
