"""Two networks that train against each other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from zoo.interfaces.augmenter import Batch
from zoo.interfaces.backbone import Backbone
from zoo.interfaces.block import Block
from zoo.interfaces.model import Model


class Pair(Model):
    """A generator and its discriminator; as a model it is the generator.

    Args:
        generator: its task, input and labels are the pair's.
        discriminator: takes the generator's pictures in [0, 1], returns N x 1 logits, positive for real.
    """

    generator: Model
    discriminator: Model

    def __init__(self, *, generator: Model, discriminator: Model) -> None:
        super().__init__(task=generator.task, input_spec=generator.input_spec, labels=generator.labels)
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


@contextmanager
def untouched(network: nn.Module) -> Iterator[None]:
    """Inside, a forward and backward through a network change nothing of it.

    Its parameters take no gradients, and its normalisations, while they go on with the statistics of the
    batch, do not move their running ones. Gradients still pass through to the input.

    Args:
        network: one that is trained by another step.
    """
    learning = [p for p in network.parameters() if p.requires_grad]
    norms = (module for module in network.modules() if isinstance(module, _BatchNorm))
    live = [norm for norm in norms if norm.training and norm.track_running_stats]
    for parameter in learning:
        parameter.requires_grad_(False)
    for norm in live:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for parameter in learning:
            parameter.requires_grad_(True)
        for norm in live:
            norm.track_running_stats = True
