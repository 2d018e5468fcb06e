"""Single augmenters against torchvision, SciPy and scikit-image; named chains."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torchvision.transforms.v2.functional as tv
from scipy import ndimage, stats
from skimage.color import rgb2hsv
from torch import Tensor
from torchvision.transforms.v2 import InterpolationMode, RandomResizedCrop
from zoo_augment import chains, colour, crops, geometry
from zoo_augment.plugin import AUGMENTERS

from zoo.compose.instantiate import make
from zoo.interfaces.augmenter import Augmenter, Geometric, uniform
from zoo.interfaces.draws import draws
from zoo.registry.loading import resolve_config, resolve_target
from zoo.spec.component import Component
from zoo.spec.errors import OptionError, ShapeError
from zoo.spec.options import part_kinds, validate

N = 2000
H, W = 31, 45
Size = tuple[int, int]


def images(count: int = 2, channels: int = 3, size: Size = (H, W)) -> Tensor:
    return torch.rand(count, channels, *size, generator=torch.Generator().manual_seed(0))


def smooth(count: int = 1, channels: int = 3) -> Tensor:
    """Blurred noise, so that the two interpolations of torchvision and OpenCV agree."""
    return tv.gaussian_blur(images(count, channels), [9, 9], [2.0, 2.0])


def augmented(augmenter: Augmenter, x: Tensor, seed: int = 0) -> Tensor:
    return augmenter({"image": x}, draws(seed, 1, range(len(x))))["image"]


def drawn(augmenter: Augmenter, size: Size = (H, W), count: int = N) -> np.ndarray:
    assert isinstance(augmenter, Geometric)
    return augmenter.matrices(size, draws(0, 1, range(count))).numpy()


def even(values: np.ndarray, low: float, high: float) -> bool:
    return bool(stats.kstest(values, stats.uniform(low, high - low).cdf).pvalue > 0.001)


@pytest.mark.parametrize("component", AUGMENTERS, ids=lambda c: c.name)
def test_constructor_and_options_have_the_same_defaults(component: Component) -> None:
    config, target = resolve_config(component), resolve_target(component)
    assert config is not None
    options, inside = dict(validate(config, {}, component.name)), part_kinds(config)
    for name, parameter in inspect.signature(target).parameters.items():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and name not in inside:
            assert parameter.default == options[name]
    assert isinstance(make("augmenter", component.name), Augmenter)


# -- geometry ------------------------------------------------------------------------------------------

AS_TORCHVISION: dict[str, tuple[Augmenter, Callable[[Tensor], Tensor]]] = {
    "rotate": (
        geometry.Rotate(degrees=(25, 25)),
        lambda x: tv.rotate(x, 25, interpolation=InterpolationMode.BILINEAR),
    ),
    "shear": (
        geometry.Shear(x=(12, 12), y=(-7, -7)),
        lambda x: tv.affine(x, 0, [0, 0], 1, [12, -7], interpolation=InterpolationMode.BILINEAR),
    ),
    "zoom in": (
        geometry.Zoom(scale=(1.3, 1.3)),
        lambda x: tv.affine(x, 0, [0, 0], 1.3, [0, 0], interpolation=InterpolationMode.BILINEAR),
    ),
    "zoom out": (
        geometry.Zoom(scale=(0.8, 0.8)),
        lambda x: tv.affine(x, 0, [0, 0], 0.8, [0, 0], interpolation=InterpolationMode.BILINEAR),
    ),
}


@pytest.mark.parametrize("name", AS_TORCHVISION)
def test_geometry_is_torchvisions_inside_of_the_image(name: str) -> None:
    augmenter, reference = AS_TORCHVISION[name]
    x = smooth()
    inside = reference(torch.ones_like(x)) > 0.999
    inside[..., [0, -1], :] = False
    inside[..., [0, -1]] = False
    assert inside.float().mean() > 0.3
    assert (augmented(augmenter, x) - reference(x)).abs()[inside].max() < 2e-4


def test_rotations_are_even_between_their_limits() -> None:
    for degrees, low, high in ((30, -30, 30), ((10, 50), 10, 50)):
        m = drawn(geometry.Rotate(degrees=degrees))
        assert even(np.degrees(np.arctan2(m[:, 1, 0], m[:, 0, 0])), low, high)


def test_shifts_are_even_shares_of_width_and_height() -> None:
    m = drawn(geometry.Shift(x=0.2, y=0.5))
    assert even(m[:, 0, 2], -0.2 * W, 0.2 * W)
    assert even(m[:, 1, 2], -0.5 * H, 0.5 * H)
    assert abs(np.corrcoef(m[:, 0, 2], m[:, 1, 2])[0, 1]) < 4 / math.sqrt(N)


def test_zooms_are_even_between_their_limits() -> None:
    m = drawn(geometry.Zoom(scale=(0.5, 1.5)))
    assert even(1 / m[:, 0, 0], 0.5, 1.5)
    assert np.array_equal(m[:, 0, 0], m[:, 1, 1])


def test_flips_are_exact_and_each_as_likely_as_said() -> None:
    x = images(400)
    out = augmented(geometry.Flip(horizontal=True, vertical=True, p=0.3), x)
    kinds = torch.stack([(out == x.flip(dims)).all((1, 2, 3)) for dims in ((), (3,), (2,), (2, 3))]).sum(1)
    assert int(kinds.sum()) == len(x)
    expected = np.array([0.49, 0.21, 0.21, 0.09]) * len(x)
    assert stats.chisquare(kinds.numpy(), expected).pvalue > 0.001
    assert torch.equal(augmented(geometry.Flip(p=1), x), x.flip(3))


def test_a_crop_moves_by_whole_pixels_each_as_likely() -> None:
    x = images(1).expand(400, -1, -1, -1)
    out = augmented(crops.Crop(padding=2, fill_mode="constant"), x)
    padded = torch.nn.functional.pad(x[:1], [2] * 4)
    windows = [padded[..., i : i + H, j : j + W] for i in range(5) for j in range(5)]
    counts = torch.stack([(out == window).all((1, 2, 3)) for window in windows]).sum(1)
    assert int(counts.sum()) == len(out)
    assert stats.chisquare(counts.numpy()).pvalue > 0.001


def test_the_padding_of_a_crop_may_be_a_share_of_each_side() -> None:
    m = drawn(crops.Crop(padding=0.2))
    assert set(m[:, 0, 2]) == set(range(-9, 10))
    assert set(m[:, 1, 2]) == set(range(-6, 7))


@pytest.mark.parametrize(("size", "scale"), [((60, 40), (0.08, 1.0)), ((30, 90), (0.9, 1.0))])
def test_resized_crops_are_drawn_as_by_torchvision(size: Size, scale: tuple[float, float]) -> None:
    torch.manual_seed(0)
    reference = RandomResizedCrop(size, scale=scale)
    boxes = [reference.make_params([torch.zeros(1, *size)]) for _ in range(N)]
    theirs = {name: np.array([box[name] for box in boxes]) for name in ("width", "height", "left", "top")}
    m = drawn(crops.ResizedCrop(scale=scale), size)
    width, height = m[:, 0, 0] * size[1], m[:, 1, 1] * size[0]
    ours = {
        "width": width,
        "height": height,
        "left": m[:, 0, 2] - (width - size[1]) / 2,
        "top": m[:, 1, 2] - (height - size[0]) / 2,
    }
    for name, values in ours.items():
        assert np.allclose(values, values.round())
        assert stats.ks_2samp(values.round(), theirs[name]).pvalue > 0.001


def test_a_resized_crop_is_torchvisions_inside() -> None:
    x, crop = smooth(), crops.ResizedCrop(scale=(0.3, 0.6))
    m = drawn(crop, count=1)[0]
    width, height = round(m[0, 0] * W), round(m[1, 1] * H)
    left, top = round(m[0, 2] - (width - W) / 2), round(m[1, 2] - (height - H) / 2)
    expected = tv.resized_crop(x, top, left, height, width, [H, W], antialias=False)
    assert (augmented(crop, x) - expected)[..., 3:-3, 3:-3].abs().max() < 2e-4


GEOMETRIC = [c.name for c in AUGMENTERS if "geometry" in c.tags and c.name not in ("flip", "resized-crop")]


@pytest.mark.parametrize("name", GEOMETRIC)
def test_what_stands_outside_is_chosen_by_the_fill_options(name: str) -> None:
    component = next(c for c in AUGMENTERS if c.name == name)
    config = resolve_config(component)
    assert config is not None
    far = {"rotate": {"degrees": [45, 45]}, "zoom": {"scale": [0.5, 0.5]}}.get(name, {})
    given = {"fill_mode": "constant", "fill_value": 0.5, "mask_fill": 3, **far}
    augmenter = resolve_target(component)(**dict(validate(config, given, name)))
    batch = {"image": torch.ones(8, 3, 32, 32), "mask": torch.ones(8, 32, 32, dtype=torch.int64)}
    out = augmenter(batch, draws(0, 1, range(8)))
    assert float(out["image"].min()) == 0.5
    assert set(out["mask"].unique().tolist()) == {1, 3}
    with pytest.raises(OptionError, match="fill_value and mask_fill belong to fill_mode constant"):
        validate(config, {"fill_value": 0.5}, name)


# -- colours -------------------------------------------------------------------------------------------

BY_FACTOR = [
    (colour.Brightness, tv.adjust_brightness),
    (colour.Contrast, tv.adjust_contrast),
    (colour.Saturation, tv.adjust_saturation),
]


@pytest.mark.parametrize("factor", [0.0, 0.6, 1.0, 1.7])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("ours", "theirs"), BY_FACTOR, ids=lambda x: x.__name__)
def test_factors_are_torchvisions(ours: Any, theirs: Any, channels: int, factor: float) -> None:
    x = images(channels=channels) * torch.tensor([0.9, 0.5, 0.1]).view(-1, 1, 1)[:channels]
    found = augmented(ours(factor=(factor, factor)), x)
    assert (found - theirs(x, factor)).abs().max() < 5e-4  # torchvision has 0.2989 for 0.299


@pytest.mark.parametrize("shift", [-0.5, -0.13, 0.0, 0.2, 0.5])
def test_hue_is_torchvisions(shift: float) -> None:
    x = images()
    x[0, :, 0], x[0, :, 1], x[0, :, 2] = 0.5, 0, 1  # gray, black and white have no hue
    assert (augmented(colour.Hue(shift=(shift, shift)), x) - tv.adjust_hue(x, shift)).abs().max() < 1e-5


def test_hue_moves_scikit_images_hue_and_nothing_else() -> None:
    x = images(1)
    before, after = (rgb2hsv(p[0].permute(1, 2, 0)) for p in (x, augmented(colour.Hue(shift=(0.1, 0.1)), x)))
    assert np.allclose((after[..., 0] - before[..., 0]) % 1, 0.1, atol=1e-4)
    assert np.allclose(after[..., 1:], before[..., 1:], atol=1e-4)


def test_factors_and_hues_are_drawn_evenly() -> None:
    gray = torch.full((N, 1, 1, 1), 0.5)
    assert even(augmented(colour.Brightness(factor=(0.4, 1.6)), gray).ravel().numpy() / 0.5, 0.4, 1.6)
    red = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1).repeat(N, 1, 1, 1)
    hues = rgb2hsv(augmented(colour.Hue(shift=0.1), red)[:, :, 0, 0].numpy())[:, 0]
    assert even((hues + 0.5) % 1 - 0.5, -0.1, 0.1)


def test_inverse_and_gray_are_torchvisions() -> None:
    x = images()
    assert torch.equal(augmented(colour.Invert(p=1), x), tv.invert(x))
    gray = augmented(colour.Grayscale(p=1), x)
    assert (gray - tv.rgb_to_grayscale(x, 3)).abs().max() < 5e-4
    assert torch.equal(gray[:, :1].expand_as(gray), gray)


@pytest.mark.parametrize("kind", [colour.Saturation, colour.Hue, colour.Grayscale])
def test_colours_leave_gray_images_and_refuse_other_channels(kind: Any) -> None:
    x = images(channels=1)
    assert torch.equal(augmented(kind(p=1), x), x)
    expected = f"{kind.__name__.lower()}: expected images of 1 or 3 channels, got 4"
    with pytest.raises(ShapeError, match=expected):
        augmented(kind(p=1), images(channels=4))


# -- noise, blur ---------------------------------------------------------------------------------------


def test_noise_is_gaussian_with_its_deviation_and_independent() -> None:
    x = torch.full((2, 3, 60, 60), 0.5)
    noise = (augmented(colour.Noise(std=0.04), x) - x) / 0.04
    assert stats.kstest(noise.ravel().numpy(), stats.norm.cdf).pvalue > 0.001
    planes = noise.reshape(6, -1).numpy()
    assert np.abs(np.corrcoef(planes) - np.eye(6)).max() < 4 / 60
    assert np.abs(np.corrcoef(planes[:, 1:].ravel(), planes[:, :-1].ravel())[0, 1]) < 4 / 147


def test_the_deviation_of_noise_is_drawn_from_its_range() -> None:
    x = torch.full((200, 1, 40, 40), 0.5)
    deviations = (augmented(colour.Noise(std=(0.02, 0.1)), x) - x).std((1, 2, 3)).numpy()
    assert 0.018 < deviations.min() < 0.03
    assert 0.09 < deviations.max() < 0.11
    assert deviations.mean() == pytest.approx(0.06, abs=0.006)


@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize("sigma", [0.4, 1.0, 2.5])
def test_blur_is_scipys_gaussian_filter(sigma: float, channels: int) -> None:
    x = images(channels=channels)
    found = augmented(colour.Blur(sigma=sigma), x).numpy()
    for i in range(len(x)):
        expected = ndimage.gaussian_filter(x[i].numpy(), (0, sigma, sigma), mode="nearest")
        assert np.abs(found[i] - expected).max() < 1e-5


def test_each_image_has_its_own_blur() -> None:
    x = images(1).expand(6, -1, -1, -1)
    roughness = augmented(colour.Blur(sigma=(0.3, 3)), x).diff(dim=3).abs().mean((1, 2, 3))
    assert len(roughness.unique()) == 6


def test_images_smaller_than_the_blur_are_blurred() -> None:
    assert augmented(colour.Blur(sigma=2), images(size=(3, 2))).std() < images(size=(3, 2)).std()


# -- chance, chains ------------------------------------------------------------------------------------

SOMETIMES = [c for c in AUGMENTERS if not {"chain", "mixing", "policy", "balance"} & {*c.tags}]


@pytest.mark.parametrize("component", SOMETIMES, ids=lambda c: c.name)
def test_an_image_is_changed_with_the_probability_p(component: Component) -> None:
    x = images(300, size=(8, 8))
    augmenter = resolve_target(component)(p=0.3)
    changed = (augmented(augmenter, x) != x).any(-1).any(-1).any(-1)
    expected = 0.3 * 8 / 9 if component.name == "crop" else 0.3  # one of nine crops is the image
    assert stats.binomtest(int(changed.sum()), 300, expected).pvalue > 0.001
    assert not (augmented(resolve_target(component)(p=0), x) != x).any()


@pytest.mark.parametrize("chain", [chains.Photo, chains.Document])
def test_named_chains_without_strength_change_next_to_nothing(chain: Any) -> None:
    x = smooth(4)
    options = {"flip": False} if chain is chains.Photo else {}
    assert (augmented(chain(strength=0, **options), x) - x).abs().max() < 1e-5
    weak, strong = ((augmented(chain(strength=s, **options), x) - x).abs().mean() for s in (0.3, 1.0))
    assert 0 < weak < strong


def test_photo_mirrors_half_of_the_images_unless_told_not_to() -> None:
    x = torch.linspace(0, 1, 24).expand(300, 3, 24, 24).contiguous()
    for flip, share in ((True, 0.5), (False, 0)):
        out = augmented(chains.Photo(flip=flip), x)
        falls = out[..., :12].mean((1, 2, 3)) > out[..., 12:].mean((1, 2, 3))
        assert float(falls.float().mean()) == pytest.approx(share, abs=0.12 * bool(share))


def test_photo_takes_images_of_many_channels_when_colours_are_left_alone() -> None:
    x = images(channels=5)
    assert augmented(chains.Photo(colour=False), x).shape == x.shape


def test_document_fills_with_paper_and_never_mirrors() -> None:
    x = torch.zeros(50, 1, 40, 40)
    x[..., :20, :20] = 0.6  # a mark in the upper left of a black page
    out = augmented(chains.Document(paper=1.0), x)
    corners = out[..., [0, -1], :][..., [0, -1]]
    assert float(corners.amax((1, 2, 3)).median()) > 0.5
    inner = out[..., 5:35, 5:35]
    assert (inner[..., :8, :8].mean((1, 2, 3)) > inner[..., -8:, -8:].mean((1, 2, 3)) + 0.2).all()


def test_each_sample_draws_from_its_own_generator() -> None:
    numbers = uniform(draws(0, 1, range(2)), 5)
    assert torch.equal(numbers[1:], uniform(draws(0, 1, [1]), 5))
    assert not torch.equal(numbers[0], numbers[1])


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("rotate", {"degrees": [20, 10]}, "the smaller number first"),
        ("rotate", {"degrees": -5}, "rotate: bad degrees"),
        ("rotate", {"angle": 5}, "rotate has no option 'angle'"),
        ("shear", {"x": 90}, "angles below 90 degrees"),
        ("zoom", {"scale": [0, 1]}, "greater than 0"),
        ("shift", {"x": 1.5}, "less than or equal to 1"),
        ("resized-crop", {"scale": [0.5, 1.5]}, "a scale of at most 1"),
        ("brightness", {"factor": [1.2, 0.8]}, "the smaller number first"),
        ("hue", {"shift": 0.7}, "less than or equal to 0.5"),
        ("flip", {"p": 2}, "less than or equal to 1"),
        ("photo", {"strength": 9}, "less than or equal to 3"),
    ],
)
def test_options_out_of_range_are_refused(name: str, options: dict[str, Any], message: str) -> None:
    component = next(c for c in AUGMENTERS if c.name == name)
    config = resolve_config(component)
    assert config is not None
    with pytest.raises(OptionError) as caught:
        validate(config, options, name)
    assert message in str(caught.value)


def test_the_photo_chain_moves_a_tenth_turns_fifteen_degrees_and_zooms_by_fifteen_hundredths() -> None:
    for strength in (1.0, 2.0):
        parts = {type(part).__name__: part for part in chains.Photo(strength=strength)}
        shifts, turns, zooms = (drawn(parts[name]) for name in ("Shift", "Rotate", "Zoom"))
        assert even(shifts[:, 0, 2], -0.1 * strength * W, 0.1 * strength * W)
        assert even(shifts[:, 1, 2], -0.1 * strength * H, 0.1 * strength * H)
        assert even(np.degrees(np.arctan2(turns[:, 1, 0], turns[:, 0, 0])), -15 * strength, 15 * strength)
        assert even(1 / zooms[:, 0, 0], 1 - 0.15 * strength, 1 + 0.15 * strength)
    assert "Flip" not in {type(part).__name__ for part in chains.Photo(flip=False)}
    assert len([*chains.Photo(colour=False)]) == len([*chains.Photo()]) - 4
