"""Request of a run: the parts and settings that a caller gives, or that the folder of a run knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ValidationError

from zoo.data.as_trained import in_place
from zoo.data.section import WithOptions, data_options
from zoo.registry.loading import resolve_config
from zoo.registry.lookup import entries
from zoo.spec.data_options import ColumnOptions
from zoo.spec.hints.spoken import speaking, spoken
from zoo.spec.recipe import Recipe
from zoo.spec.reference import PathLike
from zoo.training.own_metrics import METRICS
from zoo.training.record.resuming import check_own_model
from zoo.training.record.run_folder import RunFolder
from zoo.training.setup import Setup, assemble, foreign


def as_recipe(model: Any) -> Any:
    """A table as the recipe that it is in a file; anything else as it is."""
    return Recipe.from_dict(model) if isinstance(model, Mapping) else model


def with_data_options(model: Any, data: Any, options: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The data with those of the options that are theirs, and the others, which are the trainer's.

    Args:
        model: or recipe, whose data count where none are given.
        data: as the caller gave them; in memory they take the place of a recipe's that were so.
        options: by name.
    """
    if isinstance(model, Recipe) and data is not None:
        data = in_place(data, model.data)
    names = data_options() if options else frozenset()
    own = {name: value for name, value in options.items() if name in names and not _of_trainer(name, value)}
    if not own:
        return data, {**options}
    known = getattr(getattr(model, "recipe", model), "data", None) if data is None else data
    rest = {name: value for name, value in options.items() if name not in own}
    # Without data the run says so
    return None if known is None else WithOptions(known, own), rest


def _of_trainer(name: str, value: Any) -> bool:
    """Whether a trainer has an option that is called as one of tables is, and the value fits it alone.

    `mask` is a column of a table, and of a trainer a share of the pixels.
    """
    if name not in ColumnOptions.model_fields or _takes(ColumnOptions, name, value):
        return False
    trainers = (resolve_config(entry.component) for entry in entries("trainer"))
    return any(_takes(config, name, value) for config in trainers if config is not None)


def _takes(config: type[BaseModel], name: str, value: Any) -> bool:
    try:
        config.model_validate({name: value})
    except ValidationError as problem:
        return not any(error["loc"][:1] == (name,) for error in problem.errors())
    return True


@dataclass(frozen=True, slots=True)
class Request:
    """Parts and settings of a run, from the caller or from the folder that it goes on in."""

    model: Any
    parts: Mapping[str, Any]
    seed: int | None
    precision: str | None
    skip_unreadable: bool
    options: Mapping[str, Any]
    labels: tuple[str, ...] | None = None

    def assemble(self) -> Setup:
        """See `zoo.training.setup.assemble`."""
        form: Any = (
            "recipe" if isinstance(self.model, Recipe) else "module" if foreign(self.model) else "built"
        )
        with speaking(replace(spoken(), model=form)):
            return assemble(
                self.model,
                **self.parts,
                seed=self.seed,
                options=self.options,
                skip_unreadable=self.skip_unreadable,
                labels=self.labels,
            )


def resumed(request: Request, run_folder: RunFolder, out: PathLike | None) -> Request:
    """The request of a run that goes on: what it was begun with, and objects that no file holds.

    Raises:
        OptionError: something is given that the run knows already.
        TrainingError: an object that it was begun with is missing.
    """
    check_own_model(run_folder.folder)
    options = request.options
    settings = {
        "seed": request.seed,
        "out": out,
        "precision": request.precision,
        **options,
        "epochs": None,  # may come again, as metrics may: both are checked elsewhere
        METRICS: None,
        "skip_unreadable": request.skip_unreadable or None,
    }
    run_folder.check_given({"model": request.model, **request.parts, METRICS: options.get(METRICS)}, settings)
    seed, precision, skip_unreadable = run_folder.settings
    return replace(
        request,
        model=run_folder.model(request.model),
        parts=run_folder.parts(request.parts),
        seed=seed,
        precision=precision,
        skip_unreadable=skip_unreadable,
        options=run_folder.options(options),
        labels=tuple(run_folder.facts.get("labels", ())),  # as they were numbered; 0.1 noted none
    )
