"""VGG against torchvision and timm: same parameters, same features, same logits."""

import pytest
import timm
import torch
import torchvision
from zoo_vgg import config, weights
from zoo_vgg.plugin import TABLE
from zoo_vgg.vgg import VGG

from zoo.testing import published

LIBRARIES = {
    "torchvision": torchvision.models.get_model,
    "timm": timm.create_model,
}


def options(name):
    return getattr(config, TABLE[name][0])().model_dump()


def count(*modules):
    return sum(p.numel() for module in modules for p in module.parameters())


def with_head(name, size=(64, 64), classes=1000):
    net = VGG(**options(name)).eval()
    return net, net.original_head(classes, net.block_infos(size)[-1:]).eval()


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    "name", ["vgg11_bn", *(pytest.param(name, marks=pytest.mark.slow) for name in ("vgg16", "vgg19"))]
)
def test_features_and_logits_equal_the_reference(name, library):
    with torch.device("meta"):
        net = VGG(**options(name))
    published(net, LIBRARIES[library](name), sizes=[(64, 64)], blocks={"block5": "features"})


@pytest.mark.parametrize("name", TABLE)
def test_parameter_count_equals_torchvision(name):
    with torch.device("meta"):
        net, head = with_head(name, (224, 224))
        assert count(net, head) == count(torchvision.models.get_model(name))


def test_vgg16_has_the_published_size():
    with torch.device("meta"):
        net, head = with_head("vgg16", (224, 224))
    assert (count(net), count(net, head)) == (14_714_688, 138_357_544)
    assert net.block_infos((150, 150))[-1].shape == "512x4x4"


def test_block_k_ends_at_reduction_two_to_the_k():
    with torch.device("meta"):
        net = VGG(**options("vgg16_bn"))
    assert [info.reduction for info in net.block_infos()] == [2, 4, 8, 16, 32]
    assert [name for name, _ in net.steps() if name.startswith("block5")][-4:] == [
        "block5.conv3",
        "block5.bn3",
        "block5.relu3",
        "block5.pool",
    ]


def test_a_tap_before_the_activation_is_not_changed_by_it():
    net = VGG(**options("vgg19") | {"width": 0.125})
    taps = net.taps(torch.randn(1, 3, 32, 32), ["block5.conv4", "block5.relu4"])
    assert taps["block5.conv4"].min() < 0
    assert torch.equal(taps["block5.conv4"].relu(), taps["block5.relu4"])


def test_gray_images_get_the_sum_over_the_colours():
    colour = VGG(**options("vgg11") | {"width": 0.125}).eval()
    gray = VGG(in_channels=1, **options("vgg11") | {"width": 0.125}).eval()
    gray.load_state_dict(gray.adapt_input(dict(colour.state_dict())))
    x = torch.rand(2, 1, 32, 32)
    torch.testing.assert_close(gray(x), colour(x.expand(-1, 3, -1, -1)))


def test_names_of_both_libraries_become_ours():
    ours = weights.module_names(["block1.conv1", "block1.relu1", "block1.pool", "block2.conv1"])
    paths = ("features.3", "pre_logits.fc1", "head.fc")
    named = {f"{path}.weight": torch.zeros(2, 3, 7, 7) for path in paths}
    state = weights.as_linear(weights.rename(named, ours))
    assert {k: tuple(v.shape) for k, v in state.items()} == {
        "block2.conv1.weight": (2, 3, 7, 7),
        "head.fc1.weight": (2, 147),
        "head.fc3.weight": (2, 147),
    }
