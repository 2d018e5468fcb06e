"""Runs on the folds of cross-validation, in one folder that can be resumed."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from zoo.compose.build import from_recipe
from zoo.compose.foreign.torch_module import PlainModel
from zoo.data.section import WithOptions, section_of
from zoo.data.splits import NAMES, split
from zoo.data.streams.forms import stream_in
from zoo.data.view import Folded
from zoo.experiments.fold_figures import FIGURE_FILE, Fold, Folds, draw_folds
from zoo.experiments.fold_record import START, Asked, keep, read, write
from zoo.hub.folder import load
from zoo.inference.evaluate import evaluate
from zoo.interfaces.blocks.freezing_state import restore_freezing
from zoo.interfaces.model import Model
from zoo.registry.environment import processes
from zoo.registry.extras import present
from zoo.reports.style import DRAWS
from zoo.runtime.arguments import SPLITS_FILE, as_model, check_order, new_run_folder, pick_seed
from zoo.runtime.data_arguments import as_dataset, classes_of
from zoo.runtime.progress import Reporter
from zoo.spec.disk.reading import read_json
from zoo.spec.disk.records import known_run
from zoo.spec.errors import DataError, OptionError, TrainingError, listing, quote, said_once, warn
from zoo.spec.files import FOLDS_FILE, RUN_FILE
from zoo.spec.recipe import Recipe
from zoo.spec.reference import PathLike, local_path
from zoo.training.fit import fit
from zoo.training.recipe_data import with_data
from zoo.training.record.run_lock import RunLock
from zoo.training.request import as_recipe, with_data_options

_METRICS = "metrics"


@said_once()
def begin_folds(asked: Asked, how: Mapping[str, Any], count: Any, out: PathLike | None) -> Folds:
    """Trains and measures a run for each fold; all that can be refused is, before the first is trained.

    Args:
        asked: of each run.
        how: where and how to compute, by the names of `zoo.fit`.
        count: of folds.
        out: folder; by default the next free one.

    Raises:
        OptionError: it is no number of folds, or several processes train.
        TrainingError: it is a torch module, of which no second one can be made.
        DataError: the data cannot be split so.
    """
    _check_count(count)
    asked = replace(asked, model=as_recipe(asked.model))
    data, options = with_data_options(asked.model, asked.parts["data"], asked.options)
    asked = replace(asked, parts={**asked.parts, "data": data}, options=options)
    model, parts = _model(asked), dict(asked.parts)
    parts["data"] = model.recipe.data if data is None else data
    asked = replace(asked, model=None, parts=parts, seed=pick_seed(asked.seed, model))
    _check_splits(model, asked, count)
    home = new_run_folder(out, f"{model.recipe.model.called}-folds")
    with RunLock() as lock:
        lock.take(home)
        with _discarding(home):
            facts = keep(home, model, asked, count)
            return _train(home, facts, asked, how)


@said_once()
def resume_folds(
    asked: Asked, how: Mapping[str, Any], folder: PathLike, count: int | None, out: PathLike | None
) -> Folds:
    """Goes on with the folds in a folder: what was done is taken as it is, a killed run goes on.

    Args:
        asked: parts that were objects, given again; nothing else.
        how: where and how to compute.
        folder: of the folds.
        count: of folds; None or as many as there are.
        out: None.

    Raises:
        OptionError: something is given that is known already.
        TrainingError: an object is missing, or there are no folds in the folder.
        FormatError: the record is damaged.
    """
    home = local_path(folder)
    facts = read(home)
    if count is not None and count != facts["count"]:
        hint = "leave it out, or begin anew in another folder"
        expected = f"the {facts['count']} that they were begun with"
        raise OptionError(f"resume {home}: folds", expected=expected, got=quote(count), hint=hint)
    given = {**asked.parts, **asked.options}
    settings = {"model": asked.model, "seed": asked.seed, "out": out, "precision": asked.precision}
    settings["skip_unreadable"] = asked.skip_unreadable or None
    objects = facts["objects"]
    known = [n for n, v in {**given, **settings}.items() if v is not None and n not in objects]
    if known:
        expected, hint = "nothing that the folds were begun with", "leave it out, or begin anew"
        raise OptionError(f"resume {home}", expected=expected, got=listing(known), hint=hint)
    if missing := [name for name in objects if given.get(name) is None]:
        expected = f"the {listing(missing)} of the folds, which no file holds"
        hint = f"zoo.fit(resume={str(home)!r}, {', '.join(f'{name}=...' for name in objects)})"
        raise TrainingError(f"resume {home}", expected=expected, got="none", hint=hint)
    parts = {name: given.get(name) if name in objects else facts["parts"][name] for name in asked.parts}
    if "data" in objects and facts["parts"]["data"]:
        parts["data"] = WithOptions(parts["data"], facts["parts"]["data"])
    options = {**facts["options"], **{n: v for n, v in asked.options.items() if v is not None}}
    asked = Asked(
        model=None, parts=parts, seed=facts["seed"], precision=facts["precision"],
        skip_unreadable=facts["skip_unreadable"], options=options,
    )  # fmt: skip
    with RunLock() as lock:
        lock.take(home)
        return _train(home, facts, asked, how)


def _check_count(count: Any) -> None:
    # True is an int as well
    if isinstance(count, bool) or not isinstance(count, int) or count < 2:
        raise OptionError("folds", expected="2 or more, such as 5", got=quote(count))
    if (together := processes()[1]) > 1:
        hint = f'train them one after the other in a launch each: fold="1/{count}"'
        raise OptionError("folds", expected="one process", got=str(together), hint=hint)


def _model(asked: Asked) -> Model:
    """The model that each run begins with a copy of.

    Raises:
        TrainingError: there is none, or it is a torch module.
    """
    model, data = asked.model, asked.parts["data"]
    if model is None:
        hint = 'zoo.fit(zoo.build("resnet18", head="binary"), "photos", folds=5)'
        raise TrainingError("fit", expected="a model, or resume=", got="neither", hint=hint)
    if isinstance(model, Recipe):
        filled, _ = with_data(model, data, skip_unreadable=asked.skip_unreadable)
        return from_recipe(filled.model_copy(update={"seed": asked.seed or filled.seed or 0}))
    if isinstance(model, PlainModel) or (isinstance(model, nn.Module) and not isinstance(model, Model)):
        hint = 'make one for each: zoo.fit(make(), data, fold="1/5", ...), then "2/5" and so on'
        got = f"a {type(model).__name__}, of which no file keeps the start"
        raise TrainingError("fit with folds", expected="a model of zoo, or a recipe", got=got, hint=hint)
    check_order("fit", model, data)
    return as_model(model)[0]


def _check_splits(model: Model, asked: Asked, count: int) -> None:
    """Draws all folds: what the last of them lacks is said before the first is trained."""
    data = asked.parts["data"]
    if data is None:
        hint = "give a folder of class folders, or a data set's name"
        raise DataError("fit", expected="data", got="none", hint=hint)
    if (fold := section_of(data).options.fold) is not None:
        got, hint = f"folds={count} beside fold={fold}", "leave one of them out"
        raise OptionError("folds", expected="all folds, or one", got=got, hint=hint)
    how: Any = {"skip_unreadable": asked.skip_unreadable, "values": model.input_spec.reading}
    dataset = as_dataset(data, task=model.task, classes=classes_of(model), **how)
    if stream_in(dataset) is not None:
        hint = "give data with a length: a list, a folder, shards"
        raise DataError("folds", expected="images that can be divided", got="a stream", hint=hint)
    for number in range(1, count + 1):
        split(Folded(dataset, (number, count)), asked.seed or 0)
    if sides := {dataset.split_of(i) for i in range(len(dataset))} - {None}:
        kept = "; test images are in no fold" if "test" in sides else ""
        warn(f"folds are drawn of all images that the data have for train and val, whichever of both{kept}")


def _train(home: Path, facts: dict[str, Any], asked: Asked, how: Mapping[str, Any]) -> Folds:
    count, reporter = facts["count"], Reporter(how["progress"])
    for number in range(len(facts["results"]) + 1, count + 1):
        reporter.note(f"fold {number} of {count}")
        folder = home / f"fold-{number}"
        if not _run(home, folder, facts, asked, how, number):
            return _result(home, facts, interrupted=True)
        facts["results"].append(_measured(folder, asked, how, number, count).to_dict())
        write(home, facts)
    found = _result(home, facts)
    if present(DRAWS) and found.mean:
        draw_folds(found, home / FIGURE_FILE)
    # The models are in the folders of their runs
    shutil.rmtree(home / START, ignore_errors=True)
    facts |= {"mean": found.mean, "spread": found.spread}
    write(home, facts)
    return found


def _run(  # noqa: PLR0917 - the settings of one run
    home: Path, folder: Path, facts: Mapping[str, Any], asked: Asked, how: Mapping[str, Any], number: int
) -> bool:
    """Trains the run of a fold, or what is left of it; whether it came to its end."""
    begun = known_run(folder)
    if begun.get("finished"):
        return True
    # A loss that learns, or a trainer with a state, begins each run as it was given
    parts = {
        n: copy.deepcopy(v) if n != "data" and n in facts["objects"] else v for n, v in asked.parts.items()
    }
    options = {n: copy.deepcopy(v) if n in facts["objects"] else v for n, v in asked.options.items()}
    if begun:
        again: dict[str, Any] = {name: {**parts, **options}.get(name) for name in begun["objects"]}
        return not fit(resume=folder, **again, **how).interrupted
    shutil.rmtree(folder, ignore_errors=True)  # killed before it began
    model = load(home / START, copy=True)
    model.note_origin(facts["origin"])
    restore_freezing(model, facts["freezing"])
    parts["data"] = _of_fold(asked, number, facts["count"])
    run = fit(
        model, **parts, seed=asked.seed, out=folder, precision=asked.precision,
        skip_unreadable=asked.skip_unreadable, **options, **how,
    )  # fmt: skip
    return not run.interrupted


def _of_fold(asked: Asked, number: int, count: int) -> WithOptions:
    return WithOptions(asked.parts["data"], {"fold": f"{number}/{count}"})


def _measured(folder: Path, asked: Asked, how: Mapping[str, Any], number: int, count: int) -> Fold:
    """The figures of a trained fold on its test images."""
    trainer = asked.parts["trainer"]
    metrics = asked.options.get(_METRICS) or (trainer.get(_METRICS) if isinstance(trainer, Mapping) else ())
    loss = asked.parts["loss"]
    found = evaluate(
        folder, _of_fold(asked, number, count), seed=asked.seed, metrics=copy.deepcopy(metrics or ()),
        loss=copy.deepcopy(loss) if isinstance(loss, nn.Module) else None, device=how["device"],
        workers=how["workers"] or 0, skip_unreadable=asked.skip_unreadable, progress=how["progress"],
        out=folder, save=True,
    )  # fmt: skip
    sides = read_json(folder / SPLITS_FILE)
    images = {name: len(sides[name]) for name in NAMES}
    validation = load(folder).metrics.get("val", {})
    return Fold(number=number, folder=folder, metrics=found.metrics, validation=validation, images=images)


def _result(home: Path, facts: Mapping[str, Any], *, interrupted: bool = False) -> Folds:
    folds = tuple(Fold(**{**row, "folder": home / row["folder"]}) for row in facts["results"])
    objects = tuple(facts["objects"])
    return Folds(folder=home, folds=folds, count=facts["count"], objects=objects, interrupted=interrupted)


@contextmanager
def _discarding(home: Path) -> Iterator[None]:
    """Leaves nothing where the first run fails before it begins."""
    try:
        yield
    except BaseException:
        if not (home / "fold-1" / RUN_FILE).exists():
            shutil.rmtree(home / START, ignore_errors=True)
            with suppress(OSError):
                (home / FOLDS_FILE).unlink(missing_ok=True)
        raise
