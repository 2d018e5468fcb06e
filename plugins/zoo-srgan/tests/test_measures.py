"""PSNR and SSIM against scikit-image on the luminance, as the field takes them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor
from zoo_srgan.resampling import enlarge, shrink
from zoo_srgan.task import ImageMean, SuperResolution, luminance, psnr, ssim

from zoo.trainers import Score


def pair(channels: int = 3) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    target = (torch.rand(3, channels, 12, 10, generator=generator) * 255).round() / 255
    target = (torch.nn.functional.interpolate(target, scale_factor=4, mode="bilinear") * 255).round() / 255
    noise = torch.randn(target.shape, generator=generator) * torch.tensor([0.01, 0.05, 0.1]).view(3, 1, 1, 1)
    return target + noise, target


def reference(output: Tensor, target: Tensor, shave: int) -> tuple[float, float]:
    """By scikit-image, image by image, on images of 8 bits and luminance in 16 to 235."""
    ratios, similarities = [], []
    for images in zip(output, target, strict=True):
        eight = [(x.clamp(0, 1) * 255).round().permute(1, 2, 0).numpy().astype(np.uint8) for x in images]
        y = [rgb2ycbcr(e)[..., 0] if e.shape[2] == 3 else e[..., 0].astype(float) for e in eight]
        one, two = (v[shave:-shave, shave:-shave] for v in y)
        ratios.append(peak_signal_noise_ratio(two, one, data_range=255))
        similarities.append(
            structural_similarity(
                two, one, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
            )
        )
    return float(np.mean(ratios)), float(np.mean(similarities))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("scale", [2, 4])
def test_metrics_are_those_of_scikit_image_on_the_luminance(scale: int, channels: int) -> None:
    output, target = pair(channels)
    task = SuperResolution(scale)
    metrics = task.metrics(channels)
    for i in range(3):  # in parts, as an evaluation takes them in
        metrics.update(task.scored(output[i : i + 1]), target[i : i + 1])
    found = {name: float(value) for name, value in metrics.compute().items()}
    bicubic = enlarge(shrink(target, scale), scale)
    for prefix, images in (("", output), ("_bicubic", bicubic)):
        ratio, similarity = reference(images, target, scale)
        assert found[f"psnr{prefix}"] == pytest.approx(ratio, abs=2e-3)
        assert found[f"ssim{prefix}"] == pytest.approx(similarity, abs=2e-4)


def test_luminance_is_scikit_images() -> None:
    x = torch.rand(1, 3, 5, 5)
    expected = rgb2ycbcr(x[0].permute(1, 2, 0).numpy())[..., 0]
    np.testing.assert_allclose(luminance(x)[0, 0].numpy() * 255, expected, atol=1e-3)
    assert luminance(x[:, :2]).shape == (1, 2, 5, 5)


def test_an_image_smaller_than_the_window_has_no_similarity() -> None:
    metrics = SuperResolution(2).metrics(3)
    metrics.update(torch.rand(1, 3, 12, 12), torch.rand(1, 3, 12, 12))
    values = metrics.compute()
    assert torch.isfinite(values["psnr"])
    assert torch.isnan(values["ssim"])


@pytest.mark.filterwarnings("ignore:The ``compute`` method:UserWarning")  # torchmetrics', of no update
def test_a_mean_over_no_image_is_not_a_number() -> None:
    assert ImageMean(psnr, 2).compute().isnan()
    too_small = ImageMean(ssim, 2)
    too_small.update(torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 8))
    assert too_small.compute().isnan()


def test_similarity_of_images_smaller_than_the_window_is_left_out_with_the_reason() -> None:
    task = SuperResolution(2)
    score = Score(task, 3, None)
    small = torch.rand(2, 3, 12, 12)
    score.add(small, {"target": small.flip(0)})
    assert set(score.values()) == {"psnr", "psnr_bicubic"}
    assert score.left_out["ssim"] == "no image has 11 x 11 pixels within its border"
    score.add(small, {"target": small.flip(0)})
    score.add(torch.rand(1, 3, 16, 16), {"target": torch.rand(1, 3, 16, 16)})  # one is large enough
    assert set(score.values()) == {"psnr", "psnr_bicubic", "ssim", "ssim_bicubic"}


def test_a_flat_image_counts_with_100_decibels() -> None:
    """Enlarged, it is exact; of it and one other the mean is halfway."""
    flat, other = torch.full((1, 1, 24, 24), 0.5), torch.rand(1, 1, 24, 24)
    found = []
    for images in ([flat], [other], [flat, other]):
        score = Score(SuperResolution(2), 1, None)
        for image in images:
            score.add(image, {"target": image})
        found.append(score.values()["psnr_bicubic"])
    assert found[0] == pytest.approx(100)
    assert found[2] == pytest.approx((100 + found[1]) / 2)
