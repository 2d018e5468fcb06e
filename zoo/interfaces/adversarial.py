"""Two networks that train against each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from zoo.interfaces.augmenter import Batch
from zoo.interfaces.backbone import Backbone
from zoo.interfaces.block import Block
from zoo.interfaces.loss import Loss
from zoo.interfaces.model import Model
from zoo.spec.errors import ShapeError


class Pair(Model):
    """A generator and its discriminator; as a model it is the generator.

    Args:
        generator: its task, input and labels are the pair's.
        discriminator: takes the generator's pictures in [0, 1], returns N x 1 logits, positive for real.

    Raises:
        ShapeError: the discriminator returns something else, or takes pictures of other channels.
    """

    generator: Model
    discriminator: Model

    def __init__(self, *, generator: Model, discriminator: Model) -> None:
        super().__init__(task=generator.task, input_spec=generator.input_spec, labels=generator.labels)
        _check(generator, discriminator)
        self.generator, self.discriminator = generator, discriminator
        self.any_size, self.crops = generator.any_size, generator.crops

    @property
    def freezable(self) -> dict[str, Backbone | Block]:
        """Both networks' parts, such as `discriminator` for its backbone."""
        return {
            ".".join(filter(None, (name, path))): part
            for name, network in (("generator", self.generator), ("discriminator", self.discriminator))
            for path, part in network.freezable.items()
        }

    @property
    def outputs(self) -> int:
        """Channels of the pictures."""
        return self.generator.outputs

    def examples(self, batch: Batch) -> Batch:
        """As the generator."""
        return self.generator.examples(batch)

    def example_input(self, count: int = 2) -> Tensor:
        """As the generator."""
        return self.generator.example_input(count)

    def forward(self, x: Any) -> Tensor:
        """What the generator returns."""
        output: Tensor = self.generator(x)
        return output

    def infer(self, x: Tensor) -> Tensor:
        """As the generator."""
        return self.generator.infer(x)

    def sample(self, count: int, *, seed: int | None = None) -> Tensor:
        """As the generator."""
        return self.generator.sample(count, seed=seed)


def _check(generator: Model, discriminator: Model) -> None:
    if discriminator.outputs != 1 or discriminator.task is None:
        got = "no head" if discriminator.task is None else f"{discriminator.outputs} outputs"
        hint = 'discriminator = {name = "...", head = "binary"}'
        raise ShapeError("discriminator", expected="a model with one logit", got=got, hint=hint)
    made, taken = generator.outputs, discriminator.input_spec.channels
    if made != taken:
        hint = f"in_channels={made} for the discriminator, or for the whole pair"
        raise ShapeError(
            "discriminator", expected=f"one for pictures of {made} channels", got=f"{taken}", hint=hint
        )


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
