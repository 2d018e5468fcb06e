"""The model contract: what `zoo.build` returns, and what a component of kind model implements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from zoo.interfaces.augmenter import Batch
from zoo.interfaces.blocks.freezing_state import recorded
from zoo.interfaces.blocks.frozen_prefix import Prefix
from zoo.interfaces.blocks.summary import Summary, summarise
from zoo.interfaces.blocks.weight_values import checksum
from zoo.interfaces.freezing import Freezable
from zoo.interfaces.hub_methods import HubMethods
from zoo.interfaces.normalise import Normalise
from zoo.interfaces.records.fields import Fields
from zoo.interfaces.tasks import Prediction, Task
from zoo.interfaces.tasks.data_checks import check_crop, checked_names
from zoo.spec.errors import ShapeError, listing, quote, warn
from zoo.spec.hints.channels import channels_hint
from zoo.spec.inputs import InputSpec
from zoo.spec.options import RefValue
from zoo.spec.reference import PathLike

if TYPE_CHECKING:
    from zoo.spec.recipe import ModelSection, Recipe


class Model(HubMethods, Freezable):
    """A working vision model: takes images in [0, 1] and normalises inside, or makes images of a latent.

    Attributes:
        task: what the output is for; None for a feature extractor.
        input_spec: size, channels and normalisation of the images; of a generator, those that it makes. A
            `Normalise` that the model holds follows it.
        any_size: whether images of every size are taken, so that prediction need not resize them.
        crops: whether training images of another size are cropped to the input spec's, not resized; where
            every size is taken, images are then measured whole.
        defaults: by kind, the parts to take where a recipe names none, before those of the task.
        fields: further images and targets of samples, see `zoo.interfaces.Fields`; `examples` joins them.
        labels: names of the classes, if known.
        recipe: the description that builds it again; what is frozen is read off the blocks.
        part_sections: by option, the sections of the models and backbones inside.
        plugins: version by distribution, of the plugins that its parts come from.
        origin: where the weights come from; None while they are random.
        metrics: measured figures by split, for the model card.
        measured: by split, what these were measured on: `data` as a recipe calls them, `count` of images, and
            `hash` of the splits.
        licence: SPDX name, only where one was given.
        weights_licences: of the weights that it started from, by their source; of some it may not be known.
    """

    task: Task | None
    any_size: bool = False
    crops: bool = False
    defaults: Mapping[str, RefValue] = MappingProxyType({})
    fields: Fields = MappingProxyType({})
    part_sections: Mapping[str, ModelSection] = MappingProxyType({})
    labels: tuple[str, ...]
    plugins: dict[str, str]
    metrics: dict[str, dict[str, float]]
    licence: str | None
    weights_licences: dict[str, str]

    def __init__(self, *, task: Task | None, input_spec: InputSpec, labels: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.task, self.input_spec = task, input_spec
        self.__dict__["labels"] = labels  # whose number is checked when there are outputs
        self.plugins, self.origin, self.metrics, self.licence = {}, None, {}, None
        self.weights_licences = {}
        self._measured: dict[str, tuple[dict[str, float], dict[str, Any]]] = {}
        self._weighed: dict[str, tuple[dict[str, float], int]] = {}

    def __setattr__(self, name: str, value: Any) -> None:
        # At once: with a name more or less, answers could be read no longer
        if name == "labels":
            task = self.task
            counts = task is not None and task.named
            value = checked_names(value, task.classes(self.outputs) if task and counts else None)
        super().__setattr__(name, value)

    @property
    def measured(self) -> dict[str, dict[str, Any]]:
        """Data, count and hash that `metrics` were measured on, by split; set after these, where known."""
        # Figures that were replaced since are not the ones that it was known of
        return {s: on for s, (row, on) in self._measured.items() if self.metrics.get(s) is row}

    @measured.setter
    def measured(self, on: Mapping[str, Mapping[str, Any]]) -> None:
        self._measured = {s: (self.metrics[s], dict(row)) for s, row in on.items() if s in self.metrics}

    def note_figures(self, split: str, figures: Mapping[str, float], on: Mapping[str, Any]) -> None:
        """Keeps figures of a split in `metrics`, and the data that they were measured on in `measured`."""
        known = self.measured
        self.metrics = {**self.metrics, split: dict(figures)}
        self.measured = {**known, split: on}
        self.note_weights(split)

    def note_weights(self, *splits: str) -> None:
        """Says that figures, by default all, are of the weights that the model has now."""
        if self.metrics:
            weights = checksum(self)
            self._weighed |= {split: (self.metrics[split], weights) for split in splits or self.metrics}

    def figures_hold(self) -> dict[str, bool | None]:
        """Whether figures, by split, are of the weights of now; None where it is not known."""
        # Figures that were put in the place of measured ones are somebody's own
        known = {s: weights for s, (row, weights) in self._weighed.items() if self.metrics.get(s) is row}
        now = checksum(self) if known else None
        return {s: known[s] == now if s in known else None for s in self.metrics}

    def forget_old_figures(self) -> None:
        """Forgets figures of other weights than the model has now, with a warning."""
        if old := [split for split, hold in self.figures_hold().items() if hold is False]:
            self.metrics = {split: row for split, row in self.metrics.items() if split not in old}
            figures = f"the figures of {listing(old)} are of weights that the model has no longer"
            warn(f"{figures}, and are left out; zoo.evaluate measures it as it is")

    @property
    def input_spec(self) -> InputSpec:
        """The images that the model expects."""
        return self._input_spec

    @input_spec.setter
    def input_spec(self, spec: InputSpec) -> None:
        check_crop(spec.crop, self.task, any_size=self.any_size or self.crops)
        self._input_spec = spec
        # Weights that come with another mean or size would give worse results and no error
        for part in self.children():
            if isinstance(part, Normalise):
                part.follow(spec)

    @property
    def recipe(self) -> Recipe:
        """The description that builds it again, with the freezing that the blocks have now.

        Raises:
            AttributeError: zoo did not build the model, and nobody gave it one.
        """
        # The blocks are asked what is frozen, so that there is no copy to go stale
        said = self._recipe
        return said.model_copy(update={"model": recorded(self, said.model)})

    @recipe.setter
    def recipe(self, recipe: Recipe) -> None:
        self._recipe = recipe

    @property
    def _called(self) -> str:
        """The name that the user knows it by; that of its class, where zoo did not build it."""
        said: Recipe | None = getattr(self, "_recipe", None)
        return type(self).__name__ if said is None else said.model.called

    @property
    def networks(self) -> dict[str, nn.Module]:
        """The parts by name: for a backbone with head `backbone` and `head`."""
        return dict(self.named_children())

    @property
    def outputs(self) -> int:
        """Length of the output vector, or number of output channels."""
        raise NotImplementedError

    def forward(self, x: Any) -> Tensor:
        """The output for images N x C x H x W in [0, 1]; with a prefix, also for what `run_prefix` made."""
        raise NotImplementedError

    def examples(self, batch: Batch) -> Batch:
        """The batch to train and measure on: `image` that the model takes, `target` that its loss takes.

        Args:
            batch: as it is read, after augmentation.

        Raises:
            ShapeError: the batch lacks what the task needs.
        """
        return batch if self.task is None else self.task.examples(batch)

    def example_input(self, count: int = 2) -> Tensor:
        """Random input that `forward` takes: images of the input spec, or what else a model takes."""
        return torch.rand(count, self.input_spec.channels, *self.input_spec.size)

    def infer(self, x: Tensor) -> Tensor:
        """The output for images, where no gradient is needed; large ones may be worked on in parts."""
        return self(x)  # type: ignore[no-any-return]

    @property
    def prefix(self) -> tuple[str, ...]:
        """Names of the frozen blocks that images pass first, and whose outputs can be kept; () for none."""
        return ()

    @property
    def prefix_outputs(self) -> tuple[str, ...]:
        """Names of the tensors that `run_prefix` returns."""
        return ()

    def prefix_tensors(self) -> Iterator[tuple[str, Tensor]]:
        """All tensors that `run_prefix` computes with, by name."""
        return iter(())

    def run_prefix(self, x: Tensor) -> Prefix:
        """Outputs of the frozen prefix for images: the model gives the same output for either.

        Raises:
            ShapeError: there is no such prefix.
        """
        raise ShapeError(f"{self._called} has no frozen prefix", hint="freeze its first blocks")

    def check_images(self, x: Tensor) -> None:
        """Raises ShapeError unless `x` is a floating batch of images with the model's channels."""
        channels = self.input_spec.channels
        if not isinstance(x, Tensor):
            expected, hint = (
                f"a tensor N x {channels} x H x W in [0, 1]",
                "zoo.predict takes files and images",
            )
            raise ShapeError("images", expected=expected, got=quote(x), hint=hint)
        if x.ndim == 4 and x.shape[1] == channels and x.is_floating_point():
            return
        got = f"{x.dtype} {' x '.join(map(str, x.shape))}".removeprefix("torch.")
        if x.ndim != 4 or x.shape[1] != channels:
            hint = (
                channels_hint(*x.shape[1:], batch=True) if x.ndim == 4 else "add the batch axis with x[None]"
            )
            raise ShapeError("images", expected=f"N x {channels} x H x W in [0, 1]", got=got, hint=hint)
        # Of bytes the scale is known, of other numbers that do not fit it is not
        hint = "divide by 255" if x.dtype == torch.uint8 else "convert to floats, 0 for black and 1 for white"
        raise ShapeError("images", expected="floating values in [0, 1]", got=got, hint=hint)

    def note_origin(self, text: str | None) -> None:
        """Says where all weights come from, those of the models inside of this one too."""
        self.origin = text
        for network in self.networks.values():
            if isinstance(network, Model):
                network.note_origin(text)

    def note_licences(self, found: Mapping[str, str]) -> None:
        """Says under which licences the weights were that all of it started from."""
        self.weights_licences = dict(found)
        for network in self.networks.values():
            if isinstance(network, Model):
                network.note_licences(found)

    # -- reading ---------------------------------------------------------------------------------------

    def read(self, output: Tensor) -> list[Prediction]:
        """One prediction an image of an output.

        Raises:
            ShapeError: the model has no task, so its output is not an answer.
        """
        if self.task is None:
            raise ShapeError("predictions", expected="a model with a head", got="a feature extractor")
        return self.task.read(output, self.labels)

    def summary(self) -> Summary:
        """Shapes, parameters and what is frozen, block by block; prints as a table."""
        return summarise(self)

    def _repr_html_(self) -> str:
        """What a notebook shows: the summary; the tree of modules stays what `repr` gives."""
        return self.summary()._repr_html_()

    # -- generating and latents ------------------------------------------------------------------------

    def encode(self, x: Tensor) -> Tensor:
        """Latents N x ... of images N x C x H x W in [0, 1], of a model that has a latent.

        Raises:
            ShapeError: it has none.
        """
        name = self._called
        raise ShapeError(f"{name} has no latent", hint="choose a model with one, such as an autoencoder")

    def decode(self, z: Tensor) -> Tensor:
        """Images N x C x H x W in [0, 1] of latents as `encode` gives them, where the model can.

        Raises:
            ShapeError: it cannot.
        """
        raise ShapeError(f"{self._called} makes no images of latents")

    def sample(self, count: int, *, seed: int | None = None) -> Tensor:
        """Draws images N x C x H x W in [0, 1], where the model generates.

        Raises:
            ShapeError: it does not.
        """
        raise ShapeError(f"{self._called} does not generate images", hint="choose a generative model")


ModelLike = Model | PathLike
"""A model, the folder of a saved one (`runs/cats`, `file:cats`), or one on the Hub (`hf://owner/name`)."""
