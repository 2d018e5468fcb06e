"""Units of MobileNets: convolution with norm, squeeze-and-excitation, and the unit of all three versions."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "relu6": nn.ReLU6, "hardswish": nn.Hardswish}


def scaled(channels: float, width: float = 1.0) -> int:
    """Channels times width, to the nearest multiple of 8, but not less than 90 % of it.

    Example:
        >>> scaled(32, 0.35), scaled(24, 0.35)
        (16, 8)
    """
    exact = channels * width
    # As in TensorFlow's code: half of a multiple is rounded up, where Python's round goes to the even one
    rounded = max(8, int(exact + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * exact else rounded + 8


class ConvNorm(nn.Sequential):
    """Convolution `conv`, batch norm `bn` and, where one is named, the activation `act`.

    N x inputs x H x W to N x outputs x H/stride x W/stride.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        bn_eps: float,
        activation: str | None = None,
    ) -> None:
        # Symmetric, as timm's and torchvision's weights have it, and not TensorFlow's "SAME"
        padding = kernel // 2
        steps: OrderedDict[str, nn.Module] = OrderedDict(
            conv=nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False),
            bn=nn.BatchNorm2d(outputs, eps=bn_eps),
        )
        if activation is not None:
            steps["act"] = ACTIVATIONS[activation]()
        super().__init__(steps)


class SqueezeExcite(nn.Module):
    """Scales each channel by a gate in [0, 1] that has seen the whole map, section 5.3 of the V3 paper.

    Paper: Squeeze-and-Excitation Networks, https://arxiv.org/abs/1709.01507. Here with a hard sigmoid and
    with a quarter of the channels in between.

    Args:
        channels: of input and output, N x channels x H x W.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        # Of the widened channels, where EfficientNet takes a quarter of the unit's input
        middle = scaled(channels / 4)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.reduce = nn.Conv2d(channels, middle, 1)
        self.relu = nn.ReLU()
        self.expand = nn.Conv2d(middle, channels, 1)
        self.gate = nn.Hardsigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """N x channels x H x W, scaled."""
        gate: Tensor = self.gate(self.expand(self.relu(self.reduce(self.pool(x)))))
        return x * gate


class Unit(nn.Module):
    """Depthwise unit: widen, filter each channel, gate, project.

    With a linear projection it is the inverted residual of V2 and V3, which adds its input where the shape
    stays; otherwise the depthwise separable convolution of V1.

    Args:
        inputs: channels of the input, N x inputs x H x W.
        outputs: channels of the output, N x outputs x H/stride x W/stride.
        expansion: how many times wider the depthwise convolution is than the input.
        kernel: of the depthwise convolution.
        stride: of the depthwise convolution.
        squeeze: squeeze-and-excitation after the depthwise convolution.
        activation: `relu`, `relu6` or `hardswish`.
        linear: no activation after the projection.
        bn_eps: batch norm's epsilon.
    """

    def __init__(
        self,
        *,
        inputs: int,
        outputs: int,
        expansion: float,
        kernel: int,
        stride: int,
        squeeze: bool,
        activation: str,
        linear: bool,
        bn_eps: float,
    ) -> None:
        super().__init__()
        # Not rounded where nothing widens: depthwise channels have to be the input's
        wide = inputs if expansion == 1 else scaled(inputs * expansion)
        steps: OrderedDict[str, nn.Module] = OrderedDict()
        if expansion != 1:
            steps["expand"] = ConvNorm(inputs, wide, bn_eps=bn_eps, activation=activation)
        steps["depthwise"] = ConvNorm(
            wide, wide, kernel=kernel, stride=stride, groups=wide, bn_eps=bn_eps, activation=activation
        )
        if squeeze:
            steps["squeeze"] = SqueezeExcite(wide)
        steps["project"] = ConvNorm(wide, outputs, bn_eps=bn_eps, activation=None if linear else activation)
        self.branch = nn.Sequential(steps)
        # V1 has no shortcuts
        self.residual = linear and stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """N x inputs x H x W to N x outputs x H/stride x W/stride."""
        out: Tensor = self.branch(x)
        return x + out if self.residual else out
