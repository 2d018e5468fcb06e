"""Options of timm's networks, and what is said of those that are no chain."""

import pytest
import torch
from torch import nn
from zoo_timm.backbone import TimmBackbone
from zoo_timm.levels import map_layout, prefix_tokens
from zoo_timm.network import Source
from zoo_timm.plan import NoChainError, read_plan

from zoo.spec.errors import OptionError, PluginError, WeightsError

LENGTH = 300


def one_line(caught):
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < LENGTH
    return text


def test_a_network_that_is_no_chain_is_refused_with_the_reason():
    with pytest.raises(PluginError) as caught:
        TimmBackbone(architecture="cait_xxs24_224")
    assert "norm is not given what blocks_token_only.1 returns" in one_line(caught)


def test_an_unknown_architecture_names_the_nearest():
    with pytest.raises(OptionError) as caught:
        TimmBackbone(architecture="vit_tinny_patch16_224")
    assert "vit_tiny_patch16_224" in one_line(caught)


def test_an_unknown_argument_names_the_nearest():
    with pytest.raises(OptionError) as caught:
        TimmBackbone(architecture="vit_tiny_patch16_224", arguments={"depht": 2})
    assert "did you mean depth?" in one_line(caught)


@pytest.mark.parametrize("name", ["pretrained", "in_chans", "checkpoint_path"])
def test_arguments_that_zoo_sets_are_refused(name):
    with pytest.raises(OptionError) as caught:
        TimmBackbone(architecture="resnet18", arguments={name: 1})
    assert name in one_line(caught)


def test_a_value_that_does_not_fit_is_one_line():
    with pytest.raises(OptionError) as caught:
        TimmBackbone(architecture="convnext_tiny", arguments={"depths": "many"})
    one_line(caught)


def test_arguments_make_another_network():
    with torch.device("meta"):
        net = TimmBackbone(architecture="resnet18", arguments={"layers": [1, 1, 1, 1]})
    assert [name for name, _ in net.steps()][-1] == "block5.layer4_0"


def test_drop_path_reaches_the_network():
    with torch.device("meta"):
        net = TimmBackbone(architecture="convnext_atto", drop_path_rate=0.3)
    assert max(getattr(m, "drop_prob", 0) or 0 for m in net.modules()) == pytest.approx(0.3)


def test_a_size_that_is_not_square():
    net = TimmBackbone(architecture="swin_tiny_patch4_window7_224", input_size=(64, 96)).eval()
    assert net.map_layout == "NHWC"
    assert net.block_infos()[-1].size == (2, 3)
    assert net(torch.rand(1, 3, 64, 96)).shape == (1, 2, 3, 768)


def test_weights_of_another_network_are_named_in_one_line():
    net = TimmBackbone(architecture="swin_tiny_patch4_window7_224", input_size=(64, 64))
    try:
        net.convert({"patch_embed.proj.weight": torch.zeros(1)})
    except WeightsError as error:
        assert "\n" not in str(error)


class Overwrites(nn.Module):
    def forward(self, x):
        return x.add_(1)


class Network(nn.Module):
    """Has what timm's networks have."""

    def __init__(self, *steps):
        super().__init__()
        self.body = nn.Sequential(*steps)
        self.head = nn.Identity()

    def forward_features(self, x):
        return self.body(x)

    def forward_head(self, x):
        return self.head(x)


def plan(*steps):
    with torch.device("meta"):
        return read_plan(Network(*steps), 3, (32, 32))


def test_a_step_that_overwrites_its_input_is_refused():
    with torch.device("meta"), pytest.raises(NoChainError, match=r"body\.1 changes its input in place"):
        plan(nn.Conv2d(3, 4, 1), Overwrites())


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, 1, 1)

    def forward(self, x):
        out = self.conv(x)
        out += x
        return out


def test_a_residual_unit_that_adds_in_place_is_not_opened():
    with torch.device("meta"):
        names = [step.name for step in plan(nn.Conv2d(3, 4, 1), Residual()).steps]
    assert names == ["body.0", "body.1"]


def test_a_module_without_weights_may_run_twice_and_others_not():
    relu, conv = nn.ReLU(), nn.Conv2d(3, 3, 1, device="meta")
    names = [step.name for step in plan(relu, nn.Conv2d(3, 4, 1, device="meta"), relu).steps]
    assert names == ["body.0", "body.1", "body.0.2"]
    with pytest.raises(NoChainError, match="runs 2 times"):
        plan(conv, nn.ReLU(), conv)


def test_layouts_are_read_off_square_maps():
    maps = {"a": torch.empty(1, 8, 4, 4), "b": torch.empty(1, 16, 64)}
    assert map_layout(maps) == "NCHW"
    assert map_layout({"a": torch.empty(1, 4, 4, 8)}) == "NHWC"
    assert prefix_tokens({"a": torch.empty(1, 17, 8)}, None) == 1
    with pytest.raises(NoChainError, match="another layout"):
        map_layout({"a": torch.empty(1, 4, 4, 8), "b": torch.empty(1, 8, 4, 4)})


def test_sources_of_equal_options_are_equal():
    first, second = (Source.of(a, architecture="resnet18") for a in ({"a": 1, "b": 2}, {"b": 2, "a": 1}))
    assert first == second
