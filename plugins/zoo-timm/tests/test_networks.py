"""Backbones against timm itself: the same numbers, bit for bit, whichever way they are run or loaded."""

import copy
from dataclasses import dataclass
from functools import cache

import pytest
import timm
import torch
from torch import nn
from zoo_timm.backbone import TimmBackbone
from zoo_timm.weights import unsaved

import zoo
import zoo.errors
from zoo.interfaces.blocks.feature_info import as_map

# name: (options, size of the images, reductions of the blocks)
CASES = {
    "inception_v3": ({}, 96, (2, 4, 8, 16, 32)),
    "nasnetalarge": ({"arguments": {"num_features": 192, "stem_size": 8}}, 96, (2, 4, 8, 16, 32)),
    "densenet121": ({}, 64, (2, 4, 8, 16, 32)),
    "legacy_xception": ({}, 96, (2, 4, 8, 16, 32)),
    "convnext_tiny": ({}, 64, (4, 8, 16, 32)),
    "efficientnet_b0": ({}, 64, (2, 4, 8, 16, 32)),
    "swin_tiny_patch4_window7_224": ({"input_size": (64, 64)}, 64, (4, 8, 16, 32)),
    "vit_tiny_patch16_224": ({"input_size": (64, 64)}, 64, (16,) * 12),
    "deit_tiny_distilled_patch16_224": ({"input_size": (64, 64)}, 64, (16,) * 12),
    "eva02_tiny_patch14_224": ({"input_size": (56, 56)}, 56, (16,) * 12),
    "levit_128s": ({"input_size": (64, 64)}, 64, (2, 4, 8, 16, 32, 64)),
    "resnet18": ({}, 64, (2, 4, 8, 16, 32)),
}
SLOW = {"nasnetalarge": ({}, 96), "inception_resnet_v2": ({}, 96), "xception65": ({}, 96)}
HEAVY = ("densenet121", "efficientnet_b0", "inception_v3", "legacy_xception", "nasnetalarge")
CLASSES = 7


def marked(names):
    """Names as parameters, those of heavy networks slow."""
    return [pytest.param(name, marks=pytest.mark.slow) if name in HEAVY else name for name in names]


@dataclass
class Pair:
    """A network of timm, and the backbone and classifier that were given its weights."""

    network: nn.Module
    backbone: TimmBackbone
    head: nn.Module
    x: torch.Tensor


def make(name, options, side):
    torch.manual_seed(0)
    sized = {"img_size": options["input_size"]} if "input_size" in options else {}
    network = timm.create_model(name, num_classes=CLASSES, **sized, **options.get("arguments", {})).eval()
    for key, buffer in network.named_buffers():
        if key.endswith("running_mean"):
            buffer.normal_(0, 0.1)
        elif key.endswith("running_var"):
            buffer.uniform_(0.5, 1.5)
    with torch.device("meta"):
        backbone = TimmBackbone(architecture=name, **options)
        head = backbone.original_head(CLASSES, backbone.block_infos()[-1:])
    load(backbone, head, network.state_dict())
    return Pair(network, backbone.eval(), head.eval(), torch.rand(2, 3, side, side))


def load(backbone, head, published):
    for part in (backbone, head):
        for module in part.modules():
            for name, buffer in unsaved(module).items():
                module._buffers[name] = torch.full_like(buffer, 77, device="cpu")
        part.reset_buffers()
    state = {k: v.clone() for k, v in backbone.convert(published).items()}
    backbone.load_state_dict({k: v for k, v in state.items() if not k.startswith("head.")}, assign=True)
    head.load_state_dict({k[5:]: v for k, v in state.items() if k.startswith("head.")}, assign=True)


@cache
def pair(name):
    options, side, _ = CASES[name]
    return make(name, options, side)


@pytest.fixture(params=marked(CASES))
def case(request):
    return pair(request.param)


@torch.no_grad()
def assert_same(case):
    features = case.backbone(case.x)
    assert torch.equal(features, case.network.forward_features(case.x))
    assert torch.equal(case.head(features), case.network(case.x))


def test_features_and_logits_are_those_of_timm(case):
    assert_same(case)


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_large_networks_are_those_of_timm(name):
    assert_same(make(name, *SLOW[name]))


@torch.no_grad()
def test_training_draws_and_computes_the_same(case):
    results = []
    for module in (copy.deepcopy(case.network), copy.deepcopy(case.backbone)):
        module.train()
        torch.manual_seed(1)
        results.append(getattr(module, "forward_features", module)(case.x))
    assert torch.equal(*results)


@torch.no_grad()
def test_up_to_any_block_then_on_is_the_whole(case):
    whole = case.backbone(case.x)
    for name in case.backbone.block_names:
        state = case.backbone.run(case.x, until=name)
        assert torch.equal(case.backbone.feature(case.backbone.run(state, after=name)), whole)


def test_nothing_is_left_on_the_meta_device(case):
    tensors = [*case.backbone.parameters(), *case.backbone.buffers(), *case.head.parameters()]
    assert not any(t.is_meta for t in [*tensors, *case.head.buffers()])


def test_every_parameter_is_in_one_block_or_the_head(case):
    owners = [p for block in case.backbone.blocks.values() for p in block.parameters()]
    assert len(owners) == len(set(owners))
    together = sum(p.numel() for p in [*owners, *case.head.parameters()])
    assert together == sum(p.numel() for p in case.network.parameters())


@pytest.mark.parametrize("name", marked(["inception_v3", "convnext_tiny"]))
def test_unknown_keys_stay_for_the_strict_check_to_name(name):
    case = pair(name)
    state = case.backbone.convert({**case.network.state_dict(), "stray.weight": torch.zeros(1)})
    assert "stray.weight" in state


def test_published_files_with_more_than_weights_go_through_timms_filter():
    case = pair("swin_tiny_patch4_window7_224")
    index = "layers.0.blocks.0.attn.relative_position_index"
    published = {**case.network.state_dict(), index: torch.zeros(49, 49)}
    assert case.backbone.convert(published).keys() == case.backbone.convert(case.network.state_dict()).keys()


SIZED = r"are for images of another size: block1\.embed\.model\.pos_embed resampled; figures are not those of"


def test_position_embeddings_of_another_size_are_resampled_by_timm():
    case = pair("vit_tiny_patch16_224")
    larger = timm.create_model("vit_tiny_patch16_224", num_classes=CLASSES, img_size=96).state_dict()
    with pytest.warns(zoo.errors.ZooWarning, match=SIZED):
        state = case.backbone.convert(larger)
    assert state.keys() >= case.backbone.state_dict().keys()
    own = case.backbone.state_dict()
    assert all(state[key].shape == own[key].shape for key in own)


@pytest.mark.parametrize("channels", [1, 3])
def test_weights_under_zoos_names_fit_another_image_size_as_timms_own_do(tmp_path, channels):
    name = "timm:vit_tiny_patch16_224"
    small = zoo.build(name, input_size=32, in_channels=channels, seed=0)
    folder = zoo.save(small, tmp_path / "model")
    raw = timm.create_model("vit_tiny_patch16_224", num_classes=CLASSES, img_size=32, in_chans=channels)
    theirs = {small.backbone._names.ours[k]: k for k in raw.state_dict() if k in small.backbone._names.ours}
    raw.load_state_dict({theirs[k]: v for k, v in small.backbone.state_dict().items()}, strict=False)
    torch.save(raw.state_dict(), tmp_path / "raw.pth")
    done = zoo.convert(tmp_path / "raw.pth", name, input_size=32, in_channels=channels)
    wanted = small.backbone.state_dict()["block1.embed.model.pos_embed"]
    wanted = timm.layers.resample_abs_pos_embed(wanted, (4, 4), num_prefix_tokens=1)
    for ask in (
        lambda: zoo.build(f"file:{folder}", head="binary", input_size=64),
        lambda: zoo.build(name, weights=f"file:{done.file}", in_channels=channels, input_size=64),
    ):
        # Once, and not where the size is the weights' own, which would be an error here
        with pytest.warns(zoo.errors.ZooWarning, match=SIZED) as said:
            model = ask()
        assert len(said) == 1
        state = model.backbone.state_dict()
        assert torch.equal(state.pop("block1.embed.model.pos_embed"), wanted)
        assert all(torch.equal(tensor, small.backbone.state_dict()[key]) for key, tensor in state.items())


def test_weights_of_another_network_are_named_by_shape_and_not_by_channels(tmp_path):
    file = zoo.save(zoo.build("timm:vit_tiny_patch16_224", input_size=32), tmp_path / "tiny")
    with pytest.raises(zoo.ZooError, match="of another shape") as caught:
        zoo.build("timm:vit_small_patch16_224", input_size=32, weights=f"file:{file}")
    assert "in_channels" not in str(caught.value)


@torch.no_grad()
def test_no_step_overwrites_what_another_returned(case):
    state, kept = case.x, []
    for name, module in case.backbone.steps():
        state = module(state)
        value = case.backbone.feature(state)
        kept.append((name, value, value.clone()))
    assert [name for name, value, copied in kept if not torch.equal(value, copied)] == []


@pytest.mark.parametrize("name", marked(CASES))
def test_blocks_end_where_the_reduction_changes(name):
    infos = pair(name).backbone.block_infos()
    assert tuple(info.reduction for info in infos) == CASES[name][2]


def test_a_pool_ends_a_block_of_vgg():
    with torch.device("meta"):
        blocks = TimmBackbone(architecture="vgg11").blocks.values()
    assert [type(list(block.children())[-1]) for block in blocks] == [nn.MaxPool2d] * 5


def test_layers_before_a_stride_go_with_their_module():
    blocks = pair("convnext_tiny").backbone.blocks
    assert next(name for name, _ in blocks["block2"].named_children()) == "stages_1_downsample_0"


@torch.no_grad()
def test_descriptions_are_true(case):
    infos = case.backbone.block_infos(tuple(case.x.shape[2:]))
    state = case.x
    for info in infos:
        state = getattr(case.backbone, info.name)(state)
        x = as_map(case.backbone.feature(state), info)
        assert (x.shape[1], tuple(x.shape[2:])) == (info.channels, info.size)


FREEZABLE = ("densenet121", "convnext_tiny", "swin_tiny_patch4_window7_224", "efficientnet_b0")


@pytest.mark.parametrize("name", marked(FREEZABLE))
def test_frozen_blocks_do_not_move_in_training(name):
    backbone = copy.deepcopy(pair(name).backbone)
    backbone.freeze("block1-2")
    backbone.train()
    x = pair(name).x
    before = {k: v.clone() for k, v in backbone.state_dict().items()}
    with torch.no_grad():
        assert torch.equal(backbone.run(x, until="block2"), pair(name).backbone.run(x, until="block2"))
    optimizer = torch.optim.SGD(backbone.parameters(), lr=0.1, weight_decay=0.1)
    backbone(x).pow(2).mean().backward()
    optimizer.step()
    moved = {k.split(".")[0] for k, v in backbone.state_dict().items() if not torch.equal(v, before[k])}
    assert moved == set(backbone.block_names[2:])


CHANNELS = ("vit_tiny_patch16_224", "convnext_tiny", "inception_v3")


@pytest.mark.parametrize("name", marked(CHANNELS))
@pytest.mark.parametrize("channels", [1, 5])
@torch.no_grad()
def test_other_numbers_of_channels(name, channels):
    case = pair(name)
    net = TimmBackbone(architecture=name, in_channels=channels, **CASES[name][0]).eval()
    state = net.adapt_input(net.convert(case.network.state_dict()))
    net.load_state_dict({k: v for k, v in state.items() if not k.startswith("head.")})
    assert net.input_spec.channels == channels
    gray = case.x[:, :1]
    if channels == 1:
        expected = case.backbone(gray.expand(-1, 3, -1, -1))
        assert (net(gray) - expected).norm() < 1e-4 * expected.norm()
    else:
        assert net(gray.expand(-1, channels, -1, -1)).shape == case.backbone(case.x).shape


def test_a_copy_is_independent_and_the_same(case):
    twin = copy.deepcopy(case.backbone)
    with torch.no_grad():
        assert torch.equal(twin(case.x), case.backbone(case.x))
    assert not set(map(id, twin.parameters())) & set(map(id, case.backbone.parameters()))
