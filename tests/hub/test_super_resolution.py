"""Push and pull of what enlarges images: the pair, and the generator alone, bit for bit."""

from __future__ import annotations

import pytest
import torch

import zoo

from .test_there_and_back import one_thread, there_and_back, trained  # noqa: F401 - a fixture among them

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the client's own

GENERATOR = {"name": "srresnet", "scale": 2, "width": 4, "blocks": 1}


def pair(**options: object) -> zoo.Model:
    head = {"name": "binary", "pool": "flatten", "hidden": [4], "activation": "leaky-relu"}
    judge = {"name": "srgan_discriminator", "width": 4, "head": head}
    return zoo.build("srgan", input_size=32, generator=GENERATOR, discriminator=judge, seed=0, **options)


@pytest.mark.slow
@pytest.mark.usefixtures("writing", "one_thread")
def test_pair_and_generator_come_back_bit_for_bit(hub, tmp_path):
    both = trained(pair(), metrics={"val": {"psnr": 30.0}}, origin="trained on photos")
    both.generator.origin, both.generator.metrics = both.origin, both.metrics
    alone = trained(zoo.build(**GENERATOR, in_channels=1, input_size=32, seed=0), origin="trained on photos")
    models = {"me/srgan": both, "me/generator": both.generator, "me/srresnet": alone}
    found, expected = there_and_back(hub, tmp_path, models)
    assert found == expected
    assert found[0][0] == found[1][0]  # as a model, the pair is its generator
    assert found[0][1] != found[1][1]  # but it holds more


@pytest.mark.usefixtures("writing")
def test_a_pulled_generator_goes_on_in_another_pair(hub, tmp_path):
    first = trained(pair())
    zoo.push(first.generator, f"file:{tmp_path / 'hub'}")
    second = zoo.build("srgan", input_size=32, generator=f"file:{tmp_path / 'hub'}",
                       discriminator={"name": "tiny_resnet", "head": "binary"}, seed=1)  # fmt: skip
    x = first.example_input()
    with torch.no_grad():
        assert torch.equal(second.eval()(x), first.generator.eval()(x))
