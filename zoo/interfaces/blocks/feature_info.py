"""Description of a tensor inside a network: channels, reduction, layout; and reading it as a map."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor

from zoo.spec.errors import ShapeError

LAYOUTS = ("NCHW", "NHWC", "NLC", "NC")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureInfo:
    """A named tensor of a backbone, read off a forward on the meta device.

    Args:
        name: block or tap, e.g. `block5` or `block5.conv4`.
        channels: length of the channel axis.
        reduction: input size divided by the map's, rounded to a power of two; None without a map.
        layout: `NCHW`, `NHWC`, `NLC` (tokens) or `NC` (vector).
        size: height and width of the map; None where it has none.
        prefix: class and register tokens in front of an `NLC` map.
        class_tokens: how many of these, the first ones, speak for the whole image; 2 where one is distilled.
        pooling: how the network itself makes a vector of it: `avg` over the map, or `token`.
    """

    name: str
    channels: int
    reduction: int | None
    layout: str
    size: tuple[int, int] | None
    prefix: int = 0
    class_tokens: int = 0
    pooling: str = "avg"

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        data = asdict(self)
        data["size"] = list(self.size) if self.size else None
        return data

    @property
    def shape(self) -> str:
        """Shape for people, e.g. `512x4x4`."""
        return "x".join(map(str, (self.channels, *(self.size or ()))))


def read_info(
    name: str, x: Tensor, *, map_layout: str, prefix: int, input_size: tuple[int, int]
) -> FeatureInfo:
    """Describes a tensor that came out of a network that was given images of `input_size`.

    Args:
        name: what to call it.
        x: N x C x H x W, N x H x W x C, N x L x C or N x C.
        map_layout: whether a four-dimensional tensor is `NCHW` or `NHWC`.
        prefix: tokens before the map in an N x L x C tensor.
        input_size: height and width of the image.

    Raises:
        ShapeError: the tensor has another number of axes, or its tokens do not form a map of the
            image's aspect ratio.
    """
    if x.ndim == 2:
        return FeatureInfo(name=name, channels=x.shape[1], reduction=None, layout="NC", size=None)
    if x.ndim == 3:
        # N x L x C, L with the prefix
        size = _token_grid(name, x.shape[1] - prefix, input_size)
        channels, layout = x.shape[2], "NLC"
    elif x.ndim == 4 and map_layout == "NHWC":
        size, channels, layout, prefix = (x.shape[1], x.shape[2]), x.shape[3], "NHWC", 0
    elif x.ndim == 4:
        size, channels, layout, prefix = (x.shape[2], x.shape[3]), x.shape[1], "NCHW", 0
    else:
        raise ShapeError(f"output of {name}", expected="2 to 4 axes", got=str(tuple(x.shape)))
    # Strides round odd sizes, so that the ratio is only near a power of two
    reduction = 2 ** round(math.log2(max(input_size[0] / size[0], 1)))
    return FeatureInfo(
        name=name, channels=channels, reduction=reduction, layout=layout, size=size, prefix=prefix
    )


def _token_grid(name: str, tokens: int, input_size: tuple[int, int]) -> tuple[int, int]:
    aspect = input_size[0] / input_size[1]
    # tokens = height * width, aspect = height / width
    height = round(math.sqrt(tokens * aspect))
    if height < 1 or tokens % height:
        raise ShapeError(f"tokens of {name}", expected=f"a grid of aspect {aspect:.2f}", got=str(tokens))
    return height, tokens // height


def as_map(x: Tensor, info: FeatureInfo) -> Tensor:
    """The tensor as N x C x H x W, whatever its layout; a vector becomes a 1 x 1 map.

    Args:
        x: a tensor that `info` describes; its height and width may differ from `info.size`.
    """
    if info.layout == "NHWC":
        return x.permute(0, 3, 1, 2)
    if info.layout == "NC":
        return x[:, :, None, None]
    if info.layout == "NLC":
        # Tokens do not tell their grid, so that it is the one described
        height, width = info.size or (1, x.shape[1] - info.prefix)
        return x[:, info.prefix :].transpose(1, 2).reshape(x.shape[0], x.shape[2], height, width)
    return x
