"""SRResNet (Ledig et al., 2017)."""

from __future__ import annotations

import math
from collections import OrderedDict

import torch
from torch import Tensor, nn

from zoo import InputSpec
from zoo.interfaces import Backbone, Block, Model
from zoo_srgan.resampling import enlarge
from zoo_srgan.task import SuperResolution
from zoo_srgan.tiles import tiled

SIZE = (96, 96)
"""Height and width of the training images, as in the paper."""

# Kernels of figure 4
_LARGE, _SMALL = 9, 3
_QUIET = 0.1
"""Factor of a branch's last weights where nothing normalises, and of the network's last weights."""


def convolution(inputs: int, outputs: int, kernel: int = _SMALL, *, bias: bool = True) -> nn.Conv2d:
    """A convolution that keeps height and width."""
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=bias)


class ResidualBlock(nn.Module):
    """`x + branch(x)`, of two 3 x 3 convolutions with PReLU between them: N x width x H x W to the same.

    Args:
        width: channels.
        batch_norm: behind each convolution.
    """

    def __init__(self, *, width: int, batch_norm: bool) -> None:
        super().__init__()
        steps: OrderedDict[str, nn.Module] = OrderedDict()
        for i in (1, 2):
            steps[f"conv{i}"] = convolution(width, width, bias=not batch_norm)
            if batch_norm:
                steps[f"bn{i}"] = nn.BatchNorm2d(width)
            if i == 1:
                steps["prelu"] = nn.PReLU()
        self.branch = nn.Sequential(steps)

    def forward(self, x: Tensor) -> Tensor:
        """The sum of input and branch, N x width x H x W."""
        out: Tensor = x + self.branch(x)
        return out


def doubling(width: int, upsampling: str) -> nn.Sequential:
    """Twice the height and width: N x width x H x W to N x width x 2H x 2W.

    Papers: https://arxiv.org/abs/1609.05158 (pixel-shuffle), https://distill.pub/2016/deconv-checkerboard
    (resize).

    Args:
        width: channels.
        upsampling: `pixel-shuffle`, `deconvolution` or `resize`.
    """
    steps: OrderedDict[str, nn.Module] = OrderedDict()
    if upsampling == "deconvolution":
        steps["deconv"] = nn.ConvTranspose2d(width, width, 4, stride=2, padding=1)
    elif upsampling == "resize":
        steps["repeat"] = nn.Upsample(scale_factor=2, mode="nearest")
        steps["conv"] = convolution(width, width)
    else:
        # Four channels for each one become its 2 x 2 pixels
        steps["conv"] = convolution(width, 4 * width)
        steps["shuffle"] = nn.PixelShuffle(2)
    steps["prelu"] = nn.PReLU()
    return nn.Sequential(steps)


class SRResNet(Model):
    """Residual blocks at the small size, then one or two doublings.

    Paper: Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network,
    https://arxiv.org/abs/1609.04802, figure 4. `bicubic_skip` is from https://arxiv.org/abs/1511.04587.

    Takes images of any size; they are worked on in tiles where they are large, with the same result.

    Args:
        classes: not used.
        in_channels: of the images.
        scale: 2 or 4.
        width: channels of all inner maps.
        blocks: residual blocks.
        batch_norm: in the residual blocks.
        upsampling: `pixel-shuffle`, `deconvolution` or `resize`.
        bicubic_skip: learn only what bicubic enlargement lacks.
        tile: height and width of what is kept of a tile, in input pixels.

    Example:
        >>> model = SRResNet(scale=2, width=8, blocks=1).eval()
        >>> model(torch.rand(1, 3, 20, 17)).shape
        torch.Size([1, 3, 40, 34])
    """

    any_size = True
    # Trained on crops, measured on whole images, as in the paper
    crops = True
    defaults = {"loss": "mse"}  # noqa: RUF012 - never changed

    def __init__(
        self,
        *,
        classes: int | None = None,
        in_channels: int = 3,
        scale: int = 4,
        width: int = 64,
        blocks: int = 16,
        batch_norm: bool = True,
        upsampling: str = "pixel-shuffle",
        bicubic_skip: bool = False,
        tile: int = 128,
    ) -> None:
        spec = InputSpec(
            channels=in_channels, size=SIZE, mean=(0.0,) * in_channels, std=(1.0,) * in_channels,
            interpolation="bicubic",
        )  # fmt: skip
        super().__init__(task=SuperResolution(scale), input_spec=spec)
        self.scale, self.tile, self.bicubic_skip = scale, tile, bicubic_skip
        doublings = int(math.log2(scale))
        self.first = Block(conv=convolution(in_channels, width, _LARGE), prelu=nn.PReLU())
        units: dict[str, nn.Module] = {
            f"unit{i}": ResidualBlock(width=width, batch_norm=batch_norm) for i in range(1, blocks + 1)
        }
        # With `first` around it the long skip of figure 4
        units["conv"] = convolution(width, width, bias=not batch_norm)
        if batch_norm:
            units["bn"] = nn.BatchNorm2d(width)
        self.body = Block(**units)
        self.upsampling = Block(
            **{f"doubling{i}": doubling(width, upsampling) for i in range(1, doublings + 1)}
        )
        self.last = Block(conv=convolution(width, in_channels, _LARGE))
        self._initialise(batch_norm)
        # A doubling sees at most two pixels of its input further, the last layer four of the output.
        self.reach = _LARGE // 2 + 2 * blocks + 1 + 2 * doublings + math.ceil(_LARGE // 2 / scale)

    def _initialise(self, batch_norm: bool) -> None:
        for name, module in self.named_modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(module.weight, a=0.25)  # torch's first slope of PReLU
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
                if name.endswith("branch.conv2") and not batch_norm:
                    with torch.no_grad():
                        module.weight.mul_(_QUIET)
        with torch.no_grad():  # with the skip, training begins at bicubic enlargement
            self.last.get_parameter("conv.weight").mul_(0.0 if self.bicubic_skip else _QUIET)

    @property
    def freezable(self) -> dict[str, Backbone | Block]:
        """`first`, `body`, `upsampling`, `last`."""
        return {"first": self.first, "body": self.body, "upsampling": self.upsampling, "last": self.last}

    @property
    def outputs(self) -> int:
        """Channels of the images."""
        return self.input_spec.channels

    def example_input(self, count: int = 2) -> Tensor:
        """Small images, whose enlargement has the input spec's size."""
        # At least one pixel where the input size is below the scale
        height, width = (max(1, side // self.scale) for side in self.input_spec.size)
        return torch.rand(count, self.input_spec.channels, height, width)

    def forward(self, x: Tensor) -> Tensor:
        """N x C x H x W in [0, 1] to N x C x scale H x scale W.

        Raises:
            ShapeError: `x` is no batch of images with the model's channels.
        """
        self.check_images(x)
        seen: Tensor = self.first(x)
        maps: Tensor = self.upsampling(seen + self.body(seen))
        out: Tensor = self.last(maps)
        # Not clamped, so that the loss has a slope outside of [0, 1] too
        return out + enlarge(x, self.scale) if self.bicubic_skip else out

    def infer(self, x: Tensor) -> Tensor:
        """The output of `forward`, computed in tiles where images are large."""
        return tiled(self, x, scale=self.scale, tile=self.tile, overlap=self.reach)
