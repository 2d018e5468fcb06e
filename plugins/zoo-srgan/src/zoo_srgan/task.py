"""Super-resolution as a task: its examples, and the metrics of the field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric, MetricCollection
from torchmetrics.functional.image import structural_similarity_index_measure

from zoo.errors import ShapeError
from zoo.interfaces import Batch, Reconstruction, TargetCounts
from zoo_srgan.resampling import LEVELS, enlarge, multiple, rounded, shrink

_SIMILARITY = ("ssim", "ssim_bicubic")

Measure = Callable[[Tensor, Tensor], Tensor]

_LUMA, _BLACK = (65.481, 128.553, 24.966), 16.0
"""BT.601 in the range of video: black is 16, white 235."""

_COLOURS = 3
_LEAST_ERROR = 1e-10
"""Mean squared error of an exact image, as of a flat one that is enlarged: its ratio would be infinite."""

_WINDOW, _SIGMA = 11, 1.5
"""Width and standard deviation of SSIM's Gaussian window, as in its paper."""


class SuperResolution(Reconstruction):
    """The large image from the small one: N x C x scale H x scale W in [0, 1].

    Args:
        scale: factor of height and width.
    """

    name = "super-resolution"

    def __init__(self, scale: int) -> None:
        self.scale = scale

    def examples(self, batch: Batch) -> Batch:
        """The image, cut to a multiple of the scale, as `target`, and its small version as `image`.

        Raises:
            ShapeError: it is smaller than the scale.
        """
        # Cut first: the small image has to be whole pixels
        target = multiple(batch["image"], self.scale)
        if not target.numel():
            got = " x ".join(map(str, batch["image"].shape[2:]))
            expected = f"at least {self.scale} x {self.scale} pixels"
            raise ShapeError("images for super-resolution", expected=expected, got=got)
        return {**batch, "image": shrink(target, self.scale), "target": target}

    def metrics(self, outputs: int) -> MetricCollection:
        """Peak signal-to-noise ratio in dB and structural similarity, of bicubic enlargement too.

        Each the mean over images of 8 bits, on their luminance, without `scale` pixels at each border.
        Where an image has no three colours, on all channels as they are.
        """
        bicubic = Bicubic(self.scale)
        return MetricCollection(
            {
                "psnr": ImageMean(psnr, self.scale),
                "ssim": ImageMean(ssim, self.scale),
                # The yardstick, made of the target, is measured on the same images in the same way
                "psnr_bicubic": ImageMean(psnr, self.scale, instead=bicubic),
                "ssim_bicubic": ImageMean(ssim, self.scale, instead=bicubic),
            }
        )

    def missing(self, seen: TargetCounts) -> Mapping[str, str | None]:
        """Structural similarity needs an image as large as its window."""
        if seen.size is None:
            return dict.fromkeys(_SIMILARITY)
        cut = 2 * self.scale if seen.size > 2 * self.scale else 0
        small = seen.size - cut < _WINDOW
        reason = f"no image has {_WINDOW} x {_WINDOW} pixels within its border" if small else None
        return dict.fromkeys(_SIMILARITY, reason)


class Bicubic:
    """Bicubic enlargement of an image that is shrunk before.

    Args:
        scale: factor.
    """

    def __init__(self, scale: int) -> None:
        self.scale = scale

    def __call__(self, target: Tensor) -> Tensor:
        """N x C x H x W of the same size."""
        return enlarge(shrink(target, self.scale), self.scale)


class ImageMean(Metric):
    """The mean over images of a measure, as the field takes it.

    Args:
        measure: of luminance N x C x H x W beside luminance, a value an image.
        border: pixels left out on each side.
        instead: makes of the target what is measured in the place of the output.
    """

    higher_is_better = True
    full_state_update = False
    values: list[Tensor]

    def __init__(self, measure: Measure, border: int, *, instead: Bicubic | None = None) -> None:
        super().__init__()
        self.measure, self.border, self.instead = measure, border, instead
        # One by one, not added up: so the mean does not depend on how images come together.
        self.add_state("values", default=[], dist_reduce_fx="cat")

    def update(self, output: Tensor, target: Tensor) -> None:
        """Takes in images N x C x H x W in [0, 1]."""
        # As a file would show it: clamped and in steps of 8 bits
        shown = output if self.instead is None else self.instead(target)
        self.values.append(
            self.measure(*(self._inner(luminance(rounded(x.float()))) for x in (shown, target)))
        )

    def compute(self) -> Tensor:
        """The mean; not a number where there is no value."""
        # torchmetrics hands a list, but one tensor once processes were gathered
        found = [torch.as_tensor(v).reshape(-1) for v in self.values]
        # Of no update at all there is nothing to put together
        return torch.cat(found).mean() if found else torch.tensor(float("nan"), device=self.device)

    def _inner(self, x: Tensor) -> Tensor:
        # Images too small for a border keep all of it
        cut = self.border if min(x.shape[2:]) > 2 * self.border else 0
        return x[..., cut : x.shape[2] - cut, cut : x.shape[3] - cut]


def luminance(x: Tensor) -> Tensor:
    """Luminance N x 1 x H x W of colours N x 3 x H x W in [0, 1], from 16/255 to 235/255 (ITU-R BT.601).

    Other numbers of channels stay as they are.

    Example:
        >>> [round(float(luminance(torch.full((1, 3, 1, 1), v)) * 255), 3) for v in (0.0, 1.0)]
        [16.0, 235.0]
    """
    if x.shape[1] != _COLOURS:
        return x
    # MATLAB's rgb2ycbcr, by which the papers of the field measure
    weights = x.new_tensor(_LUMA).view(1, -1, 1, 1)
    return ((x * weights).sum(dim=1, keepdim=True) + _BLACK) / LEVELS


def psnr(output: Tensor, target: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB of each image N x C x H x W, whose peak is 1; at most 100.

    Example:
        >>> psnr(torch.zeros(1, 1, 2, 2), torch.full((1, 1, 2, 2), 0.1)).round().tolist()
        [20.0]
    """
    return -10 * (output - target).square().mean(dim=(1, 2, 3)).clamp(min=_LEAST_ERROR).log10()


def ssim(output: Tensor, target: Tensor) -> Tensor:
    """Structural similarity of each image N x C x H x W; nothing for images smaller than 11 x 11.

    Paper: https://ieeexplore.ieee.org/document/1284395
    """
    if min(output.shape[2:]) < _WINDOW:
        return output.new_zeros(0)
    # torchmetrics makes its window of sigma alone: 11 pixels for 1.5
    whole: Any = structural_similarity_index_measure(
        output, target, sigma=_SIGMA, data_range=1.0, reduction="none", return_full_image=True
    )
    # torchmetrics goes on to the border with mirrored pixels; the field takes whole windows only.
    inner: Tensor = whole[1][..., _WINDOW // 2 : -(_WINDOW // 2), _WINDOW // 2 : -(_WINDOW // 2)]
    return inner.mean(dim=(1, 2, 3))
