"""EfficientNet against timm: same parameters, same features, same logits; and what it adds in training."""

import pytest
import timm
import torch
from pydantic import ValidationError
from torch import nn
from torch.nn import functional as F
from zoo_efficientnet import config
from zoo_efficientnet.efficientnet import EfficientNet
from zoo_efficientnet.plugin import zoo_components
from zoo_efficientnet.units import DropPath, SamePadConv2d, SqueezeExcite, Unit, same_padding

from zoo.testing import published

NAMES = [f"b{i}" for i in range(8)] + [f"lite{i}" for i in range(5)]
QUICK = ("b0", "b1", "lite0", "lite2")
ALL = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in NAMES]


def build(name, in_channels=3, **options):
    values = getattr(config, f"EfficientNet{name.capitalize()}")(**options).model_dump()
    return EfficientNet(in_channels=in_channels, **values).eval()


def count(*modules):
    return sum(p.numel() for module in modules for p in module.parameters())


def head_of(net, classes=1000):
    return net.original_head(classes, net.block_infos((64, 64))[-1:]).eval()


def randomised(model):
    """Statistics, scales and weights of a network that has seen something, without running it."""
    torch.manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight.data, module.bias.data, module.running_mean, module.running_var):
                tensor.uniform_(0.5, 1.5)
        elif isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
            nn.init.normal_(module.bias)
    return model.eval()


@pytest.mark.parametrize("name", QUICK)
def test_features_and_logits_equal_timms_at_even_and_odd_sizes(name):
    published(
        build(name),
        timm.create_model(f"tf_efficientnet_{name}"),
        sizes=[(64, 64), (75, 66), (97, 33)],
        blocks={"block5": "bn2"},
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({*NAMES} - {*QUICK}))
def test_features_and_logits_equal_timms_for_all_others(name):
    published(
        build(name), timm.create_model(f"tf_efficientnet_{name}"), sizes=[(75, 66)], blocks={"block5": "bn2"}
    )


def test_timms_own_networks_pad_symmetrically():
    net = build("b0", padding="symmetric", bn_eps=1e-5)
    published(net, timm.create_model("efficientnet_b0"), sizes=[(64, 64), (75, 66)], blocks={"block5": "bn2"})
    with torch.inference_mode():
        x = torch.randn(1, 3, 64, 64)
        same = build("b0", bn_eps=1e-5)
        same.load_state_dict(net.state_dict())
        assert not torch.allclose(same(x), net(x), rtol=1e-2)


@pytest.mark.parametrize("name", ALL)
def test_each_has_as_many_parameters_as_timms(name):
    with torch.device("meta"):
        net = build(name)
        assert count(net, head_of(net)) == count(timm.create_model(f"tf_efficientnet_{name}"))


@pytest.mark.parametrize("name", ALL)
def test_block_k_ends_at_reduction_two_to_the_k(name):
    with torch.device("meta"):
        infos = build(name).block_infos((64, 64))
    assert [info.reduction for info in infos] == [2, 4, 8, 16, 32]


def test_the_last_convolution_is_in_the_last_block():
    with torch.device("meta"):
        net = build("lite0")
    assert net.block5.conv.weight.shape == (1280, 320, 1, 1)
    assert sum(count(block) for block in net.blocks.values()) == count(net)


@pytest.mark.parametrize("size", range(1, 40))
@pytest.mark.parametrize("kernel", [3, 5])
def test_same_padding_gives_one_output_for_each_started_step(size, kernel):
    before, after = same_padding(size, kernel, 2)
    assert (size + before + after - kernel) // 2 + 1 == -(-size // 2)
    assert 0 <= after - before <= 1


def test_an_even_map_is_padded_at_its_end():
    conv = SamePadConv2d(1, 1, 3, 2, bias=False)
    x = torch.rand(1, 1, 6, 7)
    expected = F.conv2d(F.pad(x, (1, 1, 0, 1)), conv.weight, stride=2)
    assert torch.equal(conv(x), expected)


@pytest.mark.parametrize("name", ALL)
def test_the_usual_image_has_the_published_size(name):
    with torch.device("meta"):
        assert build(name).input_spec.size == (config.SIZES[name].resolution,) * 2
        assert build(name, width=0.5).input_spec.size == (224, 224)


@pytest.mark.parametrize("name", ALL)
def test_a_tiny_instance_has_every_kind_of_module(name):
    tiny = next(c.tiny for c in zoo_components() if c.name == f"efficientnet_{name}")
    with torch.device("meta"):
        published, small = build(name), build(name, **tiny)
    assert {type(m) for m in small.modules()} == {type(m) for m in published.modules()}
    assert any(isinstance(m, SqueezeExcite) for m in small.modules()) == ("lite" not in name)


@pytest.mark.parametrize("name", ["b0", "lite1"])
def test_stochastic_depth_has_timms_rates(name):
    with torch.device("meta"):
        units = [m for m in build(name).modules() if isinstance(m, Unit)]
        reference = timm.create_model(f"tf_efficientnet_{name}", drop_path_rate=0.2)
    theirs = [
        unit.drop_path.drop_prob if unit.has_skip else 0 for stage in reference.blocks for unit in stage
    ]
    assert [unit.drop_path.rate for unit in units] == pytest.approx(theirs)
    assert max(theirs) > 0.15


def test_stochastic_depth_drops_whole_images_and_keeps_the_mean():
    torch.manual_seed(0)
    drop, x = DropPath(0.25), torch.ones(4000, 2, 3, 3)
    out = drop.train()(x)
    assert out.unique().tolist() == pytest.approx([0, 1 / 0.75])
    assert bool((out.flatten(1).std(1) == 0).all())
    assert out.mean().item() == pytest.approx(1, abs=0.05)
    assert drop.eval()(x) is x


def test_a_frozen_block_drops_nothing():
    torch.manual_seed(0)
    net = build("b0", width=0.25, drop_path=0.9).train()
    x = torch.rand(8, 3, 64, 64)
    with torch.no_grad():
        assert not torch.equal(net.run(x, until="block4"), net.run(x, until="block4"))
        net.freeze("block1-4")
        net.train()
        assert torch.equal(net.run(x, until="block4"), net.run(x, until="block4"))


def test_gray_images_get_the_sum_over_the_colours():
    colour, gray = randomised(build("lite0", width=0.125)), build("lite0", 1, width=0.125)
    gray.load_state_dict(gray.adapt_input(dict(colour.state_dict())))
    x = torch.rand(2, 1, 32, 32)
    torch.testing.assert_close(gray(x), colour(x.expand(-1, 3, -1, -1)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "bad", [{"dropout": 1.0}, {"depth": 0}, {"rows": ()}, {"rows": [(8, 1, 3, 1, 3)]}, {"padding": "valid"}]
)
def test_options_out_of_range_are_refused(bad):
    for name in ("B0", "Lite0"):
        with pytest.raises(ValidationError):
            getattr(config, f"EfficientNet{name}")(**bad)


def test_rows_survive_json():
    options = config.EfficientNetB3()
    assert config.EfficientNetB3.model_validate_json(options.model_dump_json()) == options
