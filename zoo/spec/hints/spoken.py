"""The words in which the user said what is to be built: Python, a recipe or a shell; hints answer alike."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal

from zoo.spec.hints.toml_text import toml

Way = Literal["python", "recipe", "shell"]
"""A call, a recipe in TOML, or the words of a command."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """The words in which a model section was said.

    Args:
        options: of the section that were said just now, so that the default counts there too.
        way: in which they were said.
        rest: in which everything else was.
        data: path of the options of data on a command line, up to the option.
        model: as a verb got it: one that was built before, which keeps its classes, a recipe, whose classes
            data may tell, or a torch module.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    way: Way = "python"
    rest: Way = "python"
    data: str = field(default="data.", repr=False)
    model: Literal["built", "recipe", "module"] = field(default="built", repr=False, compare=False)

    def way_of(self, option: str) -> Way:
        """The way in which an option of the section was said."""
        return self.way if option in self.options else self.rest


_MOST_CLASSES = 8
"""Of more classes a hint says how many there are."""

_SPOKEN = ContextVar("spoken", default=Spoken())  # noqa: B039 - frozen


def spoken() -> Spoken:
    """The words of the user at this place; Python where nobody has said otherwise."""
    return _SPOKEN.get()


@contextmanager
def speaking(said: Spoken) -> Iterator[None]:
    """Within it `spoken` answers so."""
    before = _SPOKEN.set(said)
    try:
        yield
    finally:
        _SPOKEN.reset(before)


def argument(name: str, value: Any) -> str:
    """An argument of a verb, as it is said where the verb was called: on a command line as a flag.

    Args:
        name: of the argument.
        value: of it; on a command line true and false are flags alone.

    Example:
        >>> argument("cache", True), argument("precision", "bf16")
        ('cache=True', "precision='bf16'")
        >>> with speaking(Spoken(way="shell")):
        ...     argument("cache", True), argument("cache", False), argument("workers", 2)
        ('--cache', '--no-cache', '--workers 2')
    """
    if spoken().way != "shell":
        return f"{name}={value!r}"
    flag = name.replace("_", "-")
    if isinstance(value, bool):
        return f"--{flag}" if value else f"--no-{flag}"
    return f"--{flag} {shlex.quote(str(value))}"


def data_option(name: str, value: Any) -> str:
    """An option of data, as it is said; where data are looked at they have no section.

    Args:
        name: of the option.
        value: of it.

    Example:
        >>> data_option("target", "age")
        "target='age'"
        >>> with speaking(Spoken(way="shell")):
        ...     print(data_option("target", "age"), data_option("skip_unpaired", True))
        --set data.target=age --set data.skip_unpaired=true
        >>> with speaking(Spoken(way="shell")):
        ...     print(data_option("target", "2019"))
        --set 'data.target="2019"'
        >>> with speaking(Spoken(way="shell", data="")):
        ...     print(data_option("target", "age"))
        --set target=age
    """
    said = spoken()
    return _set(f"{said.data}{name}", value) if said.way == "shell" else f"{name}={value!r}"


def data_named(name: str, path: str) -> str:
    """Data of a data set by name that takes a path, as they are said.

    Example:
        >>> data_named("own:scans", "./mine")
        "data={'name': 'own:scans', 'path': './mine'}"
        >>> with speaking(Spoken(way="shell")):
        ...     print(data_named("own:scans", "./mine"))
        --data own:scans --set data.path=./mine
        >>> with speaking(Spoken(way="shell", data="")):
        ...     print(data_named("own:scans", "./mine"))
        zoo data own:scans --set path=./mine
    """
    said = spoken()
    if said.way != "shell":
        return f"data={_python({'name': name, 'path': path})}"
    return f"{'--data' if said.data else 'zoo data'} {name} {data_option('path', path)}"


def classes_said(classes: int | Sequence[str]) -> str:
    """The hint for which classes a model is to be built, as these were said.

    Args:
        classes: their names, or their number where nobody called them or they are many.

    Example:
        >>> print(classes_said(3))
        say zoo.build(..., classes=3)
        >>> with speaking(Spoken(model="recipe")):
        ...     print(classes_said(["cat", "dog"]))
        say classes = ["cat", "dog"] in [model], or leave it out: the data tell it
        >>> with speaking(Spoken(way="shell", model="recipe")):
        ...     print(classes_said(["cat", "dog"]))
        say --classes cat,dog, or leave it out: the data tell it
    """
    said = spoken()
    if not isinstance(classes, int) and len(classes) > _MOST_CLASSES:
        classes = len(classes)
    number = classes if isinstance(classes, int) else len(classes)
    if said.model == "module":
        return f"give one with {number} outputs"
    if said.model == "recipe":
        typed = classes if isinstance(classes, int) else ",".join(classes)
        shell = said.way == "shell"
        option = argument("classes", typed) if shell else f"classes = {toml(classes)} in [model]"
        return f"say {option}, or leave it out: the data tell it"
    if said.way == "shell":
        return "a saved model keeps its classes: --model FOLDER --head NAME takes its backbone for others"
    return f"say zoo.build(..., classes={_python(classes)})"


def heads(text: str, look: str | None = None) -> str:
    """A hint that names heads, as these are said.

    Args:
        text: as in Python.
        look: the same where data are looked at, which have no head but what `--as` says.

    Example:
        >>> with speaking(Spoken(way="shell")):
        ...     print(heads('head="a", "b" or "c" tells classes, head="d" values'))
        --head a, b or c tells classes, --head d values
        >>> with speaking(Spoken(way="shell", data="")):
        ...     print(heads('head="d" takes values', "--as values takes values"))
        --as values takes values
    """
    if look is not None and not spoken().data:
        return look
    if spoken().way != "shell":
        return text
    return re.sub(r'head=((?:"\w+"(?:, | or )?)+)', lambda found: f"--head {_bare(found[1])}", text)


def section_option(option: str, value: Any) -> str:
    """An option of a recipe's model section that has no flag, as it is typed.

    Example:
        >>> print(section_option("value_range", [0, 4095]), section_option("decode", "tiff"))
        --set 'model.value_range=[0, 4095]' --set model.decode=tiff
    """
    return _set(f"model.{option}", value)


def part_option(way: Way, key: str, name: str, option: str, value: Any) -> str:
    """An option of a part of a model, as it is said.

    Args:
        way: of saying it.
        key: of the section, or option, that refers to the part.
        name: of the part.
        option: of the part.
        value: of the option.

    Example:
        >>> for way in ("python", "recipe", "shell"):
        ...     print(part_option(way, "head", "binary", "pool", "max"))
        head={"name": "binary", "pool": "max"}
        head = {name = "binary", pool = "max"} in [model]
        --set head.pool=max
    """
    if way == "python":
        return f'{key}={{"name": {_python(name)}, "{option}": {_python(value)}}}'
    if way == "recipe":
        table = "model" if key == "head" else "model.options"
        return f"{key} = {{name = {toml(name)}, {option} = {toml(value)}}} in [{table}]"
    return _set(f"{'' if key == 'head' else 'options.'}{key}.{option}", value)


def own_option(way: Way, option: str, value: Any) -> str:
    """An option of the backbone or model itself, as it is said.

    Example:
        >>> for way in ("python", "recipe", "shell"):
        ...     print(own_option(way, "width", 0.5))
        zoo.build(..., width=0.5)
        width = 0.5 in [model.options]
        --set options.width=0.5
    """
    if way == "python":
        return f"zoo.build(..., {option}={_python(value)})"
    return (
        f"{option} = {toml(value)} in [model.options]"
        if way == "recipe"
        else _set(f"options.{option}", value)
    )


def trainer_option(way: Way, option: str, value: Any) -> str:
    """An option of the trainer, as it is said.

    Example:
        >>> for way in ("python", "recipe", "shell"):
        ...     print(trainer_option(way, "lr", 0.1))
        zoo.fit(model, data, lr=0.1)
        lr = 0.1 in [trainer]
        zoo fit ... --set trainer.lr=0.1
    """
    if way == "python":
        return f"zoo.fit(model, data, {option}={_python(value)})"
    return (
        f"{option} = {toml(value)} in [trainer]"
        if way == "recipe"
        else f"zoo fit ... {_set(f'trainer.{option}', value)}"
    )


def augment_options(way: Way, name: str, options: Mapping[str, Any], prefix: str = "augment.") -> str:
    """Options of the one augmenter that is named, as they are said.

    Args:
        way: of saying it.
        name: of the augmenter.
        options: of it.
        prefix: of an option's path on a command line.

    Example:
        >>> for way in ("python", "recipe", "shell"):
        ...     print(augment_options(way, "flip", {"vertical": False}))
        augment={'name': 'flip', 'vertical': False}
        augment = {name = "flip", vertical = false}
        --set augment.vertical=false
    """
    if way == "shell":
        return " ".join(_set(f"{prefix}{option}", value) for option, value in options.items())
    table = {"name": name, **options}
    return f"augment={_python(table)}" if way == "python" else f"augment = {toml(table)}"


def _bare(text: str) -> str:
    return text.replace('"', "")


def _set(path: str, value: Any) -> str:
    """The words that set a value; a text needs no quotes of its own there, but where it would be a number."""
    text = value if isinstance(value, str) and _is_bare(value) else toml(value)
    return f"--set {shlex.quote(f'{path}={text}')}"


def _is_bare(text: str) -> bool:
    try:
        tomllib.loads(f"value = {text}")
    except (tomllib.TOMLDecodeError, RecursionError):
        return True
    return False


def _python(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
