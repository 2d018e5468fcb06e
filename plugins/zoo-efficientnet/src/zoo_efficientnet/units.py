"""Units of EfficientNets: convolution with norm, squeeze-and-excitation, stochastic depth, MBConv."""

from __future__ import annotations

from collections import OrderedDict

import torch.nn.functional as F
from torch import Tensor, nn

ACTIVATIONS: dict[str, type[nn.Module]] = {"silu": nn.SiLU, "relu6": nn.ReLU6}


def scaled(channels: float, width: float = 1.0) -> int:
    """Channels times width, to the nearest multiple of 8, but not less than 90 % of it.

    Example:
        >>> scaled(32, 1.1), scaled(24, 0.35), scaled(1280, 2.0)
        (32, 8, 2560)
    """
    exact = channels * width
    # As in TensorFlow's code: half of a multiple is rounded up, where Python's round goes to the even one
    rounded = max(8, int(exact + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * exact else rounded + 8


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Zeros before and after an axis, so that ceil(size / stride) steps fit; TensorFlow's "SAME".

    Example:
        >>> same_padding(224, 3, 2), same_padding(225, 3, 2), same_padding(224, 5, 2)
        ((0, 1), (1, 1), (1, 2))
    """
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class SamePadConv2d(nn.Conv2d):
    """Convolution padded as TensorFlow does it: by the size of the map, and more at the end than before."""

    def forward(self, x: Tensor) -> Tensor:
        """N x C x H x W to N x outputs x ceil(H / stride) x ceil(W / stride)."""
        # At each call, since the padding depends on the size of the map
        top, bottom = same_padding(x.shape[-2], self.kernel_size[0], self.stride[0])
        left, right = same_padding(x.shape[-1], self.kernel_size[1], self.stride[1])
        return super().forward(F.pad(x, (left, right, top, bottom)))


class ConvNorm(nn.Sequential):
    """Convolution `conv`, batch norm `bn` and, where one is named, the activation `act`.

    N x inputs x H x W to N x outputs x H/stride x W/stride, rounded up.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        padding: str,
        bn_eps: float,
        activation: str | None = None,
    ) -> None:
        # With a stride of 1 and an odd kernel both paddings are the same.
        by_size = padding == "same" and stride > 1
        conv = SamePadConv2d if by_size else nn.Conv2d
        zeros = 0 if by_size else kernel // 2
        steps: OrderedDict[str, nn.Module] = OrderedDict(
            conv=conv(inputs, outputs, kernel, stride, zeros, groups=groups, bias=False),
            bn=nn.BatchNorm2d(outputs, eps=bn_eps),
        )
        if activation is not None:
            steps["act"] = ACTIVATIONS[activation]()
        super().__init__(steps)


class SqueezeExcite(nn.Module):
    """Scales each channel by a gate in [0, 1] that has seen the whole map.

    Paper: Squeeze-and-Excitation Networks, https://arxiv.org/abs/1709.01507.

    Args:
        channels: of input and output, N x channels x H x W.
        middle: channels in between.
        activation: `silu` or `relu6`.
    """

    def __init__(self, channels: int, *, middle: int, activation: str) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, middle, 1)
        self.act = ACTIVATIONS[activation]()
        self.expand = nn.Conv2d(middle, channels, 1)
        self.gate = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """N x channels x H x W, scaled."""
        # N x channels x 1 x 1
        gate: Tensor = self.gate(self.expand(self.act(self.reduce(x.mean((2, 3), keepdim=True)))))
        return x * gate


class DropPath(nn.Module):
    """Stochastic depth: in training, each image's branch is left out with a probability, else scaled up.

    Paper: Deep Networks with Stochastic Depth, https://arxiv.org/abs/1603.09382.

    Args:
        rate: probability in [0, 1).
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """N x C x H x W, some of the N zeroed."""
        if not self.training or self.rate == 0:
            return x
        # One draw an image, not a value
        kept = x.new_empty(len(x), 1, 1, 1).bernoulli_(1 - self.rate)
        # Scaled up in training, so that inference needs no factor
        return x * kept / (1 - self.rate)


class Unit(nn.Module):
    """The inverted residual (MBConv): widen, filter each channel, gate, project; adds its input if it fits.

    Args:
        inputs: channels of the input, N x inputs x H x W.
        outputs: channels of the output, N x outputs x H/stride x W/stride, rounded up.
        expansion: how many times wider the depthwise convolution is than the input.
        kernel: of the depthwise convolution.
        stride: of the depthwise convolution.
        squeeze: squeeze-and-excitation's channels in between, as a share of `inputs`; 0 leaves it out.
        activation: `silu` or `relu6`.
        padding: `same` or `symmetric`.
        bn_eps: batch norm's epsilon.
        drop_path: stochastic depth's rate.
    """

    def __init__(
        self,
        *,
        inputs: int,
        outputs: int,
        expansion: int,
        kernel: int,
        stride: int,
        squeeze: float,
        activation: str,
        padding: str,
        bn_eps: float,
        drop_path: float,
    ) -> None:
        super().__init__()
        wide = inputs * expansion
        steps: OrderedDict[str, nn.Module] = OrderedDict()
        if expansion > 1:
            steps["expand"] = ConvNorm(inputs, wide, padding=padding, bn_eps=bn_eps, activation=activation)
        steps["depthwise"] = ConvNorm(
            wide,
            wide,
            kernel=kernel,
            stride=stride,
            groups=wide,
            padding=padding,
            bn_eps=bn_eps,
            activation=activation,
        )
        if squeeze:
            # Of the unit's input, not of the widened map that it acts on
            middle = max(1, int(inputs * squeeze))
            steps["squeeze"] = SqueezeExcite(wide, middle=middle, activation=activation)
        steps["project"] = ConvNorm(wide, outputs, padding=padding, bn_eps=bn_eps)
        self.branch = nn.Sequential(steps)
        # Only where shapes agree: these units have no projection as shortcut
        self.residual = stride == 1 and inputs == outputs
        # Without the shortcut a dropped image would be lost altogether
        self.drop_path = DropPath(drop_path if self.residual else 0.0)

    def forward(self, x: Tensor) -> Tensor:
        """N x inputs x H x W to N x outputs x H/stride x W/stride, rounded up."""
        out: Tensor = self.branch(x)
        return x + self.drop_path(out) if self.residual else out
