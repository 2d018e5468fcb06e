"""The networks against the paper's figure, and against a count of parameters by others."""

from pathlib import Path

import pytest
import torch
from torch import nn
from zoo_gan.dcgan import DCGANDiscriminator, DCGANGenerator

import zoo
from zoo.spec.errors import OptionError, ShapeError


def shapes(module: nn.Module, x: torch.Tensor) -> list[tuple[int, ...]]:
    """What comes out of each convolution and projection, in order."""
    found: list[tuple[int, ...]] = []
    kinds = (nn.ConvTranspose2d, nn.Conv2d, nn.Unflatten)
    for part in module.modules():
        if isinstance(part, kinds):
            part.register_forward_hook(lambda _, __, out: found.append(tuple(out.shape[1:])))
    with torch.no_grad():
        module(x)
    return found


def test_the_maps_are_those_of_figure_1() -> None:
    generator = DCGANGenerator()
    assert shapes(generator, torch.randn(1, 100)) == [
        (1024, 4, 4), (512, 8, 8), (256, 16, 16), (128, 32, 32), (3, 64, 64)
    ]  # fmt: skip
    assert shapes(DCGANDiscriminator(), torch.rand(1, 3, 64, 64)) == [
        (64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4)
    ]  # fmt: skip


def test_as_many_parameters_as_pytorchs_tutorial_has() -> None:
    # https://pytorch.org/tutorials/beginner/dcgan_faces_tutorial.html: ngf = ndf = 64, kernels of 4, no bias
    # in the last layers.
    generator = DCGANGenerator(width=64, kernel=4)
    assert sum(p.numel() for p in generator.parameters()) == 3_576_704 + 3
    model = zoo.build(
        {"name": "dcgan_discriminator", "kernel": 4}, head={"name": "binary", "pool": "flatten"}, seed=0
    )
    first_conv_and_head_biases = 64 + 1
    assert sum(p.numel() for p in model.parameters()) == 2_765_568 + first_conv_and_head_biases


def test_weights_begin_as_in_the_paper() -> None:
    torch.manual_seed(0)
    for network in (DCGANGenerator(width=32), DCGANDiscriminator()):
        for part in network.modules():
            weight = getattr(part, "weight", torch.zeros(0)).detach()
            if isinstance(part, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                assert abs(float(weight.mean())) < 0.002
                assert float(weight.std()) == pytest.approx(0.02, rel=0.1)
            elif isinstance(part, nn.BatchNorm2d):
                assert float(weight.mean()) == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("size", [8, 16, 32])
@pytest.mark.parametrize("kernel", [4, 5])
def test_every_size_that_doubles_from_four(size: int, kernel: int) -> None:
    model = zoo.build("dcgan_generator", input_size=size, in_channels=1, width=4, kernel=kernel, seed=0)
    images = model.sample(2, seed=0)
    assert images.shape == (2, 1, size, size)
    assert 0 <= float(images.min()) < float(images.max()) <= 1


def test_samples_do_not_depend_on_how_many_are_drawn_nor_on_the_mode() -> None:
    model = zoo.build("dcgan_generator", input_size=16, width=8, seed=0)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    many = model.train().sample(40, seed=3)
    assert torch.equal(model.eval().sample(5, seed=3), many[:5])
    assert not torch.equal(many[:20], many[20:])
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_wrong_sizes_and_inputs_are_said_in_one_line() -> None:
    for size in (20, 4, (16, 32)):
        with pytest.raises(OptionError, match=r"a square of 8, 16, 32, 64, \.\.\. pixels"):
            zoo.build("dcgan_generator", input_size=size)
    with pytest.raises(ShapeError, match=r"latent vectors: expected N x 100, got 2 x 3 x 64 x 64"):
        zoo.build("dcgan_generator", width=4, seed=0)(torch.rand(2, 3, 64, 64))
    flat = {"name": "dcgan_discriminator", "head": {"name": "binary", "pool": "flatten"}, "input_size": 64}
    with pytest.raises(ShapeError, match="expected one for the generator's images of 16x16"):
        zoo.build("dcgan", input_size=16, discriminator=flat)


@pytest.mark.parametrize(
    "discriminator",
    [
        {"name": "small_cnn", "channels": [4, 8]},
        {"name": "mlp", "hidden": [16]},
        {"name": "dcgan_discriminator", "channels": [4, 8], "norm": "layer"},
        {"name": "dcgan_discriminator", "channels": [4, 8], "norm": "none"},
    ],
)
def test_any_backbone_with_a_binary_head_judges(discriminator: dict[str, object]) -> None:
    pair = zoo.build(
        "dcgan",
        in_channels=1,
        input_size=16,
        generator={"name": "dcgan_generator", "width": 4},
        discriminator={**discriminator, "head": "binary"},
        seed=0,
    )
    assert pair.networks["discriminator"](pair.sample(3, seed=0)).shape == (3, 1)


def test_the_generator_alone_and_the_pair_come_back_bit_for_bit(tmp_path: Path) -> None:
    pair = zoo.build(
        "dcgan", in_channels=1, input_size=16, generator={"name": "dcgan_generator", "width": 4}, seed=0
    ).eval()
    pair.note_origin("trained on digits")
    wanted = pair.sample(4, seed=7)
    zoo.save(pair, tmp_path / "pair")
    zoo.save(pair.networks["generator"], tmp_path / "saved")
    zoo.push(pair, f"file:{tmp_path}/pushed", part="generator", licence="mit")
    zoo.push(str(tmp_path / "pair"), f"file:{tmp_path}/again", part="generator")
    zoo.push(pair, f"file:{tmp_path}/whole")
    for name in ("pair", "saved", "pushed", "again", "whole"):
        model = zoo.pull(f"file:{tmp_path}/{name}")
        assert torch.equal(zoo.sample(model, 4, seed=7), wanted), name
        assert model.origin == "trained on digits"
    alone, whole = (zoo.load(tmp_path / name) for name in ("pushed", "whole"))
    assert isinstance(alone, DCGANGenerator)
    assert alone.licence == "mit"
    x = torch.rand(2, 1, 16, 16)
    assert torch.equal(whole.networks["discriminator"](x), pair.networks["discriminator"](x))
    assert "zoo.sample(model" in (tmp_path / "pushed" / "README.md").read_text()


def test_a_part_alone_keeps_what_is_frozen_of_it(tmp_path: Path) -> None:
    pair = zoo.build("dcgan", input_size=8, generator={"name": "dcgan_generator", "width": 4}, seed=0)
    pair.note_origin("trained on something")
    pair.freeze("generator.project,discriminator.block1-2")
    zoo.save(pair, tmp_path / "pair")
    for whole in (pair, zoo.load(tmp_path / "pair")):
        assert whole.frozen == ("generator.project", "discriminator.block1", "discriminator.block2")
        for name, frozen in (("generator", ("project",)), ("discriminator", ("block1", "block2"))):
            folder = zoo.save(whole.networks[name], tmp_path / name)
            assert zoo.load(folder).frozen == frozen


def test_a_part_that_is_not_there_is_refused(tmp_path: Path) -> None:
    pair = zoo.build("dcgan", input_size=16, generator={"name": "dcgan_generator", "width": 4}, seed=0)
    with pytest.raises(zoo.ZooError, match="got 'generater'; did you mean"):
        zoo.push(pair, f"file:{tmp_path}/hub", part="generater")
    assert not (tmp_path / "hub").exists()
