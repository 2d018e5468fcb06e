"""Arguments of the verbs: models by path, parts by name, the folder of a run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from zoo.compose.instantiate import make
from zoo.compose.parts import default, recorded
from zoo.hub.folder import load
from zoo.hub.pull import pull
from zoo.interfaces.augmenter import Augmenter, AugmentLike, Chain
from zoo.interfaces.blocks.wrapped import inside
from zoo.interfaces.loss import LossLike
from zoo.interfaces.metric import Metric, as_metrics
from zoo.interfaces.model import Model, ModelLike
from zoo.interfaces.trainer import Trainer, TrainerLike
from zoo.registry.loading import resolve_config
from zoo.registry.lookup import find
from zoo.reports.files import is_image
from zoo.runtime.given_objects import check_loss, no_model, of_one_type
from zoo.runtime.metric_names import check_metric_names, made_metric
from zoo.spec.disk.atomic_write import way_to_write
from zoo.spec.disk.paths import in_the_way, need_folder
from zoo.spec.disk.records import known_run
from zoo.spec.disk.systems import no_name, portable
from zoo.spec.disk.unfinished import unfinished_run
from zoo.spec.errors import (
    OptionError,
    RecipeError,
    TrainingError,
    UnknownComponentError,
    quote,
    warn,
)
from zoo.spec.hints.spoken import spoken
from zoo.spec.options import Options, balanced_options
from zoo.spec.reference import ComponentRef, PathLike, local_path, parse_reference
from zoo.weights.fitting import is_saved

SPLITS_FILE = "splits.json"
BATCH_SIZE = 64
"""Images at a time where nothing is trained, unless somebody says another number."""


def as_model(model: ModelLike) -> tuple[Model, Path | None]:
    """The model, read from its folder or pulled from the Hub, and that folder if there is one."""
    model = bare(model)
    if isinstance(model, Model):
        return of_one_type(model), None
    if isinstance(model, str) and model.startswith("hf://"):
        return pull(model), None
    if (folder := folder_of(model)) is not None:
        return of_one_type(load(folder)), folder
    raise no_model(model)


def bare(model: Any) -> Any:
    """A model without what torch wraps around it, which is told; anything else as it is."""
    found = inside(model)
    if found is model or not isinstance(found, Model):
        return model
    aside = f"the {type(model).__name__} around the model is left aside, zoo computes with the model inside"
    compiled = hasattr(model, "_orig_mod")
    warn(f"{aside}; model.compile() compiles it in place" if compiled else aside)
    return found


def folder_of(model: object) -> Path | None:
    """The folder that stands for a model; None for an object and for the Hub's."""
    if not isinstance(model, str | os.PathLike) or (isinstance(model, str) and model.startswith("hf://")):
        return None
    return local_path(model)


def check_order(verb: str, model: object, other: object, form: str = "zoo.{}({!r}, {!r})") -> None:
    """Raises TrainingError where the model and the data or images beside it have changed places.

    Args:
        verb: that was called.
        model: what was given as the model.
        other: what was given beside it; of several, the last counts.
        form: how the call is written, from the verb, the model and the other.
    """
    last = other[-1] if isinstance(other, list | tuple) and other else other
    if _is_model(model) or not _is_model(last):
        return
    right = form.format(verb, _Shown(last), _Shown(model))
    raise TrainingError(verb, expected="the model first", got="it last", hint=f"say {right}")


class _Shown:
    """A value as it is written in a call."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __str__(self) -> str:
        return "MODEL" if isinstance(self.value, Model) else str(self.value)

    def __repr__(self) -> str:
        return "model" if isinstance(self.value, Model) else quote(self.value)


def _is_model(value: object) -> bool:
    """Whether it is a model, or the folder of a saved one."""
    if isinstance(value, str | os.PathLike):
        return is_saved(local_path(value))
    return isinstance(inside(value), Model)


def as_loss(loss: LossLike | None, model: Model, *, needed: bool) -> tuple[nn.Module | None, Any]:
    """The loss of a model, and its value in a recipe.

    Args:
        loss: a module, a reference, or None for the default of the model's task.
        model: whose task counts.
        needed: whether to raise where there is no default.
    """
    check_loss(loss)
    if isinstance(loss, nn.Module):
        return loss, None
    if loss is None:
        try:
            loss = default("loss", model)
        except UnknownComponentError:
            if needed:
                raise
            return None, None
    _check_numbers(loss)
    return _made("loss", loss, nn.Module), recorded("loss", loss)


def _check_numbers(loss: Any) -> None:
    """Raises OptionError for weights that only training images tell."""
    ref = parse_reference(loss)
    if isinstance(ref, ComponentRef) and ref.options:
        found = balanced_options(resolve_config(find(ref, "loss").component), ref.options)
        for name in found:
            hint = "fit fills them in from the training images"
            raise OptionError(f"loss {ref.name}: {name}", expected="numbers", got="'balanced'", hint=hint)


def as_trainer(trainer: TrainerLike | None, model: Model, options: dict[str, Any]) -> tuple[Trainer, Any]:
    """The trainer, with options, and its value in a recipe.

    Raises:
        OptionError: options beside a trainer that is made already.
    """
    if isinstance(trainer, Trainer):
        _settle_metrics(trainer, model)
        if options:
            got = ", ".join(sorted(options))
            raise OptionError(
                "fit", expected="no options beside a trainer object", got=got, hint="give them to it"
            )
        return trainer, None
    ref = parse_reference(default("trainer", model) if trainer is None else trainer)
    if not isinstance(ref, ComponentRef):
        raise RecipeError("trainer", expected="a component's name", got=str(ref))
    check_metric_names((ref.options, options), model)
    config = resolve_config(find(ref, "trainer").component) or Options
    ref = ComponentRef(ref.name, ref.namespace, config.continued(ref.options, options))
    made = _made("trainer", ref, Trainer)
    _settle_metrics(made, model)
    named = tuple(m for m in ref.options.get("metrics", ()) if isinstance(m, str | Mapping))
    if "metrics" in ref.options and len(named) < len(ref.options["metrics"]):  # objects, which no file holds
        ref = ComponentRef(ref.name, ref.namespace, {**ref.options, "metrics": named})
    return made, recorded("trainer", ref)


def _settle_metrics(trainer: Any, model: Model) -> None:
    """Makes objects of the metrics that a trainer names, if it has any."""
    if own := getattr(trainer, "metrics", ()):
        trainer.metrics = metrics_of(own, model)


def metrics_of(values: Iterable[Any], model: Model | None = None) -> tuple[Metric, ...]:
    """Metrics by name, by table, and objects, as objects.

    Args:
        values: as the caller gave them.
        model: whose task has figures of its own, for a name that is near one of them.

    Raises:
        UnknownComponentError: no plugin has one of the name.
        OptionError: one is something else, or two have one name.
    """
    return as_metrics(made_metric(v, model) if isinstance(v, str | Mapping) else v for v in values)


def as_augmenter(augment: AugmentLike | None) -> tuple[Augmenter | None, Any]:
    """One augmenter, a chain where several are meant, and its value in a recipe.

    Args:
        augment: an object or a reference, or several in a list.
    """
    if augment is None:
        return None, None
    several = isinstance(augment, list | tuple)
    items: list[Any] = [*augment] if isinstance(augment, list | tuple) else [augment]
    made = [item if isinstance(item, Augmenter) else _made("augmenter", item, Augmenter) for item in items]
    values = [None if isinstance(item, Augmenter) else recorded("augmenter", item) for item in items]
    # A chain with a part missing would be another one
    value = None if None in values else values if several else values[0]
    return made[0] if len(made) == 1 else Chain(made), value


def new_run_folder(out: PathLike | None, name: str) -> Path:
    """An empty folder: `out`, or the next free `runs/<name>-<n>`.

    Raises:
        TrainingError: `out` is not empty, as that of another run, is called like an image, or cannot be made.
    """
    try:
        if out is not None:
            folder = local_path(out)
            if is_image(folder):
                hint = f"say {folder.with_suffix('')}"
                text, expected = f"run folder {folder}", "a folder's name"
                raise TrainingError(text, expected=expected, got="an image's", hint=hint)
            folder.mkdir(parents=True, exist_ok=True)
            if any(folder.iterdir()):
                raise _taken(folder)
            return folder
        need_folder("run folder runs/", "--out" if spoken().way == "shell" else "out")
        stem = portable(re.sub(r"[^\w.\-]+", "-", name).strip("-.") or "run")
        number = 1
        while True:
            folder = Path("runs") / f"{stem}-{number}"
            try:
                # Looking first would give one folder to two runs that begin together
                folder.mkdir(parents=True)
            except FileExistsError:
                number += 1
            else:
                return folder
    except OSError as error:
        reason = in_the_way(local_path(out or "runs")) or error.strerror or str(error)
        step = way_to_write(error) if no_name(error) else None
        text = f"run folder {out or 'runs'}"
        raise TrainingError(text, expected="a writable place", got=reason, hint=step) from error


def _taken(folder: Path) -> TrainingError:
    """The error for a folder that holds something; of a run it says how that one goes on."""
    got, step = unfinished_run(folder) or ("a full one", "")
    if known_run(folder).get("finished"):
        got = "a finished run"
    hint = f"{step}, or choose another" if step else "choose another"
    return TrainingError(f"run folder {folder}", expected="a new or empty folder", got=got, hint=hint)


def pick_seed(seed: int | None, model: Model) -> int:
    """The seed given, else the recipe's, else 0."""
    return next((s for s in (seed, model.recipe.seed) if s is not None), 0)


def _made(kind: str, reference: Any, expected: type[Any]) -> Any:
    found = make(kind, reference)
    if not isinstance(found, expected):
        where = f"{kind} {quote(str(reference))}"
        raise TrainingError(where, expected=f"a {expected.__name__}", got=type(found).__name__)
    return found
