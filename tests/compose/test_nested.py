"""Components inside of components: options that refer to backbones and models, with their own weights."""

from __future__ import annotations

import shutil

import pytest
import torch

import zoo
from zoo.compose.instantiate import make
from zoo.registry.plugins.installed import installed
from zoo.spec.errors import (
    FreezeError,
    OptionError,
    RecipeError,
    SaveError,
    ShapeError,
    WeightsError,
    ZooWarning,
)
from zoo.spec.options import part_kinds, with_parts

PLUGIN = """
import zoo

def component(kind, name, target, config="Options", **more):
    return zoo.Component(kind=kind, name=name, target=f"nest.net:{target}", summary="s",
                         config=f"nest.config:{config}", **more)

@zoo.hookimpl
def zoo_components():
    return [
        component("backbone", "strip", "Strip", "StripOptions"),
        component("model", "mirror", "Mirror", "MirrorOptions", task="reconstruction"),
        component("model", "grove", "Grove", "GroveOptions", task="reconstruction"),
        component("model", "duel", "Duel", "DuelOptions", task="reconstruction"),
        component("loss", "far", "Far", "FarOptions", task="reconstruction"),
    ]
"""
CONFIG = """
from typing import Annotated
from pydantic import BaseModel, Field
from zoo.spec.options import Options, PartOf, RefValue

Network = Annotated[RefValue, PartOf("backbone")]

class StripOptions(Options):
    width: int = Field(4, description="channels")

class MirrorOptions(Options):
    encoder: Network = Field("strip", description="a backbone")

class Branch(BaseModel):
    network: Network
    weight: float = 1.0

class GroveOptions(Options):
    several: Annotated[tuple[RefValue, ...], PartOf("backbone")] = Field(("strip",), description="backbones")
    branch: Branch = Field(Branch(network="strip"), description="one in a table")

class DuelOptions(Options):
    generator: Annotated[RefValue, PartOf("model")] = Field("mirror", description="a model")
    judge: Annotated[RefValue | None, PartOf("model")] = Field(None, description="a model, or none")

class FarOptions(Options):
    network: Network = Field("strip", description="a backbone")
"""
NET = """
import torch
from torch import nn
from zoo.interfaces.backbone import Backbone
from zoo.interfaces.blocks.block import Block
from zoo.interfaces.loss import Loss
from zoo.interfaces.model import Model
from zoo.interfaces.tasks import Reconstruction
from zoo.spec.inputs import InputSpec

class Strip(Backbone):
    def __init__(self, *, in_channels=3, width=4):
        widths = (in_channels, width)
        blocks = [Block(conv=nn.Conv2d(i, width, 3, 2, 1), norm=nn.BatchNorm2d(width)) for i in widths]
        half = (0.5,) * in_channels
        spec = InputSpec(channels=in_channels, size=(16, 16), mean=half, std=half)
        super().__init__(blocks, input_spec=spec)

class Mirror(Model):
    def __init__(self, *, encoder, classes=None, in_channels=3):
        super().__init__(task=Reconstruction(), input_spec=encoder.input_spec)
        self.encoder = encoder
        self.back = nn.Conv2d(encoder.block_infos()[-1].channels, in_channels, 1)
    @property
    def freezable(self):
        return {"encoder": self.encoder}
    @property
    def outputs(self):
        return self.back.out_channels
    def forward(self, x):
        return nn.functional.interpolate(self.back(self.encoder(x)), size=x.shape[2:]).sigmoid()

class Grove(Model):
    def __init__(self, *, several, branch, classes=None, in_channels=3):
        super().__init__(task=Reconstruction(), input_spec=several[0].input_spec)
        self.several, self.inner, self.weight = nn.ModuleList(several), branch.network, branch.weight
    @property
    def outputs(self):
        return 3
    def forward(self, x):
        return torch.stack([net(x).mean((1, 2, 3)) for net in (*self.several, self.inner)], 1)

class Duel(Model):
    def __init__(self, *, generator, judge, classes=None, in_channels=3):
        super().__init__(task=Reconstruction(), input_spec=generator.input_spec)
        self.generator, self.judge = generator, judge
    @property
    def outputs(self):
        return self.generator.outputs
    def forward(self, x):
        return self.generator(x)

class Far(Loss):
    def __init__(self, *, network):
        super().__init__()
        self.network = network
    def forward(self, output, target):
        return (self.network(output) - self.network(target)).square().mean()
"""


@pytest.fixture
def nest(shelf, monkeypatch):
    """A distribution with parts in parts, beside the core's own plugin and zoo-basic."""
    wanted = {"zoo-core", "zoo-basic", "zoo-nest"}
    others = [item.distribution for item in installed() if item.distribution not in wanted]
    monkeypatch.setenv("ZOO_DISABLED_PLUGINS", ",".join(others) or "none")
    folder = shelf.plugin("nest", code=PLUGIN)
    (folder / "config.py").write_text(CONFIG)
    (folder / "net.py").write_text(NET)
    return folder


@pytest.fixture
def trained(nest, tmp_path):
    """A saved model whose tensors are no initial ones."""
    model = zoo.build("mirror", in_channels=1, input_size=8, seed=1)
    with torch.no_grad():
        for tensor in (*model.parameters(), *(b for b in model.buffers() if b.is_floating_point())):
            tensor.uniform_(0.1, 0.9)
    model.origin = "trained on cats"
    zoo.save(model.eval(), tmp_path / "mirror")
    return model


def same(one, two):
    a, b = one.state_dict(), two.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.usefixtures("nest")
@pytest.mark.parametrize(
    ("encoder", "channels"),
    [("strip", 4), ({"name": "strip", "width": 6}, 6), ({"name": "tiny_resnet", "channels": [5, 7]}, 7)],
)
def test_a_part_is_handed_in_as_a_backbone_whatever_plugin_it_is_of(encoder, channels):
    model = zoo.build("mirror", encoder=encoder, in_channels=1, input_size=12, seed=0)
    assert model.back.in_channels == channels
    assert (model.encoder.input_spec.channels, model.encoder.input_spec.size) == (1, (12, 12))
    assert model(torch.rand(2, 1, 12, 12)).shape == (2, 1, 12, 12)
    assert ("zoo-basic" in model.plugins) == (channels == 7)


@pytest.mark.usefixtures("nest")
def test_one_seed_gives_one_model_with_its_parts():
    one, two, other = (zoo.build("mirror", seed=seed) for seed in (3, 3, 4))
    assert same(one, two)
    assert not same(one, other)


def test_a_saved_models_encoder_is_a_backbone_exactly(trained, tmp_path):
    model = zoo.build(f"file:{tmp_path}/mirror", head="multiclass", classes=3, freeze="all", seed=0)
    assert same(model.backbone, trained.encoder)
    assert model.frozen == ("block1", "block2")
    assert (model.input_spec.channels, model.input_spec.size) == (1, (8, 8))
    assert "mirror" in model.origin


def test_it_is_another_models_encoder_too_whose_channels_and_size_follow(trained, tmp_path):
    model = zoo.build("mirror", encoder=f"file:{tmp_path}/mirror", seed=0)
    assert same(model.encoder, trained.encoder)
    assert (model.input_spec.channels, model.input_spec.size, model.outputs) == (1, (8, 8), 1)
    assert not torch.equal(model.back.weight, trained.back.weight)


def test_its_first_layer_is_adapted_to_other_channels(trained, tmp_path):
    model = zoo.build("mirror", encoder=f"file:{tmp_path}/mirror", in_channels=3)
    weight = trained.encoder.block1.conv.weight
    torch.testing.assert_close(model.encoder.block1.conv.weight, weight.repeat(1, 3, 1, 1) / 3)


@pytest.mark.parametrize("twice", [False, True])
def test_a_saved_model_needs_the_folder_of_its_part_no_more(trained, tmp_path, twice):
    model = zoo.build("mirror", encoder=f"file:{tmp_path}/mirror", freeze="encoder.block1", seed=0).eval()
    zoo.save(model, tmp_path / "second")
    shutil.rmtree(tmp_path / "mirror")
    again = zoo.load(tmp_path / "second")
    if twice:
        zoo.save(again, tmp_path / "third")
        again = zoo.load(tmp_path / "third")
    x = torch.rand(2, 1, 8, 8)
    assert torch.equal(again(x), model(x))
    assert again.recipe == model.recipe
    assert again.recipe.model.options["encoder"]["weights"] == f"file:{tmp_path}/mirror"
    assert again.encoder.input_spec == model.encoder.input_spec
    assert again.frozen == ("encoder.block1",)


def test_parts_in_lists_and_tables_are_kept_alike(trained, tmp_path):
    reference = f"file:{tmp_path}/mirror"
    options = {"several": ["strip", reference], "branch": {"network": reference, "weight": 0.5}}
    model = zoo.build("grove", **options, in_channels=1, input_size=8, seed=0).eval()
    assert same(model.several[1], trained.encoder)
    assert same(model.inner, trained.encoder)
    assert model.weight == 0.5
    zoo.save(model, tmp_path / "grove")
    shutil.rmtree(tmp_path / "mirror")
    x = torch.rand(2, 1, 8, 8)
    assert torch.equal(zoo.load(tmp_path / "grove")(x), model(x))


def test_a_model_in_a_model_is_the_whole_saved_one(trained, tmp_path):
    judge = {"name": "strip", "head": "binary", "input_size": 4}
    model = zoo.build("duel", generator=f"file:{tmp_path}/mirror", judge=judge, seed=0)
    assert same(model.generator, trained)
    assert model.judge.task.name == "binary"
    assert (model.judge.input_spec.channels, model.judge.input_spec.size) == (1, (4, 4))
    zoo.save(model.generator, tmp_path / "generator")
    shutil.rmtree(tmp_path / "mirror")
    assert same(zoo.load(tmp_path / "generator"), trained)


@pytest.mark.usefixtures("nest")
def test_a_part_that_may_be_missing_is_none():
    assert zoo.build("duel").judge is None


@pytest.mark.usefixtures("nest")
def test_freezing_a_part_and_freezing_by_its_path_are_one():
    with pytest.warns(ZooWarning, match="random"):
        outer = zoo.build("mirror", freeze="encoder.block1", seed=0)
    with pytest.warns(ZooWarning, match="random"):
        inner = zoo.build("mirror", encoder={"name": "strip", "freeze": "block1"}, seed=0)
    assert outer.frozen == inner.frozen == ("encoder.block1",)
    assert inner.recipe.model.freeze == "encoder.block1"
    assert "freeze" not in inner.recipe.model.options["encoder"]
    inner.unfreeze()
    assert zoo.build(inner.recipe).frozen == ()


@pytest.mark.usefixtures("nest")
@pytest.mark.filterwarnings("ignore:frozen:zoo.ZooWarning")
@pytest.mark.parametrize("judge", ["mirror", {"name": "mirror", "encoder": {"name": "strip", "width": 6}}])
def test_blocks_frozen_in_a_model_inside_are_frozen_when_it_is_loaded(tmp_path, judge):
    """`duel` lists no freeze paths, so that the tables of its options have to say it."""
    model = zoo.build("duel", judge=judge, seed=0)
    model.generator.freeze("encoder.block1")
    model.judge.encoder.freeze("block2")
    zoo.save(model, tmp_path / "duel")
    again = zoo.load(tmp_path / "duel")
    assert again.generator.frozen == ("encoder.block1",)
    assert again.judge.frozen == ("encoder.block2",)
    assert again.recipe == model.recipe
    assert zoo.build(model.recipe).judge.frozen == ("encoder.block2",)
    again.generator.unfreeze()
    again.judge.encoder.unfreeze()
    zoo.save(again, tmp_path / "free")
    free = zoo.load(tmp_path / "free")
    assert free.generator.frozen == free.judge.frozen == ()
    assert "freeze" not in str(free.recipe.to_dict())


@pytest.mark.usefixtures("nest")
def test_a_frozen_block_that_no_recipe_can_name_is_not_saved(tmp_path):
    model = zoo.build("grove", seed=0)
    model.several[0].freeze("block1")
    with pytest.raises(
        SaveError, match=r"got frozen several.0.block1, which no freeze path reaches; unfreeze"
    ):
        zoo.save(model, tmp_path / "grove")
    assert not (tmp_path / "grove").exists()


def test_frozen_trained_weights_are_not_warned_of(trained, tmp_path, recwarn):
    zoo.build("mirror", encoder=f"file:{tmp_path}/mirror", freeze="encoder")
    assert not recwarn.list


def test_freezing_a_part_that_is_no_network_by_name_is_refused(trained, tmp_path):
    part = {"name": f"file:{tmp_path}/mirror", "freeze": "all"}
    with pytest.raises(FreezeError, match=r"several.0: freeze: expected one among its networks, .*inner"):
        zoo.build("grove", several=[part])


def test_a_loss_gets_its_network_with_weights(trained, tmp_path):
    loss = make("loss", {"name": "far", "network": f"file:{tmp_path}/mirror"})
    assert same(loss.network, trained.encoder)
    x, y = torch.rand(2, 1, 8, 8), torch.rand(2, 1, 8, 8)
    with torch.no_grad():
        expected = (trained.encoder.train()(x) - trained.encoder(y)).square().mean()
        torch.testing.assert_close(loss.train()(x, y), expected)


@pytest.mark.usefixtures("nest")
@pytest.mark.parametrize(
    ("encoder", "error", "words"),
    [
        ("mirror", OptionError, "encoder: expected a backbone, got the model mirror"),
        ({"name": "strip", "head": "binary"}, OptionError, "got a head, 'binary'; leave it out"),
        ({"name": "strip", "widht": 2}, OptionError, "did you mean width"),
        ({"name": "strip", "freeze": "blok"}, zoo.ZooError, "blok"),
        ({"width": 2}, RecipeError, "lacks 'name'"),
        (7, OptionError, "encoder"),
        ("file:nowhere", WeightsError, "no file nowhere"),
        ({"name": "strip", "weights": "imagenet"}, WeightsError, "imagenet"),
    ],
)
def test_a_mistake_in_a_part_is_one_line(encoder, error, words):
    with pytest.raises(error, match=words) as caught:
        zoo.build("mirror", encoder=encoder)
    assert "\n" not in str(caught.value)


def test_what_has_no_backbone_or_names_other_weights_is_refused(trained, tmp_path):
    saved = f"file:{tmp_path}/mirror"
    with pytest.raises(RecipeError, match="expected its own weights, got weights='other'"):
        zoo.build("mirror", encoder={"name": saved, "weights": "other"})
    zoo.save(zoo.build("duel"), tmp_path / "duel")
    with pytest.raises(RecipeError, match=r"expected a model with a backbone, got nest:duel; zoo.load"):
        zoo.build(f"file:{tmp_path}/duel")
    (tmp_path / "bare").mkdir()
    shutil.copy(tmp_path / "mirror" / "model.safetensors", tmp_path / "bare")
    with pytest.raises(RecipeError, match="expected a model saved by zoo, got something else"):
        zoo.build("mirror", encoder=f"file:{tmp_path}/bare")
    with pytest.raises(WeightsError, match="do not fit"):
        zoo.build("mirror", encoder={"name": saved, "width": 8})


def test_channels_that_do_not_fit_are_said_at_the_first_image(trained, tmp_path):
    model = zoo.build("mirror", encoder=f"file:{tmp_path}/mirror")
    with pytest.raises(ShapeError, match="N x 1"):
        model(torch.rand(1, 3, 8, 8))


@pytest.mark.usefixtures("nest")
def test_options_are_walked_in_order_with_their_paths():
    from nest.config import DuelOptions, GroveOptions

    assert part_kinds(DuelOptions) == {"generator": "model", "judge": "model"}
    seen = []

    def use(kind, value, path):
        seen.append((kind, value, path))
        return path

    filled = with_parts(GroveOptions, dict(GroveOptions(several=["a", "b"], branch={"network": "c"})), use)
    expected = [("a", "several.0"), ("b", "several.1"), ("c", "branch.network")]
    assert seen == [("backbone", value, path) for value, path in expected]
    assert filled["several"] == ("several.0", "several.1")
    assert filled["branch"].network == "branch.network"
    assert GroveOptions.model_json_schema()["$defs"]["Branch"]["properties"]["network"]["part"] == "backbone"
