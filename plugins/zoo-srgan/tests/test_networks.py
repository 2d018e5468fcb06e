"""Generator and discriminator: the figure of the paper, sizes, tiles."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from zoo_srgan.discriminator import SRGANDiscriminator
from zoo_srgan.resampling import enlarge, multiple, shrink
from zoo_srgan.srresnet import SRResNet

import zoo
from zoo.spec.errors import OptionError, ShapeError


def layers(module: nn.Module, x: Tensor, kinds: tuple[type[nn.Module], ...]) -> list[tuple[Any, ...]]:
    """Kernel, channels, stride and size of the output, of each layer in the order of running."""
    seen: list[tuple[Any, ...]] = []

    def note(layer: Any, _: Any, out: Tensor) -> None:
        if isinstance(layer, nn.Conv2d):
            assert layer.padding == (layer.kernel_size[0] // 2,) * 2
            row = (f"k{layer.kernel_size[0]}n{layer.out_channels}s{layer.stride[0]}", tuple(out.shape[1:]))
        elif isinstance(layer, nn.Linear):
            row = (f"dense {layer.in_features} {layer.out_features}", tuple(out.shape[1:]))
        else:
            row = (type(layer).__name__, tuple(out.shape[1:]))
        seen.append(row)

    hooks = [m.register_forward_hook(note) for m in module.modules() if isinstance(m, kinds)]
    with torch.no_grad():
        module.eval()(x)
    for hook in hooks:
        hook.remove()
    return seen


def test_srresnet_has_the_layers_of_the_papers_figure() -> None:
    kinds = (nn.Conv2d, nn.BatchNorm2d, nn.PReLU, nn.PixelShuffle)
    found = layers(SRResNet(), torch.rand(1, 3, 24, 24), kinds)
    low, mid, high = (24, 24), (48, 48), (96, 96)
    block = [
        ("k3n64s1", (64, *low)), ("BatchNorm2d", (64, *low)), ("PReLU", (64, *low)),
        ("k3n64s1", (64, *low)), ("BatchNorm2d", (64, *low)),
    ]  # fmt: skip
    assert found == [
        ("k9n64s1", (64, *low)), ("PReLU", (64, *low)),
        *itertools.chain.from_iterable([block] * 16),
        ("k3n64s1", (64, *low)), ("BatchNorm2d", (64, *low)),
        ("k3n256s1", (256, *low)), ("PixelShuffle", (64, *mid)), ("PReLU", (64, *mid)),
        ("k3n256s1", (256, *mid)), ("PixelShuffle", (64, *high)), ("PReLU", (64, *high)),
        ("k9n3s1", (3, *high)),
    ]  # fmt: skip


def test_both_skips_of_the_figure_are_there() -> None:
    model = SRResNet(blocks=2, width=8, scale=2).eval()
    x = torch.rand(1, 3, 8, 8)
    with torch.no_grad():
        seen = model.first(x)
        for unit in (model.body.unit1, model.body.unit2):
            unit.branch.bn2.weight.zero_()
            unit.branch.bn2.bias.zero_()
        assert torch.equal(model.body.unit2(model.body.unit1(seen)), seen)
        model.body.bn.weight.zero_()
        model.body.bn.bias.zero_()
        assert torch.equal(model(x), model.last(model.upsampling(seen)))


def test_the_discriminator_has_the_layers_of_the_papers_figure() -> None:
    model = zoo.build("srgan", seed=0).discriminator
    kinds = (nn.Conv2d, nn.BatchNorm2d, nn.LeakyReLU, nn.Linear)
    expected: list[tuple[Any, ...]] = []
    plan = [(64, 1), (64, 2), (128, 1), (128, 2), (256, 1), (256, 2), (512, 1), (512, 2)]
    side = 96
    for i, (channels, stride) in enumerate(plan):
        side //= stride
        shape = (channels, side, side)
        expected.append((f"k3n{channels}s{stride}", shape))
        expected += [("BatchNorm2d", shape)] if i else []
        expected.append(("LeakyReLU", shape))
    expected += [("dense 18432 1024", (1024,)), ("LeakyReLU", (1024,)), ("dense 1024 1", (1,))]
    assert layers(model, torch.rand(1, 3, 96, 96), kinds) == expected
    slopes = {m.negative_slope for m in model.modules() if isinstance(m, nn.LeakyReLU)}
    assert slopes == {0.2}


def test_block_k_ends_at_reduction_two_to_the_k() -> None:
    assert [info.reduction for info in SRGANDiscriminator(width=4).block_infos()] == [2, 4, 8, 16]


@pytest.mark.parametrize("upsampling", ["pixel-shuffle", "deconvolution", "resize"])
@pytest.mark.parametrize("scale", [2, pytest.param(4, marks=pytest.mark.slow)])
@pytest.mark.parametrize("channels", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_tiles_give_what_the_whole_image_gives(upsampling: str, scale: int, channels: int) -> None:
    torch.manual_seed(0)
    model = SRResNet(
        in_channels=channels, scale=scale, width=6, blocks=2, upsampling=upsampling, bicubic_skip=True, tile=8
    ).eval()
    with torch.no_grad():
        model.last.conv.weight.normal_(0, 0.1)
        x = torch.rand(2, channels, 61, 45)
        sizes: list[tuple[int, ...]] = []
        hook = model.register_forward_pre_hook(lambda _, given: sizes.append(tuple(given[0].shape[2:])))
        tiles = model.infer(x)
        hook.remove()
        assert len(sizes) == 8 * 6
        assert max(max(size) for size in sizes) <= 8 + 2 * model.reach
        # Sums of other kernels: some processors are up to 2e-5 apart
        torch.testing.assert_close(tiles, model(x), rtol=0, atol=5e-5)


def test_the_overlap_is_no_wider_than_the_network_may_see_and_no_narrower() -> None:
    """A change at one pixel moves the output as far as `reach`, and in the layers alone nearly so."""
    torch.manual_seed(0)
    model = SRResNet(scale=2, width=4, blocks=3, batch_norm=False).eval()
    x = torch.rand(1, 1, 1, 1).expand(1, 3, 64, 64).clone()
    y = x.clone()
    y[..., 32, 32] += 0.5
    with torch.no_grad():
        moved = (model(x) - model(y)).abs().sum(dim=1)[0]
    rows = moved.sum(dim=1).nonzero().flatten() // 2
    furthest = max(32 - int(rows.min()), int(rows.max()) - 32)
    assert model.reach - 3 <= furthest <= model.reach


def test_a_new_network_with_the_skip_is_bicubic_enlargement() -> None:
    model = SRResNet(scale=4, width=8, blocks=1, bicubic_skip=True).eval()
    x = torch.rand(1, 3, 10, 12)
    with torch.no_grad():
        assert torch.equal(model(x), enlarge(x, 4))


@pytest.mark.parametrize("scale", [2, 4])
def test_resampling_is_pillows(scale: int) -> None:
    pixels = (torch.rand(1, 3, 48, 32, generator=torch.Generator().manual_seed(0)) * 120 + 60).byte()
    image = Image.fromarray(pixels[0].permute(1, 2, 0).numpy())
    for ours, size in (
        (shrink(pixels / 255, scale), (32 // scale, 48 // scale)),
        (enlarge(pixels / 255, scale), (32 * scale, 48 * scale)),
    ):
        theirs = torch.frombuffer(
            bytearray(image.resize(size, Image.Resampling.BICUBIC).tobytes()), dtype=torch.uint8
        )
        theirs = theirs.view(size[1], size[0], 3).permute(2, 0, 1)
        assert float((ours[0] * 255 - theirs).abs().max()) <= 1.6  # Pillow rounds between its two passes


def test_examples_are_the_image_and_its_small_version() -> None:
    model = SRResNet(scale=4, width=4, blocks=1)
    image = torch.rand(2, 3, 50, 43)
    batch = model.examples({"image": image, "index": torch.arange(2)})
    assert torch.equal(batch["target"], image[..., :48, :40])
    assert torch.equal(batch["image"], shrink(image[..., :48, :40], 4))
    assert batch["image"].shape == (2, 3, 12, 10)
    assert torch.equal(multiple(image, 1), image)
    with pytest.raises(ShapeError, match="at least 4 x 4 pixels, got 3 x 43"):
        model.examples({"image": image[:, :, :3], "index": torch.arange(2)})


def test_parts_that_do_not_fit_are_one_line() -> None:
    with pytest.raises(ShapeError, match="a model for super-resolution, got binary"):
        zoo.build("srgan", generator={"name": "tiny_resnet", "head": "binary", "input_size": 32})
    with pytest.raises(ShapeError, match=r"one for 48x48 images, as the generator, got 96x96; .*input_size"):
        zoo.build("srgan", generator={"name": "srresnet", "input_size": 48, "width": 4, "blocks": 1})
    with pytest.raises(ShapeError, match="one logit, got no head"):
        zoo.build("srgan", discriminator="srgan_discriminator")
    with pytest.raises(OptionError, match="bad scale"):
        zoo.build("srresnet", scale=3)


def test_any_backbone_is_a_discriminator_and_parts_follow_the_pairs_input() -> None:
    pair = zoo.build(
        "srgan", in_channels=1, input_size=48, generator={"name": "srresnet", "width": 4, "blocks": 1},
        discriminator={"name": "tiny_resnet", "head": "binary"}, seed=0,
    )  # fmt: skip
    with pytest.warns(zoo.ZooWarning, match="random weights"):
        pair.freeze("discriminator.block1")
    assert pair.generator.input_spec.channels == pair.discriminator.input_spec.channels == 1
    assert pair.generator.input_spec.size == pair.discriminator.input_spec.size == (48, 48)
    assert pair.frozen == ("discriminator.block1",)
    assert pair.defaults == {"loss": "perceptual"}
