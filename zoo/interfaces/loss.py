"""The loss contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from zoo.interfaces.augmenter import Batch
from zoo.interfaces.blocks.block import Block
from zoo.spec.errors import OptionError, listing

OUTPUT = "output"
"""Under this name every trainer hands what the model returned."""


class Loss(nn.Module):
    """A loss: from output and target to a scalar, or to named parts whose sum is minimised.

    A subclass' constructor takes the options of its config class, keyword-only. Parameters of its own are
    optimised, checkpointed, and saved with the run.

    Attributes:
        needs: names of the trainer's outputs that the loss takes, such as `discriminator_logits` of a discriminator. With
            none it is called with output and target, else with all outputs by name and the batch.
        learns: whether it has parameters that `prepare` makes and training finds, so that it says nothing
            of other data.
    """

    needs: tuple[str, ...] = ()
    learns: bool = False

    def forward(self, output: Any, target: Any) -> Tensor | dict[str, Tensor]:
        """The loss of a batch.

        Args:
            output: N x ... as the model returns it; with `needs`, tensors by name.
            target: as the task's `target` prepares it; with `needs`, the batch.

        Returns:
            A scalar, or scalars by name.
        """
        raise NotImplementedError

    def prepare(self, outputs: int, classes: int | None) -> None:
        """Makes parameters of the loss that depend on model and data; called once before training.

        Args:
            outputs: length of the model's output vector, or its channels.
            classes: of the data; None where they have none.
        """

    def oppose(
        self, discriminator: nn.Module, real: Tensor, fake: Tensor
    ) -> Tensor | dict[str, Tensor] | None:
        """The loss of a discriminator against the generator of this one; None where there is no such.

        Args:
            discriminator: N x C x H x W to N x 1 logits, positive for real.
            real: images of the data.
            fake: as many generated ones, without gradients.
        """
        return None

    def advance(self, position: float, epochs: int) -> None:
        """Moves a loss that changes while it is minimised; called before each step.

        Args:
            position: epochs done, with fractions.
            epochs: of the run.
        """

    @property
    def stretches(self) -> bool:
        """Whether what `advance` does depends on how many epochs the run has; assumed where there is one."""
        return type(self).advance is not Loss.advance


def compute(
    loss: nn.Module, outputs: Mapping[str, Tensor], target: Tensor, batch: Batch
) -> Tensor | dict[str, Tensor]:
    """Calls a loss, or any module that takes output and target, with what it needs.

    Args:
        loss: to compute.
        outputs: by name, `output` among them.
        target: prepared by the task.
        batch: all that is known of the images.
    """
    # The prepared target takes the place of the raw one
    given = (outputs, {**batch, "target": target}) if needs_of(loss) else (outputs[OUTPUT], target)
    found: Tensor | dict[str, Tensor] = loss(*given)
    return found


def needs_of(loss: nn.Module) -> tuple[str, ...]:
    """Names of the outputs that a loss takes; nothing for one of output and target."""
    return loss.needs if isinstance(loss, Loss) else ()


def check_needs(loss: nn.Module, offered: tuple[str, ...], trainer: str) -> None:
    """Raises OptionError where a loss takes an output that the trainer does not have.

    Args:
        loss: to look at.
        offered: outputs that the trainer has besides `output`.
        trainer: its name.
    """
    needs = needs_of(loss)
    if missing := [name for name in needs if name not in (OUTPUT, *offered)]:
        raise OptionError(
            f"loss {type(loss).__name__} needs {listing(missing)}",
            expected=f"what trainer {trainer} has: {listing((OUTPUT, *offered))}",
            got=listing(needs),
            hint="choose another loss, or the trainer that it is for",
        )


def fixed_left_out(loss: nn.Module) -> dict[str, Tensor]:
    """The state of a loss without what nothing trains: frozen parameters, and all of a frozen network."""
    fixed = {name for name, p in loss.named_parameters() if not p.requires_grad}
    for path, module in loss.named_modules():
        if isinstance(module, Block) and module.frozen:
            # Buffers too: a frozen block moves no statistics
            fixed |= {f"{path}.{name}" for name in module.state_dict()}
    return {name: value for name, value in loss.state_dict().items() if name not in fixed}


def total(parts: Tensor | dict[str, Tensor]) -> Tensor:
    """The scalar to minimise: the sum of the parts.

    Example:
        >>> import torch
        >>> float(total({"content": torch.tensor(1.0), "adversarial": torch.tensor(0.5)}))
        1.5
    """
    if isinstance(parts, Tensor):
        return parts
    values = list(parts.values())
    # Without a 0 in front, which would be one more operation a step
    return sum(values[1:], start=values[0])
