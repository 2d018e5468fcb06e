"""`image-data-generator` against Keras' own ImageDataGenerator."""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

os.environ["KERAS_BACKEND"] = "torch"
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from keras.src.legacy.preprocessing import image as keras_image

from zoo_augment.keras import ImageDataGenerator, composed
from zoo_augment.keras_config import ImageDataGeneratorOptions

from zoo.interfaces.draws import draws
from zoo.interfaces.geometry.warp import FILL_MODES, warp_images
from zoo.spec.errors import OptionError
from zoo.spec.options import validate

SIDE = 40
PARAMETERS = [
    {"theta": 33.0},
    {"tx": 5.3, "ty": -8.25},
    {"shear": 20.0},
    {"zx": 0.7, "zy": 1.3},
    {"theta": -40.0, "tx": 7.9, "ty": 6.1, "shear": -12.0, "zx": 1.19, "zy": 0.83},
]
DRAWS = 4000
NAMES = ("theta", "tx", "ty", "shear", "zx", "zy", "flip_horizontal", "flip_vertical")
SWAPPED = {"tx": "ty", "ty": "tx"}
"""Keras draws tx from the height and moves columns by it; zoo draws tx from the width."""


def image() -> np.ndarray:
    return np.random.default_rng(0).random((SIDE, SIDE, 3), dtype=np.float32) * 255


def by_keras(x: np.ndarray, mode: str, **parameters: float) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it uses a name that SciPy has moved
        found = keras_image.apply_affine_transform(
            x, row_axis=0, col_axis=1, channel_axis=2, fill_mode=mode, cval=40.0, **parameters
        )
    return np.asarray(found)


def matrices(**parameters: float | bool) -> torch.Tensor:
    defaults: dict[str, Any] = dict.fromkeys(NAMES, 0.0) | {"zx": 1.0, "zy": 1.0}
    return composed(**{k: torch.tensor([v]) for k, v in (defaults | parameters).items()})


@pytest.mark.parametrize("mode", FILL_MODES)
@pytest.mark.parametrize("parameters", PARAMETERS, ids="+".join)
def test_pixels_are_those_of_apply_affine_transform(parameters: dict[str, float], mode: str) -> None:
    x = image()
    given = torch.from_numpy(x).permute(2, 0, 1)[None] / 255
    found = warp_images(given, matrices(**parameters), mode=mode, value=40 / 255)
    difference = np.abs(found[0].permute(1, 2, 0).numpy() * 255 - by_keras(x, mode, **parameters))
    if mode == "constant":  # apart from the border of one pixel, where Keras does not interpolate
        inside = by_keras(np.ones_like(x), "constant", **parameters) == 1
        difference = difference[1:-1, 1:-1][inside[1:-1, 1:-1]]
    assert difference.size > 0
    assert difference.max() < 0.005


@pytest.mark.parametrize(("horizontal", "vertical"), [(True, False), (False, True), (True, True)])
def test_flips_come_after_the_affine_part(horizontal: bool, vertical: bool) -> None:
    x, parameters = image(), PARAMETERS[-1]
    expected = by_keras(x, "nearest", **parameters)
    expected = expected[:: -1 if vertical else 1, :: -1 if horizontal else 1]
    m = matrices(**parameters, flip_horizontal=horizontal, flip_vertical=vertical)
    found = warp_images(torch.from_numpy(x).permute(2, 0, 1)[None], m, mode="nearest")
    assert np.abs(found[0].permute(1, 2, 0).numpy() - expected).max() < 0.005


RANGES: list[dict[str, Any]] = [
    {"rotation_range": 40, "shear_range": 20.0, "zoom_range": 0.2},
    {"width_shift_range": 0.2, "height_shift_range": 0.4, "zoom_range": (0.5, 1.0)},
    {"width_shift_range": 6, "height_shift_range": 3.5},
    {"width_shift_range": [0.1, 0.3], "height_shift_range": [-8, 2, 5]},
    {"width_shift_range": 1, "horizontal_flip": True, "vertical_flip": True},
]


@pytest.mark.parametrize("options", RANGES, ids="+".join)
def test_parameters_are_drawn_from_keras_distributions(options: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reference = keras_image.ImageDataGenerator(**options)
    np.random.seed(0)  # Keras draws from the global generator
    rows = [reference.get_random_transform((50, 80, 3)) for _ in range(DRAWS)]
    chosen = ImageDataGenerator(**dict(validate(ImageDataGeneratorOptions, options, "test")))
    found = next(iter(chosen)).drawn((50, 80), draws(0, 1, range(DRAWS)))  # type: ignore[operator]
    for name in NAMES:
        ours = found[name].double().numpy()
        keras = np.array([row[SWAPPED.get(name, name)] for row in rows], dtype=float)
        if len(np.unique(keras)) < 20:
            values = np.unique(keras)
            assert np.allclose(np.unique(ours), values)
            counts = [[np.isclose(v, each).sum() for v in values] for each in (ours, keras)]
            assert len(values) == 1 or stats.chi2_contingency(counts).pvalue > 0.001
        else:
            assert stats.ks_2samp(ours, keras).pvalue > 0.001
            assert ours.mean() == pytest.approx(keras.mean(), abs=4 * keras.std() / np.sqrt(DRAWS / 2))
            assert ours.std() == pytest.approx(keras.std(), rel=0.05)


def test_both_directions_and_all_parameters_are_drawn_independently() -> None:
    chosen = ImageDataGenerator(
        rotation_range=1, width_shift_range=0.2, height_shift_range=0.2, shear_range=1, zoom_range=0.2
    )
    found = next(iter(chosen)).drawn((50, 50), draws(0, 1, range(DRAWS)))  # type: ignore[operator]
    correlation = np.corrcoef(np.stack([found[name].numpy() for name in NAMES[:6]]))
    assert np.abs(correlation - np.eye(6)).max() < 4 / np.sqrt(DRAWS)


def test_width_shift_moves_sideways_and_height_shift_up_and_down() -> None:
    x = torch.zeros(1, 1, 11, 11)
    x[0, 0, 5, 5] = 1
    for name, axis in (("width_shift_range", 3), ("height_shift_range", 2)):
        moved = ImageDataGenerator(**{name: [3]})({"image": x}, draws(0, 1, [0]))["image"]
        assert torch.equal(moved, x.roll(3, axis)) or torch.equal(moved, x.roll(-3, axis))


def test_images_that_are_not_square_turn_about_their_middle() -> None:
    x = torch.zeros(1, 1, 9, 21)
    x[0, 0, 4, 10] = 1
    turned = ImageDataGenerator(rotation_range=180)({"image": x}, draws(0, 1, [0]))["image"]
    assert float(turned[0, 0, 4, 10]) == pytest.approx(1, abs=1e-5)


def test_channel_shift_is_keras() -> None:
    x = image() / 255
    chosen = ImageDataGenerator(channel_shift_range=100, rescale=1 / 255)
    found = chosen({"image": torch.from_numpy(x).permute(2, 0, 1)[None]}, draws(3, 1, [0]))["image"]
    # The one unknown is the draw; where nothing is cut off, it can be read from a pixel.
    shift = float(np.median(found[0].permute(1, 2, 0).numpy() - x))
    assert 0.01 < abs(shift) < 100 / 255
    expected = keras_image.apply_channel_shift(x, shift, channel_axis=2)
    assert np.abs(found[0].permute(1, 2, 0).numpy() - expected).max() < 1e-5


def test_channel_shift_is_drawn_evenly_up_to_its_range() -> None:
    x = torch.full((DRAWS, 1, 1, 3), 0.5)
    x[..., 0], x[..., 2] = 0, 1
    out = ImageDataGenerator(channel_shift_range=0.3)({"image": x}, draws(0, 1, range(DRAWS)))["image"]
    shift = (out[:, 0, 0, 1] - 0.5).double().numpy()
    assert stats.kstest(shift, stats.uniform(-0.3, 0.6).cdf).pvalue > 0.001


def test_brightness_is_keras_but_for_its_rounding_to_whole_values() -> None:
    x = np.round(image())
    given = torch.from_numpy(x).permute(2, 0, 1)[None] / 255
    for factor in (0.4, 1.0, 1.7):
        found = ImageDataGenerator(brightness_range=(factor, factor))({"image": given}, draws(0, 1, [0]))
        expected = keras_image.apply_brightness_shift(x, factor, False)
        assert np.abs(found["image"][0].permute(1, 2, 0).numpy() * 255 - expected).max() <= 1.001


def test_brightness_is_drawn_evenly_from_its_range() -> None:
    x = torch.full((DRAWS, 1, 1, 1), 0.5)
    out = ImageDataGenerator(brightness_range=(0.5, 1.5))({"image": x}, draws(0, 1, range(DRAWS)))["image"]
    assert stats.kstest(out.double().ravel().numpy() / 0.5, stats.uniform(0.5, 1).cdf).pvalue > 0.001


def test_the_value_outside_counts_in_the_units_before_rescaling() -> None:
    x = torch.zeros(1, 3, 8, 8)
    for options in ({"cval": 255, "rescale": 1 / 255}, {"cval": 1}):
        chosen = ImageDataGenerator(width_shift_range=[4], fill_mode="constant", **options)
        assert float(chosen({"image": x}, draws(0, 1, [0]))["image"].max()) == pytest.approx(1)


@pytest.mark.parametrize("value", [1 / 255, "1/255", 0.00392157, None])
def test_rescaling_by_255_is_what_has_been_done(value: Any) -> None:
    options = validate(ImageDataGeneratorOptions, {"rescale": value}, "test")
    assert options.rescale is None or options.rescale == pytest.approx(1 / 255, rel=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"rescale": 1 / 127.5},
            "test: bad rescale: expected 1/255 or nothing, since images are in [0, 1]",
        ),
        (
            {"channel_shift_range": 50},
            "channel_shift_range of at most 1; with rescale=1/255 it counts in 0..255",
        ),
        ({"cval": 300, "rescale": 1 / 255}, "cval of at most 255"),
        ({"zoom_range": 1.0}, "a zoom_range below 1, or a pair"),
        ({"zoom_range": (1.2, 0.8)}, "the smaller number first"),
        ({"validation_split": 0.2}, "no validation_split: zoo.fit splits the data itself"),
        ({"featurewise_center": True}, "no featurewise_center: models normalise inside"),
        ({"rotation": 40}, "test has no option 'rotation'"),
        ({"fill_mode": "mirror"}, "bad fill_mode: expected 'nearest', 'constant', 'reflect' or 'wrap'"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError) as caught:
        validate(ImageDataGeneratorOptions, options, "test")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("axis", ["horizontal", "vertical"])
def test_a_flip_along_one_axis_leaves_the_other(axis: str) -> None:
    x = torch.rand(1, 3, 4, 6).expand(DRAWS, -1, -1, -1).contiguous()
    out = ImageDataGenerator(**{f"{axis}_flip": True})({"image": x}, draws(0, 1, range(DRAWS)))["image"]
    mirrored = x.flip(3 if axis == "horizontal" else 2)
    same, turned = ((out == y).flatten(1).all(dim=1) for y in (x, mirrored))
    assert (same | turned).all()
    assert 0.4 < float(turned.double().mean()) < 0.6
