"""Arguments that people look for in the wrong place, or under the name that another library gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, fields
from difflib import get_close_matches
from functools import wraps
from types import MappingProxyType
from typing import Any

from zoo.spec.errors import DeclarationError, did_you_mean, listing, near, quote
from zoo.spec.hints.offered import offered
from zoo.spec.hints.other_libraries import answer
from zoo.spec.hints.spoken import section_option, spoken
from zoo.spec.names import closest

BUILD = (
    *("head", "freeze", "weights", "in_channels", "classes", "input_size", "input", "decode", "value_range"),
    *("pages", "seed"),
)
"""Arguments of `zoo.build` beside a component's options; all but the seed are the recipe's model section."""

_NO_FLAG = ("input", "decode", "value_range", "pages")
"""Those of them that have no flag of their own on a command line."""

_LOOKS = ("value_range", "pages")

FIT = ("data", "augment", "loss", "trainer", "out", "device", "precision", "workers", "cache")
"""Arguments of `zoo.fit` beside the trainer's options."""

ELSEWHERE: Mapping[str, str] = MappingProxyType(
    {
        "pretrained": "weights",
        "checkpoint": "weights",
        "checkpoint_path": "weights",
        "num_classes": "classes",
        "n_classes": "classes",
        "nb_classes": "classes",
        "in_chans": "in_channels",
        "num_channels": "in_channels",
        "img_size": "input_size",
        "image_size": "input_size",
        "input_shape": "input_size",
        "target_size": "input_size",
        "transform": "augment",
        "transforms": "augment",
        "augmentation": "augment",
        "augmentations": "augment",
        "criterion": "loss",
        "dataset": "data",
        "learning_rate": "lr",
        "num_epochs": "epochs",
        "n_epochs": "epochs",
        "max_epochs": "epochs",
        "lr_schedule": "schedule",
        "lr_scheduler": "schedule",
        "scheduler": "schedule",
        "num_workers": "workers",
        "patience": "early_stopping",
        "drop_rate": "dropout",
        "global_pool": "pool",
        "pooling": "pool",
    }
)
"""What torchvision, timm, Keras and others call an argument, and what zoo calls it."""

VALUES: Mapping[str, str] = MappingProxyType(
    {
        "mean": "avg",
        "average": "avg",
        "gap": "avg",
        "global_average": "avg",
        "maximum": "max",
        "gmp": "max",
        "global_max": "max",
        "catavgmax": "avgmax",
        "cls": "token",
        "class_token": "token",
        "swish": "silu",
        "lrelu": "leaky-relu",
        "batchnorm": "batch",
        "bn": "batch",
        "layernorm": "layer",
        "ln": "layer",
        "mirror": "reflect",
        "zeros": "constant",
        "edge": "nearest",
        "border": "nearest",
        "replicate": "nearest",
        "circular": "wrap",
        "vanilla": "minimax",
        "lsgan": "least-squares",
        "wgan": "wasserstein",
        "transposed": "deconvolution",
    }
)
"""What other libraries call a value that is chosen by name, and what zoo calls it where it has that one."""

# Surer than difflib's 0.6: this hint goes before the names that the component itself has
_ALIKE = 0.8
_SHORT = 40
"""Letters of a value that is repeated in the next step."""

VERBS: Mapping[str, str] = MappingProxyType(
    {
        "train": "fit",
        "finetune": "fit",
        "test": "evaluate",
        "create": "build",
        "create_model": "build",
        "get_model": "build",
        "list_models": "list",
        "model_info": "info",
        "show": "info",
        "infer": "predict",
        "download": "pull",
        "upload": "push",
    }
)
"""What others call a verb, and what zoo calls it."""


def misplaced(name: str, value: Any, known: Iterable[str], tags: Sequence[str] = ()) -> str | None:
    """The place of an argument that was given as an option; None where it is none of ours.

    Args:
        name: as given.
        value: as given, to show how it is said.
        known: options that there are.
        tags: of the component's published weights.

    Example:
        >>> misplaced("classes", 10, ["dropout"])
        'it belongs beside: zoo.build(..., classes=10), in a recipe model.classes'
        >>> misplaced("learning_rate", 0.1, ["lr"])
        'zoo calls it lr'
        >>> misplaced("pretrained", True, [], ["imagenet"])
        "zoo calls it weights: zoo.build(..., weights='imagenet'), in a recipe model.weights"
    """
    known, own = [*known], ELSEWHERE.get(name, name)
    if own in known:
        return f"zoo calls it {own}" if own != name else None
    called = f"zoo calls it {own}" if own != name else "it belongs beside"
    if own in {*BUILD, *FIT} and spoken().way_of(name) == "shell":
        flag = f"--{own.replace('_', '-')} {_typed(own, value, tags)}"
        way = f"{called}: {section_option(own, value) if own in _NO_FLAG else flag}"
        return way if _offered_here(own) else "it is an option of a training, zoo fit: leave it out here"
    if own in BUILD:
        recipe = own if own == "seed" else f"model.{own}"
        return f"{called}: zoo.build(..., {_example(own, value, tags)}), in a recipe {recipe}"
    if own in FIT:
        return (
            f"{called}: zoo.fit(model, data, {own}=...)" if own != "data" else "zoo.fit(model, data) takes it"
        )
    return answer(name, value) or _nearly(name, known)


def _nearly(name: str, known: Sequence[str]) -> str | None:
    """The question whether an argument of a verb was meant, where no option is as near."""
    close = get_close_matches(name, (*BUILD, *FIT), cutoff=_ALIKE)
    if close and not get_close_matches(name, known, cutoff=_ALIKE):
        return f"did you mean {close[0]}, an argument of zoo.{'build' if close[0] in BUILD else 'fit'}?"
    return None


def chosen(value: object, choices: Sequence[str]) -> str | None:
    """The hint at the choice that a wrong one was meant for; None where that cannot be told.

    Args:
        value: as given.
        choices: that there are.

    Example:
        >>> chosen("mean", ["avg", "max"]), chosen("Max", ["avg", "max"]), chosen("x", ["avg", "max"])
        ("zoo calls it 'avg'", "did you mean 'max'?", None)
    """
    if not isinstance(value, str):
        return None
    if (own := VALUES.get(value.strip().lower().replace("-", "_"))) in choices:
        return f"zoo calls it {quote(own)}"
    close = closest(value, choices)
    return did_you_mean(value, [quote(name) for name in close]) if close else None


def said_by_name(where: Callable[[Mapping[str, Any]], str]) -> Callable[[type], Any]:
    """Makes a dataclass of declarations name what is unknown or missing, in one line of ours.

    Args:
        where: what is declared, in words, from the arguments that were given.

    Raises:
        DeclarationError: from the constructor: a field is unknown or missing, or given by its place.

    Example:
        >>> from dataclasses import dataclass
        >>> @said_by_name(lambda given: "paper")
        ... @dataclass(kw_only=True)
        ... class Paper:
        ...     title: str
        >>> Paper(titel="Deep")
        Traceback (most recent call last):
        zoo.spec.errors.DeclarationError: paper: unknown field: expected title, got titel; did you mean title?
    """

    def decorate(cls: type) -> type:
        made = cls.__init__  # type: ignore[misc]  # of a class that nobody derives anew
        known = [f.name for f in fields(cls) if f.init]
        needed = [f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING]

        @wraps(made)
        def constructor(self: Any, *places: Any, **given: Any) -> None:
            text = where(given)
            if places:
                got, step = quote(places[0]), f"say {known[0]}=..."
                raise DeclarationError(f"{text}: bad field", expected="fields by name", got=got, hint=step)
            for name in given:
                if name not in known:
                    problem, hint = f"{text}: unknown field", near(name, known)
                    raise DeclarationError(problem, expected=listing(known, 20), got=name, hint=hint)
            missing = [name for name in needed if name not in given]
            if missing:
                step = f"say {missing[0]}=..."
                raise DeclarationError(f"{text}: bad {missing[0]}", expected="a value", got="none", hint=step)
            made(self, **given)

        cls.__init__ = constructor  # type: ignore[misc]
        return cls

    return decorate


def check(  # noqa: PLR0917 - a sentence, read from left to right
    fine: bool, where: str, field_name: str, expected: str, got: object, hint: str | None = None
) -> None:
    """Raises DeclarationError for a field that is not fine."""
    if not fine:
        raise DeclarationError(f"{where}: bad {field_name}", expected=expected, got=quote(got), hint=hint)


def check_texts(where: str, item: object, names: Iterable[str]) -> None:
    """Raises DeclarationError where a field of these is neither a text nor None."""
    for name in names:
        value = getattr(item, name)
        check(value is None or isinstance(value, str), where, name, "a text or None", value)


def _offered_here(own: str) -> bool:
    """Whether the command at hand takes an argument of `zoo.build` or `zoo.fit`, as a flag or by `--set`."""
    if own in _NO_FLAG:
        # Commands that look at images take what says how these are read
        return offered("head") or (own in _LOOKS and offered("in_channels"))
    return offered(own)


def _typed(own: str, value: Any, tags: Sequence[str]) -> str:
    """The value as one types it behind a flag."""
    if own == "weights" and isinstance(value, bool):
        return tags[0] if tags else "..."
    plain = isinstance(value, str | int | float) and not isinstance(value, bool)
    return str(value) if plain and len(str(value)) <= _SHORT else "..."


def _example(own: str, value: Any, tags: Sequence[str]) -> str:
    """The argument as one writes it, with the given value where that is short and of use."""
    # pretrained=True says that weights are wanted and not which: the first tag serves as an example
    if own == "weights" and (isinstance(value, bool) or value is None):
        return "weights=None" if value is False else f"weights={tags[0]!r}" if tags else "weights=..."
    text = repr(value)
    return f"{own}={text if len(text) <= _SHORT else '...'}"
