"""Trainers of a generator and, against it, a discriminator: an optimizer of each, and passes apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from zoo.interfaces.execution import Execution
from zoo.interfaces.loss import Loss, cuts_of, total
from zoo.interfaces.model import Model
from zoo.spec.errors import TrainingError, warn
from zoo.trainers.average import Average
from zoo.trainers.logs import losses_by_name
from zoo.trainers.optimizer import Optimizer
from zoo.trainers.optimizing import OptimizingTrainer
from zoo.trainers.rates import rates_by_part

GENERATOR = "generator"
"""What a rate table calls the network that makes images."""

DISCRIMINATOR = "discriminator"
"""What a rate table calls the network that tells images apart."""

LOSS = "loss"
"""What a rate table calls the parameters that a loss owns."""

DISCRIMINATOR_LOGITS = "discriminator_logits"
"""Under this name a loss gets the discriminator's logits."""


@dataclass(frozen=True, slots=True)
class Opposed:
    """One pass of the discriminator's step.

    Args:
        fake: generated images, without gradients.
        losses: `loss_discriminator`, and the loss' parts by name.
        real_logits: N x 1, of the data's images.
        fake_logits: N x 1, of the generated ones.
    """

    fake: Tensor
    losses: dict[str, Tensor]
    real_logits: Tensor
    fake_logits: Tensor


class PairTrainer(OptimizingTrainer):
    """Trainer with an optimizer for each of two networks, the loss' own parameters among the generator's.

    Args:
        **options: of the subclass' `config`.

    Attributes:
        loss: to minimise.
        average: of the generator's weights.
        trained: the generator that is optimised; the model's own where nothing is averaged.
        maker: the same as training calls it.
        opponent: the discriminator's side of the loss as training calls it, where there is a discriminator.
        generator_optimizer: of the generator.
        discriminator_optimizer: of the discriminator, where there is one.
    """

    loss: Loss
    average: Average[Model]
    trained: Model
    maker: nn.Module
    opponent: nn.Module
    generator_optimizer: Optimizer
    discriminator_optimizer: Optimizer

    def take(
        self,
        generator: Model,
        discriminator: Model | None,
        loss: Loss,
        execution: Execution,
        *,
        ema: float | None = None,
        discriminator_epochs: int | None = None,
        generator_steps: float | None = None,
    ) -> None:
        """Makes the optimizers and what training calls; `setup` of a subclass checks, then calls this.

        Args:
            generator: which the model holds.
            discriminator: None trains the generator alone.
            loss: to minimise.
            execution: through which both are run.
            ema: decay of the generator's averaged weights; None averages nothing.
            discriminator_epochs: that the discriminator's schedule is spread over; the run's where None.
            generator_steps: of the generator an epoch; the execution's where None.

        Raises:
            TrainingError: a network has nothing to train.
            OptionError: the rate table does not fit; or batches are cut, and the loss needs them whole.
        """
        self.loss, self.execution = loss, execution
        self.check_loss(loss, getattr(generator, "task", None), getattr(generator, "outputs", 0))
        if discriminator is not None and execution.processes > 1 and cuts_of(loss) is False:
            side = f"for the discriminator each of {execution.processes} processes sees its own images alone"
            warn(f"loss {type(loss).__name__} looks at a batch as a whole; {side}")
        # First: of an averaged generator the copy is trained, so that parts are the copy's
        self.average = Average(generator, ema)
        self.trained = self.average.trained.train()
        parts = {GENERATOR: _trainable(self.trained)}
        if discriminator is not None:
            parts[DISCRIMINATOR] = _trainable(discriminator)
        for name, parameters in parts.items():
            if not parameters:
                hint = "unfreeze some of it; model.frozen lists the blocks"
                raise TrainingError(name, expected="something to train", got="all frozen", hint=hint)
        if own := _trainable(loss):
            parts[LOSS] = own
        # For both at once, since each optimizer would take the other's names in the table for mistakes
        rates = rates_by_part(parts, self.options.lr)

        def made(name: str, epochs: int | None, steps: float | None) -> Optimizer:
            mine = {
                part: p for part, p in parts.items() if (part == DISCRIMINATOR) == (name == DISCRIMINATOR)
            }
            lr = {part: rates[part] for part in mine}
            return self.add_optimizer(name, mine, lr=lr, epochs=epochs, steps=steps)

        self.generator_optimizer = made(GENERATOR, None, generator_steps)
        if discriminator is not None:
            self.discriminator_optimizer = made(DISCRIMINATOR, discriminator_epochs, None)
        self.maker = execution.wrap(self.trained)
        if discriminator is not None:
            self.opponent = execution.wrap(Opponent(discriminator, loss))

    def oppose(self, real: Tensor, make: Callable[[], Tensor]) -> Opposed:
        """Adds the discriminator's gradients on real images and as many generated ones.

        Nothing of the generator changes, running statistics included.

        Args:
            real: N x C x H x W in [0, 1].
            make: calls `trained`.
        """
        with self.execution.precision():
            with torch.no_grad(), untouched(self.trained):
                fake = make().float()
            parts, real_logits, fake_logits = self.opponent(real, fake)
            loss = total(parts)
        self.execution.backward(loss, len(real))
        return Opposed(fake, losses_by_name(loss, parts, "loss_discriminator"), real_logits, fake_logits)

    def step_generator(self) -> None:
        """Moves the generator, and the average after it."""
        self.generator_optimizer.step()
        self.average.move()

    def step_discriminator(self) -> None:
        """Moves the discriminator."""
        self.discriminator_optimizer.step()

    def state_dict(self) -> dict[str, Any]:
        """Optimizers with their schedules, and the trained weights behind an average."""
        return {**super().state_dict(), "average": self.average.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The reverse of `state_dict`."""
        super().load_state_dict(state)
        self.average.load_state_dict(state["average"])


def _trainable(network: nn.Module) -> list[nn.Parameter]:
    return [p for p in network.parameters() if p.requires_grad]


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
        """The discriminator's loss, and its logits for each image, without gradients.

        Args:
            real: N x C x H x W in [0, 1], images of the data.
            fake: as many generated ones.
        """
        said: dict[int, Tensor] = {}

        def heard(x: Tensor) -> Tensor:
            verdict: Tensor = self.discriminator(x)
            # By identity: a loss calls it in its own order, and perhaps on further images
            said[id(x)] = verdict.detach()
            return verdict

        parts = self._loss[0].oppose(_Heard(self.discriminator, heard), real, fake)
        return parts, said[id(real)], said[id(fake)]


class _Heard(nn.Module):
    """A network whose outputs pass through a function that notes them."""

    def __init__(self, network: nn.Module, call: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.network, self._call = network, call

    def forward(self, x: Tensor) -> Tensor:
        return self._call(x)


@contextmanager
def untouched(network: nn.Module) -> Iterator[None]:
    """Keeps a network as it is while a forward and backward go through it.

    Its parameters take no gradients, and afterwards its buffers are what they were: running statistics, and
    the vectors of a spectral norm. Normalisations go on with the statistics of the batch. Gradients still
    pass through to the input.

    Args:
        network: one that is trained by another step.
    """
    learning = [p for p in network.parameters() if p.requires_grad]
    # Cloned, since a forward moves them in place
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
    """Puts a network into inference mode without gradients; afterwards each module is in its mode again.

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
            # Not by `train`, which sets all that is inside alike
            module.training = mode
