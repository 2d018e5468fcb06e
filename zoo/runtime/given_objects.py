"""Models and losses that are given as objects: whether they can be used as they are."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import nn

from zoo.compose.foreign.torch_module import PlainModel, count_outputs
from zoo.interfaces.blocks.number_types import fitted, mixed_types
from zoo.interfaces.blocks.wrapped import wrapped_part
from zoo.interfaces.model import Model
from zoo.spec.errors import TrainingError, quote


def of_one_type(model: Model) -> Model:
    """The model itself.

    Raises:
        TrainingError: some of its weights are in half precision, others are not; or something of torch's is
            around one of its parts.
    """
    if (found := wrapped_part(model)) is not None and not isinstance(model, PlainModel):
        path, kind, step = found
        expected = "parts as they were built"
        raise TrainingError("model", expected=expected, got=f"{kind} around model.{path}", hint=step)
    mixed = mixed_types(model)
    if mixed is not None and isinstance(model, PlainModel):
        # It may know what it does, which one image tells
        spec = model.input_spec
        count_outputs(model.module, fitted(torch.zeros(1, spec.channels, *spec.size), model))
    elif mixed is not None:
        hint = "model.float() or model.half() makes one type of all"
        raise TrainingError("model", expected="weights of one type", got=mixed, hint=hint)
    return model


def check_can(model: Model, what: Literal["encode", "sample"]) -> None:
    """Raises ShapeError where a model has no such method of its own: said before all else."""
    method: Any = getattr(model, what)
    if method.__func__ is getattr(Model, what):
        # It says so itself, whatever it is given
        method(0)


def no_model(given: object) -> TrainingError:
    """The error for what is no model, and for a torch module how it becomes one."""
    expected = "a model from zoo.build, the folder of a saved one, or hf://owner/name"
    if not isinstance(given, nn.Module):
        return TrainingError("model", expected=expected, got=quote(type(given).__name__))
    name = type(given).__name__
    hint = f"zoo.fit trains it, zoo.load(folder, module={name}(...)) reads it from the folder of its run"
    return TrainingError("model", expected=expected, got=f"a torch module, {name}", hint=hint)


def check_loss(loss: Any) -> None:
    """Raises TrainingError for a function or a class in the place of a loss."""
    if isinstance(loss, nn.Module) or not callable(loss):
        return
    name = getattr(loss, "__name__", type(loss).__name__)
    camel = "".join(word.capitalize() for word in name.split("_"))
    # As torch calls the module of a function: cross_entropy, mse_loss, binary_cross_entropy_with_logits
    names = (name, f"{camel}Loss", camel, _MODULES.get(name, ""))
    known = next((n for n in names if isinstance(getattr(nn, n, None), type)), None)
    if known is not None:
        hint = f"say loss=torch.nn.{known}()"
    else:
        hint = f"say loss={name}(...)" if isinstance(loss, type) else "put it into the forward of a module"
    what = "the class" if isinstance(loss, type) else "the function"
    expected = "a torch module, or a loss by name (zoo list loss)"
    raise TrainingError("loss", expected=expected, got=f"{what} {name}", hint=hint)


_MODULES = {
    "binary_cross_entropy": "BCELoss",
    "binary_cross_entropy_with_logits": "BCEWithLogitsLoss",
    "mse_loss": "MSELoss",
    "kl_div": "KLDivLoss",
    "nll_loss": "NLLLoss",
}
