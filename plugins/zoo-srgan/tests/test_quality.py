"""A network of 33,320 weights beats bicubic enlargement on photographs that it never saw."""

from __future__ import annotations

from pathlib import Path

import pytest

import zoo


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_small_network_beats_bicubic(tmp_path: Path) -> None:
    model = zoo.build(
        "srresnet", scale=2, width=16, blocks=3, batch_norm=False, bicubic_skip=True, input_size=48, seed=0
    )
    options = {"epochs": 8, "batch_size": 8, "lr": 1e-3, "schedule": "one-cycle", "clip_norm": 0.5}
    zoo.fit(model, "photos", out=tmp_path / "run", **options)
    figures = zoo.evaluate(model, "photos")
    assert figures.metrics["psnr"] > figures.metrics["psnr_bicubic"] + 0.3
    assert figures.metrics["ssim"] > figures.metrics["ssim_bicubic"]
