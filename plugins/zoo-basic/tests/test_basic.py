"""The small backbones: sizes, what they take, and agreement with independent arithmetic."""

from functools import partial
from importlib import import_module, resources

import pytest
import torch
import torchvision
from torch.nn import functional as F
from zoo_basic import config
from zoo_basic.mlp import MLP
from zoo_basic.plugin import zoo_components
from zoo_basic.small_cnn import SmallCNN
from zoo_basic.tiny_resnet import ResidualUnit, TinyResNet

from zoo.spec.errors import ShapeError
from zoo.spec.recipe import Recipe

COMPONENTS = {component.name: component for component in zoo_components()}


def load(dotted):
    module, _, name = dotted.partition(":")
    return getattr(import_module(module), name)


def count(module):
    return sum(p.numel() for p in module.parameters())


def test_mlp_is_a_row_of_matrix_products():
    net, x = MLP(in_channels=1, input_size=(8, 6), hidden=(7, 5)), torch.rand(3, 1, 8, 6)
    (w1, b1, w2, b2) = net.parameters()
    expected = ((x.reshape(3, 48) @ w1.T + b1).clamp(min=0) @ w2.T + b2).clamp(min=0)
    torch.testing.assert_close(net(x), expected)


def test_mlp_describes_a_vector_a_block():
    infos = MLP(in_channels=2, input_size=(9, 5)).block_infos()
    assert [(info.layout, info.channels) for info in infos] == [("NC", 256), ("NC", 128)]


def test_mlp_refuses_another_size_by_name():
    with pytest.raises(ShapeError, match="cannot take images of 9x9"):
        MLP(input_size=(8, 8)).describe((9, 9))


def test_mlp_leaves_weights_for_another_image_size_to_the_strict_check():
    small, state = (
        MLP(in_channels=1, input_size=(14, 14)),
        MLP(in_channels=1, input_size=(28, 28)).state_dict(),
    )
    assert small.adapt_input(dict(state))["block1.fc.weight"].shape == (256, 784)


def test_mlp_learns_what_is_not_linear():
    torch.manual_seed(0)
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]).reshape(4, 1, 1, 2)
    y = torch.tensor([0, 1, 1, 0])
    net = MLP(in_channels=1, input_size=(1, 2), hidden=(16,))
    head = net.original_head(2, net.block_infos()[-1:])
    optimizer = torch.optim.Adam([*net.parameters(), *head.parameters()], lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        F.cross_entropy(head(net(x)), y).backward()
        optimizer.step()
    assert head(net(x)).argmax(1).tolist() == y.tolist()


@pytest.mark.parametrize("size", [(8, 8), (25, 31), (150, 150)])
def test_small_cnn_halves_the_map_in_each_block(size):
    infos = SmallCNN().block_infos(size)
    ceil = [tuple(-(-side // 2**k) for side in size) for k in (1, 2, 3, 4)]
    assert [(info.channels, info.size) for info in infos] == list(zip((32, 64, 128, 128), ceil, strict=True))


def test_small_cnn_with_its_original_head_has_the_parameters_of_the_book():
    net = SmallCNN()
    head = net.original_head(1, net.block_infos((112, 112))[-1:])
    assert count(net) == 896 + 18_496 + 73_856 + 147_584
    assert count(head) == 3_211_776 + 513


def test_small_cnns_original_head_is_refused_without_a_size():
    with pytest.raises(ShapeError, match="a map of known size"):
        SmallCNN().original_head(2, MLP().block_infos()[-1:])


def test_tiny_resnet_fits_in_a_mebibyte_as_the_readme_says():
    net = TinyResNet()
    assert count(net) == 174_608
    assert sum(t.numel() * t.element_size() for t in net.state_dict().values()) < 2**20


@pytest.mark.parametrize("size", [(25, 25), (32, 32), (64, 48)])
@torch.inference_mode()
def test_tiny_resnet_gives_logits_at_any_size(size):
    net = TinyResNet().eval()
    infos = net.block_infos(size)
    assert [info.reduction for info in infos] == [1, 2, 4]
    assert net.original_head(2, infos[-1:])(net(torch.rand(3, 3, *size))).shape == (3, 2)


@pytest.mark.parametrize(("outputs", "stride"), [(8, 1), (16, 2)])
@torch.inference_mode()
def test_the_residual_unit_equals_torchvisions(outputs, stride):
    ours = ResidualUnit(inputs=8, outputs=outputs, stride=stride)
    project = None if stride == 1 else torch.nn.Sequential(*ours.shortcut.children())
    theirs = torchvision.models.resnet.BasicBlock(8, outputs, stride, project)
    theirs.load_state_dict(ours.branch.state_dict(), strict=stride == 1)
    x = torch.randn(4, 8, 9, 9)
    torch.testing.assert_close(ours(x), theirs(x))


@pytest.mark.parametrize("family", [TinyResNet, SmallCNN, partial(MLP, input_size=(25, 25))])
def test_gray_images_get_the_sum_over_the_colours(family):
    colour, gray = family().eval(), family(in_channels=1).eval()
    gray.load_state_dict(gray.adapt_input(dict(colour.state_dict())))
    x = torch.rand(2, 1, 25, 25)
    torch.testing.assert_close(gray(x), colour(x.expand(-1, 3, -1, -1)))


@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize("name", COMPONENTS)
def test_a_tiny_instance_runs_with_any_number_of_channels(name, channels):
    component = COMPONENTS[name]
    options = load(component.config)(**component.tiny).model_dump()
    net = load(component.target)(in_channels=channels, **options)
    assert net(torch.rand(2, channels, *net.input_spec.size)).shape[0] == 2


def test_the_recipes_that_are_shipped_can_be_read():
    folder = resources.files("zoo_basic") / "recipes"
    recipes = {f.name: Recipe.from_file(f) for f in folder.iterdir() if f.name.endswith(".toml")}
    assert sorted(recipes) == ["small-1-from-scratch.toml", "small-2-transferred.toml"]
    scratch, transferred = (recipes[name] for name in sorted(recipes))
    assert transferred.model.weights in COMPONENTS[transferred.model.name].weights
    plain = transferred.model.model_copy(update={"weights": None, "freeze": "none"})
    assert scratch == transferred.model_copy(update={"model": plain})


def test_an_empty_network_is_refused():
    with pytest.raises(ValueError, match="at least 1 item"):
        config.SmallCNNOptions(channels=())
