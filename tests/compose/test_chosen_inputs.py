"""Range, mean, std and bands that are chosen for a new network."""

import colorsys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from skimage.color import rgb2hsv

import zoo
from zoo.interfaces.normalise import Normalise, banded
from zoo.spec.channels.bands import DIFFERENCES, Band
from zoo.spec.errors import OptionError, ZooError
from zoo.spec.inputs import InputSpec
from zoo.spec.recipe import Recipe

FOUR = InputSpec().with_channels(4)
NDVI = {"ndvi": {"red": 0, "near_infrared": 3}}


def small(**given: Any) -> zoo.Model:
    return zoo.build("small_cnn", head="binary", input_size=32, seed=0, channels=[4, 8, 8, 8], **given)


@pytest.mark.parametrize(
    ("given", "low", "high"),
    [
        ({"range": [-1, 1], "mean": 0, "std": 1}, -1.0, 1.0),
        ({"mean": 0, "std": 1}, 0.0, 1.0),
        ({"range": [0, 255], "mean": 127.5, "std": 255}, -0.5, 0.5),
    ],
)
def test_a_new_network_sees_the_range_that_was_chosen(given: dict[str, Any], low: float, high: float) -> None:
    model = small(input=given)
    seen = model.normalise(torch.tensor([0.0, 1.0]).view(1, 1, 1, 2).expand(1, 3, 1, 2))
    assert (float(seen.min()), float(seen.max())) == (low, high)


def test_each_channel_is_normalised_by_its_own_mean_and_std() -> None:
    mean, std = [0.1, 0.2, 0.3, 0.4, 0.5], [0.5, 0.4, 0.3, 0.2, 0.1]
    model = small(in_channels=5, input={"mean": mean, "std": std})
    x = torch.rand(2, 5, 32, 32)
    expected = (x.numpy() - np.reshape(mean, (5, 1, 1))) / np.reshape(std, (5, 1, 1))
    np.testing.assert_allclose(model.normalise(x).numpy(), expected, rtol=1e-4, atol=1e-6)


def test_hue_saturation_and_value_are_those_of_colorsys_and_scikit_image() -> None:
    x = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    # Gray, black, white, and two colours that are the largest
    x[0, :, 0, :5] = torch.tensor([[0.5, 0, 1, 0.7, 0.2], [0.5, 0, 1, 0.7, 0.9], [0.5, 0, 1, 0.1, 0.9]])
    found = banded(x, [*map(Band.of, ("hue", "saturation", "value"))])
    pixels = x.permute(0, 2, 3, 1).numpy()
    expected = np.array([colorsys.rgb_to_hsv(*p) for p in pixels.reshape(-1, 3)]).reshape(pixels.shape)
    np.testing.assert_allclose(found.permute(0, 2, 3, 1).numpy(), expected, atol=1e-12)
    np.testing.assert_allclose(found.permute(0, 2, 3, 1).numpy(), rgb2hsv(pixels), atol=1e-12)


def test_the_colours_themselves_and_gray() -> None:
    x = torch.rand(1, 3, 2, 2)
    found = banded(x, [*map(Band.of, ("blue", "red", "green", 1, "gray"))])
    torch.testing.assert_close(found[:, :4], x[:, [2, 0, 1, 1]])
    torch.testing.assert_close(found[:, 4], 0.299 * x[:, 0] + 0.587 * x[:, 1] + 0.114 * x[:, 2])


@pytest.mark.parametrize("name", DIFFERENCES)
def test_an_index_is_the_difference_of_two_channels_by_their_sum_and_0_where_both_are(name: str) -> None:
    first, second = DIFFERENCES[name]
    x = torch.tensor([[0.6, 0.0, 0.0, 1.0], [0.2, 0.0, 0.5, 0.0]]).view(1, 2, 2, 2)
    (found,) = banded(x, [Band.of({name: {first: 0, second: 1}})])
    torch.testing.assert_close(found.flatten(), torch.tensor([0.5, 0.0, -1.0, 1.0]))


def test_bands_are_scaled_from_their_values_to_minus_1_and_1_unless_said_otherwise() -> None:
    spec = FOUR.changed({"bands": ["hue", NDVI]})
    assert (spec.mean, spec.std, spec.network.channels) == ((0.5, 0.0), (0.5, 1.0), 2)
    spec = FOUR.changed({"bands": ["hue", NDVI], "range": [0, 2]})
    assert (spec.mean, spec.std) == ((1.0, 0.0), (1.0, 2.0))
    assert FOUR.changed({"bands": ["hue", NDVI], "mean": 0.1}).mean == (0.1, 0.1)
    norm = Normalise(spec)
    x = torch.rand(1, 4, 3, 3)
    pairs = zip(banded(x, spec.bands)[0], spec.mean, spec.std, strict=True)
    expected = torch.stack([(2 * band - mean) / std for band, mean, std in pairs])
    torch.testing.assert_close(norm(x)[0], expected)


@pytest.mark.parametrize("name", ["small_cnn", "unet"])
def test_bands_are_saved_with_the_model_and_built_again_from_its_recipe(tmp_path: Path, name: str) -> None:
    parts: dict[str, Any] = {"encoder": {"name": "unet_encoder", "widths": [4, 8]}}
    parts = parts if name == "unet" else {"head": "multiclass", "channels": [4, 8, 8, 8]}
    model = zoo.build(
        name,
        classes=3,
        in_channels=4,
        input_size=32,
        input={"bands": [0, NDVI, "saturation"]},
        seed=0,
        **parts,
    )
    x = torch.rand(2, 4, 32, 32)
    expected = model(x)
    model.save_pretrained(tmp_path / "m")
    again = zoo.load(tmp_path / "m")
    assert torch.equal(again(x), expected)
    assert again.input_spec == model.input_spec
    assert (model.input_spec.channels, len(model.input_spec.mean)) == (4, 3)
    assert torch.equal(zoo.build(again.recipe)(x), expected)
    assert Recipe.from_dict(again.recipe.to_dict()) == again.recipe
    pixels = np.random.default_rng(0).random((32, 32, 4), dtype=np.float32)
    assert zoo.predict(model, pixels)[0].scores == zoo.predict(again, pixels)[0].scores


def test_what_is_trained_further_sees_the_same_bands(tmp_path: Path) -> None:
    small(in_channels=4, input={"bands": [NDVI, 1]}).save_pretrained(tmp_path / "first")
    second = zoo.build(str(tmp_path / "first"), head="multiclass", classes=3)
    second.save_pretrained(tmp_path / "second")
    spec = zoo.load(tmp_path / "second").input_spec
    assert ([band.to_value() for band in spec.bands], spec.channels) == ([NDVI, 1], 4)
    with pytest.raises(OptionError, match=r"expected what .*first.* was trained with, .*leave input out"):
        zoo.build(str(tmp_path / "first"), head="binary", input={"mean": 0.3})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"mean": [0.1, 0.2]}, "bad mean: expected 3 numbers, one a channel"),
        ({"std": 0}, "bad std: expected 3 positive numbers"),
        ({"std": [1, 2], "bands": ["hue"]}, "bad std: expected 1 positive number, one a band"),
        ({"range": 3}, "bad range"),
        ({"range": [1, 0], "bands": ["hue"]}, "two rising numbers"),
        ({"means": 0.5}, r"expected one of range, mean, .* got 'means'; did you mean mean"),
        ({"size": [8, 8]}, "got 'size'"),
        ({"bands": "hue"}, "expected a list of bands"),
        ({"bands": ["hu"]}, r"got 'hu'; did you mean hue\?"),
        ({"bands": ["ndvi"]}, r"say \{'ndvi': \{'near_infrared': 0, 'red': 1\}\}"),
        ({"bands": [3]}, "expected channels 0..2, got 3; images of 4 channels: in_channels=4"),
        ({"bands": [-1]}, "numbers of channels from 0 on"),
        ({"bands": [{"ndvi": {"red": 0}}]}, "bad ndvi: expected the numbers of its channels"),
        ({"bands": [{"ndvi": {"red": 0, "near_infrared": 0}}]}, "bad ndvi: expected two numbers"),
        ({"bands": [{"nvdi": {"red": 0}}]}, "got 'nvdi'; did you mean"),
        ({"bands": [1.5]}, "a channel's number, a name, or"),
    ],
)
def test_what_does_not_fit_is_said_before_anything_is_made(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ZooError, match=words) as caught:
        small(input=given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"name": "tiny_resnet", "head": "binary", "weights": "glyphs"},
            r"mean \[0\.5\], got .*leave input out",
        ),
        (
            {"name": "unet", "classes": 2, "encoder": {"name": "tiny_resnet", "weights": "glyphs"}},
            "trained with",
        ),
        ({"name": "dcgan"}, "got one that does not normalise"),
    ],
)
def test_where_input_is_not_free_it_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        zoo.build(**given, input={"mean": 0.2})


def test_bands_are_refused_of_parts_and_where_images_are_given_back() -> None:
    with pytest.raises(OptionError, match=r"unet_encoder: input: .* say input of the model around it"):
        zoo.build("unet", classes=2, encoder={"name": "unet_encoder", "input": {"mean": 0.2}})
    with pytest.raises(
        OptionError, match="expected channels that can be turned back into an image, got bands"
    ):
        zoo.build("autoencoder", input={"bands": ["hue"]})


def test_the_same_values_as_the_weights_say_are_no_contradiction() -> None:
    model = zoo.build("tiny_resnet", head="binary", weights="glyphs", input={"mean": [0.5], "std": [0.5]})
    assert model.input_spec.mean == (0.5,)
