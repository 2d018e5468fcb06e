"""A backbone ends where its head takes the features, or where `blocks` says: nothing behind is kept."""

from __future__ import annotations

import hashlib
import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

import zoo
from zoo.registry.lookup import entries
from zoo.spec.errors import FreezeError, OptionError, ShapeError, WeightsError, ZooWarning
from zoo.testing.case import Case

FAST = ("resnet", "vision_transformer", "swin_transformer", "vgg")
TIMM = "zoo-timm"
# Of timm's hundreds one a family
FAMILIES = {
    (e.plugin.distribution, e.component.tags[-1] if e.plugin.distribution == TIMM else e.component.name): e
    for e in entries("backbone")
}
CASES = [
    pytest.param(
        Case(entry),
        id=f"{place}-{name}",
        marks=[] if place != TIMM or name in FAST else [pytest.mark.slow],
    )
    for (place, name), entry in FAMILIES.items()
]
TAPPED: dict[str, Any] = {"name": "small_cnn", "channels": [4, 6, 8], "input_size": 16, "classes": ["a", "b"]}
HEAD = {"name": "binary", "taps": ["block2", "block1"]}
X = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def build(**said: Any) -> zoo.Model:
    section = {**TAPPED, **said}
    if section.get("head") is None:
        del section["classes"]
    return zoo.build(section, seed=0)


def whole_state(model: zoo.Model) -> dict[str, Tensor]:
    """The tensors of a model as versions before kept them: with those behind the head's taps."""
    whole = {f"backbone.{k}": v for k, v in build().backbone.state_dict().items()}
    return {**whole, **model.state_dict()}


def written_before(model: zoo.Model, folder: Path, **section: Any) -> Path:
    """A folder of format 2 from before backbones were cut."""
    zoo.save(model, folder)
    config = json.loads((folder / "config.json").read_text())
    del config["recipe"]["model"]["options"]["blocks"]
    config["recipe"]["model"].update(section)
    save_file(whole_state(model), folder / "model.safetensors")
    config["sha256"] = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    (folder / "config.json").write_text(json.dumps(config))
    return folder


# -- what is left computes the same ----------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_cut_at_any_step_a_backbone_gives_the_features_of_the_whole(case: Case) -> None:
    backbone, x = case.backbone().eval(), case.images()
    steps = [name for name, _ in backbone.steps()]
    with torch.no_grad():
        taps = backbone.taps(x, steps)
        # Of long chains some: each cut is a forward
        for i in range(len(steps) - 1, -1, -max(len(steps) // 6, 1)):
            assert torch.equal(backbone.cut([steps[i]])(x), taps[steps[i]]), steps[i]
            assert [name for name, _ in backbone.steps()] == steps[: i + 1]


@pytest.mark.parametrize("name", ["vgg16", "timm:vit_tiny_patch16_224"])
def test_a_head_at_a_tap_gives_what_it_gave_behind_the_whole_network(name: str) -> None:
    (case,) = [Case(e) for e in entries("backbone") if e.qualified.endswith(name) or e.qualified == name][:1]
    head = {"name": "binary", "taps": ["block1"]}
    said: dict[str, Any] = {**case.reference, "head": head, "input_size": case.size}
    model, x = zoo.build(said, seed=0), case.images()
    whole = zoo.build({**case.reference, "input_size": case.size}, seed=0)
    assert len(model.backbone.blocks) == 1 < len(whole.backbone.blocks)
    taps = whole.backbone.taps(whole.normalise(x), head["taps"])
    with torch.no_grad():
        assert torch.equal(model(x), model.head(*taps.values()))


def test_nothing_behind_the_deepest_tap_is_counted_trained_or_saved(tmp_path: Path) -> None:
    model = build(head=HEAD).train()
    names = {name.split(".")[1] for name in model.state_dict() if name.startswith("backbone.")}
    assert names == {"block1", "block2"}
    assert [row.name for row in model.summary().rows] == ["block1", "block2", "head"]
    assert "backbone ends at block2: what lies behind it is cut off" in repr(model.summary())
    model(X).sum().backward()
    assert all(p.grad is not None for p in model.parameters())
    zoo.save(model, tmp_path / "model")
    assert load_file(tmp_path / "model" / "model.safetensors").keys() == model.state_dict().keys()
    with pytest.warns(ZooWarning, match="random weights"):
        model.freeze("all")
    assert model.frozen == ("block1", "block2")


def test_vgg16_at_block3_has_a_ninth_of_its_parameters() -> None:
    head = {"name": "binary", "taps": ["block3"]}
    assert zoo.build("vgg16", head=head).summary().parameters == 1_735_488 + 257
    assert zoo.build("vgg16", blocks="block1-3").summary().parameters == 1_735_488
    assert zoo.build("vgg16", head="binary").summary().parameters == 14_714_688 + 513


def test_a_tap_inside_a_block_cuts_the_rest_of_the_block() -> None:
    model = build(head={"name": "binary", "taps": ["block2.conv"]})
    assert [name for name, _ in model.backbone.steps()][-2:] == ["block1.pool", "block2.conv"]
    assert model.recipe.model.options["blocks"] == "block1-2.conv"
    assert torch.equal(zoo.build(model.recipe)(X), build(head={"name": "binary", "taps": ["block2.conv"]})(X))


def test_a_second_cut_inside_a_cut_block_says_where_it_ends() -> None:
    net = build().backbone
    assert [net.cut([tap]).cut_at for tap in ("block2.relu", "block2.conv", "block2")] == [
        *("block2.relu", "block2.conv", "block2.conv")
    ]
    assert (net.cut_blocks, net.cut(["block1"]).cut_blocks) == (("block3",), ("block2", "block3"))
    assert net.cut_at == "block1"
    assert net.cut([]).cut_at == "block1"


def test_a_head_on_the_last_map_or_none_cuts_nothing() -> None:
    for head in (None, "binary", "original", {"name": "binary", "taps": ["block1", "block3"]}):
        model = build(head=head)
        assert (len(model.backbone.blocks), model.backbone.cut_at) == (3, None)
        assert "blocks" not in model.recipe.model.options


# -- the option `blocks` -----------------------------------------------------------------------------------


def test_blocks_is_the_head_at_the_tap(tmp_path: Path) -> None:
    taps = build(head={"name": "binary", "taps": ["block2"]})
    model = build(head="binary", blocks="block1-2")
    assert torch.equal(model(X), taps(X))
    assert model.recipe.model.options == taps.recipe.model.options
    zoo.save(model, tmp_path / "model")
    for again in (zoo.load(tmp_path / "model"), zoo.pull(f"file:{tmp_path / 'model'}")):
        assert torch.equal(again(X), model(X))
        assert again.recipe == model.recipe


@pytest.mark.parametrize("said", ["block1-2", "block1-block2", " block1-2 "])
def test_blocks_is_recorded_in_one_form(said: str) -> None:
    assert build(blocks=said).recipe.model.options["blocks"] == "block1-2"
    assert build(blocks=None).recipe.model.options == build().recipe.model.options


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ({"blocks": 2}, "bad blocks: expected .*, got 2; say 'block1-2'"),
        ({"blocks": "block2"}, "got 'block2'; say 'block1-2'"),
        ({"blocks": "1-2"}, "got '1-2'; say 'block1-2'"),
        ({"blocks": ["block1"]}, r"got \['block1'\]; say 'block1'"),
        ({"blocks": ["block1", "block2"]}, "; say 'block1-2'"),
        ({"blocks": "block2-3"}, "kept from the first on: say 'block1-3'"),
        ({"blocks": "block1,block3"}, "kept from the first on: say 'block1-3'"),
        ({"blocks": "Blocks 1 to 2"}, "; say 'block1-2'"),
        ({"blocks": "all"}, "; leave it out for all"),
        ({"blocks": "block1,stem"}, "; leave it out for all"),
        ({"blocks": True}, "got True; leave it out for all"),
        ({"blocks": "block1-4"}, "expected blocks up to 'block1-3', .*got 'block1-4'; leave it out"),
        ({"blocks": "block1-2.con"}, "got 'block1-2.con'; did you mean 'block1-2.conv'"),
        ({"blocks": "block1-2.unit1"}, "got 'block1-2.unit1'; choose from 'block1-2', 'block1-2.conv'"),
        ({"blocks": "block1-2", "head": "original"}, "map of the whole network, got .*; leave blocks out"),
        ({"blocks": "block1", "head": HEAD}, "no tap block2 in .*; blocks='block1' keeps no more"),
        ({"blocks": "block1-2", "freeze": "block1-3"}, 'cut off behind block2, .*; say freeze="block1-2"'),
        ({"head": HEAD, "freeze": "block3"}, "expected blocks among block1, block2, .*cut off behind block2"),
        ({"head": HEAD, "freeze": "block1-4"}, '"all" freezes all 2'),
        (
            {"name": "unet", "channels": None, "blocks": "block1-2"},
            'encoder={"name": "unet_encoder", "blocks": "block1',
        ),
    ],
)
def test_what_cannot_be_is_refused_with_the_next_step(said: dict[str, Any], line: str) -> None:
    table = {k: v for k, v in {**TAPPED, **said}.items() if v is not None}
    with pytest.raises((OptionError, ShapeError, FreezeError), match=line):
        zoo.build(table)


def test_a_part_is_cut_by_its_own_table(tmp_path: Path) -> None:
    encoder = {"name": "vgg11", "width": 0.0625, "blocks": "block1-2"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ZooWarning)
        model = zoo.build("unet", encoder=encoder, classes=2, input_size=16, freeze="encoder.block1", seed=0)
    assert [row.name for row in model.summary().rows] == ["block1", "block2", "decoder", "head"]
    zoo.save(model, tmp_path / "model")
    again = zoo.load(tmp_path / "model")
    assert torch.equal(again(X), model(X))
    assert again.recipe.model.options["encoder"]["blocks"] == "block1-2"
    with pytest.raises(FreezeError, match=r'cut off behind block2, .*; say freeze="encoder.block1-2"'):
        model.freeze("encoder.block1-3")


# -- weights -----------------------------------------------------------------------------------------------


def test_weights_of_the_whole_are_cut_likewise(tmp_path: Path) -> None:
    full = zoo.save(zoo.build(TAPPED, head="binary", seed=1), tmp_path / "full")
    bare = tmp_path / "bare.safetensors"
    save_file(zoo.load(full).backbone.state_dict(), bare)
    want = {k: v for k, v in zoo.load(full).backbone.state_dict().items() if not k.startswith("block3")}
    for weights in (full, bare):
        got = build(head=HEAD, weights=str(weights)).backbone.state_dict()
        assert got.keys() == want.keys()
        assert all(torch.equal(got[k], want[k]) for k in want)


def test_published_names_are_read_where_the_backbone_is_cut(tmp_path: Path) -> None:
    from torchvision.models import vgg11  # type: ignore[import-untyped]

    theirs = vgg11(weights=None, num_classes=2).eval()
    save_file(theirs.state_dict(), tmp_path / "theirs.safetensors")
    model = zoo.build("vgg11", blocks="block1-2", weights=str(tmp_path / "theirs.safetensors"))
    x = torch.rand(1, 3, 32, 32)
    assert torch.equal(model.backbone(x), nn.Sequential(*[*theirs.features][:6])(x))


def test_a_model_in_the_place_of_a_name_brings_the_blocks_that_it_has(tmp_path: Path) -> None:
    saved = zoo.save(build(head=HEAD), tmp_path / "tapped")
    model = zoo.build(str(saved), head="binary")
    assert [*model.backbone.blocks] == ["block1", "block2"]
    before, now = (m.backbone.state_dict() for m in (zoo.load(saved), model))
    assert all(torch.equal(before[name], now[name]) for name in now)
    with pytest.raises(WeightsError, match="got none of block3; blocks='block1-2' takes what is there"):
        build(weights=str(saved))
    # Fewer blocks than the file has, and no more
    assert [*build(weights=str(saved), blocks="block1").backbone.blocks] == ["block1"]


# -- older files -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("freeze", ["none", "block1-2", "block1-3", "block1,block3", "block3", "all"])
def test_a_file_with_tensors_behind_the_cut_is_read_and_says_so(tmp_path: Path, freeze: str) -> None:
    model = build(head=HEAD)
    folder = written_before(model, tmp_path / "before", freeze=freeze)
    with pytest.warns(ZooWarning, match=r"2 tensors behind block2 are passed over") as said:
        again = zoo.load(folder)
    assert len(said) == 1
    assert torch.equal(again(X), model(X))
    assert again.state_dict().keys() == model.state_dict().keys()
    frozen = {"none": (), "block3": (), "block1,block3": ("block1",)}.get(freeze, ("block1", "block2"))
    assert again.frozen == frozen
    zoo.save(again, tmp_path / "after")
    assert torch.equal(zoo.load(tmp_path / "after")(X), model(X))


def test_tensors_that_are_behind_no_cut_are_still_refused(tmp_path: Path) -> None:
    model = build(head=HEAD)
    folder = written_before(model, tmp_path / "before")
    state = {**load_file(folder / "model.safetensors"), "backbone.block4.conv.bias": torch.zeros(2)}
    save_file(state, folder / "model.safetensors")
    with warnings.catch_warnings(), pytest.raises(WeightsError, match=r"1 unexpected: backbone.block4"):
        warnings.simplefilter("ignore", ZooWarning)
        zoo.load(folder)


def test_the_backbone_of_an_older_file_is_taken_whole(tmp_path: Path) -> None:
    folder = written_before(build(head=HEAD), tmp_path / "before")
    assert len(zoo.build(str(folder), head="binary").backbone.blocks) == 3
