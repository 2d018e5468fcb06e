"""A killed and resumed run of an autoencoder ends as an unbroken one, with its noise and its draws."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import zoo
from zoo.testing import check_resuming

DIGITS = {"name": "digits", "per_class": 8}
SETTINGS: dict[str, Any] = {
    "epochs": 3, "batch_size": 16, "noise": 0.3, "mask": 0.1, "schedule": "cosine", "checkpoint_every": 0,
}  # fmt: skip
KINDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "map": ({}, {}),
    "variational": ({"latent": 2, "variational": True}, {"beta": 0.1, "micro_batch_size": 6}),
    "variational map, other loss": ({"variational": True}, {"loss": "pixel-bce", "optimizer": "adamw"}),
}


def rows(run: Any) -> list[dict[str, float]]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in run.history]


@pytest.mark.slow
@pytest.mark.parametrize("at", [2, 6, 9])
@pytest.mark.parametrize("kind", KINDS)
def test_a_resumed_run_ends_as_an_unbroken_one(kind: str, at: int, tmp_path: Path) -> None:
    model, more = KINDS[kind]

    def fit(folder: Path) -> Any:
        encoder = {"name": "conv_encoder", "channels": [4, 8]}
        made = zoo.build("autoencoder", encoder=encoder, in_channels=1, input_size=8, seed=0, **model)
        return zoo.fit(made, DIGITS, out=folder, **SETTINGS, **more)

    check_resuming(fit, tmp_path, after=[at], resume=lambda out: zoo.fit(resume=out, workers=2 * (at == 6)))


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
