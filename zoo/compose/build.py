"""`zoo.build`: from names to a working model."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.compose.model import ComposedModel
from zoo.compose.plan import Plan, plan
from zoo.compose.skeleton import fill_buffers, seeded
from zoo.compose.tensors import Tensors, read
from zoo.compose.weights import Source, assign, converted, stored
from zoo.interfaces.model import Model
from zoo.spec.errors import RecipeError, WeightsError, ZooError, ZooWarning, quote
from zoo.spec.freeze import Freeze
from zoo.spec.inputs import InputSpec
from zoo.spec.recipe import ORIGINAL, Recipe
from zoo.spec.reference import ComponentRef


def build(
    name: str | Mapping[str, Any] | Recipe,
    *,
    head: str | Mapping[str, Any] | None = None,
    freeze: str | Sequence[str] | None = None,
    weights: str | None = None,
    in_channels: int | None = None,
    classes: int | Sequence[str] | None = None,
    input_size: int | tuple[int, int] | None = None,
    seed: int | None = None,
    **options: Any,
) -> Model:
    """A model from the names of its parts. All is checked, shapes included, before memory is taken.

    Args:
        name: a backbone or complete model, a table of it with options, a saved model's folder or repository
            (`"file:runs/faces"`, whose trained backbone is taken), or a whole recipe.
        head: a head by name, a table of it with options, `"original"` for the classifier that the weights
            were published with, or None for the feature extractor.
        freeze: `"block1-4"`, `"block1,block3"`, `"all"`, `"none"`, or `"encoder.block1-2"`.
        weights: a tag of the component, a file or folder, `"hf://owner/name"`; None means random.
        in_channels: of the pictures; pretrained first-layer weights are adapted.
        classes: their number, or their labels.
        input_size: of the pictures in pixels, one number or height and width.
        seed: makes random weights repeatable and leaves the global random state alone.
        **options: of the component `name`.

    Returns:
        A model that takes pictures N x C x H x W in [0, 1].

    Raises:
        ZooError: one line on what was expected, what came, and the next step.

    Example:
        >>> import torch, zoo
        >>> model = zoo.build("small_cnn", head="binary", input_size=32, seed=0)
        >>> model(torch.rand(2, 3, 32, 32)).shape
        torch.Size([2, 1])
    """
    if isinstance(name, Recipe) or (isinstance(name, Mapping) and isinstance(name.get("model"), Mapping)):
        given = (head, freeze, weights, in_channels, classes, input_size, options or None)
        if any(value is not None for value in given):
            raise RecipeError("a whole recipe", expected="no other arguments than seed", got="some beside it")
        recipe = name if isinstance(name, Recipe) else Recipe.from_dict(name)
        return from_recipe(recipe if seed is None else recipe.model_copy(update={"seed": seed}))
    table = dict(name) if isinstance(name, Mapping) else {"name": name}
    section = {
        "name": table.pop("name", None),
        "head": head,
        "freeze": freeze,
        "weights": str(weights) if isinstance(weights, Path) else weights,
        "in_channels": in_channels,
        "classes": tuple(classes)
        if isinstance(classes, Sequence) and not isinstance(classes, str)
        else classes,
        "input_size": input_size,
        "options": {**table, **options},
    }
    recipe = Recipe.from_dict(
        {"model": {k: v for k, v in section.items() if v is not None}, "seed": seed}, "build"
    )
    return from_recipe(recipe)


def from_recipe(recipe: Recipe) -> Model:
    """The model that a recipe describes; sections other than `model` and `seed` are carried along."""
    recipe = on_saved(recipe)
    planned = plan(recipe.model)
    if planned.source is None:
        with seeded(recipe.seed):
            model = planned.make()
    else:
        model = _pretrained(planned, planned.source, planned.source.fetch(), recipe.seed)
        model.origin = planned.source.text
    return finish(model, planned, recipe)


def on_saved(recipe: Recipe) -> Recipe:
    """The recipe with a saved model's backbone in the place of a reference to its folder or repository.

    Raises:
        RecipeError: there is no model saved by zoo, or weights are named beside it.
    """
    section = recipe.model
    ref = section.ref
    if isinstance(ref, ComponentRef):
        return recipe
    if section.weights is not None:
        raise RecipeError(f"model {ref}", expected="its own weights", got=f"weights={quote(section.weights)}")
    config = stored(ref).config
    if config is None:
        raise RecipeError(f"model {ref}", expected="a model saved by zoo", got="something else")
    saved = Recipe.from_dict(config.get("recipe", {}), f"model {ref}").model
    update = {
        "name": saved.name,
        "options": {**saved.options, **section.options},
        "weights": str(ref),
        "in_channels": section.in_channels or saved.in_channels,
        "input_size": section.input_size or saved.input_size,
    }
    return recipe.model_copy(update={"model": section.model_copy(update=update)})


def restore(recipe: Recipe, input_spec: InputSpec, state: Tensors, text: str) -> Model:
    """A saved model, in inference mode: no random initialisation, the tensors become its own.

    Args:
        recipe: as saved; its `weights` say where they once came from and are not loaded.
        input_spec: as saved.
        state: exactly the model's tensors.
        text: how messages call them.

    Raises:
        WeightsError: they do not fit.
    """
    section = recipe.model.model_copy(update={"weights": None})
    planned = plan(section, input_spec=input_spec)
    model = planned.skeleton
    assign(model, state, text, cast=False)
    fill_buffers(model)
    kinds = {t.dtype for t in state.values() if t.is_floating_point()}
    if len(kinds) == 1:  # saved in half precision as a whole: what is not in the file follows
        model.to(dtype=kinds.pop())
    model.origin = text
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ZooWarning)
        return finish(model, planned, recipe).eval()


def finish(model: Model, planned: Plan, recipe: Recipe) -> Model:
    """Recipe, provenance and freezing."""
    known = {"classes": planned.section.classes, "in_channels": planned.section.in_channels}
    section = recipe.model.model_copy(update=known)
    model.recipe = recipe.model_copy(update={"model": section})
    model.plugins = planned.plugins
    if section.freeze != "none":
        model.freeze(Freeze.parse(section.freeze))
    return model


def _pretrained(planned: Plan, source: Source, path: Path, seed: int | None) -> Model:
    """The skeleton with published tensors, and a new head unless the head was published too."""
    model, state = planned.skeleton, read(path)
    if not isinstance(model, ComposedModel):
        assign(model, state, source.text)
        fill_buffers(model)
        return model.train()
    try:
        body, published_head = converted(model.backbone, state)
        assign(model.backbone, body, source.text)
    except ZooError:
        raise
    except (KeyError, RuntimeError, ValueError, IndexError) as error:
        raise WeightsError(
            f"weights {source.text}", expected=f"those of {planned.section.name}", got=quote(str(error))[1:-1]
        ) from error
    if planned.section.head == ORIGINAL and model.head is not None:
        assign(model.head, published_head, source.text)
    elif model.head is not None:
        with seeded(seed):
            model.head = planned.make_head(model.backbone)
    fill_buffers(model)
    return model.train()
