"""The middle of an image, as published classifiers were evaluated on: torchvision's and timm's way."""

from dataclasses import replace

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from timm.data import create_transform
from torchvision.transforms import v2

import zoo
from zoo.compose.plan import plan
from zoo.compose.resolve import resolve
from zoo.data.batches import Batches
from zoo.data.row_cache.pixels import PixelCache
from zoo.data.sources.class_folders import ImageFiles
from zoo.errors import DataError, DeclarationError, OptionError
from zoo.hub.card import card
from zoo.images import prepare as preparing
from zoo.images.framing import covered, framing
from zoo.images.prepare import pixels, prepare
from zoo.spec.inputs import InputSpec, input_value
from zoo.spec.recipe import ModelSection

SIZES = [(375, 500), (500, 375), (64, 64), (56, 56), (37, 91), (91, 38), (1, 1), (3, 2), (101, 301)]
MANY = {"mean": (0,) * 300, "std": (1,) * 300}
CROP = InputSpec(size=(56, 56), crop=56 / 64)


def noise(*shape, seed=0):
    """Floats of a smooth range, H x W x 3."""
    return np.random.default_rng(seed).random((*shape, 3), dtype=np.float32)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_middle_is_that_of_torchvision(size, interpolation):
    image = noise(*size)
    mode = v2.InterpolationMode(interpolation)
    theirs = v2.Compose([v2.Resize(64, interpolation=mode, antialias=True), v2.CenterCrop(56)])
    expected = theirs(torch.from_numpy(image).permute(2, 0, 1)).clamp(0, 1)
    found = prepare(image, replace(CROP, interpolation=interpolation))
    assert found.shape == (3, 56, 56)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("side", "share"), [(56, 0.875), (60, 0.95), (48, 1.0), (96, 0.965)], ids=str)
def test_the_middle_is_that_of_timm(side, share):
    theirs = create_transform((3, side, side), crop_pct=share, interpolation="bicubic").transforms[:2]
    spec = InputSpec(size=(side, side), crop=share, interpolation="bicubic")
    for size in SIZES:
        image = noise(*size)
        expected = torch.from_numpy(image).permute(2, 0, 1)
        for step in theirs:
            expected = step(expected)
        assert expected.shape == (3, side, side)
        torch.testing.assert_close(prepare(image, spec), expected.clamp(0, 1), atol=1e-5, rtol=0)


def test_the_height_and_width_to_cover_are_those_of_each_published_classifier():
    """As timm rounds its shares, and back from torchvision's whole numbers."""
    for name in timm.list_pretrained():
        cfg = timm.get_pretrained_cfg(name)
        if cfg.crop_pct > 1:  # of three, whose images are laid on black
            continue
        size = cfg.input_size[1:]
        expected = tuple(int(np.floor(side / cfg.crop_pct)) for side in size)
        assert covered(InputSpec(size=size, crop=cfg.crop_pct)) == expected, name
    for side in range(160, 480, 7):
        for short in range(side, 600):
            assert covered(InputSpec(size=(side, side), crop=side / short)) == (short, short)


def test_a_size_of_two_sides_is_covered_by_the_tighter_one():
    spec = InputSpec(size=(50, 100), crop=0.5)
    assert framing((100, 100), spec) == ((200, 200), (75, 50))
    assert framing((100, 400), spec) == ((100, 400), (25, 150))


def test_without_a_crop_nothing_is_cut():
    assert framing((375, 500), InputSpec()) == ((224, 224), (0, 0))
    assert "crop" not in InputSpec().to_dict()
    assert InputSpec.from_dict(CROP.to_dict()) == CROP


@pytest.mark.parametrize("value", [0, -0.5, 1.2, True, "0.9", float("nan")])
def test_a_crop_is_a_share_of_the_image(value):
    with pytest.raises(DeclarationError, match=r"crop: expected a number from 0\.01 to 1"):
        InputSpec(crop=value)


def test_strips_of_a_large_image_give_the_same(monkeypatch):
    image = noise(300, 401)
    expected = prepare(image, CROP)
    monkeypatch.setattr(preparing, "is_large", lambda height, width: True)
    torch.testing.assert_close(prepare(image, CROP), expected, atol=0, rtol=0)


def test_an_image_that_would_be_resized_to_too_much_is_refused():
    with pytest.raises(DataError, match=r"at most .* pixels where it covers 64 x 64"):
        prepare(
            np.zeros((1, 200_000, 1), np.uint8), InputSpec(size=(56, 56), crop=0.875, channels=300, **MANY)
        )


def test_a_jpeg_is_read_large_enough_and_framed_by_its_full_size(tmp_path):
    """At a reduced scale the ratio of the sides is another one; places and pixels follow the file's own."""
    from sklearn.datasets import load_sample_image

    file = tmp_path / "a.jpg"
    Image.fromarray(load_sample_image("china.jpg")).resize((1001, 667)).save(file, quality=95)
    exact = pixels(np.array(Image.open(file)), CROP)
    data = ImageFiles([file])
    read: list[tuple[int, int]] = []
    kept = data.reduced
    data.reduced = lambda index, least: (read.append(least), kept(index, least))[1]
    (batch,) = Batches(data, [0], replace(CROP, decode="fast"), batch_size=1, places=True)
    assert read == [(64, 64)]
    assert (batch["image"][0] - exact).abs().mean() < 2 / 255
    # The middle of what is seen is the middle of the image, but for half a pixel of 64
    middle = batch["place"][0] @ torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)
    assert middle[:2].abs().max() <= 667 / 64 / 2 + 1e-9
    assert batch["place"][0].diag()[:2].tolist() == [1001 / 96, 667 / 64]


def test_a_new_network_can_be_given_a_crop_and_a_saved_one_keeps_it(tmp_path):
    small = {"input_size": 8, "channels": [2, 2, 2, 2], "seed": 0}
    model = zoo.build("small_cnn", head="binary", input={"crop": 0.5}, **small)
    image = noise(30, 40)
    said = zoo.predict(model, image)[0].score
    outside = image.copy()
    outside[:7], outside[-7:] = 0, 0
    assert zoo.predict(model, outside)[0].score == said
    zoo.save(model, tmp_path / "m")
    same = zoo.load(tmp_path / "m")
    assert same.input_spec == model.input_spec
    assert same.input_spec.crop == 0.5
    assert zoo.predict(same, image)[0].score == said
    assert "middle of what covers it at crop=0.5" in str(same.summary())
    again = zoo.build(model.recipe.model.to_value(), seed=0)
    assert again.input_spec == model.input_spec
    # Weights bring what was learnt; how much of an image is seen is said anew
    asked = {"weights": str(tmp_path / "m"), "input_size": 8, "options": {"channels": [2, 2, 2, 2]}}
    for head, classes in (("multiclass", 3), ("original", 2)):
        other = plan(ModelSection(name="small_cnn", head=head, classes=classes, **asked)).meta_model
        assert other.input_spec == replace(model.input_spec, crop=None, decode=other.input_spec.decode)


@pytest.mark.parametrize("value", [0, 2, "half", True])
def test_a_recipes_crop_is_checked_before_anything_is_built(value):
    expected = r"crop: expected a number from 0\.01 to 1, such as 0\.875, or 'none' for the whole image, got"
    with pytest.raises(DeclarationError, match=expected):
        input_value({"crop": value})


@pytest.mark.parametrize(
    ("name", "given"),
    [("unet", {"classes": 2}), ("srresnet", {}), ("autoencoder", {}), ("dcgan", {})],
)
def test_models_whose_answers_are_images_take_no_crop(name, given):
    with pytest.raises(OptionError, match="input: crop"):
        zoo.build(name, input={"crop": 0.875}, **given)


def test_a_crop_goes_with_weights_which_keep_the_rest_of_their_input():
    section = ModelSection(name="resnet18", head="original", weights="imagenet", input={"crop": 0.5})
    made = plan(section).meta_model
    bare = plan(section.model_copy(update={"input": None})).meta_model
    assert made.input_spec == replace(bare.input_spec, crop=0.5)
    with pytest.raises(OptionError, match="what resnet18 imagenet was trained with, mean"):
        plan(section.model_copy(update={"input": {"crop": 0.5, "mean": 0}}))


@pytest.mark.parametrize(
    ("asked", "crop"),
    [
        ({"head": "original"}, 224 / 256),
        ({"head": "original", "input": {"range": [0, 1]}}, 224 / 256),
        ({"head": "original", "input_size": 288}, 224 / 256),
        ({"head": "original", "weights": "a1"}, 0.95),
        ({"head": "original", "weights": None}, None),
        ({"head": "original", "input": {"crop": "none"}}, None),
        ({"head": "original", "input": {"crop": None}}, None),
        ({"head": "binary"}, None),
        ({"head": "binary", "input": {"crop": "none"}}, None),
        ({}, None),
    ],
    ids=str,
)
def test_the_published_classifier_brings_its_crop_and_no_other_head_does(asked, crop):
    found = plan(ModelSection(**{"name": "resnet18", "weights": "imagenet", **asked}))
    assert found.meta_model.input_spec.crop == found.input_spec.crop == crop


def test_a_part_sees_what_the_model_around_it_sees():
    section = ModelSection(name="resnet18", head="original", weights="imagenet")
    assert resolve(section, inner=True).declared == replace(resolve(section).declared, crop=None)


def test_kept_pixels_of_a_crop_are_others(tmp_path):
    file = tmp_path / "a.png"
    Image.fromarray((noise(20, 30) * 255).astype(np.uint8)).save(file)
    folders = [
        PixelCache(ImageFiles([file]), spec, tmp_path / "kept", torch.uint8, {}).folder
        for spec in (CROP, replace(CROP, crop=None), replace(CROP, crop=0.5))
    ]
    assert len({*folders}) == 3


def test_the_card_says_what_is_seen():
    model = zoo.build("small_cnn", head="binary", input_size=8, channels=[2, 2, 2, 2], input={"crop": 0.5})
    said = "cover 16 x 16 with their sides' ratio kept, of which the middle 8 x 8 are taken (bilinear)"
    assert said in card(model)
