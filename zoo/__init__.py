"""Name the parts, get a working vision model.

Example:
    >>> import zoo
    >>> {row.kind for row in zoo.list("head")} <= {"head"}
    True
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.compose.build import build
    from zoo.compose.foreign.convert import Converted, convert
    from zoo.experiments.fit import fit
    from zoo.experiments.fold_figures import Fold, Folds
    from zoo.hub.folder import load, save
    from zoo.hub.pull import pull
    from zoo.hub.push import push
    from zoo.hub.result import Pushed
    from zoo.inference.augment import augment
    from zoo.inference.evaluate import evaluate
    from zoo.inference.evaluation import Evaluation, Measured
    from zoo.inference.generated_images import Images
    from zoo.inference.latents import Latents, latents
    from zoo.inference.predict import predict
    from zoo.inference.predictions import Predicted, Predictions
    from zoo.inference.predictor import Predictor
    from zoo.inference.sample import sample
    from zoo.inference.verify import Verified, verify
    from zoo.interfaces.model import Model
    from zoo.metrics.verification import Roc
    from zoo.registry import listing as _listing
    from zoo.registry.hookspec import hookimpl
    from zoo.registry.listing import Row, Rows, info
    from zoo.spec.component import Component, Namespace
    from zoo.spec.data_options import ColumnOptions
    from zoo.spec.errors import ZooError, ZooWarning
    from zoo.spec.inputs import INTERPOLATIONS, InputSpec
    from zoo.spec.options import Balanced, ForPart, Options, PartOf, RefValue
    from zoo.spec.published_weights import Weights, WeightsSource
    from zoo.spec.recipe import Recipe
    from zoo.spec.trainers.early_stopping import EarlyStopping
    from zoo.spec.trainers.optimizers import OptimizerOptions
    from zoo.spec.trainers.options import (
        GradientOptions,
        MeasuredOptions,
        Positive,
        Rate,
        TrainerOptions,
    )
    from zoo.spec.trainers.schedule import AnySchedule, Plateau, Schedule
    from zoo.training.run import Run

    # An assignment, which type checkers take as public without a place in __all__.
    list = _listing.list_components  # noqa: A001 - the verb's public name
    __version__: str

# All but `list`: `from zoo import *` leaves Python's own alone.
__all__ = [
    "INTERPOLATIONS",
    "AnySchedule",
    "Balanced",
    "ColumnOptions",
    "Component",
    "Converted",
    "EarlyStopping",
    "Evaluation",
    "Fold",
    "Folds",
    "ForPart",
    "GradientOptions",
    "Images",
    "InputSpec",
    "Latents",
    "Measured",
    "MeasuredOptions",
    "Model",
    "Namespace",
    "OptimizerOptions",
    "Options",
    "PartOf",
    "Plateau",
    "Positive",
    "Predicted",
    "Predictions",
    "Predictor",
    "Pushed",
    "Rate",
    "Recipe",
    "RefValue",
    "Roc",
    "Row",
    "Rows",
    "Run",
    "Schedule",
    "TrainerOptions",
    "Verified",
    "Weights",
    "WeightsSource",
    "ZooError",
    "ZooWarning",
    "augment",
    "build",
    "convert",
    "evaluate",
    "fit",
    "hookimpl",
    "info",
    "latents",
    "load",
    "predict",
    "pull",
    "push",
    "sample",
    "save",
    "verify",
]

# Where each name lives. Imported on first use, so that listing does not wait for torch.
_HOMES = {
    "AnySchedule": "zoo.spec.trainers.schedule",
    "ColumnOptions": "zoo.spec.data_options",
    "Component": "zoo.spec.component",
    "Converted": "zoo.compose.foreign.convert",
    "EarlyStopping": "zoo.spec.trainers.early_stopping",
    "Evaluation": "zoo.inference.evaluation",
    "Balanced": "zoo.spec.options",
    "Fold": "zoo.experiments.fold_figures",
    "Folds": "zoo.experiments.fold_figures",
    "ForPart": "zoo.spec.options",
    "GradientOptions": "zoo.spec.trainers.options",
    "INTERPOLATIONS": "zoo.spec.inputs",
    "Images": "zoo.inference.generated_images",
    "InputSpec": "zoo.spec.inputs",
    "Latents": "zoo.inference.latents",
    "Measured": "zoo.inference.evaluation",
    "MeasuredOptions": "zoo.spec.trainers.options",
    "Model": "zoo.interfaces.model",
    "Namespace": "zoo.spec.component",
    "OptimizerOptions": "zoo.spec.trainers.optimizers",
    "Options": "zoo.spec.options",
    "PartOf": "zoo.spec.options",
    "Plateau": "zoo.spec.trainers.schedule",
    "Positive": "zoo.spec.trainers.options",
    "Predicted": "zoo.inference.predictions",
    "Predictions": "zoo.inference.predictions",
    "Predictor": "zoo.inference.predictor",
    "Pushed": "zoo.hub.result",
    "Rate": "zoo.spec.trainers.options",
    "Recipe": "zoo.spec.recipe",
    "RefValue": "zoo.spec.options",
    "Roc": "zoo.metrics.verification",
    "Row": "zoo.registry.listing",
    "Rows": "zoo.registry.listing",
    "Run": "zoo.training.run",
    "Schedule": "zoo.spec.trainers.schedule",
    "TrainerOptions": "zoo.spec.trainers.options",
    "Verified": "zoo.inference.verify",
    "Weights": "zoo.spec.published_weights",
    "WeightsSource": "zoo.spec.published_weights",
    "ZooError": "zoo.spec.errors",
    "ZooWarning": "zoo.spec.errors",
    "augment": "zoo.inference.augment",
    "build": "zoo.compose.build",
    "convert": "zoo.compose.foreign.convert",
    "evaluate": "zoo.inference.evaluate",
    "fit": "zoo.experiments.fit",
    "hookimpl": "zoo.registry.hookspec",
    "info": "zoo.registry.listing",
    "latents": "zoo.inference.latents",
    "list": "zoo.registry.listing:list_components",
    "load": "zoo.hub.folder",
    "predict": "zoo.inference.predict",
    "pull": "zoo.hub.pull",
    "push": "zoo.hub.push",
    "sample": "zoo.inference.sample",
    "save": "zoo.hub.folder",
    "verify": "zoo.inference.verify",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value: Any = _version()
    elif name in _HOMES:
        module, _, attribute = _HOMES[name].partition(":")
        value = getattr(importlib.import_module(module), attribute or name)
    elif name.startswith("__"):  # Python and its tools ask for these of any module, and often
        raise AttributeError(f"module 'zoo' has no attribute {name!r}")
    else:
        raise AttributeError(_unknown(name))
    globals()[name] = value
    return value


def __dir__() -> Any:
    return sorted({*globals(), *_HOMES, "__version__"})


def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version("zoo-core")
    except metadata.PackageNotFoundError:  # a checkout that was never installed
        return "0+unknown"


def _unknown(name: str) -> str:
    from zoo.spec.arguments import VERBS  # only a wrong name needs them
    from zoo.spec.errors import near  # as above

    hint = f"zoo calls it {VERBS[name]}" if name in VERBS else near(name, [*_HOMES])
    return f"module 'zoo' has no attribute {name!r}; {hint}"
