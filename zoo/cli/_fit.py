"""The subject of `zoo fit`: from the words of its line to a model or recipe."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from zoo.cli._flags import Flag, combined, flags_of
from zoo.cli._options import MODEL_OPTIONS
from zoo.cli._recipe import read_table, trainer_options
from zoo.cli._set_paths import check_paths
from zoo.cli._unknown import options_of_trainer, trainer_name
from zoo.spec.errors import RecipeError, listing
from zoo.spec.files import CONFIG_FILE, RUN_FILE
from zoo.spec.recipe import Recipe

Asked = tuple[Any, Any, dict[str, Any]]
"""Model or recipe, the data beside it, and options of the default trainer."""

_OTHERWISE = {"progress": "--quiet"}
_LOOKED_AT = 2000
"""Files of a folder to look at before it is taken for no folder of images."""


def check_alone(resume: str, others: Mapping[str, Any]) -> None:
    """Raises where something stands beside `--resume` that the run knows; it may get other epochs.

    Raises:
        RecipeError: it does.
    """
    if given := [name for name, value in others.items() if value not in (None, ()) and name != "epochs"]:
        texts = ["RECIPE" if name == "recipe" else Flag(name, (), None).text for name in given]
        hint = "leave it out: the run knows it; --epochs alone goes on for longer"
        raise RecipeError(f"--resume {resume}", expected="no other settings", got=listing(texts), hint=hint)


def model_and_options(
    recipe: str | None, name: str | None, values: Mapping[str, Any], sets: tuple[str, ...]
) -> Asked:
    """The model or recipe that a line asks to train, the data beside it, and options of the trainer.

    Args:
        recipe: a file, or the place of a saved model.
        name: of a model instead.
        values: of the command's flags.
        sets: of `--set`.

    Raises:
        RecipeError: something is missing, twice there, or does not fit.
    """
    flags = flags_of(values)
    # People give what they want to train on in the place of the recipe
    if recipe is not None and (holds := _data_in(Path(recipe))):
        raise _is_data(recipe, holds, name, flags)
    if (recipe is None) == (name is None):
        got = "both" if recipe else "neither"
        raise RecipeError("fit", expected="a recipe or --model", got=got, hint="zoo fit --help")
    if recipe is not None and (Path(recipe).is_dir() or recipe.startswith("hf://")):
        return _saved(recipe, flags, sets)
    base: dict[str, Any] = read_table(Path(recipe)) if recipe is not None else {"model": {"name": name}}
    table = combined(base, flags, sets)
    check_paths(sets, table)
    _check_trainer({k: v for k, v in table.items() if k == "model" or _named(v)}, flags)
    table, options = trainer_options(table)
    _check_places(options)
    checked = Recipe.from_dict(table)
    if checked.data is None:
        hint = "add --data FOLDER, or data = ... to the recipe"
        raise RecipeError("fit", expected="data", got="none", hint=hint)
    return checked, None, options


def holds_images(folder: Path) -> bool:
    """Whether a folder holds images to train on, and no model."""
    from zoo.images.decode import is_image

    # A saved model and a run may hold curves.png, which is no image to train on
    if not folder.is_dir() or (folder / CONFIG_FILE).exists() or (folder / RUN_FILE).exists():
        return False
    return any(is_image(path) for path in islice(folder.rglob("*"), _LOOKED_AT))


def _data_in(place: Path) -> str:
    """The kind of data that is in the place of a recipe; empty where there is none."""
    from zoo.data.section import read_by_suffix

    if place.suffix != ".toml" and read_by_suffix(place):
        return "a table"
    return "a folder of images" if holds_images(place) else ""


def _is_data(recipe: str, holds: str, name: str | None, flags: list[Flag]) -> RecipeError:
    """Says that data are no recipe, and what is missing."""
    given = {flag.name for flag in flags}
    folder = recipe if "/" in recipe else f"./{recipe}"  # a bare word may be a data set's name
    say = "leave it out: --data says it" if "data" in given else f"say --data {folder}"
    also = "" if name else ", and which model: --model NAME --head multiclass (zoo list backbone)"
    what = f"fit {recipe}"
    return RecipeError(what, expected="a recipe or a saved model", got=holds, hint=say + also)


def _saved(place: str, flags: list[Flag], sets: tuple[str, ...]) -> Asked:
    """A saved model, whose parts stay as they are."""
    from zoo.runtime.arguments import as_model
    from zoo.runtime.computing import check_precision

    fixed = [flag.text for flag in flags if flag.name in MODEL_OPTIONS]
    # The seed is an argument of the run, and no part of the saved model
    flags = [flag for flag in flags if flag.name not in (*MODEL_OPTIONS, "seed")]
    saved, _ = as_model(place)
    check_precision(saved, place)
    own = saved.recipe.to_dict()
    model = {"name": saved.recipe.model.name}
    parts = {key: own[key] for key in ("data", "augment", "loss", "trainer") if own.get(key) is not None}
    table = combined({"model": model, **parts}, flags, sets)
    check_paths(sets, table)
    if table.pop("model") != model or fixed:
        hint = "set trainer, loss, augment or data"
        got = listing(fixed) if fixed else "changes to them"
        raise RecipeError("a saved model", expected="its parts as they are", got=got, hint=hint)
    _check_trainer({"model": own["model"], **{k: v for k, v in table.items() if _named(v)}}, flags)
    table, options = trainer_options(table)
    _check_places(options)
    # Validates the other sections; a recipe has to have a model, which is not looked at
    changed = Recipe.from_dict({"model": {"name": "any"}, **table})
    saved.recipe = saved.recipe.model_copy(update={key: getattr(changed, key) for key in table})
    return saved, changed.data, options


def _named(value: Any) -> bool:
    return not isinstance(value, dict) or "name" in value


def _check_trainer(table: Mapping[str, Any], flags: list[Flag]) -> None:
    """Raises where a flag stands for an option that the trainer does not have."""
    name = trainer_name(table)
    known = options_of_trainer(name) if name else ()
    for flag in flags:
        if flag.path[0] == "trainer" and flag.path[-1] not in (*known, "trainer") and known:
            raise RecipeError(
                flag.text,
                expected=f"options that trainer {name} has: {listing(known)}",
                got=flag.path[-1],
                hint=f"zoo show {name}",
            )


def _check_places(options: Mapping[str, Any]) -> None:
    """Raises where an argument of `zoo.fit` stands among the trainer's options, and would be taken for it."""
    from zoo.experiments.fit import fit

    beside = {name for name, p in inspect.signature(fit).parameters.items() if p.kind is not p.VAR_KEYWORD}
    for name in options:
        if name in beside:
            place = f", in a recipe {name} above all sections" if name in Recipe.model_fields else ""
            raise RecipeError(
                f"trainer.{name}",
                expected="an option of the trainer",
                got="an argument of the run",
                hint=f"it belongs beside: {_OTHERWISE.get(name, Flag(name, (), None).text)}{place}",
            )
