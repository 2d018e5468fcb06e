"""The model contract: what `zoo.build` returns, and what a component of kind model implements."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor, nn

import zoo
from zoo.interfaces.augmenter import Batch
from zoo.interfaces.backbone import Backbone
from zoo.interfaces.blocks.block import Block
from zoo.interfaces.blocks.freezing import recorded
from zoo.interfaces.blocks.frozen_prefix import Prefix
from zoo.interfaces.blocks.summary import Summary, summarise
from zoo.interfaces.tasks import Prediction, Task
from zoo.spec.errors import FormatError, ShapeError, quote, warn
from zoo.spec.freeze import Freeze
from zoo.spec.inputs import InputSpec
from zoo.spec.options import RefValue

if TYPE_CHECKING:
    from zoo.spec.recipe import ModelSection, Recipe


class Model(nn.Module):
    """A working vision model: takes images in [0, 1] and normalises inside, or makes images of a latent.

    Attributes:
        task: what the output is for; None for a feature extractor.
        input_spec: size, channels and normalisation of the images; of a generator, those that it makes. A
            `Normalise` that the model holds follows it.
        any_size: whether images of every size are taken, so that prediction need not resize them.
        crops: whether training images of another size are cropped to the input spec's, not resized; where
            every size is taken, images are then measured whole.
        defaults: by kind, the parts to take where a recipe names none, before those of the task.
        labels: names of the classes, if known.
        recipe: the description that builds it again; what is frozen is read off the blocks.
        part_sections: by option, the sections of the models and backbones inside.
        plugins: version by distribution, of the plugins that its parts come from.
        origin: where the weights come from; None while they are random.
        metrics: measured figures by split, for the model card.
        measured: by split, what these were measured on: `data` as a recipe calls them, `count` of images, and
            `hash` of the splits.
        licence: SPDX name, only where one was given.
    """

    task: Task | None
    any_size: bool = False
    crops: bool = False
    defaults: Mapping[str, RefValue] = MappingProxyType({})
    part_sections: Mapping[str, ModelSection] = MappingProxyType({})
    labels: tuple[str, ...]
    plugins: dict[str, str]
    origin: str | None
    metrics: dict[str, dict[str, float]]
    licence: str | None

    def __init__(self, *, task: Task | None, input_spec: InputSpec, labels: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.task, self.input_spec, self.labels = task, input_spec, labels
        self.plugins, self.origin, self.metrics, self.licence = {}, None, {}, None
        self._measured: dict[str, tuple[dict[str, float], dict[str, Any]]] = {}

    @property
    def measured(self) -> dict[str, dict[str, Any]]:
        """What the figures in `metrics` were measured on, by split; set after these, where it is known."""
        # Figures that were replaced since are not the ones that it was known of
        return {s: on for s, (row, on) in self._measured.items() if self.metrics.get(s) is row}

    @measured.setter
    def measured(self, on: Mapping[str, Mapping[str, Any]]) -> None:
        self._measured = {s: (self.metrics[s], dict(row)) for s, row in on.items() if s in self.metrics}

    @property
    def input_spec(self) -> InputSpec:
        """What the model expects of images."""
        return self._input_spec

    @input_spec.setter
    def input_spec(self, spec: InputSpec) -> None:
        self._input_spec = spec
        for part in self.children():
            if isinstance(part, Normalise):
                part.follow(spec)

    @property
    def recipe(self) -> Recipe:
        """The description that builds it again, with the freezing that the blocks have now.

        Raises:
            AttributeError: zoo did not build the model, and nobody gave it one.
        """
        said = self._recipe
        return said.model_copy(update={"model": recorded(self, said.model)})

    @recipe.setter
    def recipe(self, recipe: Recipe) -> None:
        self._recipe = recipe

    @property
    def networks(self) -> dict[str, nn.Module]:
        """The parts by name: for a backbone with head `backbone` and `head`."""
        return dict(self.named_children())

    @property
    def freezable(self) -> dict[str, Backbone | Block]:
        """What freeze paths reach; the empty path is the one backbone of a model that has just one."""
        return {}

    @property
    def outputs(self) -> int:
        """Length of the output vector, or number of output channels."""
        raise NotImplementedError

    def forward(self, x: Any) -> Tensor:
        """The output for images N x C x H x W in [0, 1]; with a prefix, also for what `run_prefix` made."""
        raise NotImplementedError

    def examples(self, batch: Batch) -> Batch:
        """What the model is trained and measured on: `image` that it takes, `target` that its loss takes.

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
        """What the model's frozen prefix makes of images: the model gives the same output for either.

        Raises:
            ShapeError: there is no such prefix.
        """
        raise ShapeError(f"{type(self).__name__} has no frozen prefix", hint="freeze its first blocks")

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
                f"build it with in_channels={x.shape[1]}"
                if x.ndim == 4
                else "add the batch axis with x[None]"
            )
            raise ShapeError("images", expected=f"N x {channels} x H x W in [0, 1]", got=got, hint=hint)
        raise ShapeError("images", expected="floating values in [0, 1]", got=got, hint="divide by 255")

    # -- freezing --------------------------------------------------------------------------------------

    def freeze(self, spec: str | Freeze = "all") -> None:
        """Freezes blocks: no gradients, inference mode, whatever `.train()` says.

        Args:
            spec: "block1-4", "block1,block3", "all", "none", "encoder.block1-2".

        Raises:
            FreezeError: the spec is malformed or matches nothing.
        """
        freeze = Freeze.parse(spec)
        chosen = freeze.select(self.freeze_paths)
        for path, name in chosen:
            self._block(path, name).freeze()
        if chosen and self.origin is None:
            self._warn_random(freeze)
        for path, part in self.freezable.items():
            if isinstance(part, Backbone):
                _warn_behind_trainable(path, part)

    def unfreeze(self, spec: str | Freeze = "all") -> None:
        """Restores exactly what was before the blocks were frozen.

        Args:
            spec: as `freeze` takes it; "all" is everything, of all parts.

        Raises:
            FreezeError: the spec is malformed or matches nothing.
        """
        paths = self.freeze_paths
        everything = ",".join(f"{path}.all".lstrip(".") for path in paths)
        for path, name in Freeze.parse(everything if spec == "all" else spec).select(paths):
            self._block(path, name).unfreeze(self.training)

    @property
    def frozen(self) -> tuple[str, ...]:
        """Names of the frozen blocks, with the path of their part."""
        return tuple(
            f"{path}.{name}".strip(".")
            for path, names in self.freeze_paths.items()
            for name in names
            if self._block(path, name).frozen
        )

    @property
    def freeze_paths(self) -> dict[str, tuple[str, ...]]:
        """Block names by the path of the part that holds them."""
        return {
            path: part.block_names if isinstance(part, Backbone) else ("",)
            for path, part in self.freezable.items()
        }

    def _block(self, path: str, name: str) -> Block:
        part = self.freezable[path]
        return part.blocks[name] if isinstance(part, Backbone) else part

    def note_origin(self, text: str | None) -> None:
        """Says where all weights come from, those of the models inside of this one too."""
        self.origin = text
        for network in self.networks.values():
            if isinstance(network, Model):
                network.note_origin(text)

    def _warn_random(self, freeze: Freeze) -> None:
        warn(f"frozen blocks ({freeze}) have random weights and will never learn; {self.weights_hint}")

    @property
    def weights_hint(self) -> str:
        """The next step for a user whose frozen weights are random."""
        return "load weights first"

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

    # -- the Hub, with the ecosystem's names -------------------------------------------------------------

    def save_pretrained(self, save_directory: str | os.PathLike[str]) -> None:
        """See `zoo.save`."""
        zoo.save(self, save_directory)

    def push_to_hub(
        self,
        repo_id: str,
        *,
        commit_message: str | None = None,
        private: bool | None = None,
        token: str | bool | None = None,
        branch: str | None = None,
    ) -> str:
        """Pushes the model to the Hub and returns the page of the commit; see `zoo.push`.

        Args:
            repo_id: `owner/name`.
            commit_message: of the commit.
            private: whether a new repository is private.
            token: to write with; the one that you are logged in with where None.
            branch: `main` where None.
        """
        pushed = zoo.push(
            self, f"hf://{repo_id}", revision=branch, message=commit_message, private=private, token=token
        )
        return str(pushed.url)

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | os.PathLike[str],
        *,
        revision: str | None = None,
        token: str | bool | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        local_files_only: bool = False,
        force_download: bool = False,
    ) -> Self:
        """The model in a folder, if there is one of that name, else on the Hub; see `zoo.load`, `zoo.pull`.

        Args:
            pretrained_model_name_or_path: a folder, or `owner/name`.
            revision: branch, tag or commit; `main` where None.
            token: for private and gated repositories; the one that you are logged in with where None.
            cache_dir: instead of the Hub's own.
            local_files_only: do not ask the Hub.
            force_download: fetch again what is in the cache.

        Raises:
            FormatError: the model there is not of this class.
        """
        name = pretrained_model_name_or_path
        if Path(name).is_dir():
            model = zoo.load(name)
        else:
            model = zoo.pull(
                name, revision=revision, token=token, cache_dir=cache_dir, local_files_only=local_files_only,
                force_download=force_download,
            )  # fmt: skip
        if not isinstance(model, cls):
            raise FormatError(str(name), expected=f"a {cls.__name__}", got=f"a {type(model).__name__}")
        return model

    def encode(self, x: Tensor) -> Tensor:
        """What stands for images N x C x H x W in [0, 1] inside a model that has a latent: N x ...

        Raises:
            ShapeError: it has none.
        """
        name = type(self).__name__
        raise ShapeError(f"{name} has no latent", hint="choose a model with one, such as an autoencoder")

    def decode(self, z: Tensor) -> Tensor:
        """Images N x C x H x W in [0, 1] of latents as `encode` gives them, where the model can.

        Raises:
            ShapeError: it cannot.
        """
        raise ShapeError(f"{type(self).__name__} makes no images of latents")

    def sample(self, count: int, *, seed: int | None = None) -> Tensor:
        """Draws images N x C x H x W in [0, 1], where the model generates.

        Raises:
            ShapeError: it does not.
        """
        raise ShapeError(f"{type(self).__name__} does not generate images", hint="choose a generative model")


def _warn_behind_trainable(path: str, backbone: Backbone) -> None:
    names, frozen = backbone.block_names, backbone.frozen_blocks
    if frozen and frozen != names[: len(frozen)]:
        first = next(name for name in names if name not in frozen)
        behind = [name for name in frozen if names.index(name) > names.index(first)]
        where = f" of {path}" if path else ""
        warn(
            f"frozen {', '.join(behind)}{where} lies behind trainable {first}: gradients still run through "
            "it, so it saves no time, and its outputs cannot be cached"
        )


class Normalise(nn.Module):
    """Images in [0, 1] to what the network expects: scaled to the range, then (x - mean) / std.

    Example:
        >>> norm = Normalise(InputSpec(mean=(0.5,) * 3, std=(0.5,) * 3))
        >>> norm(torch.ones(1, 3, 2, 2)).unique().tolist()
        [1.0]
    """

    scale: Tensor
    offset: Tensor

    def __init__(self, spec: InputSpec) -> None:
        super().__init__()
        self.spec = spec
        self.register_buffer("scale", torch.empty(1), persistent=False)
        self.register_buffer("offset", torch.empty(1), persistent=False)
        self.reset_buffers()

    def follow(self, spec: InputSpec) -> None:
        """Normalises by another spec from now on."""
        self.spec = spec
        self.reset_buffers()

    def reset_buffers(self) -> None:
        """Recomputes scale and offset from the input spec."""
        low, high = self.spec.range
        scale = [(high - low) / std for std in self.spec.std]
        offset = [(low - mean) / std for mean, std in zip(self.spec.mean, self.spec.std, strict=True)]
        device = self.scale.device
        self.scale, self.offset = (torch.tensor(v, device=device).view(1, -1, 1, 1) for v in (scale, offset))

    def forward(self, x: Tensor) -> Tensor:
        """N x C x H x W in [0, 1] to normalised images of the same shape."""
        return (x * self.scale).add_(self.offset)  # of memory that is ours
