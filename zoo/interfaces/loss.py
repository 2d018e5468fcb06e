"""The loss contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from zoo.interfaces.augmenter import Batch
from zoo.interfaces.blocks.block import Block
from zoo.interfaces.loss_division import SHARE, Divisor, Sums, divided, multiplied, of_nothing, torchs_divisor
from zoo.interfaces.tasks.base import Task
from zoo.spec.errors import OptionError, listing

OUTPUT = "output"
"""Under this name every trainer hands what the model returned."""


class Loss(nn.Module):
    """A loss: from output and target to a scalar, or to named parts whose sum is minimised.

    A subclass' constructor takes the options of its config class, keyword-only. Parameters of its own are
    optimised, checkpointed, and saved with the run.

    Attributes:
        needs: names of the trainer's outputs that the loss takes, such as `discriminator_logits`. With none
            it is called with output and target, else with all outputs by name and the batch.
        learns: whether it has parameters that `prepare` makes and training finds, so that it says nothing
            of other data.
        cuts: whether the parts of a batch give its loss, as means by `divisor`; None where that is not said.
            With False, a batch is not cut by `micro_batch_size`, and several processes gather what it takes.
        tasks: names of the tasks whose outputs and targets it takes, those derived from them among them; with
            none it is taken for any. It speaks for the `forward` of its own class, not for a subclass'.

    Example:
        >>> import torch
        >>> class Counted(Loss):
        ...     # Squared errors; values below 0 are unknown and do not count
        ...     def forward(self, output, target):
        ...         return ((output - target).square() * (target >= 0)).sum() / self.divisor(target)
        ...     def divisor(self, target):
        ...         return (target >= 0).sum()
        >>> float(Counted()(torch.zeros(3, 1), torch.tensor([[1.0], [3.0], [-1.0]]))), cuts_of(Counted())
        (5.0, True)
    """

    needs: tuple[str, ...] = ()
    learns: bool = False
    cuts: bool | None = None
    tasks: tuple[str, ...] = ()

    def forward(self, output: Any, target: Any) -> Tensor | dict[str, Tensor]:
        """The loss of a batch.

        Args:
            output: N x ... as the model returns it; with `needs`, tensors by name.
            target: as the task's `target` prepares it; with `needs`, the batch.

        Returns:
            A scalar, or scalars by name.
        """
        raise NotImplementedError

    def divisor(self, target: Any) -> Divisor:
        """The number that a sum over a batch is divided by in `forward`, such as the weight of its pixels.

        By it parts of a batch, batches of an evaluation and several processes are put together: a mean of
        means would count a part with few pixels like one with many.

        Args:
            target: as `forward` takes it.

        Returns:
            A scalar; scalars by the names of the parts, where those differ; None for the number of images.
        """
        return None

    def sums(self, output: Any, target: Any) -> Sums:
        """Sums over a batch, which `of_sums` makes the loss of several batches together of.

        By default the values times what they are divided by, and that. A loss that is no such mean has its
        own sums, or depends on how images come together.

        Args:
            output: as `forward` takes it.
            target: as `forward` takes it.
        """
        return multiplied(self(output, target), self.divisor(target), _images(output, target))

    def of_sums(self, sums: Sums) -> Tensor | dict[str, Tensor]:
        """The loss of all images whose `sums` were added up."""
        return divided(sums)

    @property
    def adds_up(self) -> bool:
        """Whether `sums` of batches make the loss of all images: it is a mean, or has sums of its own."""
        return self.cuts is not False or type(self).sums is not Loss.sums

    def prepare(self, outputs: int, classes: int | None) -> None:
        """Makes parameters of the loss that depend on model and data; called once before training.

        Args:
            outputs: length of the model's output vector, or its channels.
            classes: of the data; None where they have none.
        """

    def unfit(self, task: Task) -> tuple[str, ...]:
        """Names of the tasks that it is for in the place of this one; nothing where it fits, or says none.

        Args:
            task: of the model.
        """
        kinds = type(self).__mro__
        said = next(kind for kind in kinds if "tasks" in vars(kind))
        computes = next(kind for kind in kinds if "forward" in vars(kind))
        if computes is not said and issubclass(computes, said):
            return ()
        names = {getattr(kind, "name", None) for kind in type(task).__mro__} | {task.name}
        return () if names & {*self.tasks} else self.tasks

    def oppose(
        self, discriminator: nn.Module, real: Tensor, fake: Tensor
    ) -> Tensor | dict[str, Tensor] | None:
        """The loss of a discriminator against the generator of this one; None where there is no such.

        Args:
            discriminator: N x C x H x W to N x 1 logits, positive for real.
            real: images of the data.
            fake: as many generated ones, without gradients.

        Returns:
            Means over the images, by which parts of a batch and several processes are put together.
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


LossLike = nn.Module | str | Mapping[str, Any]
"""A loss by name, as a table of name and options, or a module."""


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
    output, given = _given(loss, outputs, target, batch)
    # There where the batch is a part of one, and the loss is no mean over its images
    share: Any = batch.get(SHARE)
    found: Tensor | dict[str, Tensor] = (
        of_nothing(loss, loss(output, given), given) if share is None else share.computed(loss, output, given)
    )
    return found


def _given(loss: nn.Module, outputs: Mapping[str, Tensor], target: Tensor, batch: Batch) -> tuple[Any, Any]:
    if not needs_of(loss):
        return outputs[OUTPUT], target
    # The prepared target takes the place of the raw one; the share is the whole loss', not that of its parts
    return outputs, {name: value for name, value in batch.items() if name != SHARE} | {"target": target}


def _images(output: Any, target: Any) -> int:
    return len(target["index"] if isinstance(target, Mapping) and "index" in target else _first(output))


def _first(output: Any) -> Tensor:
    found: Tensor = next(iter(output.values())) if isinstance(output, Mapping) else output
    return found


def cuts_of(loss: nn.Module) -> bool | None:
    """Whether a loss of a batch follows from that of its parts; None where nobody says.

    Losses of torch are known; a class that says it speaks for its own `forward`, not for that of a subclass.

    Example:
        >>> cuts_of(nn.CrossEntropyLoss()), cuts_of(nn.Identity())
        (True, None)
    """
    if not isinstance(loss, Loss):
        return None if torchs_divisor(loss) is None else True
    if "cuts" in vars(loss):
        return loss.cuts
    kinds = type(loss).__mro__[: type(loss).__mro__.index(Loss)]
    said = next((kind for kind in kinds if "cuts" in vars(kind) or "divisor" in vars(kind)), None)
    computes = next((kind for kind in kinds if "forward" in vars(kind)), Loss)
    if said is None or (computes is not said and issubclass(computes, said)):
        return None
    return True if loss.cuts is None else loss.cuts


def divisor_of(loss: nn.Module, target: Any) -> Divisor:
    """Divisor of a loss, or of one of torch's; None for the number of images.

    Args:
        loss: to ask.
        target: as it takes it; see `target_for`.
    """
    if isinstance(loss, Loss):
        return loss.divisor(target)
    known = torchs_divisor(loss)
    return None if known is None else known(loss, target)


def target_for(loss: nn.Module, target: Tensor, batch: Batch) -> Any:
    """The second argument of a loss: the prepared target, or with `needs` the batch."""
    return _given(loss, {OUTPUT: target}, target, batch)[1]


def sums_of(loss: nn.Module, outputs: Mapping[str, Tensor], target: Tensor, batch: Batch) -> Sums:
    """Sums over a batch of a loss, or of any module that takes output and target; as `compute`."""
    output, given = _given(loss, outputs, target, batch)
    if isinstance(loss, Loss):
        return loss.sums(output, given)
    return multiplied(loss(output, given), divisor_of(loss, given), len(output))


def from_sums(loss: nn.Module, sums: Sums) -> Tensor | dict[str, Tensor]:
    """The loss of all images whose `sums_of` were added up."""
    return loss.of_sums(sums) if isinstance(loss, Loss) else divided(sums)


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
