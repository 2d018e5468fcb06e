"""Units of encoder and decoder: pairs of 3 x 3 convolutions."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from zoo import InputSpec

SIZE = (128, 128)
"""Size of training images, where no encoder says otherwise."""


def input_spec(channels: int) -> InputSpec:
    """Images from [0, 1] to [-1, 1]."""
    return InputSpec(channels=channels, size=SIZE, mean=(0.5,) * channels, std=(0.5,) * channels)


def conv3x3(inputs: int, outputs: int, *, batch_norm: bool) -> dict[str, nn.Module]:
    """A 3 x 3 convolution that keeps the map's size and, if wanted, batch norm in the place of a bias."""
    steps: dict[str, nn.Module] = {"conv": nn.Conv2d(inputs, outputs, 3, padding=1, bias=not batch_norm)}
    return {**steps, "bn": nn.BatchNorm2d(outputs)} if batch_norm else steps


class ConvPair(nn.Module):
    """Two 3 x 3 convolutions, each followed by ReLU; with a shortcut `relu(convolutions(x) + shortcut(x))`.

    N x inputs x H x W to N x outputs x H x W.

    Args:
        inputs: channels of the input.
        outputs: channels of the output.
        batch_norm: batch norm after each convolution.
        residual: the shortcut, a 1 x 1 convolution where the channels differ.
    """

    def __init__(self, *, inputs: int, outputs: int, batch_norm: bool, residual: bool) -> None:
        super().__init__()
        steps: OrderedDict[str, nn.Module] = OrderedDict()
        for i, channels in enumerate((inputs, outputs), start=1):
            found = conv3x3(channels, outputs, batch_norm=batch_norm)
            steps |= {f"{name}{i}": step for name, step in found.items()}
            # The second ReLU comes after the sum, where there is a shortcut
            if i == 1:
                steps["relu1"] = nn.ReLU(inplace=True)
        self.branch = nn.Sequential(steps)
        self.shortcut: nn.Module | None = None
        if residual:
            same = inputs == outputs
            self.shortcut = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, bias=False)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """N x inputs x H x W to N x outputs x H x W."""
        out: Tensor = self.branch(x)
        return self.relu(out if self.shortcut is None else out + self.shortcut(x))  # type: ignore[no-any-return]


def initialise(module: nn.Module) -> None:
    """He's normal distribution over the inputs of convolutions, as in the paper; torch's own elsewhere."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
