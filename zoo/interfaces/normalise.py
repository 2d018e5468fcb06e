"""Normalisation inside a model, by its input spec: bands, then range, mean and std."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import torch
from torch import Tensor, nn

from zoo.images.prepare import LUMA
from zoo.spec.channels.bands import DIFFERENCES, Band
from zoo.spec.inputs import InputSpec


class Normalise(nn.Module):
    """Images in [0, 1] to what the network expects: bands of them, scaled to the range, (x - mean) / std.

    Example:
        >>> norm = Normalise(InputSpec(mean=(0.5,) * 3, std=(0.5,) * 3))
        >>> norm(torch.ones(1, 3, 2, 2)).unique().tolist()
        [1.0]
    """

    scale: Tensor
    offset: Tensor

    def __init__(self, spec: InputSpec) -> None:
        super().__init__()
        self.spec = spec
        # In no file, since they follow from the input spec, which the recipe has
        for name in ("scale", "offset"):
            self.register_buffer(name, torch.tensor(()), persistent=False)
        self.reset_buffers()

    def follow(self, spec: InputSpec) -> None:
        """Normalises by another spec from now on."""
        self.spec = spec
        self.reset_buffers()

    def reset_buffers(self) -> None:
        """Recomputes scale and offset from the input spec."""
        low, high = self.spec.range
        # One product and one sum for both: (x (high - low) + low - mean) / std
        scale = [(high - low) / std for std in self.spec.std]
        offset = [(low - mean) / std for mean, std in zip(self.spec.mean, self.spec.std, strict=True)]
        # Where and in which type the network around it computes
        device, kind = self.scale.device, self.scale.dtype
        self.scale, self.offset = (
            torch.tensor(v, device=device, dtype=kind).view(1, -1, 1, 1) for v in (scale, offset)
        )

    def forward(self, x: Tensor) -> Tensor:
        """N x C x H x W in [0, 1] to normalised N x bands x H x W, in the model's type of numbers.

        Without bands the channels are these.
        """
        if self.spec.bands:
            # Half a byte's precision is too little for the quotients of two near numbers
            x = banded(x if x.dtype == torch.float64 else x.float(), self.spec.bands)
        # Of memory that is ours; in the finer of both types, then in that of the layers behind it
        return (x * self.scale).add_(self.offset).to(self.scale.dtype)


def banded(x: Tensor, bands: Sequence[Band]) -> Tensor:
    """N x bands x H x W of images N x C x H x W in [0, 1].

    Args:
        x: floating.
        bands: in the order in which a network takes them.

    Example:
        >>> x = torch.tensor([0.25, 0.0, 0.0, 0.75]).view(1, 4, 1, 1)
        >>> banded(x, [Band.of(1), Band.of({"ndvi": {"red": 0, "near_infrared": 3}})]).flatten().tolist()
        [0.0, 0.5]
    """
    return torch.stack([_band(x, band) for band in bands], dim=1)


def _band(x: Tensor, band: Band) -> Tensor:
    if not band.name:
        return x[:, band.channels[0]]
    own = [x[:, i] for i in band.channels]
    return difference(*own) if band.name in DIFFERENCES else _OF_COLOURS[band.name](*own)


def difference(a: Tensor, b: Tensor) -> Tensor:
    """(a - b) / (a + b), and 0 where both are 0."""
    both = a + b
    return torch.where(both == 0, 0, (a - b) / torch.where(both == 0, 1, both))


def hue(red: Tensor, green: Tensor, blue: Tensor) -> Tensor:
    """The hue in 0..1 as `colorsys` has it: 0 for red, 1/3 for green, 2/3 for blue; 0 for gray."""
    most = torch.maximum(torch.maximum(red, green), blue)
    span = most - torch.minimum(torch.minimum(red, green), blue)
    part = torch.where(span == 0, 1, span)
    # Of two colours that are the largest the first one counts
    of_red, of_green, of_blue = (green - blue) / part, 2 + (blue - red) / part, 4 + (red - green) / part
    found = torch.where(most == red, of_red, torch.where(most == green, of_green, of_blue))
    return torch.where(span == 0, 0, (found / 6).remainder(1))


def saturation(red: Tensor, green: Tensor, blue: Tensor) -> Tensor:
    """The span of the colours by the largest; 0 for black."""
    most = value(red, green, blue)
    least = torch.minimum(torch.minimum(red, green), blue)
    return torch.where(most == 0, 0, (most - least) / torch.where(most == 0, 1, most))


def value(red: Tensor, green: Tensor, blue: Tensor) -> Tensor:
    """The largest of the three."""
    return torch.maximum(torch.maximum(red, green), blue)


def gray(red: Tensor, green: Tensor, blue: Tensor) -> Tensor:
    """The gray value of ITU-R BT.601, as Pillow has it."""
    return red * LUMA[0] + green * LUMA[1] + blue * LUMA[2]


_OF_COLOURS: Mapping[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = MappingProxyType(
    {
        "red": lambda red, green, blue: red,
        "green": lambda red, green, blue: green,
        "blue": lambda red, green, blue: blue,
        "gray": gray,
        "hue": hue,
        "saturation": saturation,
        "value": value,
    }
)
