"""The expanding path: up-sampling, and the encoder's maps side by side with what comes from below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.interfaces import Block
from zoo_unet.units import ConvPair, initialise


class Up(nn.Module):
    """Doubles a map's size, puts the encoder's map of that size beside it, and convolves both.

    Args:
        inputs: channels of the coarse map.
        skip: channels of the encoder's map; 0 where there is none.
        outputs: channels of the result.
        batch_norm: see `ConvPair`.
        residual: see `ConvPair`.
    """

    def __init__(self, *, inputs: int, skip: int, outputs: int, batch_norm: bool, residual: bool) -> None:
        super().__init__()
        self.skips = int(skip > 0)
        self.pair = ConvPair(inputs=inputs + skip, outputs=outputs, batch_norm=batch_norm, residual=residual)

    def forward(self, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The coarse map and the encoder's maps that are still to come; so is what it returns.

        Args:
            state: N x inputs x H x W, then maps from coarse to fine, the first of N x skip x 2H x 2W.
        """
        x, skips, rest = state[0], state[1 : 1 + self.skips], state[1 + self.skips :]
        # The map's own size: encoders without padding, such as Inception, do not halve exactly
        size = skips[0].shape[2:] if skips else (2 * x.shape[2], 2 * x.shape[3])
        x = F.interpolate(x, size=size, mode="nearest")
        # N x (inputs + skip) x 2H x 2W
        return self.pair(torch.cat([x, *skips], dim=1) if skips else x), *rest


def decoder(
    *, inputs: int, skips: Sequence[int], widths: Sequence[int], batch_norm: bool, residual: bool
) -> Block:
    """A decoder of as many `Up` as there are widths, in a block that is frozen as one.

    Args:
        inputs: channels of the coarsest map.
        skips: channels of the encoder's map for each step, 0 for none.
        widths: channels after each step.
        batch_norm: see `ConvPair`.
        residual: see `ConvPair`.

    Example:
        >>> ups = decoder(inputs=8, skips=(4, 0), widths=(6, 2), batch_norm=True, residual=False)
        >>> ups((torch.rand(1, 8, 4, 4), torch.rand(1, 4, 8, 8)))[0].shape
        torch.Size([1, 2, 16, 16])
    """
    ups = {
        f"up{i}": Up(inputs=below, skip=skip, outputs=width, batch_norm=batch_norm, residual=residual)
        for i, (below, skip, width) in enumerate(zip((inputs, *widths), skips, widths, strict=False), start=1)
    }
    block = Block(**ups)
    block.apply(initialise)
    return block


def usual_widths(channels: Mapping[int, int], coarsest: int) -> tuple[int, ...]:
    """Channels after each up-sampling, the coarsest first.

    Args:
        channels: of the encoder's maps, by reduction.
        coarsest: reduction of the last of them.

    Example:
        >>> usual_widths({2: 64, 4: 64, 8: 128, 16: 256, 32: 512}, 32)
        (256, 128, 64, 32, 16)
        >>> usual_widths({1: 64, 2: 128, 4: 256, 8: 512, 16: 1024}, 16)
        (512, 256, 128, 64)
    """
    # Half of the coarsest, a quarter, ... down to 1
    reductions = [coarsest >> i for i in range(1, coarsest.bit_length())]
    usual = {r: min(_FINEST * r, _MOST) for r in reductions}
    # A map at full resolution means an encoder made for this, as the paper's: its widths are mirrored
    if 1 in channels:
        usual |= {r: max(channels[r], _FINEST) for r in reductions if r in channels}
    return tuple(usual.values())


_FINEST, _MOST = 16, 256
