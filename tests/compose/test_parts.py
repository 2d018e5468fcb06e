"""Parts by name: which is the default, what the catalogue says of a model, and how shapes are planned."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

import zoo
from zoo.compose.catalogue_facts import component_facts
from zoo.compose.formats import former, read_recipe
from zoo.compose.meta_build import fill_buffers, meta_tensors, on_meta_device, seeded
from zoo.compose.parts import default
from zoo.compose.resolve import _channels
from zoo.interfaces.normalise import Normalise
from zoo.interfaces.tasks.choice import BY_NAME
from zoo.registry.lookup import find
from zoo.spec.errors import PluginError, ShapeError, UnknownComponentError
from zoo.spec.inputs import InputSpec


def model(task: str | None, *plugins: str, **defaults: Any) -> Any:
    own = None if task is None else BY_NAME[task]
    return SimpleNamespace(task=own, plugins=dict.fromkeys(plugins, "1"), defaults=defaults)


@pytest.mark.parametrize(
    ("task", "loss"),
    [("binary", "bce"), ("multiclass", "cross_entropy"), ("regression", "mse"), ("segmentation", None)],
)
def test_the_default_loss_is_the_tasks(task: str, loss: str | None) -> None:
    found = default("loss", model(task))
    assert find(found, "loss").component.task == task
    assert found.startswith("core:")
    other = {name: default("loss", model(name)) for name in ("binary", "multiclass", "regression")}
    assert len(set(other.values())) == 3


def test_a_models_own_default_goes_first_and_one_of_its_plugin_before_the_cores(shelf: Any) -> None:
    assert default("loss", model("binary", loss="own")) == "own"
    rows = [
        {"kind": "loss", "name": name, "target": "a:B", "summary": "s", "tags": tags, "task": task}
        for name, tags, task in (
            ("for_any", ["default"], None), ("for_binary", ["default"], "binary"),
            ("no_default", [], "binary"),
            ("for_masks", ["default"], "segmentation"),
        )
    ]  # fmt: skip
    rows = [{k: v for k, v in row.items() if v is not None} for row in rows]
    shelf.plugin("zoo-fake", rows=rows, catalogue=True)
    assert default("loss", model("binary", "zoo-fake")) == "fake:for_binary"
    assert default("loss", model("multiclass", "zoo-fake")) == "fake:for_any"
    assert default("loss", model("segmentation", "zoo-fake", "zoo-core")) == "fake:for_masks"
    assert default("loss", model("binary", "zoo-other")).startswith("core:")
    with pytest.raises(UnknownComponentError, match="no default loss for task None"):
        default("loss", model(None, "zoo-other"))


def test_the_catalogue_counts_the_parameters_of_a_model_and_of_its_networks() -> None:
    found = component_facts(find("unet", "model").component)
    built = zoo.build("unet", classes=2)
    assert found["parameters"] >= sum(network["parameters"] for network in found["networks"])
    assert {network["name"] for network in found["networks"]} == {*built.networks}
    for network in found["networks"]:
        if network["name"] == "encoder":
            own = sum(p.numel() for p in built.networks["encoder"].parameters())
            assert network["parameters"] == own


def test_a_skeleton_has_shapes_and_no_memory_whichever_way_it_is_initialised() -> None:
    with on_meta_device():
        linear = nn.Linear(3, 2)
        assert nn.init.xavier_uniform_(linear.weight) is linear.weight
        assert nn.init.constant_(tensor=linear.bias, val=1.0) is linear.bias
        assert linear.weight.fill_(3.0) is linear.weight
        plain = torch.ones(2, device="cpu")
        assert plain.zero_().tolist() == [0, 0]
        doubled = linear.weight * 2
    assert linear.weight.is_meta
    assert doubled.shape == (2, 3)


def test_draws_follow_from_a_seed_and_leave_the_callers_alone() -> None:
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    with seeded(5):
        first = torch.rand(1)
    assert torch.equal(torch.rand(1), expected)
    with seeded(5):
        assert torch.equal(torch.rand(1), first)
    torch.manual_seed(1)
    with seeded(None):
        assert torch.equal(torch.rand(1), expected)


class Holds(nn.Module):
    """Buffers that no file holds."""

    def __init__(self, *, lost: bool) -> None:
        super().__init__()
        self.normalise = Normalise(InputSpec())
        self.register_buffer("kept", torch.empty(2), persistent=lost)


def test_buffers_that_no_file_holds_get_their_values_and_what_has_none_is_named() -> None:
    with on_meta_device():
        good, bad = Holds(lost=False), Holds(lost=True)
    fill_buffers(good)
    assert meta_tensors(good) == []
    assert torch.equal(good.normalise.scale, Normalise(InputSpec()).scale)
    with pytest.raises(PluginError, match=r"1 tensor without values after loading.*got kept"):
        fill_buffers(bad)


def test_only_what_format_1_wrote_is_read_with_the_defaults_of_its_day() -> None:
    content = {"recipe": {"model": {"name": "tiny_resnet", "head": "binary"}, "trainer": "supervised"}}
    assert read_recipe({**content, "format": 2}, "x").trainer == "supervised"
    old = read_recipe({**content, "format": 1}, "x")
    assert old.trainer["name"] == "core:supervised"
    assert len(old.trainer) > 3
    assert former("loss", None) is None
    assert former("loss", "./a") == "./a"
    assert former("loss", "nobody:has") == "nobody:has"


def test_a_saved_model_keeps_its_size_unless_another_is_asked_for(make_model: Any, tmp_path: Any) -> None:
    zoo.save(make_model(input_size=24), tmp_path / "m")
    assert zoo.build(str(tmp_path / "m")).input_spec.size == (24, 24)
    assert zoo.build(str(tmp_path / "m"), input_size=32).input_spec.size == (32, 32)
    assert zoo.build("tiny_resnet", input_size=16).input_spec.size == (16, 16)


def test_a_complete_model_takes_saved_weights_and_fills_what_the_file_lacks(
    tmp_path: Any,
) -> None:
    options = {"encoder": {"name": "tiny_resnet"}, "classes": 2, "input_size": 32}
    one = zoo.build("unet", seed=0, **options).eval()
    zoo.save(one, tmp_path / "m")
    other = zoo.build("unet", weights=str(tmp_path / "m"), **options).eval()
    x = torch.rand(1, 3, 32, 32)
    assert torch.equal(one(x), other(x))


def test_images_of_other_channels_do_not_pass_a_frozen_prefix(make_model: Any) -> None:
    model = make_model()
    model.origin = "a file"
    model.freeze("block1")
    assert len(model.run_prefix(torch.rand(2, 1, 16, 16))) >= 1
    with pytest.raises(ShapeError, match="build the model with in_channels=3"):
        model.run_prefix(torch.rand(2, 3, 16, 16))
    model.unfreeze()
    with pytest.raises(ShapeError, match="no frozen prefix"):
        model.run_prefix(torch.rand(2, 1, 16, 16))


def test_channels_follow_from_weights_that_are_not_for_colours_or_from_the_one_part_that_differs() -> None:
    def part(channels: int | None) -> Any:
        return SimpleNamespace(section=SimpleNamespace(in_channels=channels))

    gray = InputSpec(channels=1, mean=(0.5,), std=(0.5,))
    assert _channels(gray, {}) == 1
    assert _channels(InputSpec(), {"a": part(1), "b": part(3), "c": part(None)}) == 1
    assert _channels(None, {"a": part(1), "b": part(2)}) is None
    assert _channels(InputSpec(), {"a": part(3)}) is None
