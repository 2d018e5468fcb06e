"""Two networks that train against each other."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from zoo.interfaces.augmenter import Batch
from zoo.interfaces.backbone import Backbone
from zoo.interfaces.blocks.block import Block
from zoo.interfaces.model import Model
from zoo.spec.display import counted
from zoo.spec.errors import ShapeError


class Pair(Model):
    """A generator and its discriminator; as a model it is the generator.

    Args:
        generator: its task, input and labels are the pair's.
        discriminator: takes the generator's images in [0, 1], returns N x 1 logits, positive for real.

    Raises:
        ShapeError: the discriminator returns something else, or takes images of other channels.
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
        """Parts of both networks, such as `discriminator` for its backbone."""
        return {
            # The empty path of an only backbone leaves the name alone
            ".".join(filter(None, (name, path))): part
            for name, network in (("generator", self.generator), ("discriminator", self.discriminator))
            for path, part in network.freezable.items()
        }

    @property
    def outputs(self) -> int:
        """Channels of the images."""
        return self.generator.outputs

    def examples(self, batch: Batch) -> Batch:
        """The batch to train and measure the generator on."""
        return self.generator.examples(batch)

    def example_input(self, count: int = 2) -> Tensor:
        """Random input that the generator takes."""
        return self.generator.example_input(count)

    def forward(self, x: Any) -> Tensor:
        """The generator's output."""
        output: Tensor = self.generator(x)
        return output

    def infer(self, x: Tensor) -> Tensor:
        """The generator's output, where no gradient is needed."""
        return self.generator.infer(x)

    def sample(self, count: int, *, seed: int | None = None) -> Tensor:
        """Images that the generator draws."""
        return self.generator.sample(count, seed=seed)


def _check(generator: Model, discriminator: Model) -> None:
    if discriminator.outputs != 1 or discriminator.task is None:
        got = "no head" if discriminator.task is None else counted(discriminator.outputs, "output")
        hint = 'discriminator = {name = "...", head = "binary"}'
        raise ShapeError("discriminator", expected="a model with one logit", got=got, hint=hint)
    made, taken = generator.outputs, discriminator.input_spec.channels
    if made != taken:
        hint = f"in_channels={made} for the discriminator, or for the whole pair"
        raise ShapeError(
            "discriminator",
            expected=f"one for images of {counted(made, 'channel')}",
            got=f"{taken}",
            hint=hint,
        )
