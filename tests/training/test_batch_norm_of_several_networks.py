"""One image at a time where several networks are trained: told before work where a batch norm cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zoo
from zoo.interfaces.model import Model
from zoo.runtime.devices import norms_of_one_number
from zoo.spec.errors import OptionError

pytestmark = pytest.mark.filterwarnings("ignore::zoo.errors.ZooWarning")  # random weights of a critic


class Images:
    """Images as a torch set."""

    def __init__(self, count: int, size: int, channels: int) -> None:
        self.shape, self.targets, self.classes = (
            (size, size, channels),
            [i % 2 for i in range(count)],
            ["a", "b"],
        )

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        pixels = np.random.default_rng(index).integers(0, 255, self.shape).astype(np.uint8)
        return pixels, self.targets[index]


def super_resolution(size: int) -> Model:
    generator: Any = {"name": "srresnet", "scale": 2, "width": 8, "blocks": 1}
    discriminator: Any = {"name": "srgan_discriminator", "width": 4, "head": "binary"}
    return zoo.build("srgan", input_size=size, seed=0, generator=generator, discriminator=discriminator)


def gan() -> Model:
    generator: Any = {"name": "dcgan_generator", "width": 8, "latent": 4}
    discriminator: Any = {"name": "dcgan_discriminator", "channels": [8, 16], "head": "binary"}
    return zoo.build(
        "dcgan", in_channels=1, input_size=16, seed=0, generator=generator, discriminator=discriminator
    )


def test_a_discriminator_whose_batch_norm_would_see_one_number_is_told_before_work(
    tmp_path: Path,
) -> None:
    words = "batch norm discriminator.backbone.block4.bn2 would see one number a channel, got batch_size=1; "
    with pytest.raises(OptionError) as caught:
        zoo.fit(super_resolution(16), Images(10, 32, 3), batch_size=1, epochs=1, out=tmp_path / "run")
    assert words in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_several_numbers_a_channel_of_one_image_are_enough(tmp_path: Path) -> None:
    larger = super_resolution(32).train()
    assert norms_of_one_number(larger) == []
    assert norms_of_one_number(super_resolution(16).eval()) == []
    still = super_resolution(16).train()
    still.discriminator.freeze()
    assert norms_of_one_number(still) == []
    assert norms_of_one_number(gan().train()) == []
    run = zoo.fit(gan(), Images(10, 16, 1), batch_size=1, epochs=1, out=tmp_path / "run", progress=False)
    assert len(run.history) == 1
