"""Augmenters held against the model and the trainer that they are for, before any work."""

from __future__ import annotations

from zoo.interfaces.augmenter import Augmenter, Chain
from zoo.interfaces.model import Model
from zoo.interfaces.trainer import Trainer
from zoo.spec.errors import TrainingError, listing


def check_augment(augmenter: Augmenter, model: Model, trainer: Trainer, *, resumed: bool) -> None:
    """Raises TrainingError where augmented images would teach something else than what was meant.

    Args:
        augmenter: of the training images.
        model: whose targets may be places in the images, which are to move with them.
        trainer: that may compare images of its own making with those of the data.
        resumed: whether the run was begun so, by a version that did not ask.
    """
    task = model.task
    own = [m for m in augmenter.modules() if isinstance(m, Augmenter) and not isinstance(m, Chain)]
    if task is not None and task.spatial and not augmenter.moves_places:
        names = [type(item).__name__ for item in own if not item.moves_places]
        expected = f"augmenters that move the targets of task {task.name} with the pixels"
        hint = "leave it out, or derive it from zoo.interfaces.augmenter.Geometric"
        raise TrainingError("fit: augment", expected=expected, got=listing(names), hint=hint)
    if not trainer.takes_augment and not resumed:
        raise TrainingError(
            "fit: augment",
            expected=f"none: {type(trainer).__name__} trains a model to make images like those of the data, "
            "and augmenters change these alone",
            got=listing(type(item).__name__ for item in own),
            hint="leave it out, or put the changed images into the data",
        )
