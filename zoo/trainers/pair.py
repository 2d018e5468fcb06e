"""What the trainer of a pair of networks needs: a shared call of its loss, and looking without touching."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from zoo.interfaces.loss import Loss


class Opponent(nn.Module):
    """The discriminator's side of a loss as one call, which several processes can share.

    Args:
        discriminator: N x C x H x W to N x 1 logits, positive for real.
        loss: has a side for the discriminator, `oppose`.
    """

    def __init__(self, discriminator: nn.Module, loss: Loss) -> None:
        super().__init__()
        self.discriminator = discriminator
        self._loss = (loss,)  # no part of this module: its own parameters belong to the generator's side

    def forward(self, real: Tensor, fake: Tensor) -> tuple[Tensor | dict[str, Tensor] | None, Tensor, Tensor]:
        """What the discriminator minimises, and what it said of each picture, without gradients.

        Args:
            real: N x C x H x W in [0, 1], pictures of the data.
            fake: as many generated ones.
        """
        said: dict[int, Tensor] = {}

        def heard(x: Tensor) -> Tensor:
            verdict: Tensor = self.discriminator(x)
            said[id(x)] = verdict.detach()
            return verdict

        parts = self._loss[0].oppose(_Heard(self.discriminator, heard), real, fake)
        return parts, said[id(real)], said[id(fake)]


class _Heard(nn.Module):
    """A network whose answers somebody listens to."""

    def __init__(self, network: nn.Module, call: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.network, self._call = network, call

    def forward(self, x: Tensor) -> Tensor:
        return self._call(x)


@contextmanager
def untouched(network: nn.Module) -> Iterator[None]:
    """Inside, a forward and backward through a network change nothing of it.

    Its parameters take no gradients, and afterwards its buffers are what they were: running statistics, and
    the vectors of a spectral norm. Normalisations go on with the statistics of the batch. Gradients still
    pass through to the input.

    Args:
        network: one that is trained by another step.
    """
    learning = [p for p in network.parameters() if p.requires_grad]
    before = [(buffer, buffer.clone()) for buffer in network.buffers()]
    for parameter in learning:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in learning:
            parameter.requires_grad_(True)
        with torch.no_grad():
            for buffer, value in before:
                buffer.copy_(value)


@contextmanager
def resting(network: nn.Module) -> Iterator[None]:
    """Inside, a network is in inference mode and takes no gradients; afterwards each module in its mode.

    Args:
        network: one to look at, or to draw from, while it is trained.
    """
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes:
            module.training = mode
