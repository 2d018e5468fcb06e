"""`zoo.build`: the figures of the literature, and what a mistake is answered with."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import zoo
from zoo.compose.meta_build import meta_tensors
from zoo.interfaces.blocks.summary import count
from zoo.interfaces.normalise import Normalise
from zoo.spec.errors import (
    FreezeError,
    OptionError,
    RecipeError,
    ShapeError,
    UnknownComponentError,
    WeightsError,
    ZooError,
    ZooWarning,
)
from zoo.spec.hints.spoken import Spoken, speaking

TINY_VGG = {"name": "vgg16", "width": 0.125}


def test_vgg16_at_150_has_the_published_figures():
    head = {"name": "binary", "pool": "flatten", "hidden": [256]}
    with pytest.warns(ZooWarning, match="random"):
        model = zoo.build("vgg16", head=head, freeze="block1-4", input_size=150)
    assert count(model.backbone)[0] == 14_714_688
    assert model.backbone.block_infos()[-1].shape == "512x4x4"
    assert count(model.head) == (2_097_665, 2_097_665)
    assert model.summary().trainable == 7_079_424 + 2_097_665


def test_vgg16_with_its_original_head_has_138_million_parameters():
    model = zoo.build("vgg16", head="original")
    assert model.summary().parameters == 138_357_544
    assert model.outputs == 1000
    assert model.labels[0] == "tench"


def test_a_torch_module_is_sent_to_fit():
    with pytest.raises(
        ZooError, match=r"^build: expected the name of a component, got Conv2d; zoo.fit\(module, data\)"
    ):
        zoo.build(nn.Conv2d(3, 4, 1))


def test_frozen_random_weights_are_warned_of_with_the_tag_that_cures_it():
    with pytest.warns(ZooWarning, match=r'weights="imagenet" loads the published ones') as caught:
        model = zoo.build("vgg16", head="binary", freeze="block1-4")
    assert caught[0].filename == __file__
    assert "random" in str(model.summary())
    assert model(torch.rand(2, 3, 64, 64)).shape == (2, 1)


def test_without_a_head_the_last_map_comes_out():
    assert zoo.build(TINY_VGG)(torch.rand(1, 3, 64, 64)).shape == (1, 64, 2, 2)


def test_images_are_normalised_inside():
    model = zoo.build(TINY_VGG).eval()
    x = torch.rand(1, 3, 32, 32)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (model.input_spec.mean, model.input_spec.std))
    given = x.clone()
    assert torch.allclose(model(x), model.backbone((x - mean) / std), atol=1e-6)
    assert torch.equal(x, given)


def test_one_seed_gives_one_model_and_leaves_the_global_state_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    one, two = (zoo.build(TINY_VGG, head="binary", seed=3).state_dict() for _ in range(2))
    assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(one[k], two[k]) for k in one)


def test_the_recipe_builds_the_model_again():
    model = zoo.build(TINY_VGG, head={"name": "multiclass", "dropout": 0.5}, classes=["a", "b", "c"], seed=1)
    again = zoo.build(model.recipe)
    assert again.recipe == model.recipe
    assert again.labels == ("a", "b", "c")
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))


def test_a_head_takes_several_taps():
    model = zoo.build(TINY_VGG, head={"name": "binary", "taps": ["block3.relu3", "block5"]}, input_size=64)
    assert model.head.inputs[0].channels == 32
    assert model(torch.rand(2, 3, 64, 64)).shape == (2, 1)


@pytest.mark.parametrize("channels", [1, 4])
def test_any_number_of_channels(channels):
    model = zoo.build(TINY_VGG, head="binary", in_channels=channels)
    assert model(torch.rand(2, channels, 32, 32)).shape == (2, 1)
    assert model.input_spec.channels == channels == len(model.input_spec.mean)


def test_a_network_bound_to_a_size_is_built_for_the_input_size():
    model = zoo.build("mlp", head="multiclass", classes=10, input_size=8, in_channels=1)
    assert model(torch.rand(2, 1, 8, 8)).shape == (2, 10)


def test_freezing_changes_the_recipe_and_unfreezing_changes_it_back():
    model = zoo.build(TINY_VGG, head="binary")
    with pytest.warns(ZooWarning):
        model.freeze("block1-2,block4")
    assert model.frozen == ("block1", "block2", "block4")
    assert model.recipe.model.freeze == "block1-2,block4"
    model.unfreeze("block4")
    assert model.recipe.model.freeze == "block1-2"
    model.unfreeze()
    assert model.recipe.model.freeze == "none"


def test_a_frozen_block_behind_a_trainable_one_is_warned_of():
    model = zoo.build(TINY_VGG, head="binary")
    model.origin = "trained"
    with pytest.warns(ZooWarning, match="block3 lies behind trainable block1"):
        model.freeze("block3")


def test_nothing_is_left_on_the_meta_device():
    assert meta_tensors(zoo.build(TINY_VGG, head="original", classes=5)) == []


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"name": "vgg61"}, UnknownComponentError, "did you mean"),
        ({"name": "VGG16"}, ZooError, "did you mean vgg16"),
        ({"name": 3}, ZooError, "expected"),
        ({"name": "vgg16", "widht": 2}, OptionError, "widht.*did you mean width"),
        ({"name": "vgg16", "width": -1}, OptionError, "greater than 0, got -1"),
        ({"name": "vgg16", "head": "binry"}, UnknownComponentError, "did you mean binary"),
        ({"name": "vgg16", "head": {"name": "binary", "pol": "avg"}}, OptionError, "did you mean pool"),
        ({"name": "vgg16", "head": {"name": "binary", "pool": "mean"}}, OptionError, "'avg'.*got 'mean'"),
        ({"name": "vgg16", "head": {"name": "binary", "taps": ["block9"]}}, ShapeError, "no tap block9"),
        ({"name": "vgg16", "head": "multiclass"}, OptionError, "needs classes"),
        (
            {"name": "vgg16", "head": "binary", "classes": 3},
            OptionError,
            'got 3; head="multiclass" tells more',
        ),
        ({"name": "vgg16", "freeze": "block7"}, FreezeError, "block1, block2, block3, block4, block5"),
        ({"name": "vgg16", "freeze": "blok1"}, FreezeError, "did you mean block1"),
        ({"name": "vgg16", "freeze": "block4-1"}, FreezeError, "block1-4"),
        ({"name": "vgg16", "freeze": "encoder.block1"}, FreezeError, "encoder"),
        ({"name": "vgg16", "input_size": 20}, ShapeError, "20x20"),
        ({"name": "vgg16", "input_size": "big"}, RecipeError, "input_size"),
        ({"name": "vgg16", "in_channels": 0}, RecipeError, "in_channels"),
        ({"name": "vgg16", "weights": "imgnet"}, WeightsError, "did you mean imagenet"),
        ({"name": "vgg16", "weights": "./nowhere.safetensors"}, WeightsError, "no file"),
        ({"name": "mlp", "head": "original"}, ZooError, "classes|original head"),
        (
            {"name": "vgg16", "head": "original", "weights": "imagenet", "classes": 10},
            OptionError,
            "1000 classes",
        ),
    ],
)
def test_a_mistake_is_answered_in_one_line_before_memory_is_taken(arguments, error, message, only_meta):
    with pytest.raises(error, match=message) as caught:
        zoo.build(**arguments)
    assert "\n" not in str(caught.value)


def test_what_has_no_mistake_takes_memory_after_all(only_meta):
    """The guard of the test above sees it."""
    with pytest.raises(AssertionError, match="memory was taken"):
        zoo.build(TINY_VGG)


@pytest.fixture
def only_meta(monkeypatch):
    """Fails where a module gets a parameter or buffer that takes memory."""

    def guarded(register):
        def on_meta(self, name, value, *args, **kwargs):
            small = isinstance(self, Normalise)  # a number a colour, which follow the input spec
            assert value is None or value.is_meta or not value.numel() or small, "memory was taken"
            register(self, name, value, *args, **kwargs)

        return on_meta

    for name in ("register_parameter", "register_buffer"):
        monkeypatch.setattr(nn.Module, name, guarded(getattr(nn.Module, name)))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.rand(3, 64, 64), "add the batch axis"),
        (torch.rand(1, 1, 64, 64), "in_channels=1"),
        (torch.randint(0, 255, (1, 3, 64, 64), dtype=torch.uint8), "divide by 255"),
        (torch.rand(1, 3, 8, 8), "8x8"),
    ],
)
def test_images_that_do_not_fit_are_refused_at_the_door(x, message):
    with pytest.raises(ShapeError, match=message):
        zoo.build(TINY_VGG, head="binary")(x)


def test_classes_without_a_head_are_said_to_wait(recwarn: pytest.WarningsRecorder) -> None:
    with pytest.warns(ZooWarning, match=r"classes=3 is for a head, .* none; head=\"multiclass\" adds one"):
        model = zoo.build("small_cnn", classes=3, input_size=8)
    assert model.recipe.model.classes == 3
    with (
        speaking(Spoken(way="shell")),
        pytest.warns(ZooWarning, match="--classes a,b .* --head multi"),
    ):
        zoo.build("small_cnn", classes=["a", "b"], input_size=8)
    zoo.build("small_cnn", head="multiclass", classes=3, input_size=8)
    zoo.build("unet", classes=3, input_size=16)
    assert not recwarn.list
