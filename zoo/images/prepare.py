"""Images as a model takes them: its channels and its size, the same at training and at prediction."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.images.decode import ImageArray
from zoo.images.framing import Size, covered, framing
from zoo.images.strips import is_large, strips
from zoo.spec.display import counted
from zoo.spec.errors import DataError
from zoo.spec.hints.channels import channels_hint
from zoo.spec.inputs import BANDS, FAST, InputSpec

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in a gray value (ITU-R BT.601), as Pillow has them."""

_GRAY, _RGB, _RGBA = 1, 3, 4
_MOST_WIDENED = 1 << 28
"""Numbers of an image whose columns have the model's number already, and its rows not yet: 1 GiB."""


def prepare(image: ImageArray, spec: InputSpec, where: str = "image") -> Tensor:
    """An image as a model takes it: the same at training and at prediction.

    Args:
        image: H x W x C, uint8 or float32 in [0, 1].
        spec: of the model.
        where: what to call it in an error.

    Returns:
        C x H x W float32 in [0, 1] with the channels and size of the spec, not yet normalised.

    Raises:
        DataError: its channels cannot be turned into the model's.
    """
    return as_numbers(pixels(image, spec, where))


def as_numbers(x: Tensor) -> Tensor:
    """Pixels, bytes among them, as float32 in [0, 1]."""
    if x.dtype != torch.uint8:
        return x
    numbers = x.to(torch.float32)
    # CUDA multiplies by the reciprocal of a plain number, which gives other last bits than a processor's
    return numbers.div_(numbers.new_full((), 255))


def pixels(image: ImageArray, spec: InputSpec, where: str = "image", own: Size | None = None) -> Tensor:
    """An image as `prepare` returns it, but as uint8 where it is uint8 and the spec reads fast.

    Args:
        image: H x W x C, uint8 or float32 in [0, 1].
        spec: of the model.
        where: what to call it in an error.
        own: height and width in full of an image that was read at a reduced scale.

    Raises:
        DataError: its channels cannot be turned into the model's, or it is too long to be resized.
    """
    if spec.pages == BANDS and image.shape[2] != spec.channels:
        # Of four pages none is alpha, and one is no colour
        got, hint = counted(image.shape[2], "channel"), "give images with a page for each channel"
        raise DataError(where, expected=counted(spec.channels, "page"), got=got, hint=hint)
    if spec.crop is not None:
        return _cut(image, spec, where, own or (image.shape[0], image.shape[1]))
    # A copy of mirrored arrays, whose negative strides torch refuses, and read-only ones, which it warns of
    x = torch.from_numpy(np.require(image, requirements=["C", "W"])).permute(2, 0, 1)  # C x H x W
    _check_widening(x, spec, where)
    if spec.decode == FAST and x.dtype == torch.uint8:
        return _bytes(x, spec, where)
    if is_large(*x.shape[1:]):
        return _in_strips(x, spec, where)
    return resize(_numbers(x, spec, where), spec).contiguous()


def _cut(image: ImageArray, spec: InputSpec, where: str, own: Size) -> Tensor:
    """The middle of an image that covers more than the size of a spec."""
    (height, width), (top, left) = framing(own, spec)
    most = max(_MOST_WIDENED // spec.channels, math.prod(covered(spec)))
    if height * width > most:
        expected = f"at most {most:,} pixels where it covers {covered(spec)[0]} x {covered(spec)[1]}"
        raise DataError(where, expected=expected, got=f"{height:,} x {width:,}", hint="cut it into pieces")
    whole = pixels(image, replace(spec, size=(height, width), crop=None), where)
    return whole[:, top : top + spec.size[0], left : left + spec.size[1]].contiguous()


def _numbers(x: Tensor, spec: InputSpec, where: str) -> Tensor:
    """C x H x W float32 in [0, 1] with the channels of a spec."""
    return to_channels(as_numbers(x), spec.channels, where)


def _bytes(x: Tensor, spec: InputSpec, where: str) -> Tensor:
    """C x H x W uint8 with the channels and size of a spec, rounded wherever bytes are computed."""
    # Alpha first: behind it lie colours that must not be mixed into what is seen
    if x.shape[0] in (2, 4) and spec.channels in (_GRAY, _RGB):
        x = _byte_channels(x, spec, where)
    if tuple(x.shape[1:]) != tuple(spec.size):
        if spec.interpolation == "nearest":
            x = F.interpolate(x[None], size=spec.size, mode="nearest-exact")[0]
        else:
            x = _reduced(x, spec.size, spec)
    # The others are fewer to compute behind it, and the same but for rounding
    return _byte_channels(x, spec, where).contiguous()


def _byte_channels(x: Tensor, spec: InputSpec, where: str) -> Tensor:
    if x.shape[0] == spec.channels:
        return x
    height, width = x.shape[1:]
    # Channels last, in which torch resizes bytes several times faster
    found = torch.empty(height, width, spec.channels, dtype=torch.uint8).permute(2, 0, 1)
    for rows in strips(height, width):
        found[:, rows] = _numbers(x[:, rows], spec, where).mul(255).round()
    return found


def _in_strips(x: Tensor, spec: InputSpec, where: str) -> Tensor:
    """What `prepare` returns, to the last bit, with a strip alone as float32 in the image's own size."""
    height, width = x.shape[1:]
    if (height, width) == tuple(spec.size):
        found = torch.empty(spec.channels, height, width)
        for rows in strips(height, width):
            found[:, rows] = _numbers(x[:, rows], spec, where)
        return found
    if spec.interpolation == "nearest":
        taken = x[:, _nearest(height, spec.size[0])][:, :, _nearest(width, spec.size[1])]
        return _numbers(taken, spec, where).contiguous()
    # torch reduces columns, then rows, and nothing is rounded between
    found = torch.empty(spec.channels, height, spec.size[1])
    for rows in strips(height, width):
        part = _numbers(x[:, rows], spec, where)
        found[:, rows] = _reduced(part, (part.shape[1], spec.size[1]), spec)
    return _reduced(found, spec.size, spec).clamp(0, 1).contiguous()


def _nearest(own: int, size: int) -> Tensor:
    """Numbers of the rows or columns that are taken."""
    places = torch.arange(own, dtype=torch.float32).view(1, 1, own)
    return F.interpolate(places, size=size, mode="nearest-exact")[0, 0].long()


def _check_widening(x: Tensor, spec: InputSpec, where: str) -> None:
    """Raises DataError for an image so tall and narrow that its rows fill memory at a model's width."""
    height, width = x.shape[1:]
    most = _MOST_WIDENED // (spec.channels * spec.size[1])
    if width < spec.size[1] and height > max(most, spec.size[0]):
        expected = f"at most {most:,} rows where {width} columns become {spec.size[1]}"
        raise DataError(where, expected=expected, got=f"{height:,}", hint="cut it into pieces")


def to_channels(x: Tensor, channels: int, where: str = "image") -> Tensor:
    """C x H x W in [0, 1] with another number of channels.

    Gray is repeated, colours are weighted by `LUMA`; where no alpha is asked for, transparent pixels are laid
    on white, and a missing one is opaque.

    Raises:
        DataError: there is no such conversion.
    """
    own = x.shape[0]
    if own == channels:
        return x
    if channels in (_GRAY, _RGB, _RGBA) and own in (1, 2, 3, 4):
        # The last channel is alpha; colours are not premultiplied
        x, alpha = (x[:-1], x[-1:]) if own in (2, 4) else (x, torch.ones_like(x[:1]))
        if channels != _RGBA and own in (2, 4):
            x = x * alpha + (1 - alpha)
        if channels == _GRAY and x.shape[0] == _RGB:
            x = (x * x.new_tensor(LUMA).view(3, 1, 1)).sum(dim=0, keepdim=True)
        elif channels != _GRAY and x.shape[0] == _GRAY:
            x = x.expand(_RGB, -1, -1)
        return torch.cat([x, alpha]) if channels == _RGBA else x
    hint = channels_hint(own, *x.shape[1:])
    raise DataError(where, expected=counted(channels, "channel"), got=str(own), hint=hint)


def resize(x: Tensor, spec: InputSpec) -> Tensor:
    """C x H x W in [0, 1] at the size of the spec, antialiased; unchanged where it has that size."""
    if tuple(x.shape[1:]) == tuple(spec.size):
        return x
    if spec.interpolation == "nearest":
        # torch's "nearest" keeps an old bug of OpenCV; "nearest-exact" takes the pixels that Pillow takes
        return F.interpolate(x[None], size=spec.size, mode="nearest-exact")[0]
    return _reduced(x, spec.size, spec).clamp(0, 1)


def _reduced(x: Tensor, size: tuple[int, int], spec: InputSpec) -> Tensor:
    # Antialiased, torch's bicubic has Pillow's kernel (a = -0.5; else -0.75), which overshoots the range
    return F.interpolate(x[None], size=size, mode=spec.interpolation, align_corners=False, antialias=True)[0]
