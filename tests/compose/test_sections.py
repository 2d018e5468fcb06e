"""What a frozen prefix computes, what the catalogue says of a component, and what a section comes to say."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

import zoo
from zoo.compose.catalogue_facts import component_facts
from zoo.compose.composed_model import ComposedModel
from zoo.compose.instantiate import make
from zoo.compose.meta_build import fill_buffers, meta_tensors, on_meta_device
from zoo.compose.parts import default, make_part, part, recorded
from zoo.compose.plan import plan
from zoo.compose.saved_models import elsewhere, from_saved
from zoo.interfaces.model import Model
from zoo.interfaces.tasks.choice import BY_NAME
from zoo.registry.lookup import find
from zoo.spec.errors import OptionError, PluginError, RecipeError, ShapeError, UnknownComponentError
from zoo.spec.inputs import InputSpec
from zoo.spec.recipe import ModelSection, Recipe

Make = Callable[..., Model]
pytestmark = pytest.mark.filterwarnings("ignore:frozen block.* (have random|lies behind):zoo.ZooWarning")

# -- frozen prefixes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("freeze", "taps", "outputs"),
    [
        ("block1", [], ("block1",)),
        ("block1-2", [], ("block2",)),
        ("all", [], ("block3 (avg pooled)",)),
        ("block1", ["block1", "block3"], ("block1", "block1.unit2")),
        ("block1-2", ["block3"], ("block2",)),
        ("block1-2", ["block1", "block2", "block3"], ("block2", "block1.unit2", "block2.unit2")),
        ("all", ["block2", "block3"], ("block2, block3 (avg pooled)",)),
        ("block2", ["block1", "block2"], ()),
    ],
)
def test_what_goes_on_from_a_frozen_prefix_ends_as_the_whole(
    make_model: Make, freeze: str, taps: list[str], outputs: tuple[str, ...]
) -> None:
    model: Any = make_model(freeze=freeze, head={"name": "binary", "taps": taps} if taps else "binary").eval()
    assert model.prefix_outputs == outputs
    images = torch.rand(2, 1, 16, 16)
    with torch.no_grad():
        if not outputs:
            with pytest.raises(ShapeError, match="no frozen prefix"):
                model.run_prefix(images)
            return
        kept = model.run_prefix(images)
        assert len(kept) == len(outputs)
        assert torch.allclose(model(kept), model(images), atol=1e-6)
        maps = [name for name in dict.fromkeys(outputs) if "pooled" not in name]
        found = dict(model.backbone.taps(model.normalise(images), maps)) if maps else {}
    assert all(
        name not in found or torch.allclose(tensor, found[name], atol=1e-6)
        for name, tensor in zip(outputs, kept, strict=True)
    )


def test_a_feature_extractor_goes_on_from_a_frozen_prefix_too(make_model: Make) -> None:
    model = make_model(head=None, freeze="block1-2").eval()
    images = torch.rand(2, 1, 16, 16)
    with torch.no_grad():
        assert torch.allclose(model(model.run_prefix(images)), model(images), atol=1e-6)
    assert model.task is None
    assert model.outputs == model(images).shape[1]


def test_tensors_of_a_prefix_are_those_of_normalisation_and_leading_frozen_blocks(make_model: Make) -> None:
    model: Any = make_model(freeze="block1,block3")
    names = {name.rpartition(".")[0].split(".")[0] for name, _ in model.prefix_tensors()}
    assert names == {"normalise", "block1"}
    block = model.backbone.blocks["block1"]
    found = {name for name, _ in model.prefix_tensors() if name.startswith("block1.")}
    assert found == {f"block1.{n}" for n, _ in (*block.named_parameters(), *block.named_buffers())}
    assert model.prefix == ("block1",)
    assert make_model(freeze="block2").prefix == ()


@pytest.mark.parametrize(
    ("tags", "hint"),
    [
        ((), 'give weights="file:PATH" or train it first'),
        (("a",), 'weights="a" loads the published ones'),
        (("a", "b", "c"), 'weights="a" loads the published ones (also b, c)'),
    ],
)
def test_the_tags_of_published_weights_are_hinted_at(make_model: Make, tags: Any, hint: str) -> None:
    model: Any = make_model(head=None)
    assert ComposedModel(model.backbone, None, input_spec=model.input_spec, tags=tags).weights_hint == hint


def test_a_fault_at_the_models_own_size_is_no_fault_of_the_images(make_model: Make) -> None:
    model: Any = make_model()

    def broken(*_: object) -> None:
        raise RuntimeError("its own fault")

    model.head.forward = broken
    with pytest.raises(RuntimeError, match="its own fault"):
        model(torch.rand(1, 1, 16, 16))
    for size in ((16, 20), (20, 16)):
        with pytest.raises(ShapeError, match=rf"images of {size[0]}x{size[1]}: expected 16x16"):
            model(torch.rand(1, 1, *size))


# -- the catalogue ---------------------------------------------------------------------------------------


def test_the_catalogue_says_of_a_backbone_what_the_built_one_has() -> None:
    found = component_facts(find("tiny_resnet", "backbone").component)
    backbone = zoo.build("tiny_resnet", seed=0).backbone
    assert found["parameters"] == sum(p.numel() for p in backbone.parameters())
    assert [block["parameters"] for block in found["blocks"]] == [
        sum(p.numel() for p in block.parameters()) for block in backbone.blocks.values()
    ]
    infos = backbone.block_infos(tuple(found["input"]["size"]))
    assert [(b["name"], b["channels"], b["reduction"]) for b in found["blocks"]] == [
        (i.name, i.channels, i.reduction) for i in infos
    ]
    assert found["output"] == {"layout": infos[-1].layout, "shape": infos[-1].shape}
    assert [tap["name"] for tap in found["taps"]] == [
        i.name for i in backbone.pyramid(backbone.input_spec.size)
    ]


def test_the_catalogue_has_the_options_of_every_component_and_the_forms_of_metrics() -> None:
    schema = component_facts(find("tiny_resnet", "backbone").component)["options"]
    assert set(schema) <= {"properties", "type", "$defs", "required"}
    assert "channels" in schema["properties"]
    assert "title" not in schema
    metric = component_facts(find("recall", "metric").component)
    assert metric["forms"]
    assert metric["higher_is_better"] is True
    assert set(component_facts(find("bce", "loss").component)) == {"options"}


def test_a_model_that_asks_for_classes_is_counted_with_two() -> None:
    found = component_facts(find("unet", "model").component)
    assert found["classes"] == 2
    built = zoo.build("unet", classes=2, seed=0)
    assert found["parameters"] == sum(p.numel() for p in built.parameters())
    # What a component declares says nothing of how files are read
    assert found["input"] == built.input_spec.with_decode("exact").to_dict()
    assert "classes" not in component_facts(find("dcgan_generator", "model").component)


# -- parts -----------------------------------------------------------------------------------------------


def test_what_is_recorded_has_every_option_or_the_name_alone() -> None:
    full = recorded("head", {"name": "binary", "dropout": 0.5})
    assert full["name"] == "core:binary"
    assert (full["dropout"], full["pool"]) == (0.5, None)
    assert recorded("augmenter", "grayscale") == recorded("augmenter", recorded("augmenter", "grayscale"))


def test_models_in_options_are_recorded_by_whoever_knows_them() -> None:
    given = {"name": "unet", "encoder": {"name": "tiny_resnet", "units": 1}}
    seen: list[tuple[str, Any, str]] = []

    def body(kind: str, value: Any, path: str) -> Any:
        seen.append((kind, value, path))
        return "mine"

    assert recorded("model", given, body=body)["encoder"] == "mine"
    ((kind, value, path),) = seen
    assert (kind, path) == ("backbone", "encoder")
    assert recorded("model", given)["encoder"] == value


def test_a_body_makes_the_networks_and_the_other_parts_are_made_as_they_are() -> None:
    made: list[str] = []
    backbone = zoo.build("tiny_resnet", seed=0, units=1, input_size=32).backbone

    def body(kind: str, value: Any, path: str) -> Any:
        made.append(path)
        return backbone

    model = make_part("model", {"name": "unet", "encoder": "tiny_resnet"}, body, classes=2, in_channels=3)
    assert made == ["encoder"]
    assert model.networks["encoder"] is backbone
    assert type(make("loss", "bce")).__name__ == type(make_part("loss", "bce", body)).__name__


def test_an_option_that_is_said_twice_has_to_say_the_same() -> None:
    same = part("backbone", {"name": "mlp", "input_size": [8, 8]}, input_size=(8, 8))
    assert same.options["input_size"] == (8, 8)
    with pytest.raises(OptionError, match="mlp: two values for input_size"):
        part("backbone", {"name": "mlp", "input_size": [8, 9]}, input_size=(8, 8))
    assert part("backbone", "mlp", input_size=(8, 8)).options["input_size"] == (8, 8)
    assert part("backbone", {"name": "mlp", "input_size": [8, 8]}, input_size=None).options["input_size"]
    assert "nonsense" not in part("backbone", "mlp", nonsense=3).options


def test_an_unknown_option_says_what_was_meant_or_what_there_is() -> None:
    with pytest.raises(OptionError, match=r"has no option 'averge'.*got averge; did you mean average"):
        part("metric", {"name": "recall", "averge": "macro"})
    with pytest.raises(OptionError, match=r"expected options among .*, got xyzzy$"):
        part("metric", {"name": "recall", "xyzzy": 0.5})


# -- building --------------------------------------------------------------------------------------------


def section(**given: Any) -> ModelSection:
    return ModelSection(**{"name": "tiny_resnet", "in_channels": 1, "input_size": 16, **given})


def test_what_a_table_and_an_argument_say_may_be_the_same_and_not_two_things() -> None:
    table = {
        "name": "tiny_resnet",
        "head": {"name": "multiclass"},
        "classes": 2,
        "units": 1,
        "input_size": 16,
    }
    model = zoo.build(table, head="multiclass", classes=["a", "b"], units=1, input_size=[16, 16], seed=0)
    assert model.labels == ("a", "b")
    assert zoo.build({**table, "classes": ["a", "b"]}, classes=2, seed=0).labels == ("a", "b")
    for key, value in (("classes", 3), ("head", "binary"), ("units", 2), ("input_size", 24)):
        with pytest.raises(OptionError, match=f"build: two values for {key}: expected .*say it once"):
            zoo.build(table, **{key: value})
    with pytest.raises(OptionError, match="two values for classes"):
        zoo.build({**table, "classes": ["a", "b"]}, classes=["a", "c"])
    assert zoo.build({"name": "mlp", "hidden": [4, 5]}, hidden=(4, 5), input_size=8, seed=0)


def test_a_whole_recipe_takes_a_seed_and_nothing_else() -> None:
    recipe = {"model": {"name": "mlp", "input_size": 8}, "seed": 1}
    one, same = zoo.build(recipe), zoo.build(Recipe.from_dict(recipe))
    other = zoo.build(recipe, seed=2)
    values = [torch.cat([p.flatten() for p in m.parameters()]) for m in (one, same, other)]
    assert torch.equal(values[0], values[1])
    assert not torch.equal(values[0], values[2])
    for more in ({"head": "binary"}, {"in_channels": 1}, {"hidden": [3]}):
        with pytest.raises(RecipeError, match="expected no other arguments than seed, got some beside it"):
            zoo.build(recipe, **more)


def test_channels_and_size_of_a_part_are_left_out_where_the_whole_says_the_same() -> None:
    def encoder(**inside: Any) -> Any:
        given = {"name": "tiny_resnet", "units": 1, **inside}
        model = zoo.build("unet", encoder=given, classes=2, input_size=32, in_channels=1, seed=0)
        return model.recipe.model.options["encoder"]

    assert not {"in_channels", "input_size"} & set(encoder())
    assert not {"in_channels", "input_size"} & set(encoder(input_size=32))
    assert encoder(input_size=64)["input_size"] in ([64, 64], (64, 64))


def test_what_reads_only_heads_refuses_one_for_a_complete_model() -> None:
    with pytest.raises(OptionError, match="unet is a complete model: expected no head, got head='binary'"):
        plan(ModelSection(name="unet", head="binary", classes=2))


def test_a_backbone_is_planned_for_the_size_and_channels_that_are_asked_for() -> None:
    assert plan(section()).input_spec.size == (16, 16)
    assert plan(section()).input_spec.channels == 1
    plain = plan(ModelSection(name="tiny_resnet"))
    assert plain.input_spec.channels == 3
    spec = InputSpec(channels=3, size=(40, 24))
    assert plan(ModelSection(name="tiny_resnet"), input_spec=spec).input_spec.size == (40, 24)
    assert plan(section(in_channels=3), input_spec=spec).input_spec.size == (16, 16)
    assert plan(ModelSection(name="mlp", options={"input_size": [8, 6]})).input_spec.size == (8, 6)
    assert not any(not p.is_meta for p in plan(section(head="binary")).meta_model.parameters())


def test_an_original_head_asks_for_classes_where_nothing_was_published() -> None:
    with pytest.raises(OptionError, match="the original head needs classes"):
        plan(ModelSection(name="mlp", head="original", input_size=8))
    found = plan(section(head="original", classes=["a", "b"]))
    assert (found.labels, found.section.classes) == (("a", "b"), ("a", "b"))
    assert plan(section(head="original", classes=5)).meta_model.outputs == 5


def test_taps_that_a_backbone_has_not_are_named() -> None:
    with pytest.raises(ShapeError, match="no tap block9 in tiny_resnet: expected blocks block1 to block3"):
        plan(section(head={"name": "binary", "taps": ["block1", "block9"]}))
    inputs = plan(section(head={"name": "binary", "taps": ["block3", "block1"]})).inputs
    assert [info.name for info in inputs] == ["block3", "block1"]
    assert [info.name for info in plan(section(head="binary")).inputs] == ["block3"]


def test_saved_models_give_their_trunk_or_all_of_them(make_model: Make, tmp_path: Any) -> None:
    zoo.save(make_model(head="multiclass", classes=["a", "b", "c"], units=1), tmp_path / "m")
    ref = f"file:{tmp_path / 'm'}"
    trunk = from_saved(ModelSection(name=ref), "backbone")
    assert (trunk.name, trunk.head, trunk.classes, trunk.weights) == (
        "zoo-basic:tiny_resnet",
        None,
        None,
        ref,
    ) or (trunk.head is None and trunk.weights == ref)
    assert (trunk.in_channels, trunk.input_size) == (1, (16, 16))
    whole = from_saved(ModelSection(name=ref), "model")
    assert whole.classes == ("a", "b", "c")
    assert whole.head is not None
    other = from_saved(ModelSection(name=ref, in_channels=3, input_size=32, classes=2), "model")
    assert (other.in_channels, other.input_size, other.classes) == (3, (32, 32), 2)
    with pytest.raises(RecipeError, match="expected its own weights, got weights='x'"):
        from_saved(ModelSection(name=ref, weights="x"), "model")
    (tmp_path / "empty").mkdir()
    with pytest.raises(zoo.ZooError):
        from_saved(ModelSection(name=f"file:{tmp_path / 'empty'}"), "model")


@pytest.mark.parametrize(
    ("weights", "far"),
    [(None, False), ("imagenet", False), ("file:/a", True), ("./a", True), ("hf://a/b", True)],
)
def test_weights_of_a_file_or_repository_are_elsewhere(weights: str | None, far: bool) -> None:
    assert elsewhere(weights) is far


def test_names_of_tensors_without_memory_are_told_plain_attributes_too() -> None:
    with on_meta_device():
        inner = nn.Linear(1, 1)
        inner.plain = torch.ones(2)
    outer = nn.Sequential(inner)
    assert meta_tensors(outer) == ["0.weight", "0.bias", "0.plain"]
    with pytest.raises(PluginError, match=r"3 tensors without values after loading"):
        fill_buffers(outer)
    assert meta_tensors(nn.Linear(1, 1)) == []


def test_a_default_that_nobody_offers_is_asked_for() -> None:
    given: Any = SimpleNamespace(task=BY_NAME["binary"], plugins={}, defaults={"loss": "mine"})
    assert default("loss", given) == "mine"
    given.defaults = {}
    assert default("loss", given) != "mine"
    given.task = None
    with pytest.raises(UnknownComponentError, match="no default loss for task None; name a loss"):
        default("loss", given)


def test_a_recipe_says_of_channels_and_size_what_its_backbone_was_made_for() -> None:
    unsaid = plan(ModelSection(name="mlp", options={"input_size": [8, 6]})).resolved.effective()
    assert unsaid.input_size == (8, 6)
    assert "input_size" not in unsaid.options
    said = plan(ModelSection(name="mlp", input_size=(10, 12))).resolved.effective()
    assert said.input_size == (10, 12)


def test_a_part_with_weights_of_a_folder_records_what_they_were_trained_on(
    make_model: Make, tmp_path: Any
) -> None:
    zoo.save(make_model(units=1), tmp_path / "m")

    def encoder(value: Any) -> Any:
        model = zoo.build("unet", encoder=value, classes=2, input_size=32, seed=0)
        return model.recipe.model.options["encoder"]

    assert encoder(str(tmp_path / "m"))["input"] == make_model(units=1).input_spec.to_dict()
    assert "input" not in encoder({"name": "tiny_resnet", "units": 1})


def test_a_published_head_is_taken_with_its_backbone_and_a_new_one_is_random(tmp_path: Any) -> None:
    how: dict[str, Any] = {"units": 1, "input_size": 16, "classes": 4}
    saved = zoo.build("tiny_resnet", head="original", seed=5, **how)
    zoo.save(saved, tmp_path / "m")
    again = zoo.build("tiny_resnet", head="original", seed=1, weights=str(tmp_path / "m"), **how)
    mine, theirs = again.state_dict(), saved.state_dict()
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(value, theirs[name]) for name, value in mine.items())
    assert not again.training
    one, same, other = (
        zoo.build("tiny_resnet", head="multiclass", seed=seed, weights=str(tmp_path / "m"), **how).head
        for seed in (1, 1, 2)
    )
    weights = [next(head.parameters()) for head in (one, same, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


@pytest.mark.parametrize(("name", "value"), [("decode", "exact"), ("value_range", [0, 9])])
def test_how_files_are_read_is_said_of_the_model_and_nowhere_else(name, value, tmp_path):
    (tmp_path / "a").mkdir()
    words = rf"it belongs beside: zoo.build\(..., {name}=.*\), in a recipe model.{name}"
    model = zoo.build("mlp", head="binary", input_size=8)
    for wrong in (
        lambda: zoo.build("unet", encoder={"name": "small_cnn", name: value}, classes=2, input_size=32),
        lambda: zoo.build("mlp", head={"name": "binary", name: value}, input_size=8),
        lambda: zoo.build("mlp", head="binary", input_size=8, input={name: value}),
        lambda: zoo.evaluate(model, {"path": str(tmp_path), name: value}),
        lambda: zoo.evaluate(model, {"sources": [str(tmp_path)] * 2, name: value}),
    ):
        with pytest.raises(zoo.ZooError, match=words):
            wrong()
