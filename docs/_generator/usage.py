"""How a component is used, in Python and on the command line, as text that runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from _generator.parts import Part
from zoo.spec.kinds import KINDS

BACKBONE = "small_cnn"
"""A small backbone for the examples of everything that is none."""

CLASSES = {"materials": 15, "digits": 10, "glyphs": 40, "shapes": 4}
"""Classes of the data sets in the examples."""

TRAINS = {
    "adversarial": ("generation", "dcgan"),
    "content": ("super-resolution", "srresnet"),
    "perceptual": ("super-resolution", "srgan"),
}
"""Task and model of the example for a loss that not every model can be trained with."""

WIDTH = 84
"""Letters that a line of an example may have without being cut on a laptop."""

DATA = {"binary": "faces", "segmentation": "shapes", "super-resolution": "photos"}
"""A data set by task; digits for all others."""

MODELS = {
    "segmentation": "unet",
    "reconstruction": "autoencoder",
    "generation": "dcgan",
    "super-resolution": "srresnet",
}
"""A complete model by task, where a backbone with a head has none such."""


FORMS = {"multiclass": "multiclass", "binary": "binary", "values": "regression", "masks": "segmentation"}
"""A task by the form of answers that a metric fits."""


@dataclass(frozen=True)
class Use:
    """An example.

    Args:
        python: lines of a program; none for data that no model of zoo's own can be trained on.
        commands: on the command line.
    """

    python: tuple[str, ...]
    commands: tuple[str, ...]


def usage(part: Part) -> Use:
    """How to use a component."""
    return _BY_KIND[part.kind](part)


def _call(function: str, *arguments: str, **named: Any) -> str:
    words = [*arguments, *(f"{key}={_literal(value)}" for key, value in named.items() if value is not None)]
    return f"{function}({', '.join(words)})"


def _set(name: str, call: str) -> str:
    """The call's value under a name; its arguments on a line of their own where one is too long."""
    line = f"{name} = {call}"
    if len(line) <= WIDTH:
        return line
    function, _, arguments = line.partition("(")
    return f"{function}(\n    {arguments.removesuffix(')')}\n)"


def _literal(value: Any) -> str:
    text = repr(value)
    return text if '"' in text else text.replace("'", '"')


def _continued(words: list[str]) -> str:
    """More of a command, on a second line."""
    return f" \\\n    {' '.join(words)}" if words else ""


def _words(given: Mapping[str, Any]) -> str:
    return "".join(f" --{key.replace('_', '-')} {value}" for key, value in given.items() if value is not None)


def _classes(task: str, data: str = "digits") -> int | None:
    """Where a head asks for the number of classes, the number that a data set has."""
    if task == "segmentation" or not (task in MODELS or task in ("binary", "regression", "embedding")):
        return CLASSES.get(data, CLASSES["digits"])
    return None


def _built(task: str, data: str, name: str | None = None) -> tuple[str, str]:
    """A model for a task, as an expression and as options of `zoo fit`.

    Args:
        task: of the model.
        data: that it is trained on.
        name: of a complete model; the one of `MODELS` where None.
    """
    if task in MODELS:
        classes = _classes(task, data)
        model = _call("zoo.build", _literal(name or MODELS[task]), classes=classes)
        return model, f"--model {name or MODELS[task]} --data {data}"
    model = _call("zoo.build", _literal(BACKBONE), head=task, classes=_classes(task, data))
    return model, f"--model {BACKBONE} --head {task} --data {data}"


def _backbone(part: Part) -> Use:
    tag = next(iter(part.weights), None)
    blocks = len(part.facts.get("blocks") or ())
    freeze = None if tag is None or blocks < 2 else "block1" if blocks == 2 else f"block1-{blocks - 1}"
    given = {"head": "binary", "weights": tag, "freeze": freeze}
    sets = [f"--{key} {given[key]}" for key in ("weights", "freeze") if given[key]]
    return Use(
        (
            "import zoo",
            "",
            _set("model", _call("zoo.build", _literal(part.ref), **given)),
            "print(model.summary())",
        ),
        (
            f"zoo build {part.ref}{_words(given)}",
            f"zoo fit --model {part.ref} --head binary --data photos/cats-and-dogs{_continued(sets)}",
        ),
    )


def _model(part: Part) -> Use:
    task = str(part.row.get("task"))
    data = DATA.get(task, "digits")
    build, words = _built(task, data, part.ref)
    given = {"classes": _classes(task, data)}
    networks = [network["name"] for network in part.facts.get("networks", ())]
    if task == "generation" and "discriminator" not in networks:  # nothing to train it against
        sample = _set("images", "model.sample(16, seed=0)")
        return Use(
            ("import zoo", "", _set("model", build), sample, "print(images.shape)"),
            (f"zoo build {part.ref}{_words(given)}",),
        )
    return Use(
        (
            "import zoo",
            "",
            _set("model", build),
            "print(model.summary())",
            _set("run", _call("zoo.fit", "model", _literal(data))),
        ),
        (f"zoo build {part.ref}{_words(given)}", f"zoo fit {words}"),
    )


def _head(part: Part) -> Use:
    task = str(part.row.get("task"))
    classes = _classes(task)
    build = _call("zoo.build", _literal(BACKBONE), head=part.ref, classes=classes)
    return Use(
        ("import zoo", "", _set("model", build), "print(model.summary())"),
        (
            f"zoo build {BACKBONE}{_words({'head': part.ref, 'classes': classes})}",
            f"zoo fit --model {BACKBONE} --head {part.ref} --data photos/cats-and-dogs",
        ),
    )


def _trained(part: Part, section: str) -> Use:
    """A part that training takes: a loss, an augmenter, a trainer."""
    task, name = TRAINS.get(part.ref, (str(part.row.get("task") or "multiclass"), None))
    data = DATA.get(task, "digits")
    model, words = _built(task, data, name)
    fit = _call("zoo.fit", "model", _literal(data), **{section: part.ref})
    return Use(
        ("import zoo", "", _set("model", model), _set("run", fit), "print(run)"),
        (f"zoo fit {words} --{section} {part.ref}",),
    )


def _loss(part: Part) -> Use:
    task = part.row.get("task")
    if task == "multilabel":
        return _multilabel(part)
    return _trained(part, "loss")


def _multilabel(part: Part) -> Use:
    build = _call("zoo.build", _literal(BACKBONE), head="multilabel", classes=5)
    return Use(
        (
            "import torch",
            "from torch.utils.data import TensorDataset",
            "import zoo",
            "",
            "images, labels = torch.rand(40, 3, 32, 32), torch.randint(0, 2, (40, 5))",
            _set("model", build),
            _set("run", _call("zoo.fit", "model", "TensorDataset(images, labels)", loss=part.ref)),
            "print(run)",
        ),
        (),
    )


def _augmenter(part: Part) -> Use:
    use = _trained(part, "augment")
    return replace(use, commands=(f"zoo augment image.jpg --augment {part.ref}", *use.commands))


def _dataset(part: Part) -> Use:
    look = f"zoo data {part.ref}"
    if not part.row.get("task"):
        return Use((), (look,))
    model, words = _built(str(part.row["task"]), part.ref)
    return Use(
        (
            "import zoo",
            "",
            _set("model", model),
            _set("run", _call("zoo.fit", "model", _literal(part.ref))),
            f"print({_call('zoo.evaluate', 'model', _literal(part.ref), split='test')})",
        ),
        (look, f"zoo fit {words}"),
    )


def _metric(part: Part) -> Use:
    forms = part.facts.get("forms") or ["multiclass"]
    task = next((FORMS[form] for form in forms if form in FORMS), "multiclass")
    data = DATA.get(task, "digits")
    model, words = _built(task, data)
    measured, lines = _literal(data), ["import zoo", ""]
    commands = [KINDS[part.kind].used(part.ref)[1], f"zoo fit {words} --metric {part.ref}"]
    if task == "regression":  # the data sets by name have classes
        lines = ["import torch", "from torch.utils.data import TensorDataset", "import zoo", ""]
        lines += ["images, values = torch.rand(40, 3, 32, 32), torch.rand(40)"]
        measured, commands = "TensorDataset(images, values)", commands[:1]
    figures = _call("zoo.evaluate", "model", measured, metrics=[part.ref])
    return Use((*lines, _set("model", model), _set("figures", figures), "print(figures)"), tuple(commands))


_BY_KIND = {
    "backbone": _backbone,
    "head": _head,
    "model": _model,
    "augmenter": _augmenter,
    "loss": _loss,
    "trainer": lambda part: _trained(part, "trainer"),
    "dataset": _dataset,
    "metric": _metric,
}


def example_of_options(part: Part) -> tuple[str, str] | None:
    """How options are given, in Python and on the command line, with the first that has a plain default."""
    plain = [
        (name, field["default"])
        for name, field in part.options.items()
        if "const" not in field and isinstance(field.get("default"), bool | int | float | str)
    ]
    if not plain:
        return None
    name, value = plain[0]
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if part.kind in ("backbone", "model"):
        task = str(part.row.get("task"))
        classes = _classes(task, DATA.get(task, "digits")) if part.kind == "model" else None
        python = _call("zoo.build", _literal(part.ref), classes=classes, **{name: value})
        return python, f"zoo build {part.ref}{_words({'classes': classes})} --set options.{name}={text}"
    table = _literal({"name": part.ref, name: value})
    if part.kind == "head":
        build = f"zoo.build({_literal(BACKBONE)}, head={table})"
        return build, f"zoo build {BACKBONE} --head {part.ref} --set head.{name}={text}"
    section = KINDS[part.kind].argument
    if part.kind == "metric":
        typed = f"zoo fit recipe.toml --set 'trainer.metrics=[{{name=\"{part.ref}\", {name}={text}}}]'"
        return f"zoo.evaluate(model, data, {section}=[{table}])", typed
    fit = f"zoo.fit(model, {table})" if part.kind == "dataset" else f"zoo.fit(model, data, {section}={table})"
    return fit, f"zoo fit recipe.toml --set {section}.{name}={text}"
