"""Padding, scaling, filters, fog and erasing against torchvision, Pillow and SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torchvision.transforms.v2.functional as tv
from PIL import Image, ImageFilter
from scipy import ndimage, stats
from torch import Tensor
from torchvision.transforms.v2 import RandomErasing
from zoo_augment import covers, crops, filters, geometry

from zoo.interfaces import Augmenter, Geometric, draws

H, W = 31, 45


def images(count: int = 2, channels: int = 3, size: tuple[int, int] = (H, W)) -> Tensor:
    return torch.rand(count, channels, *size, generator=torch.Generator().manual_seed(0))


def smooth(count: int = 1) -> Tensor:
    """Blurred noise, so that the two interpolations of torchvision and OpenCV agree."""
    return tv.gaussian_blur(images(count), [9, 9], [2.0, 2.0])


def augmented(augmenter: Augmenter, x: Tensor, seed: int = 0) -> Tensor:
    return augmenter({"image": x}, draws(seed, 1, range(len(x))))["image"]


def drawn(augmenter: Augmenter, count: int = 2000) -> np.ndarray:
    assert isinstance(augmenter, Geometric)
    return augmenter.matrices((H, W), draws(0, 1, range(count))).numpy()


def even(values: np.ndarray, low: float, high: float) -> bool:
    return bool(stats.kstest(values, stats.uniform(low, high - low).cdf).pvalue > 0.001)


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect"])
def test_padding_is_torchvisions_pad_and_resize(mode: str) -> None:
    x = smooth()
    ours = {"constant": "constant", "edge": "nearest", "reflect": "reflect"}[mode]
    left, top = round(0.2 * W), round(0.2 * H)
    if mode == "reflect":  # with the border twice, as Keras and SciPy have it
        padded = torch.nn.functional.pad(x, [left, left, top, top], mode="replicate")
        inner = tv.pad(x, [left, top], padding_mode="symmetric")
        padded = inner if inner.shape == padded.shape else padded
    else:
        padded = tv.pad(x, [left, top], padding_mode=mode)
    expected = tv.resize(padded, [H, W], antialias=False)
    found = augmented(crops.Pad(padding=0.2, fill_mode=ours), x)
    near = (found - expected).abs().amax((0, 1)) < 2e-3
    assert near.float().mean() > 0.9  # all but where the border meets the filling


def test_each_side_is_padded_by_its_own_share() -> None:
    m = drawn(crops.Pad(padding=(0.1, 0.4)))
    total, apart = (m[:, 0, 0] - 1) * W, 2 * m[:, 0, 2]
    left, right = (total - apart) / 2, (total + apart) / 2
    for values, side in ((left, W), (right, W)):
        assert np.allclose(values, values.round())
        assert (values.min(), values.max()) == pytest.approx((0.1 * side, 0.4 * side), abs=0.6)
    assert abs(np.corrcoef(left, right)[0, 1]) < 0.1


def test_width_and_height_are_scaled_each_by_itself() -> None:
    m = drawn(geometry.Scaling(x=(0.5, 1.5), y=(1.0, 2.0)))
    assert even(1 / m[:, 0, 0], 0.5, 1.5)
    assert even(1 / m[:, 1, 1], 1.0, 2.0)
    assert abs(np.corrcoef(m[:, 0, 0], m[:, 1, 1])[0, 1]) < 0.1


@pytest.mark.parametrize("factor", [0.0, 0.4, 1.0, 2.5])
@pytest.mark.parametrize("channels", [1, 3])
def test_sharpness_is_torchvisions(factor: float, channels: int) -> None:
    x = images(channels=channels)
    found = augmented(filters.Sharpen(factor=(factor, factor)), x)
    assert (found - tv.adjust_sharpness(x, factor)).abs().max() < 1e-5
    tiny = images(size=(2, 9), channels=channels)
    assert torch.equal(augmented(filters.Sharpen(factor=(2, 2)), tiny), tv.adjust_sharpness(tiny, 2))


@pytest.mark.parametrize(("strength", "theirs"), [(0.5, "EDGE_ENHANCE"), (1.0, "EDGE_ENHANCE_MORE")])
def test_enhanced_edges_are_pillows(strength: float, theirs: str) -> None:
    pixels = (images(1)[0].permute(1, 2, 0) * 60 + 90).byte().numpy()
    expected = np.asarray(Image.fromarray(pixels).filter(getattr(ImageFilter, theirs)))[1:-1, 1:-1]
    x = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255
    found = augmented(filters.Edges(strength=strength), x)[0].permute(1, 2, 0).numpy()[1:-1, 1:-1]
    assert np.abs(found * 255 - expected).max() <= 1.01  # Pillow cuts to whole numbers


def test_salient_edges_are_scipys_sobel_above_the_threshold() -> None:
    x = smooth(2)
    found = augmented(filters.SalientEdges(threshold=0.25, p=1), x)
    for image, edges in zip(x, found, strict=True):
        gray = np.tensordot([0.299, 0.587, 0.114], image.numpy(), 1)
        slope = np.hypot(*(ndimage.sobel(gray, axis, mode="nearest") for axis in (0, 1)))
        slope /= slope.max()
        clear = np.abs(slope - 0.25) > 1e-4
        assert np.abs(edges.numpy() - np.where(slope >= 0.25, slope, 0))[:, clear].max() < 1e-4
    flat = torch.full((1, 3, 8, 8), 0.3)
    assert not augmented(filters.SalientEdges(p=1), flat).any()


def test_texture_is_smoothed_as_the_guided_filter_does() -> None:
    x = images(1)
    found = augmented(filters.DeTexturise(contrast=0.2, radius=2), x)[0].numpy()
    for plane, expected in zip(x[0].double().numpy(), found, strict=True):
        # The paper's algorithm 1 with an image as its own guide, boxes by SciPy
        mean, corr = (ndimage.uniform_filter(v, 5, mode="nearest") for v in (plane, plane * plane))
        a = (corr - mean * mean) / (corr - mean * mean + 0.2**2)
        b = mean - a * mean
        filtered = ndimage.uniform_filter(a, 5, mode="nearest") * plane
        filtered += ndimage.uniform_filter(b, 5, mode="nearest")
        assert np.abs(filtered - expected).max() < 1e-5


def test_texture_goes_and_edges_stay() -> None:
    step = torch.zeros(1, 1, 32, 32)
    step[..., 16:] = 0.8
    grainy = (step + 0.1 + 0.04 * (images(1, 1, (32, 32)) - 0.5)).clamp(0, 1)
    found = augmented(filters.DeTexturise(contrast=0.1), grainy)
    assert float(found[..., :10].std()) < 0.4 * float(grainy[..., :10].std())
    assert float((found[..., 17] - found[..., 14]).mean()) > 0.7


def test_even_fog_blends_with_the_light_of_the_air() -> None:
    x = images()
    found = augmented(covers.Fog(density=0.3, patchiness=0, light=0.8), x)
    assert torch.allclose(found, 0.7 * x + 0.3 * 0.8, atol=1e-6)


def test_patches_of_fog_keep_the_density_on_average_and_differ_by_image() -> None:
    black = torch.zeros(200, 1, 32, 32)
    found = augmented(covers.Fog(density=0.4, patchiness=1, light=1), black)
    assert float(found.mean()) == pytest.approx(0.4, abs=0.02)
    spread = found.flatten(1).std(1)
    assert float(spread.min()) > 0.02
    assert len(found.flatten(1).mean(1).unique()) > 190


def test_erased_rectangles_are_drawn_as_by_torchvision() -> None:
    torch.manual_seed(0)
    size, count = (40, 60), 1000
    reference = RandomErasing(p=1, scale=(0.02, 0.33), ratio=(0.3, 3.3))
    theirs = [reference.make_params([torch.zeros(1, *size)]) for _ in range(count)]
    x = torch.ones(count, 1, *size)
    erased = augmented(covers.Erasing(p=1, value=0.0), x)[:, 0] == 0
    columns, rows = erased.any(1), erased.any(2)
    ours = {"h": rows.sum(1), "w": columns.sum(1), "i": rows.byte().argmax(1), "j": columns.byte().argmax(1)}
    assert torch.equal(erased.sum((1, 2)), ours["h"] * ours["w"])  # a rectangle without holes
    for name, values in ours.items():
        expected = np.array([box[name] for box in theirs])
        assert stats.ks_2samp(values.numpy(), expected).pvalue > 0.001, name


def test_what_is_erased_is_a_value_or_random() -> None:
    x = images(20)
    for value in (0.25, "random"):
        found = augmented(covers.Erasing(p=1, value=value), x)  # type: ignore[arg-type]
        changed = (found != x).any(1)
        assert 0.02 < float(changed.float().mean()) < 0.33
        inside = found.transpose(0, 1)[:, changed]
        assert (
            (inside == 0.25).all() if value == 0.25 else float(inside.std()) == pytest.approx(0.289, abs=0.02)
        )


@pytest.mark.parametrize("augmenter", [covers.Fog(), covers.Erasing(p=1), filters.SalientEdges(p=1)])
def test_masks_stay(augmenter: Any) -> None:
    mask = torch.arange(2 * H * W).view(2, H, W)
    assert torch.equal(augmenter({"image": images(), "mask": mask}, draws(0, 1, range(2)))["mask"], mask)
