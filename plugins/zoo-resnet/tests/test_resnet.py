"""ResNet against torchvision and timm: same parameters, same features, same logits."""

import pytest
import timm
import torch
import torchvision
from torch import nn
from zoo_resnet import config
from zoo_resnet.plugin import TABLE
from zoo_resnet.resnet import ResidualUnit, ResNet

from zoo.testing import published

LIBRARIES = {
    "torchvision": torchvision.models.get_model,
    "timm": timm.create_model,
}
TINY = {"width": 0.125}
LEVELS = {f"block{k + 1}": f"layer{k}" for k in (1, 2, 3, 4)}


def options(depth):
    return getattr(config, f"ResNet{depth}")().model_dump()


def count(*modules):
    return sum(p.numel() for module in modules for p in module.parameters())


def with_head(depth, classes=1000):
    net = ResNet(**options(depth)).eval()
    return net, net.original_head(classes, net.block_infos((64, 64))[-1:]).eval()


def randomised(model):
    """Statistics and scales of a network that has seen something, without running it."""
    torch.manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight.data, module.bias.data, module.running_mean, module.running_var):
                tensor.uniform_(0.5, 1.5)
    return model.eval()


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("depth", [18, 50])
def test_features_and_logits_equal_the_reference(depth, library):
    published(ResNet(**options(depth)), LIBRARIES[library](f"resnet{depth}"), sizes=[(75, 64)], blocks=LEVELS)


@pytest.mark.parametrize("depth", TABLE)
def test_parameter_count_equals_torchvision(depth):
    with torch.device("meta"):
        assert count(*with_head(depth)) == count(torchvision.models.get_model(f"resnet{depth}"))


@pytest.mark.parametrize("depth", [101, pytest.param(152, marks=pytest.mark.slow)])
def test_published_keys_and_shapes_become_ours(depth):
    with torch.device("meta"):
        published(ResNet(**options(depth)), torchvision.models.get_model(f"resnet{depth}"), blocks=LEVELS)


def test_block_k_ends_at_reduction_two_to_the_k():
    with torch.device("meta"):
        net = ResNet(**options(50))
    assert [(i.reduction, i.channels) for i in net.block_infos()] == [
        (2, 64),
        (4, 256),
        (8, 512),
        (16, 1024),
        (32, 2048),
    ]


def test_zero_init_makes_each_unit_that_keeps_its_shape_the_identity():
    net = ResNet(**options(50) | TINY | {"zero_init": True}).eval()
    units = [m for m in net.modules() if isinstance(m, ResidualUnit) and isinstance(m.shortcut, nn.Identity)]
    assert len(units) == 12
    for unit in units:
        x = torch.rand(1, unit.outputs, 8, 8)
        assert torch.equal(unit(x), x)


def test_gray_images_get_the_sum_over_the_colours():
    colour = randomised(ResNet(**options(18) | TINY))
    gray = ResNet(in_channels=1, **options(18) | TINY).eval()
    gray.load_state_dict(gray.adapt_input(dict(colour.state_dict())))
    x = torch.rand(2, 1, 32, 32)
    torch.testing.assert_close(gray(x), colour(x.expand(-1, 3, -1, -1)), rtol=1e-4, atol=1e-5)
