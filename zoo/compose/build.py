"""`zoo.build`: from names to a working model."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from zoo.compose.cut_backbones import without_cut
from zoo.compose.idle_options import check_options
from zoo.compose.instantiate import finish, instantiate
from zoo.compose.meta_build import fill_buffers
from zoo.compose.plan import plan
from zoo.compose.saved_models import from_saved
from zoo.interfaces.freezing import cut_blocks
from zoo.interfaces.model import Model
from zoo.spec.errors import BadReferenceError, OptionError, RecipeError, ZooWarning, quote, warn
from zoo.spec.freeze_grammar import Freeze
from zoo.spec.hints.spoken import Spoken, argument, heads, speaking, spoken
from zoo.spec.inputs import FAST, InputSpec
from zoo.spec.recipe import ModelSection, Recipe
from zoo.weights.fitting import assign
from zoo.weights.tensor_files import Tensors


def build(
    name: str | Mapping[str, Any] | Recipe,
    *,
    head: str | Mapping[str, Any] | None = None,
    freeze: str | Sequence[str] | None = None,
    weights: str | os.PathLike[str] | None = None,
    in_channels: int | None = None,
    classes: int | Sequence[str] | None = None,
    input_size: int | tuple[int, int] | None = None,
    input: Mapping[str, Any] | None = None,  # noqa: A002 - as the recipe calls it
    decode: str | None = None,
    value_range: tuple[float, float] | None = None,
    pages: str | None = None,
    seed: int | None = None,
    **options: Any,
) -> Model:
    """A model from the names of its parts. All is checked, shapes included, before memory is taken.

    Args:
        name: a backbone or complete model, a table of it with options and any of the arguments below, a
            saved model's folder or repository (`"./runs/faces"`, whose trained backbone is taken), or a whole
            recipe.
        head: a head by name, a table of it with options, `"original"` for the classifier that the weights
            were published with, or None for the feature extractor.
        freeze: `"block1-4"`, `"block1,block3"`, `"all"`, `"none"`, or `"encoder.block1-2"`.
        weights: a tag of the component, a file or folder, `"hf://owner/name"`; None means random.
        in_channels: of the images; pretrained first-layer weights are adapted.
        classes: their number, or their labels.
        input_size: of the images in pixels, one number or height and width.
        input: of a new network, the `range` that 0..1 of an image is scaled to, `mean` and `std` by channel
            (or one number for all), and `bands`: what it sees of the image's channels, such as
            `["hue", "saturation", "value"]` or `[0, {"ndvi": {"red": 0, "near_infrared": 3}}]`. Published
            weights bring theirs. Of any model whose answers are words, the `crop` of its images, which the
            original head brings with its weights, or `"none"` for whole images.
        decode: how files are read: `"fast"`, the default of a new model, or `"exact"`; see `zoo.InputSpec`.
        value_range: lowest and highest number of files and arrays that matter, such as `(0, 4095)` of 12
            bits or `(-1000, 400)`: they become 0 and 1, and what lies beyond is clipped, at training and at
            prediction. None where numbers are bytes, of 16 bits, or in [0, 1].
        pages: `"bands"` reads all pages of a TIFF as channels, at training and at prediction; by default
            the first page is read.
        seed: makes random weights repeatable and leaves the global random state alone.
        **options: of the component `name`. Every backbone has `blocks` among them: `blocks="block1-3"` keeps
            its first three blocks alone.

    Returns:
        A model that takes images N x C x H x W in [0, 1], in inference mode, as `zoo.load` returns it: a
        training loop of your own begins with `model.train()`; `zoo.fit` sees to it itself.

    Raises:
        ZooError: one line on what was expected, what came, and the next step.

    Example:
        >>> import torch, zoo
        >>> model = zoo.build("small_cnn", head="binary", input_size=32, seed=0)
        >>> model(torch.rand(2, 3, 32, 32)).shape
        torch.Size([2, 1])
    """
    if isinstance(name, nn.Module):
        # Models of one's own are trained as they are; only what has a name is built
        expected, step = "the name of a component", "zoo.fit(module, data) trains a torch module as it is"
        raise BadReferenceError("build", expected=expected, got=type(name).__name__, hint=step)
    if isinstance(name, Recipe) or (isinstance(name, Mapping) and isinstance(name.get("model"), Mapping)):
        beside = (head, freeze, weights, in_channels, classes, input_size, input, decode, value_range, pages)
        if options or any(value is not None for value in beside):
            raise RecipeError("a whole recipe", expected="no other arguments than seed", got="some beside it")
        recorded = isinstance(name, Recipe)  # perhaps of a model that was loaded
        recipe = name if isinstance(name, Recipe) else Recipe.from_dict(name)
        recipe = recipe if seed is None else recipe.model_copy(update={"seed": seed})
        return with_head_told(from_recipe(recipe, recorded=recorded))
    given: dict[str, Any] = {
        "head": head,
        "freeze": freeze,
        "weights": os.fspath(weights) if isinstance(weights, os.PathLike) else weights,
        "in_channels": in_channels,
        "classes": tuple(classes)
        if isinstance(classes, Sequence) and not isinstance(classes, str)
        else classes,
        "input_size": input_size,
        "input": input,
        "decode": decode,
        "value_range": value_range,
        "pages": pages,
        "options": options,
    }
    section = _section(name, {k: v for k, v in given.items() if v is not None})
    recipe = Recipe.from_dict({"model": section, "seed": seed}, "build")
    # Said beside a table, an option is for this head, even where it has its default
    return with_head_told(from_recipe(recipe, said=Spoken(options)))


def with_head_told(model: Model) -> Model:
    """The model as it is; says of a feature extractor with classes that these are for a head."""
    section = model.recipe.model
    if section.classes is not None and section.head is None and model.task is None:
        typed = section.classes if isinstance(section.classes, int) else ",".join(section.classes)
        said = argument("classes", typed if spoken().way == "shell" else section.classes)
        step = heads('head="multiclass" adds one')
        warn(f"{said} is for a head, and a feature extractor has none; {step}")
    return model


def _section(name: str | Mapping[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The model section that a name or table and the arguments beside it stand for.

    Raises:
        OptionError: the table and an argument say two things.
    """
    table: dict[str, Any] = (
        ModelSection.split(name) if isinstance(name, Mapping) else {"name": name, "options": {}}
    )
    for key, value in given.items():
        said = table.get(key)
        if key == "options" or said is None:
            continue
        agreed = _agreed(key, said, value)
        if agreed is None:
            raise _two(key, said, value)
        given = {**given, key: agreed}
    inside, beside = table["options"], given["options"]
    for key in inside.keys() & beside.keys() if isinstance(inside, Mapping) else ():
        if _tuples(inside[key]) != _tuples(beside[key]):
            raise _two(key, inside[key], beside[key])
    return {**table, **given, "options": {**inside, **beside} if isinstance(inside, Mapping) else inside}


def _two(key: str, said: Any, value: Any) -> OptionError:
    expected, got = f"{quote(said)}, as the table says", f"{key}={quote(value)}"
    return OptionError(f"build: two values for {key}", expected=expected, got=got, hint="say it once")


def _tuples(value: Any) -> Any:
    """A value to be compared: lists and tuples say the same."""
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value


def _agreed(key: str, said: Any, value: Any) -> Any:
    """What two values of a section's key say together; None where they contradict each other.

    Raises:
        RecipeError: one of them is no value of that key.

    Example:
        >>> _agreed("head", {"name": "binary"}, "binary"), _agreed("classes", 2, ["cat", "dog"])
        ('binary', ('cat', 'dog'))
    """
    # As a section understands them: one meaning has several forms
    sections = [Recipe.from_dict({"model": {"name": "any", key: v}}, "build").model for v in (said, value)]
    one, other = (getattr(section, key) for section in sections)
    if key == "classes" and sections[0].count == sections[1].count and int in {type(one), type(other)}:
        return one if isinstance(other, int) else other  # the labels tell their number too
    return other if one == other else None


def from_recipe(recipe: Recipe, *, said: Spoken | None = None, recorded: bool = False) -> Model:
    """The model that a recipe describes, in inference mode; it carries the other sections along.

    Args:
        recipe: as given or recorded.
        said: of its section what was said just now, and how; None where the recipe says all, unless the
            caller's caller has told (`zoo.spec.hints.spoken`).
        recorded: whether it was made before, so that options that change nothing are warned of.

    Raises:
        ZooError: a name is unknown, an option does not fit or changes nothing, or the parts do not fit.
    """
    section = from_saved(recipe.model, "backbone")
    if said is None:
        said = Spoken(rest="recipe") if spoken() == Spoken() else spoken()
    with speaking(said):
        planned = plan(section.model_copy(update={"decode": section.decode or _default_decode(section)}))
        check_options(planned, said, recorded=recorded)
    return instantiate(planned, recipe.model_copy(update={"model": section})).eval()


def _default_decode(section: ModelSection) -> str:
    """How a new model reads files, unless the table of its input says it."""
    return str((section.input or {}).get("decode", FAST))


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
    # All weights are in `state`: nothing is looked up, let alone fetched
    section = recipe.model.model_copy(update={"weights": None})
    planned = plan(section, input_spec=input_spec, saved=True)
    model = planned.meta_model
    state = without_cut(model, state, text)
    frozen = str(Freeze.parse(section.freeze).within(model.freeze_paths, cut_blocks(model)))
    recipe = recipe.model_copy(update={"model": recipe.model.model_copy(update={"freeze": frozen})})
    # A model saved in half precision stays so: the module's types follow the file, not the other way
    assign(model, state, text, cast=False)
    fill_buffers(model)
    kinds = {t.dtype for t in state.values() if t.is_floating_point()}
    if len(kinds) == 1:  # saved in half precision as a whole: what is not in the file follows
        model.to(dtype=kinds.pop())
    # No random weights, whose freezing would be warned of; `zoo.hub.folder.assemble` notes what was recorded
    # afterwards. What else freezing warns of was said when the model was made
    model.origin = text
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ZooWarning)
        return finish(model, planned, recipe).eval()
