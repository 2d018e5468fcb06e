"""Vectors that heads make of a transformer's tokens, against what timm's own classifiers take."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from timm.models.vision_transformer import global_pool_nlc
from torch import Tensor
from zoo_timm.backbone import TimmBackbone
from zoo_timm.table import architectures

import zoo
from zoo.builtin.heads import RegressionHead
from zoo.errors import ShapeError

SIZES = {14: 28, 16: 32, 32: 64}
VITS = sorted(
    name
    for name, row in architectures().items()
    if row["module"]
    in ("vision_transformer", "deit", "beit", "eva", "naflexvit", "vision_transformer_relpos")
)
OTHERS = ("vit_base_patch16_siglip_224", "vitamin_small_224")
"""One pools by attention, with weights of its own, so that heads take the mean; one has no small version."""
FAST = ("vit_tiny_patch16_224", "vit_small_patch14_reg4_dinov2", "beit_base_patch16_224")
TINY = {"depth": 2, "embed_dim": 24, "num_heads": 2}
TOKEN = "vit_tiny_patch16_224"
X = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@cache
def pair(name: str) -> tuple[Any, TimmBackbone, Tensor]:
    """A small network of timm's with random weights, the backbone with the same, and images."""
    side = next((size for patch, size in SIZES.items() if f"patch{patch}" in name), 32)
    size = (side, side) if architectures()[name]["sized"] else None
    torch.manual_seed(0)
    network = timm.create_model(name, num_classes=0, **({"img_size": size} if size else {}), **TINY).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            # Class tokens begin near zero, norms at one
            parameter.add_(torch.randn_like(parameter) * 0.1)
    backbone = TimmBackbone(architecture=name, arguments=TINY, input_size=size)
    state = backbone.convert(network.state_dict())
    backbone.load_state_dict({key: value for key, value in state.items() if not key.startswith("head.")})
    return network, backbone.eval(), torch.rand(2, 3, side, side)


def pooled(backbone: TimmBackbone, x: Tensor, pool: str | None) -> Tensor:
    """The vector that a head's last layer takes."""
    head = RegressionHead(inputs=backbone.block_infos((x.shape[2], x.shape[3]))[-1:], pool=pool)
    seen: list[Tensor] = []
    head.last.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    with torch.no_grad():
        head(backbone(x))
    return seen[0]


def tiny(name: str = TOKEN, **said: Any) -> zoo.Model:
    table = {"name": f"timm:{name}", "arguments": TINY, "input_size": 32, "classes": ["a", "b"]}
    return zoo.build({**table, "head": "binary", **said}, seed=0)


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[] if n in FAST else [pytest.mark.slow]) for n in VITS if n not in OTHERS],
)
def test_the_networks_own_pooling_is_what_timms_classifier_takes(name: str) -> None:
    network, backbone, x = pair(name)
    vector = pooled(backbone, x, None)
    with torch.no_grad():
        # A norm behind the pooling belongs to timm's classifier
        norm = getattr(network, "fc_norm", None) or torch.nn.Identity()
        assert torch.equal(norm(vector), network.forward_head(network.forward_features(x), pre_logits=True))


@pytest.mark.parametrize("name", FAST)
def test_token_and_avg_are_timms_global_pool(name: str) -> None:
    network, backbone, x = pair(name)
    with torch.no_grad():
        tokens = network.forward_features(x)
    prefix = network.num_prefix_tokens
    token, mean = (
        global_pool_nlc(tokens, pool_type=way, num_prefix_tokens=prefix) for way in ("token", "avg")
    )
    assert torch.equal(pooled(backbone, x, "token"), token)
    assert torch.equal(pooled(backbone, x, "avg"), mean)
    assert torch.equal(pooled(backbone, x, "token+avg"), torch.cat([token, mean], 1))


def test_a_distilled_network_has_two_class_tokens() -> None:
    network, backbone, x = pair("deit_tiny_distilled_patch16_224")
    with torch.no_grad():
        tokens = network.forward_features(x)
    assert backbone.class_tokens == 2
    assert torch.equal(pooled(backbone, x, "token"), (tokens[:, 0] + tokens[:, 1]) / 2)


@pytest.mark.parametrize(
    ("pool", "moves"), [(None, True), ("token", True), ("token+avg", True), ("avg", False)]
)
def test_another_class_token_is_another_answer_to_heads_that_take_it(pool: str | None, moves: bool) -> None:
    model = tiny(head={"name": "binary", "pool": pool})
    (tokens,) = model.features(X)
    other = torch.cat([tokens[:, :1] + 3, tokens[:, 1:]], 1)
    assert torch.equal(model.head(other), model.head(tokens)) is not moves


@pytest.mark.parametrize(
    ("name", "said", "recorded", "note"),
    [
        (TOKEN, None, "token", "head takes the class token"),
        (TOKEN, "avg", "avg", "head takes avg of the patch tokens"),
        (TOKEN, "token+avg", "token+avg", "head takes the class token beside the mean of the patch tokens"),
        ("beit_base_patch16_224", None, "avg", "head takes avg of the patch tokens"),
    ],
)
def test_the_pooling_is_saved_and_shown(
    name: str, said: str | None, recorded: str, note: str, tmp_path: Path
) -> None:
    model = tiny(name, head={"name": "binary", "pool": said})
    assert model.recipe.model.head["pool"] == recorded  # type: ignore[index]
    assert note in repr(model.summary()).splitlines()
    zoo.save(model, tmp_path / "model")
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert config["recipe"]["model"]["head"]["pool"] == recorded
    again = zoo.load(tmp_path / "model")
    assert torch.equal(again(X), model(X))
    assert again.recipe == model.recipe


@pytest.mark.parametrize("written", [1, 2])
def test_a_model_saved_before_gives_the_answers_that_it_gave(written: int, tmp_path: Path) -> None:
    model = tiny(head={"name": "binary", "pool": "avg"})
    zoo.save(model, tmp_path / "old")
    path = tmp_path / "old" / "config.json"
    config = json.loads(path.read_text())
    if written == 1:  # which recorded what had been asked for, here nothing
        config |= {"format": 1}
        config["recipe"]["model"]["head"] = "binary"
        config["recipe"]["model"]["options"] = {"arguments": TINY}
    path.write_text(json.dumps(config))
    again = zoo.load(tmp_path / "old")
    assert torch.equal(again(X), model(X))
    assert again.recipe.model.head["pool"] == "avg"  # type: ignore[index]


def test_a_token_of_what_has_none_is_refused() -> None:
    for table in (
        {"name": "vgg11", "width": 0.0625, "input_size": 32},
        {"name": "timm:vit_medium_patch16_gap_240", "arguments": TINY, "input_size": 32},
    ):
        for pool in ("token", "token+avg"):
            with pytest.raises(ShapeError, match=f"pool '{re.escape(pool)}' of block.*choose pool='avg'"):
                zoo.build(table, head={"name": "binary", "pool": pool})
    assert zoo.build("vgg11", width=0.0625, head="binary").recipe.model.head["pool"] == "avg"  # type: ignore[index]


def test_arguments_of_timms_that_change_its_pooling_change_the_networks_own() -> None:
    model = tiny(arguments={**TINY, "global_pool": "avg"})
    assert model.recipe.model.head["pool"] == "avg"  # type: ignore[index]
