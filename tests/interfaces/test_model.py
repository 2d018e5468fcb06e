"""What every model does: takes images of its own kind alone, says what is frozen, and shows itself."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import zoo
from zoo import InputSpec
from zoo.interfaces import Model
from zoo.interfaces.blocks.block import Block
from zoo.interfaces.blocks.freezing_state import check_frozen, freezing_state, restore_freezing, unrecorded
from zoo.interfaces.normalise import Normalise
from zoo.spec.errors import FreezeError, OptionError, ShapeError, TrainingError, ZooWarning
from zoo.spec.recipe import ModelSection, Recipe

SPEC = InputSpec(size=(8, 8), mean=(0.5,) * 3, std=(0.25, 0.5, 1.0), range=(-1, 1))


class Two(Model):
    """Two blocks and a model inside."""

    def __init__(self, inside: Model | None = None) -> None:
        super().__init__(task=None, input_spec=SPEC)
        self.normalise = Normalise(SPEC)
        self.one, self.two = Block(conv=nn.Conv2d(3, 4, 1)), Block(norm=nn.BatchNorm2d(4))
        if inside is not None:
            self.inside = inside

    @property
    def freezable(self):
        return {"one": self.one, "two": self.two}

    def forward(self, x):
        return self.two(self.one(self.normalise(x)))


@pytest.mark.parametrize(
    ("x", "words"),
    [
        ("cat.png", r"expected a tensor N x 3 x H x W in \[0, 1\], got 'cat.png'; zoo.predict"),
        (torch.zeros(3, 8, 8), r"N x 3 x H x W.*got float32 3 x 8 x 8; add the batch axis"),
        (
            torch.zeros(2, 1, 8, 8),
            r"N x 3 x H x W.*got float32 2 x 1 x 8 x 8; build the model with in_channels=1",
        ),
        (
            torch.zeros(2, 3, 8, 8, dtype=torch.uint8),
            "floating values.*got uint8 2 x 3 x 8 x 8; divide by 255",
        ),
    ],
)
def test_what_is_no_batch_of_the_models_images_is_refused_with_the_way_out(x, words):
    with pytest.raises(ShapeError, match=words):
        Two().check_images(x)
    assert Two().check_images(torch.zeros(2, 3, 8, 8)) is None
    assert Two().check_images(torch.zeros(1, 3, 9, 7, dtype=torch.float64)) is None


def test_images_are_normalised_by_the_spec_that_the_model_has_now():
    model, x = Two(), torch.tensor([0.0, 0.5, 1.0]).view(1, 1, 1, 3).expand(1, 3, 1, 3)
    expected = torch.tensor([[-6.0, -2, 2], [-3, -1, 1], [-1.5, -0.5, 0.5]])
    assert torch.allclose(model.normalise(x)[0, :, 0], expected)
    model.input_spec = InputSpec(mean=(0.0,) * 3, std=(0.5,) * 3)
    assert torch.allclose(model.normalise(x)[0, :, 0], torch.tensor([0.0, 1, 2]).expand(3, 3))
    assert x[0, 0, 0].tolist() == [0, 0.5, 1]


class Whole(Model):
    """Nothing of it freezes."""

    def __init__(self) -> None:
        super().__init__(task=None, input_spec=SPEC)
        self.encoder, self.decoder = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 3, 1)


@pytest.mark.parametrize("spec", ["encoder.all", "block1", "all", "encoder.block1-2"])
def test_a_model_of_which_nothing_freezes_says_what_it_is_made_of(spec):
    words = "expected a model with blocks to freeze, got one of encoder, decoder, which are no blocks; leave"
    for verb in (Whole().freeze, Whole().unfreeze):
        with pytest.raises(FreezeError, match=f"freeze spec '{spec}': {words}"):
            verb(spec)
    assert Whole().freeze("none").unfreeze("none").frozen == ()


def test_frozen_blocks_are_named_and_warned_of_where_their_weights_are_random():
    model = Two()
    with pytest.warns(ZooWarning, match=r"frozen blocks \(one.all\) have random weights"):
        model.freeze("one")
    assert model.frozen == ("one",)
    model.unfreeze()
    assert model.frozen == ()
    model.note_origin("somewhere")
    model.freeze("one,two")
    model.unfreeze("one")
    assert model.frozen == ("two",)
    model.freeze("none")
    with pytest.raises(FreezeError, match="did you mean one"):
        model.freeze("on")


def test_where_weights_come_from_is_said_of_the_models_inside_too():
    model = Two(Two())
    model.note_origin("a file")
    assert (model.origin, model.inside.origin) == ("a file", "a file")
    with pytest.raises(ShapeError, match="a model with a head"):
        model.read(torch.zeros(1, 2))


def test_what_is_frozen_comes_back_with_what_unfreezing_restores():
    model, other = Two(), Two()
    model.origin = other.origin = "a file"
    model.two.norm.eval()
    model.one.conv.bias.requires_grad_(False)
    model.freeze("two")
    other.freeze("one")
    restore_freezing(other, freezing_state(model))
    assert other.frozen == ("two",)
    trainable = {name for name, p in other.named_parameters() if p.requires_grad}
    assert trainable == {"one.conv.weight"}
    other.unfreeze()
    assert (other.two.norm.training, other.one.training) == (False, True)
    assert {name for name, p in other.named_parameters() if p.requires_grad} == {
        "one.conv.weight", "two.norm.weight", "two.norm.bias",
    }  # fmt: skip


def test_a_frozen_block_that_would_learn_nevertheless_is_refused():
    model = Two()
    model.origin = "a file"
    model.freeze("two")
    check_frozen(model, modes=True)
    model.two.norm.training = True
    check_frozen(model)
    with pytest.raises(
        TrainingError, match=r"frozen two: .*got norm in training mode; model.unfreeze\(\"two\"\)"
    ):
        check_frozen(model, modes=True)
    model.two.norm.bias.requires_grad_(True)
    with pytest.raises(
        TrainingError, match=r"got norm.bias.requires_grad = True; .*p.requires_grad_\(False\)"
    ):
        check_frozen(model)


def test_a_recipe_says_which_blocks_of_the_models_inside_are_frozen_now():
    inside = Two()
    model = Two(inside)
    model.part_sections = {"inside": ModelSection(name="net")}
    model.recipe = Recipe(model=ModelSection(name="outer"))
    assert model.recipe.model.options == {}
    for each in (model, inside):
        each.origin = "a file"
    inside.freeze("one")
    model.freeze("two")
    assert model.recipe.model.freeze == "two.all"
    assert model.recipe.model.options == {"inside": {"name": "net", "freeze": "one.all"}}
    assert unrecorded(model) == ()
    model.loose = nn.Sequential(Block(conv=nn.Conv2d(1, 1, 1)))
    model.loose[0].freeze()
    assert unrecorded(model) == ("loose.0",)


def test_a_summary_shows_shapes_parameters_and_what_is_frozen(make_model):
    model = make_model()
    model.origin = "a file"
    model.freeze("block1")
    summary = model.summary()
    total = sum(p.numel() for p in model.parameters())
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert (summary.parameters, summary.trainable) == (total, trainable)
    lines = repr(summary).splitlines()
    assert lines[2].split() == ["block", "output", "parameters", "trainable"]
    assert set(lines[1]) == set(lines[3]) == {"-"}
    first = next(line for line in lines if line.startswith("backbone.block1"))
    own = sum(p.numel() for p in model.backbone.blocks["block1"].parameters())
    assert first.split()[-3:] == [f"{own:,}", "0", "frozen"]
    bottom = next(line for line in lines if line.startswith("total"))
    assert bottom.split() == ["total", f"{total:,}", f"{trainable:,}"]
    page = summary._repr_html_()
    rows = page.split("<tr")[2:]
    assert [row.startswith(" style") for row in rows] == ["frozen" in row for row in rows]
    assert [cell.split('"')[1].split(":")[1] for cell in rows[0].split("<td")[1:]][1:4] == ["right"] * 3
    assert [cell.split('"')[1].split(":")[1] for cell in rows[0].split("<td")[1:]][4] == "left"


def test_blocks_frozen_behind_one_that_learns_are_warned_of(make_model):
    model = make_model()
    model.origin = "a file"
    with pytest.warns(ZooWarning, match="frozen block3 lies behind trainable block2"):
        model.freeze("block1,block3")
    fine = zoo.build("tiny_resnet", input_size=16)
    fine.origin = "a file"
    fine.freeze("block1-2")


def test_a_summary_says_where_a_backbone_was_cut_and_nothing_of_one_that_is_whole(make_model):
    assert "cut off" not in str(make_model().summary())
    cut = make_model(head={"name": "binary", "taps": ["block2"]})
    assert "backbone ends at block2: what lies behind it is cut off" in str(cut.summary())


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (("x", "y"), "expected 3 names, got 2 "),
        (("x", "x", "y"), "expected each name once, got 'x' twice"),
        ("xyz", "expected a list or tuple of names, got 'xyz'"),
        ({"x", "y", "z"}, "expected a list or tuple of names"),
    ],
)
def test_labels_that_no_answer_could_be_read_with_are_refused_where_they_are_set(labels, words):
    model = zoo.build("mlp", head="multiclass", classes=["a", "b", "c"], input_size=8)
    with pytest.raises(OptionError, match=words):
        model.labels = labels
    assert model.labels == ("a", "b", "c")
    model.labels = ["x", "y", "z"]
    assert model.labels == ("x", "y", "z")
    model.labels = ()
