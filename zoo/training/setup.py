"""A run's parts, made from what the caller named and checked against each other before any work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import nn

from zoo.compose.as_built import check_as_built
from zoo.compose.build import from_recipe
from zoo.compose.foreign.torch_module import PlainModel
from zoo.compose.meta_build import seeded
from zoo.data.depths import warn_dataset
from zoo.data.imbalance import warn_unbalanced
from zoo.data.resolve import DataLike
from zoo.data.splits import NAMES, Splits, split
from zoo.data.streams.forms import Streamed, stream_in
from zoo.interfaces.augmenter import Augmenter
from zoo.interfaces.blocks.freezing_state import check_frozen
from zoo.interfaces.blocks.wrapped import inside
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.loss import Loss
from zoo.interfaces.model import Model
from zoo.interfaces.trainer import Trainer
from zoo.runtime.answer_checks import check_weights
from zoo.runtime.arguments import as_augmenter, as_loss, as_model, as_trainer, bare, check_order, pick_seed
from zoo.runtime.augment_checks import check_augment, tell_of_augment
from zoo.runtime.computing import check_precision
from zoo.runtime.data_arguments import as_dataset, data_value, declared_fields, kept_value
from zoo.runtime.data_checks import check_masks, check_stream, for_model, warn_lacking
from zoo.runtime.loss_checks import check_fits, held_warnings, task_said, vectors_of, warn_squashed
from zoo.runtime.torch_losses import called
from zoo.spec.data_options import nameless
from zoo.spec.errors import DataError, TrainingError, listing, warn
from zoo.spec.recipe import Recipe
from zoo.training.balance import by_class, with_counts
from zoo.training.own_metrics import METRICS, Figures, figures_of
from zoo.training.recipe_data import data_for, with_data


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Set-up of a run: model, data, loss, trainer, and the recipe that names them.

    Args:
        model: to train.
        dataset: all images.
        splits: which of them are trained on.
        loss: to minimise.
        trainer: what a step is.
        augment: of the training images.
        recipe: says all that by name.
        data: as the caller called it; of an object its options alone, or None.
        objects: names of the parts that have no name in the recipe.
        figures: the metrics that were asked for.
        drawn_classes: of the images that are trained on, where classes are drawn alike.
        told: what its augmenter does by class; empty for nothing.
    """

    model: Model
    dataset: Dataset
    splits: Splits
    loss: nn.Module | None
    trainer: Trainer
    augment: Augmenter | None
    recipe: Recipe
    data: str | dict[str, Any] | None
    objects: tuple[str, ...]
    figures: Figures
    drawn_classes: tuple[int, ...] | None = None
    told: str = ""

    @property
    def seed(self) -> int:
        """The seed of all random draws."""
        return self.recipe.seed or 0

    @property
    def stream(self) -> Streamed | None:
        """The stream that is trained on, if it is one; its images are in no split."""
        return stream_in(self.dataset)

    @property
    def images(self) -> dict[str, int]:
        """Number of images by split, of a stream those of an epoch."""
        found, stream = {name: len(getattr(self.splits, name)) for name in NAMES}, self.stream
        return found if stream is None else {**found, "train": stream.counted * self.trainer.batch_size}

    @property
    def given(self) -> dict[str, str]:
        """Classes of the objects that the caller has made, by the part that they are; not the model's."""
        parts = {"loss": self.loss, "augment": self.augment, "trainer": self.trainer}
        return {name: called(part) for name, part in parts.items() if name in self.objects}


def assemble(
    model: Any,
    *,
    data: DataLike,
    augment: Any,
    loss: Any,
    trainer: Any,
    seed: int | None,
    options: Mapping[str, Any],
    skip_unreadable: bool,
    labels: Sequence[str] | None = None,
) -> Setup:
    """The parts of a run, see `zoo.training.fit.fit`; `labels` are those that a resumed one began with.

    Raises:
        ZooError: a part is missing, unknown, or does not fit the others; or a frozen block would learn.
    """
    plain, resumed = foreign(model := bare(model)), labels is not None
    given = {"data": data, "augment": augment, "loss": loss, "trainer": trainer}
    skip: Any = {"skip_unreadable": skip_unreadable}
    model, parts, dataset = _named_parts(model, given, dict(options), seed, resumed, **skip)
    if plain:
        model, dataset = _wrapped(model, dataset, parts, **skip)
    check_frozen(model)
    seed = pick_seed(seed, model)
    dataset = _fitting(model, dataset, labels)
    parts["loss"], splits = with_counts(parts["loss"], dataset, seed, parts["data"])
    # What was begun goes on, as 0.1 began it too
    needed = trainer is None
    made_loss, loss_value = _loss(parts["loss"], model, dataset, seed, needed=needed, checked=not resumed)
    made_trainer, trainer_value = as_trainer(parts["trainer"], model, dict(options))
    augmenter, augment_value = as_augmenter(parts["augment"])
    check_augment(augmenter, model, made_trainer, made_loss, dataset, resumed=resumed)
    check_masks(dataset)
    splits = _split(model, dataset, seed, new=not resumed, known=splits)
    drawn, told = by_class(parts["data"], dataset, splits, augmenter)
    tell_of_augment(augmenter, model.task, dataset, augment_value, resumed=resumed)
    _tell_of_data(model, dataset, splits, augmenter, default_loss=loss is None and drawn is None)
    named = {"augment": augment_value, "loss": loss_value, "trainer": trainer_value}
    values = {"data": data_value(parts["data"]), **named}
    made = {"data": dataset, "augment": augmenter, "loss": made_loss, "trainer": made_trainer}
    figures = figures_of(made_trainer, trainer_value)
    held = [name for name, value in values.items() if nameless(value) and made[name] is not None]
    objects = [*["model"] * plain, *held, *[METRICS] * (None in figures.values())]
    return Setup(
        model=model,
        dataset=dataset,
        splits=splits,
        loss=made_loss,
        trainer=made_trainer,
        augment=augmenter,
        recipe=model.recipe.model_copy(update={**values, "data_hash": splits.hash, "seed": seed}),
        data=kept_value(parts["data"]),
        objects=tuple(objects),
        figures=figures,
        drawn_classes=drawn,
        told=told,
    )


def _fitting(model: Model, dataset: Dataset, labels: Sequence[str] | None) -> Dataset:
    """The data with the model's classes; what a run may not begin with, a resumed one goes on with."""
    found = for_model(model, dataset, "fit", labels or ())
    check_weights(model, "fit")
    if labels is None and model.task is not None:
        model.task.check_start(found, "fit")
    return found


def _split(model: Model, dataset: Dataset, seed: int, *, new: bool, known: Splits | None) -> Splits:
    """The splits; what a model keeps of training targets, a new run takes from them."""
    # After what is checked at once: it reads all files for their keys
    if (stream := stream_in(dataset)) is not None:
        check_stream(stream)
    splits = known or split(dataset, seed, training=stream is None)
    if new and model.task is not None:
        targets = dataset.targets
        # What comes is not known before it is there
        model.task.settle([targets[i] for i in (splits.train if stream is None else splits.val)])
    return splits


def _named_parts(
    model: Any,
    given: Mapping[str, Any],
    options: dict[str, Any],
    seed: int | None,
    resumed: bool,
    *,
    skip_unreadable: bool,
) -> tuple[Any, dict[str, Any], Dataset]:
    """The model or torch module, the parts as given or else as its recipe names them, and the data.

    Raises:
        ZooError: there are no data, they or the model cannot be read, or the model was changed by hand.
    """
    dataset: Dataset | None = None
    plain = foreign(model)
    if isinstance(model, Recipe):
        trainer = model.trainer if given["trainer"] is None else given["trainer"]
        asks = partial(declared_fields, trainer=trainer, options=options)
        filled, dataset = with_data(model, given["data"], skip_unreadable=skip_unreadable, fields=asks)
        drawn = filled.model_copy(update={"seed": (filled.seed or 0) if seed is None else seed})
        model = from_recipe(drawn, recorded=resumed)
    elif not plain:
        check_order("fit", model, given["data"])
        asked, (model, _) = model, as_model(model)
        check_precision(model, asked)
        # First: what was put in by hand may lack what a model is asked for
        check_as_built(model, "fit")
    recipe = None if plain else model.recipe
    parts = {name: getattr(recipe, name, None) if value is None else value for name, value in given.items()}
    if parts["data"] is None:
        hint = "give a folder of class folders, or a data set's name"
        raise DataError("fit", expected="data", got="none", hint=hint)
    if dataset is None:
        dataset = data_for(model, parts["data"], parts["trainer"], options, skip_unreadable=skip_unreadable)
    return model, parts, dataset


def foreign(model: object) -> bool:
    """Whether it is a torch module that zoo did not build, or the model of one."""
    return isinstance(model, PlainModel) or (isinstance(model, nn.Module) and not isinstance(model, Model))


def _wrapped(
    module: nn.Module, dataset: Dataset, parts: Mapping[str, Any], *, skip_unreadable: bool
) -> tuple[PlainModel, Dataset]:
    """A module that zoo did not build, as a model for data; and these, read as the loss says.

    Raises:
        TrainingError: nobody said by which loss it learns.
    """
    where = "fit of a torch module"
    if (own := inside(module)) is not module:
        got, hint = type(module).__name__, f"give the {type(own).__name__} inside; its compile() is in place"
        raise TrainingError(where, expected="the module itself", got=f"{got} around it", hint=hint)
    check_precision(module)
    loss = parts["loss"]
    if loss is None:
        hint = "for example loss=torch.nn.CrossEntropyLoss()"
        raise TrainingError(where, expected="loss=", got="none", hint=hint)
    if isinstance(module, PlainModel):  # a run has read it off the data before
        return module, dataset
    usual = not isinstance(parts["trainer"], Trainer)
    made = PlainModel.for_data(module, dataset, vectors_of(loss), usual=usual)
    if (said := task_said(loss, dataset, made.outputs)) is None or (
        dataset.task is not None and said.form == dataset.task.form
    ):
        return made, dataset
    made.task, made.labels = said, () if dataset.numbered else dataset.labels
    how: Any = {"skip_unreadable": skip_unreadable, "values": made.input_spec.reading}
    return made, as_dataset(parts["data"], task=said, **how)


def _loss(
    loss: Any, model: Model, dataset: Dataset, seed: int, *, needed: bool, checked: bool
) -> tuple[nn.Module | None, Any]:
    """The loss, made ready for the model's outputs and the data's classes, and its value in a recipe."""
    with seeded(seed):  # a loss may have weights of its own
        with held_warnings():
            made, value = as_loss(loss, model, needed=needed)
            if made is not None and loss is not None and checked:
                check_fits(made, loss, model, dataset)
        if checked:
            warn_squashed(model)
        if isinstance(made, Loss):
            made.prepare(model.outputs, _classes(dataset))
    return made, value


def _tell_of_data(
    model: Model, dataset: Dataset, splits: Splits, augmenter: Augmenter | None, *, default_loss: bool
) -> None:
    """Warns of lost depth, classes out of balance where the loss ignores that, and what the task remarks."""
    warn_dataset(model, dataset)
    known = stream_in(dataset) is None
    if known:
        warn_lacking(dataset, model.task)
    if known and default_loss and (model.task is None or model.task.named):
        warn_unbalanced(dataset, augmented=augmenter is not None)
    if model.task is not None:
        for remark in model.task.remarks([dataset.targets[i] for i in splits.val]):
            warn(remark)


def warn_frozen_random(model: Model) -> None:
    """Says where a new run keeps what nobody trained: its figures are far below those of training it all."""
    if (frozen := model.frozen) and model.origin is None:
        warn(
            f"{listing(frozen)} will stay frozen with random weights, so that the rest learns from features "
            f"that nothing was learnt for; {model.weights_hint}, or unfreeze()"
        )


def _classes(dataset: Dataset) -> int | None:
    """How many classes the data have; None where targets are none."""
    targets = dataset.targets
    known = max(targets) + 1 if len(targets) and all(isinstance(t, int) for t in targets) else 0
    return max(len(dataset.labels), known) or None
