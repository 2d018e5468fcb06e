"""The first trainer: one optimizer, one loss, images with targets."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor

from zoo.builtin.config import SupervisedOptions
from zoo.interfaces import OUTPUT, Batch, Execution, Loss, Model, check_needs, compute, model_input
from zoo.trainers import GradientTrainer, Score


class Supervised(GradientTrainer):
    """Minimises the task's loss over images with targets; the options are those of `GradientTrainer`.

    Example:
        >>> Supervised(epochs=3, schedule="cosine").epochs
        3
    """

    config = SupervisedOptions
    # Each step goes through `model_input`, so a batch may hold a frozen prefix's features instead of images
    takes_prefix = True

    def setup(self, model: Model, loss: Loss | None, execution: Execution) -> None:
        """Takes the model and the loss, and makes the optimizer.

        Raises:
            TrainingError: the model has no task, there is no loss, or nothing to train.
            OptionError: the loss needs what this trainer has not, or the rate table does not fit the model.
        """
        if loss is not None:
            # Before the optimizer is made: this trainer offers nothing but the output
            check_needs(loss, (), "supervised")
        super().setup(model, loss, execution)

    def losses(self, batch: Batch) -> tuple[Tensor, Tensor | dict[str, Tensor]]:
        """The model's output, and the loss of it and the task's target."""
        # The model as the execution has wrapped it, so that processes share gradients; measuring runs it bare
        output = self.network(model_input(batch))
        target = self.task.target(batch["target"], self.model.outputs)
        compared, target = self.task.for_loss(output, target)
        return output, compute(self.loss, {OUTPUT: compared}, target, batch)

    def evaluate(self, batches: Iterable[Batch]) -> dict[str, float]:
        """Loss and the task's metrics, with the model in inference mode for the time being."""
        score = Score(
            self.task, self.model.outputs, self.loss, metrics=self.metrics, labels=self.model.labels
        )
        with self.inference():
            for batch in batches:
                score.add(*self.execution.gather(self.model(model_input(batch)), batch))
        return score.values()
