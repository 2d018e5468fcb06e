"""A small version of `benchmarks/gan.py`: few epochs, the same eyes, the same bars but for the time."""

from pathlib import Path

import pytest

import zoo

PARTS = {
    "generator": {"name": "dcgan_generator", "width": 32, "latent": 32},
    "discriminator": {
        "name": "dcgan_discriminator",
        "channels": [32, 64],
        "norm": "layer",
        "head": "binary",
    },
}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_short_run_finds_all_ten_digits(tmp_path: Path) -> None:
    judge = zoo.build("tiny_resnet", head="multiclass", in_channels=1, classes=10, input_size=16, seed=0)
    zoo.fit(judge, "digits", out=tmp_path / "judge", epochs=15, batch_size=64, lr=3e-3, schedule="one-cycle")
    assert zoo.evaluate(judge, "digits").metrics["accuracy"] > 0.97
    model = zoo.build("dcgan", in_channels=1, input_size=16, seed=0, **PARTS)
    before = zoo.evaluate(model, "digits", features=judge, samples=1000)
    zoo.fit(model, "digits", out=tmp_path / "run", epochs=40, lr=1e-3, ema=0.99)
    after = zoo.evaluate(model, "digits", features=judge, samples=1000)
    assert min(after.more["classes"].values()) > 0
    assert max(after.more["classes"].values()) <= 0.3
    assert after.metrics["frechet"] <= before.metrics["frechet"] / 4
    assert after.metrics["recall"] > 0.5 > before.metrics["recall"]
