"""Weights from files and folders, and the strict fit."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

import zoo
from zoo.interfaces.backbone import Backbone
from zoo.interfaces.blocks.block import Block
from zoo.registry.lookup import find
from zoo.spec.component import Component
from zoo.spec.errors import DeclarationError, RecipeError, WeightsError
from zoo.spec.published_weights import Weights
from zoo.spec.reference import parse_reference
from zoo.weights.fitting import assign, holds_weights, is_saved, locate
from zoo.weights.matching import converted

TINY = {"name": "resnet18", "width": 0.125, "layers": [2, 1, 1, 1]}
OTHERS = {"name": "tiny_resnet", "channels": [4, 8, 8], "units": 1}


def build(name=TINY, **options):
    return zoo.build(name, **{"input_size": 32, "seed": 0, **options})


def plain(state):
    return {k: t.detach().clone() for k, t in state.items()}


def same(one, other):
    mine, theirs = one.state_dict(), other.state_dict()
    return mine.keys() == theirs.keys() and all(torch.equal(mine[k], theirs[k]) for k in mine)


@pytest.fixture
def saved():
    return build(head="multiclass", classes=["a", "b", "c"], seed=5)


@pytest.fixture
def folder(saved, tmp_path):
    return zoo.save(saved, tmp_path / "saved")


@pytest.mark.parametrize("form", ["file:{}", "{}", "file:{}/model.safetensors", "{}/model.safetensors"])
def test_the_backbone_of_a_saved_model_goes_to_a_new_head(saved, folder, form):
    model = build(head="binary", weights=form.format(folder))
    assert same(model.backbone, saved.backbone)
    assert model.outputs == 1
    assert not model.training
    assert model.origin == str(folder / "model.safetensors")
    assert same(model.head, build(head="binary", weights=str(folder)).head)
    assert not same(model.head, build(head="binary", weights=str(folder), seed=1).head)


def test_a_relative_path_and_a_path_object(saved, folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    for weights in ("./saved", "file:saved", folder):
        assert same(build(weights=weights).backbone, saved.backbone)


def test_a_saved_original_head_is_taken_with_its_backbone(tmp_path):
    saved = build(head="original", classes=4, seed=5)
    model = build(head="original", classes=4, weights=str(zoo.save(saved, tmp_path / "saved")))
    assert same(model, saved)


def test_the_original_head_needs_the_classes_that_it_was_saved_with(tmp_path):
    folder = zoo.save(build(head="original", classes=4), tmp_path / "saved")
    with pytest.raises(WeightsError, match="classifier of 7 classes, got one of 4; say classes=4"):
        build(head="original", classes=7, weights=str(folder))
    with pytest.raises(WeightsError, match="classifier of 1000 classes, got one of 4; say classes=4"):
        build(head="original", weights=str(folder))


def test_an_original_head_that_is_not_in_the_file(folder, tmp_path):
    with pytest.raises(WeightsError, match=r"got another head's: last\.weight, last\.bias; choose a head by"):
        build(head="original", classes=3, weights=str(folder))
    save_file(plain(build().backbone.state_dict()), tmp_path / "bare.safetensors")
    with pytest.raises(WeightsError, match='for head="original", got none; choose a head by name'):
        build(head="original", classes=3, weights=str(tmp_path / "bare.safetensors"))


def test_a_bare_backbones_state_dict(saved, tmp_path):
    save_file(plain(saved.backbone.state_dict()), tmp_path / "bare.safetensors")
    assert same(build(weights=str(tmp_path / "bare.safetensors")).backbone, saved.backbone)


@pytest.mark.parametrize("form", ["saved", "bare"])
@torch.inference_mode()
def test_gray_images_see_what_three_equal_colours_would(saved, folder, tmp_path, form):
    path = folder
    if form == "bare":
        path = tmp_path / "bare.safetensors"
        save_file(plain(saved.backbone.state_dict()), path)
    gray = build(weights=str(path), in_channels=1).eval()
    assert gray.backbone.block1.conv1.weight.shape[1] == 1
    x = torch.rand(2, 1, 32, 32)
    torch.testing.assert_close(
        gray.backbone(x), saved.eval().backbone(x.expand(-1, 3, -1, -1)), rtol=1e-4, atol=1e-5
    )


def test_weights_of_another_network_or_of_other_options(tmp_path):
    path = str(zoo.save(build(OTHERS, head="binary"), tmp_path / "other"))
    with pytest.raises(
        WeightsError, match=r"do not fit ResNet: .* missing: .*unexpected: .*; are they weights of"
    ):
        build(weights=path)
    path = str(zoo.save(build({**TINY, "layers": [1, 1, 1, 1]}), tmp_path / "shallow"))
    with pytest.raises(WeightsError, match=r"missing: block2\.unit2"):
        build(weights=path)
    path = str(zoo.save(build({**TINY, "width": 0.25}), tmp_path / "wide"))
    with pytest.raises(WeightsError, match="of another shape"):
        build(weights=path)


def test_a_tensor_too_many_is_not_passed_over(saved, tmp_path):
    save_file(plain(saved.backbone.state_dict()) | {"ema": torch.zeros(1)}, tmp_path / "more.safetensors")
    with pytest.raises(WeightsError, match="1 unexpected: ema"):
        build(weights=str(tmp_path / "more.safetensors"))


def test_half_precision_weights_become_the_networks_own_type(saved, tmp_path):
    half = {
        k: t.half() if t.is_floating_point() else t for k, t in plain(saved.backbone.state_dict()).items()
    }
    save_file(half, tmp_path / "half.safetensors")
    model = build(weights=str(tmp_path / "half.safetensors"))
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert torch.equal(model.backbone.block1.conv1.weight, half["block1.conv1.weight"].float())


def test_the_file_is_not_changed_by_training(folder):
    before = (folder / "model.safetensors").read_bytes()
    model = build(weights=str(folder), head="binary")
    model(torch.rand(2, 3, 32, 32)).sum().backward()
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    assert (folder / "model.safetensors").read_bytes() == before


MISTAKES = {
    "imagenett": r"a tag \(imagenet, a1, imagenet1k_v1\).*got 'imagenett'.*; did you mean imagenet or",
    "./nowhere": "expected a .safetensors file or a model folder, got no file nowhere",
    "file:nowhere.safetensors": "got no file nowhere.safetensors",
    "hf://me": r"hf://owner/name, got 'hf://me'",
}


@pytest.mark.parametrize(("weights", "message"), MISTAKES.items())
def test_what_weights_cannot_be(weights, message, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WeightsError, match=message) as caught:
        build(weights=weights)
    assert "\n" not in str(caught.value)


def test_an_empty_folder_holds_no_weights(tmp_path):
    with pytest.raises(WeightsError, match=r"expected a \.safetensors file or a model folder"):
        build(weights=str(tmp_path))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 a pickle of torch", b"\xff" * 100])
def test_a_file_that_holds_none(tmp_path, content):
    (tmp_path / "w.safetensors").write_bytes(content)
    with pytest.raises(WeightsError, match=r"cannot be read: expected a whole \.safetensors file"):
        build(weights=str(tmp_path / "w.safetensors"))


def test_where_a_reference_leads(tmp_path):
    component = find(parse_reference("resnet18"), "backbone").component
    tag = locate(component, "imagenet")
    assert (tag.path, tag.published.repo) == (None, "timm/resnet18.tv_in1k")
    hub = locate(component, "hf://me/cats@v1")
    assert (hub.text, hub.path, hub.published) == (
        "hf://me/cats@v1",
        None,
        Weights(repo="me/cats", revision="v1"),
    )


def test_a_component_without_tags_asks_for_a_file():
    with pytest.raises(WeightsError, match=r"expected a \.safetensors file.*; the plugin publishes none"):
        locate(Component(kind="backbone", name="net", target="a.b:C", summary="A net."), "imagenet")


class Tied(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = torch.nn.Linear(3, 3), torch.nn.Linear(3, 3)
        self.b.weight = self.a.weight


@pytest.mark.parametrize("without", ["a.weight", "b.weight", None])
def test_tied_parameters_are_tied_afterwards_whichever_name_the_file_has(without):
    given, own = Tied(), Tied()
    state = {k: t for k, t in given.state_dict().items() if k != without}
    assign(own, state, "x")
    assert own.a.weight is own.b.weight
    assert same(own, given)
    with pytest.raises(WeightsError, match=r"1 missing: a\.bias"):
        assign(own, {k: t for k, t in state.items() if k != "a.bias"}, "x")


def test_published_names_are_converted_by_the_backbone():
    class Net(Backbone):
        def convert(self, state):
            return {
                k.replace("features.0", "block1.conv").replace("fc", "head.fc"): t for k, t in state.items()
            }

    net = Net([Block(conv=torch.nn.Conv2d(3, 4, 3))])
    theirs = {
        "features.0.weight": torch.ones(4, 3, 3, 3),
        "features.0.bias": torch.ones(4),
        "fc.bias": torch.ones(2),
    }
    body, head, aside = converted(net, theirs)
    assert aside == ()
    assert list(body) == ["block1.conv.weight", "block1.conv.bias"]
    assert list(head) == ["fc.bias"]


def test_a_saved_model_is_a_backbone_by_reference(tmp_path):
    saved = zoo.build({"name": "vgg16", "width": 0.125}, head="binary", in_channels=1, seed=0)
    folder = zoo.save(saved, tmp_path / "model")
    new = zoo.build(f"file:{folder}", head="multiclass", classes=3, freeze="block1-2")
    assert new.recipe.model.name == "vgg:vgg16"
    assert new.outputs == 3
    assert new.frozen == ("block1", "block2")
    assert new.input_spec == saved.input_spec
    assert all(
        torch.equal(a, b) for a, b in zip(new.backbone.parameters(), saved.backbone.parameters(), strict=True)
    )


def test_a_folder_that_is_no_model_cannot_be_a_backbone(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(RecipeError, match="expected a model saved by zoo"):
        zoo.build(f"file:{tmp_path}")
    with pytest.raises(RecipeError, match="expected its own weights"):
        zoo.build(f"file:{tmp_path}", weights="imagenet")


def test_another_distribution_changes_nothing_about_a_name(monkeypatch):
    with_timm = zoo.info("vgg16")
    assert zoo.info("timm:vgg16")["distribution"] == "zoo-timm"
    monkeypatch.setenv("ZOO_DISABLED_PLUGINS", "zoo-timm")
    assert zoo.info("vgg16") == with_timm
    assert with_timm["distribution"] == "zoo-vgg"


@pytest.fixture
def package(saved, tmp_path, monkeypatch):
    """Weights that a package ships, which raises when it is imported."""
    place = tmp_path / "site" / "shipping" / "weights"
    place.mkdir(parents=True)
    (place.parent / "__init__.py").write_text("raise RuntimeError('imported')")
    save_file(plain(saved.backbone.state_dict()), place / "net.safetensors")
    monkeypatch.syspath_prepend(place.parents[1])
    digest = hashlib.sha256((place / "net.safetensors").read_bytes()).hexdigest()
    return place / "net.safetensors", Weights(file="shipping/weights/net.safetensors", sha256=digest)


def of(weights):
    return Component(kind="backbone", name="net", target="a.b:C", summary="A net.", weights={"tag": weights})


def test_a_file_that_the_plugin_ships_is_found_without_import_or_network(package):
    path, weights = package
    source = locate(of(weights), "tag")
    assert (source.path, source.config) == (path, None)
    assert (weights.place, Weights.from_dict(weights.to_dict())) == ("package shipping", weights)


def test_a_shipped_file_that_is_missing_or_changed_is_refused(package):
    path, weights = package
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(WeightsError, match=r"net tag: expected sha256 \w{12}\.\.\., got \w{12}\.\.\. in "):
        locate(of(weights), "tag")
    path.unlink()
    with pytest.raises(
        WeightsError, match=r"expected the file shipping/weights/net\.safetensors, got no such"
    ):
        locate(of(weights), "tag")
    with pytest.raises(WeightsError, match="got no package nowhere"):
        locate(of(replace(weights, file="nowhere/net.safetensors")), "tag")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"file": "net.safetensors", "sha256": "0"}, "file"),
        ({"file": "pkg/../net.safetensors", "sha256": "0"}, "file"),
        ({"file": "/pkg/net.safetensors", "sha256": "0"}, "file"),
        ({"file": "pkg/net.safetensors"}, "sha256"),
        ({"repo": "one"}, "repo"),
    ],
)
def test_weights_that_say_too_little_or_lead_elsewhere(given, field):
    with pytest.raises(DeclarationError, match=f"bad {field}"):
        Weights(**given)


def test_weights_are_in_a_safetensors_file_or_a_folder_with_one(tmp_path):
    for name in ("a.safetensors", "b.bin", "full/model.safetensors", "empty/other.safetensors"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    found = [holds_weights(tmp_path / name) for name in ("a.safetensors", "b.bin", "full", "empty", "none")]
    assert found == [True, False, True, False, False]
    assert not is_saved(tmp_path / "full")
    (tmp_path / "full" / "config.json").write_text("")
    assert is_saved(tmp_path / "full")
