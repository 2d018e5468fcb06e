"""How a component is used, in Python and on the command line, as text that runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from _generator.companions import classes, companion, declared, generates, head, targets, task_of, with_form
from _generator.parts import Part
from zoo.interfaces.tasks.choice import BY_NAME, for_classes
from zoo.spec.data_options import PATH
from zoo.spec.kinds import KINDS

PAIR = 2
"""Networks of a model that is trained against another one, which it has too."""

WIDTH = 84
"""Letters that a line of an example may have without being cut on a laptop."""


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


@dataclass(frozen=True)
class _Setting:
    """What a component is shown with.

    Args:
        model: the call that makes it.
        words: options of `zoo fit` for the model and the data.
        data: as the program says them.
        before: lines before the model, with their imports.
        classes: that the model is made for.
    """

    model: str
    words: str
    data: str
    before: tuple[str, ...] = ("import zoo", "")
    classes: int | None = None

    @property
    def named(self) -> bool:
        """Whether a command line can name the data."""
        return not self.data.startswith("TensorDataset")


def _setting(part: Part, task: str, *, model: str | None = None, data: Part | None = None) -> _Setting | None:
    """A model for a task and data for it; None where the registry has none.

    Args:
        part: that is shown.
        task: of the model.
        model: a complete one; that for the task where None.
        data: set that the model is trained on; that for the task where None.
    """
    data = data or declared(part, "data") or companion(part, "dataset", task)
    if data is None and task not in BY_NAME:
        return None
    number = part.example.get("classes") if part.kind != "dataset" else None
    number = number or (classes(task, data) if data else 5 if classes(task, None) else None)
    whole = declared(part, "model") or companion(part, "model", task)
    if model or (whole and whole.kind == "model"):
        model = model or whole.ref  # type: ignore[union-attr]
        call, words = _call("zoo.build", _literal(model), classes=number), f"--model {model}"
    else:
        backbone = companion(part, "backbone", task)
        if backbone is None:
            return None
        name = part.example.get("head") or head(part, task)
        call = _call("zoo.build", _literal(backbone.ref), head=name, classes=number)
        words = f"--model {backbone.ref} --head {name}"
    if data is not None:
        return _Setting(call, f"{words} --data {data.ref}", _literal(data.ref), classes=number)
    ((name, drawn),) = targets(task).items()
    imports = ("import torch", "from torch.utils.data import TensorDataset", "import zoo", "")
    lines = (*imports, f"images, {name} = torch.rand(40, 3, 32, 32), {drawn}")
    return _Setting(call, words, f"TensorDataset(images, {name})", lines, number)


def _in_general(part: Part) -> Use:
    """What the table of kinds says, where the registry has nothing to show it with."""
    call, command = KINDS[part.kind].used(part.ref)
    return Use((), (command,)) if part.kind == "dataset" else Use(("import zoo", "", call), (command,))


def _backbone(part: Part) -> Use:
    tag, two = next(iter(part.weights), None), head(part, for_classes(len(("cats", "dogs"))).name)
    blocks = len(part.facts.get("blocks") or ())
    freeze = None if tag is None or blocks < 2 else "block1" if blocks == 2 else f"block1-{blocks - 1}"
    given = {"head": two, "weights": tag, "freeze": freeze}
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
            f"zoo fit --model {part.ref} --head {two} --data photos/cats-and-dogs{_continued(sets)}",
        ),
    )


def _model(part: Part) -> Use:
    task = str(part.task)
    setting = _setting(part, task, model=part.ref)
    if setting is None:
        return _in_general(part)
    command = f"zoo build {part.ref}{_words({'classes': setting.classes})}"
    if generates(task) and len(part.facts.get("networks") or ()) != PAIR:  # nothing to train it against
        sample = _set("images", "model.sample(16, seed=0)")
        return Use(
            ("import zoo", "", _set("model", setting.model), sample, "print(images.shape)"), (command,)
        )
    lines = (_set("model", setting.model), "print(model.summary())")
    run = _set("run", _call("zoo.fit", "model", setting.data))
    return Use((*setting.before, *lines, run), (command, f"zoo fit {setting.words}"))


def _head(part: Part) -> Use:
    task = str(part.task)
    backbone = companion(part, "backbone", task)
    if backbone is None:
        return _in_general(part)
    given = {"head": part.ref, "classes": part.example.get("classes", classes(task, None))}
    build = _call("zoo.build", _literal(backbone.ref), **given)
    return Use(
        ("import zoo", "", _set("model", build), "print(model.summary())"),
        (
            f"zoo build {backbone.ref}{_words(given)}",
            f"zoo fit --model {backbone.ref} --head {part.ref} --data photos/cats-and-dogs",
        ),
    )


def _trained(part: Part, task: str | None = None) -> Use:
    """A part that training takes, a loss, an augmenter, a trainer, for its own task or another one."""
    section, setting = KINDS[part.kind].argument, _setting(part, task or task_of(part))
    if setting is None:
        return _in_general(part)
    fit = _call("zoo.fit", "model", setting.data, **{section: part.ref})
    lines = (*setting.before, _set("model", setting.model), _set("run", fit), "print(run)")
    return Use(lines, (f"zoo fit {setting.words} --{section} {part.ref}",) if setting.named else ())


def _augmenter(part: Part) -> Use:
    # Of two classes, where there are data of such: digits and letters lose their meaning in a mirror
    two = for_classes(len(("cats", "dogs"))).name
    use = _trained(part, two if part.task is None and companion(part, "dataset", two) else None)
    return replace(use, commands=(f"zoo augment image.jpg --augment {part.ref}", *use.commands))


def place_of(part: Part) -> str | None:
    """A path that data of files may be read from; None for data of a name alone."""
    if "default" in part.options.get(PATH, {"default": None}):
        return None
    return f"./data{next((tag for tag in part.row.get('tags', ()) if tag.startswith('.')), '')}"


def _dataset(part: Part) -> Use:
    look = f"zoo data {part.ref}"
    if (place := place_of(part)) is not None:
        known = f"zoo data {place}" if "." in place[1:] else f"zoo data {part.ref} --set path={place}"
        return Use((), (known,))
    setting = _setting(part, part.task, data=part) if part.task else None
    if setting is None:
        return Use((), (look,))
    evaluate = _call("zoo.evaluate", "model", setting.data, split="test")
    run = _set("run", _call("zoo.fit", "model", setting.data))
    return Use(
        (*setting.before, _set("model", setting.model), run, f"print({evaluate})"),
        (look, f"zoo fit {setting.words}"),
    )


def _metric(part: Part) -> Use:
    setting = _setting(part, with_form(part, part.facts.get("forms") or ()))
    if setting is None:
        return _in_general(part)
    commands = [KINDS[part.kind].used(part.ref)[1], f"zoo fit {setting.words} --metric {part.ref}"]
    figures = _set("figures", _call("zoo.evaluate", "model", setting.data, metrics=[part.ref]))
    lines = (*setting.before, _set("model", setting.model), figures, "print(figures)")
    return Use(lines, tuple(commands if setting.named else commands[:1]))


_BY_KIND = {
    "backbone": _backbone,
    "head": _head,
    "model": _model,
    "augmenter": _augmenter,
    "loss": _trained,
    "trainer": _trained,
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
        setting = _setting(part, str(part.task), model=part.ref) if part.kind == "model" else None
        number = setting.classes if setting else None
        python = _call("zoo.build", _literal(part.ref), classes=number, **{name: value})
        return python, f"zoo build {part.ref}{_words({'classes': number})} --set options.{name}={text}"
    place = place_of(part) if part.kind == "dataset" else None
    table = _literal({"name": part.ref, **({PATH: place} if place else {}), name: value})
    if part.kind == "head":
        backbone = companion(part, "backbone", str(part.task))
        below = backbone.ref if backbone else "BACKBONE"
        build = f"zoo.build({_literal(below) if backbone else below}, head={table})"
        return build, f"zoo build {below} --head {part.ref} --set head.{name}={text}"
    section = KINDS[part.kind].argument
    if part.kind == "metric":
        typed = f"zoo fit recipe.toml --set 'trainer.metrics=[{{name=\"{part.ref}\", {name}={text}}}]'"
        return f"zoo.evaluate(model, data, {section}=[{table}])", typed
    fit = f"zoo.fit(model, {table})" if part.kind == "dataset" else f"zoo.fit(model, data, {section}={table})"
    where = f" --set {section}.{PATH}={place}" if place else ""
    return fit, f"zoo fit recipe.toml{where} --set {section}.{name}={text}"
