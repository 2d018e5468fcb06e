"""MobileNet against torchvision and timm: same parameters, same features, same logits."""

import pytest
import timm
import torch
import torchvision
from pydantic import ValidationError
from torch import nn
from zoo_mobilenet import config
from zoo_mobilenet.mobilenet import MobileNet
from zoo_mobilenet.plugin import TABLE, zoo_components
from zoo_mobilenet.units import SqueezeExcite

from zoo.testing import published

TORCHVISION = ["mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large"]
TIMM = {
    "mobilenet_v1": "mobilenetv1_100",
    "mobilenet_v2": "mobilenetv2_100",
    "mobilenet_v3_small": "mobilenetv3_small_100",
    "mobilenet_v3_large": "mobilenetv3_large_100",
}


def build(name, in_channels=3, **options):
    values = getattr(config, TABLE[name][0])(**options).model_dump()
    return MobileNet(in_channels=in_channels, **values).eval()


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


@pytest.mark.parametrize("name", TIMM)
def test_features_and_logits_equal_timms(name):
    last = "blocks" if "v3" in name else "bn2"
    published(build(name), timm.create_model(TIMM[name]), sizes=[(75, 64)], blocks={"block5": last})


@pytest.mark.parametrize("name", TORCHVISION)
def test_features_and_logits_equal_torchvisions(name):
    reference = torchvision.models.get_model(name)
    eps = {m.eps for m in reference.modules() if isinstance(m, nn.BatchNorm2d)}.pop()
    published(build(name, bn_eps=eps), reference, sizes=[(75, 64)], blocks={"block5": "features"})


def test_the_default_epsilon_is_that_of_the_published_weights():
    for name, theirs in TIMM.items():
        with torch.device("meta"):
            modules = [*build(name).modules(), *timm.create_model(theirs).modules()]
        assert {m.eps for m in modules if isinstance(m, nn.BatchNorm2d)} == {1e-5}


@pytest.mark.parametrize("width", [0.35, 0.5, 1.4])
def test_a_narrow_v2_has_as_many_parameters_as_torchvisions(width):
    with torch.device("meta"):
        net = build("mobilenet_v2", width=width)
        assert count(net, head_of(net)) == count(torchvision.models.mobilenet_v2(width_mult=width))


def test_published_names_fit_where_narrow_rows_have_equal_channels():
    published(build("mobilenet_v2", width=0.35), timm.create_model("mobilenetv2_035"), sizes=[(64, 64)])


@pytest.mark.parametrize("size", ["small", "large"])
def test_a_narrow_v3_has_as_many_parameters_as_timms(size):
    with torch.device("meta"):
        net = build(f"mobilenet_v3_{size}", width=0.75)
        assert count(net, head_of(net)) == count(timm.create_model(f"mobilenetv3_{size}_075"))


@pytest.mark.parametrize("name", TABLE)
def test_block_k_ends_at_reduction_two_to_the_k(name):
    with torch.device("meta"):
        infos = build(name).block_infos()
    assert [info.reduction for info in infos] == [2, 4, 8, 16, 32]


@pytest.mark.parametrize("name", TABLE)
def test_a_tiny_instance_has_every_kind_of_module(name):
    with torch.device("meta"):
        published, tiny = build(name), build(name, **zoo_components()[list(TABLE).index(name)].tiny)
    assert {type(m) for m in tiny.modules()} == {type(m) for m in published.modules()}
    assert any(isinstance(m, SqueezeExcite) for m in tiny.modules()) == ("v3" in name)


def test_gray_images_get_the_sum_over_the_colours():
    colour, gray = randomised(build("mobilenet_v2", width=0.125)), build("mobilenet_v2", 1, width=0.125)
    gray.load_state_dict(gray.adapt_input(dict(colour.state_dict())))
    x = torch.rand(2, 1, 32, 32)
    torch.testing.assert_close(gray(x), colour(x.expand(-1, 3, -1, -1)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("bad", [{"dropout": 1.0}, {"last": -1}, {"rows": ()}, {"rows": [(8, 1, 3)]}])
def test_options_out_of_range_are_refused_by_every_network(bad):
    for name, *_ in TABLE.values():
        with pytest.raises(ValidationError):
            getattr(config, name)(**bad)


def test_rows_survive_json():
    options = config.MobileNetV3Large()
    assert config.MobileNetV3Large.model_validate_json(options.model_dump_json()) == options
