"""Any torch module, as a model of zoo."""

from __future__ import annotations

import re
from typing import Self

import torch
from torch import Tensor, nn

from zoo.images.prepare import prepare
from zoo.interfaces.blocks.frozen_prefix import Prefix
from zoo.interfaces.blocks.modes import kept_modes
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.draws import forked
from zoo.interfaces.model import Model
from zoo.interfaces.tasks import Task
from zoo.spec.errors import FreezeError, ShapeError, TrainingError
from zoo.spec.freeze_grammar import Freeze
from zoo.spec.inputs import InputSpec
from zoo.spec.recipe import Recipe


class PlainModel(Model):
    """A module that zoo did not build, fed with images in [0, 1].

    Args:
        module: takes N x C x H x W and returns N x outputs.
        task: what the outputs are for; None where nobody says.
        input_spec: of the images that it gets.
        outputs: length of the output vector.
        labels: names of the classes.
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        task: Task | None,
        input_spec: InputSpec,
        outputs: int,
        labels: tuple[str, ...] = (),
    ) -> None:
        super().__init__(task=task, input_spec=input_spec, labels=labels)
        self.module = module
        self._outputs = outputs
        name = re.sub(r"[^a-z0-9]+", "-", type(module).__name__.lower()).strip("-") or "module"
        self.recipe = Recipe.from_dict({"model": {"name": name}})

    @classmethod
    def for_data(
        cls, module: nn.Module, dataset: Dataset, task: Task | None = None, *, usual: bool = True
    ) -> PlainModel:
        """The module as a model for data, which give it task and labels.

        Args:
            module: where it has an attribute `input_spec`, images are resized and converted by it, not
                normalised; else they get channels and size of the first.
            dataset: whose first image the module is tried on.
            task: of the module, where something else than the data says it.
            usual: whether it is trained by steps that want one tensor; a trainer object may want more.

        Raises:
            TrainingError: the module cannot take an image.
            ShapeError: it returns no N x outputs.
        """
        spec = getattr(module, "input_spec", None)
        if not isinstance(spec, InputSpec):
            # H x W x C; mean 0 and std 1 leave the values as they are
            height, width, channels = dataset[0].image.shape
            spec = InputSpec(
                channels=channels, size=(height, width), mean=(0.0,) * channels, std=(1.0,) * channels
            )
        image = prepare(dataset[0].image, spec)[None]
        found = _output_of(module, image)
        outputs, labels = int(found.shape[1]), () if task is not None else dataset.labels
        if task is None and dataset.task is not None:
            task = dataset.task.for_outputs(outputs)
        if task is not None:
            _check_axes(module, found, task)
        if usual:
            _check_training(module, image)
        return cls(module, task=task, input_spec=spec, outputs=outputs, labels=labels)

    @property
    def networks(self) -> dict[str, nn.Module]:
        """The module's own parts, by which rates can be given."""
        return dict(self.module.named_children()) or {"module": self.module}

    @property
    def outputs(self) -> int:
        """Length of the output vector."""
        return self._outputs

    def freeze(self, spec: str | Freeze = "all") -> Self:
        """Refuses: zoo does not know the module's blocks.

        Raises:
            FreezeError: always, but for "none".
        """
        return self if str(Freeze.parse(spec)) == "none" else self._no_blocks("False")

    def unfreeze(self, spec: str | Freeze = "all") -> Self:
        """Refuses as `freeze` does.

        Raises:
            FreezeError: always, but for "none".
        """
        return self if str(Freeze.parse(spec)) == "none" else self._no_blocks("True")

    def _no_blocks(self, value: str) -> Self:
        first = next(iter(dict(self.module.named_children())), "LAYER")
        hint = f"say model.module.{first}.requires_grad_({value}) of its layers by hand"
        got = f"a torch module, {type(self.module).__name__}, whose blocks zoo does not know"
        raise FreezeError("freeze", expected="a model from zoo.build", got=got, hint=hint)

    def forward(self, x: Tensor | Prefix) -> Tensor:
        """The module's output."""
        output: Tensor = self.module(x)
        return output


def count_outputs(module: nn.Module, image: Tensor) -> int:
    """Length of the vector that a module returns for an image 1 x C x H x W.

    Raises:
        TrainingError: the module cannot take it.
        ShapeError: it returns something else.
    """
    return int(_output_of(module, image).shape[1])


def _output_of(module: nn.Module, image: Tensor) -> Tensor:
    device = next((p.device for p in module.parameters()), image.device)
    try:
        with kept_modes(module), torch.no_grad():
            output = module.eval()(image.to(device))
    except (RuntimeError, TypeError, ValueError) as error:
        if "type" in str(error):
            _check_types(module)
        raise TrainingError(
            f"module {type(module).__name__}",
            expected=f"to take images {' x '.join(map(str, ('N', *image.shape[1:])))}",
            got=str(error).splitlines()[0],
            hint="give it an attribute input_spec = zoo.InputSpec(...)",
        ) from error
    if not isinstance(output, Tensor) or output.ndim < 2:
        got = " x ".join(map(str, output.shape)) if isinstance(output, Tensor) else type(output).__name__
        raise ShapeError(f"module {type(module).__name__}", expected="a tensor N x outputs", got=got)
    return output


def _check_axes(module: nn.Module, output: Tensor, task: Task) -> None:
    """Raises ShapeError where a task takes vectors, and the module returns maps, though of one pixel."""
    try:
        with forked():
            usual, _ = task.example(task.classes(int(output.shape[1])), 2)
    except Exception:  # a task that is not for so many outputs, which is said later
        return
    if usual.ndim == 2 and output.ndim > 2:
        got = " x ".join(map(str, ("N", *output.shape[1:])))
        raise ShapeError(
            f"module {type(module).__name__}",
            expected=f"a tensor N x outputs, for task {task.name}",
            got=got,
            hint="return x.flatten(1) where the axes behind are of length 1, else pool them",
        )


def _check_training(module: nn.Module, image: Tensor) -> None:
    """Raises ShapeError where a module returns more than a tensor in training mode, as for extra losses."""
    device = next((p.device for p in module.parameters()), image.device)
    buffers = {name: (buffer, buffer.clone()) for name, buffer in module.named_buffers()}
    try:
        with forked(), kept_modes(module), torch.no_grad():
            # Two, of which a batch norm has a variance
            output = module.train()(torch.cat([image, image]).to(device))
    except Exception:  # not of this image, or for the training itself to say
        return
    finally:
        with torch.no_grad():
            for buffer, value in buffers.values():
                buffer.copy_(value)
    if not isinstance(output, Tensor):
        raise ShapeError(
            f"module {type(module).__name__}",
            expected="one tensor in training mode, as in evaluation mode",
            got=type(output).__name__,
            hint="leave auxiliary outputs out (torchvision: aux_logits=False), or return the main one alone",
        )


def _check_types(module: nn.Module) -> None:
    """Raises TrainingError where a module that cannot take an image has other weights than float32."""
    first: dict[torch.dtype, str] = {}
    for name, parameter in module.named_parameters():
        first.setdefault(parameter.dtype, name)
    if {*first} - {torch.float32}:
        got = ", ".join(f"{str(kind).removeprefix('torch.')} in {name}" for kind, name in first.items())
        where = f"module {type(module).__name__}"
        hint = "module.float() makes them so" if all(kind.is_floating_point for kind in first) else None
        raise TrainingError(where, expected="weights in float32, as images are", got=got, hint=hint)
