"""Options that several subcommands have, and how their values are read."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any, TypeVar

import click

from zoo.cli._complete import components, freeze_specs, weights_of

F = TypeVar("F", bound=Callable[..., Any])


class Classes(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 on
    """A number of classes, or their labels.

    Example:
        >>> [CLASSES.convert(text, None, None) for text in ("3", "cat, dog")]
        [3, ['cat', 'dog']]
    """

    name = "NUMBER|LABEL,LABEL"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Reads a text; a value that was read already stays."""
        if not isinstance(value, str):
            return value
        if value.isdecimal():
            return int(value)
        words = [word.strip() for word in value.split(",")]
        if not all(words):
            self.fail(f"expected a number, or labels with commas between: cat,dog; got {value!r}", param, ctx)
        return words


class Size(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 on
    """Height and width of the images in pixels.

    Example:
        >>> [SIZE.convert(text, None, None) for text in ("150", "150x200")]
        [150, [150, 200]]
    """

    name = "PIXELS"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Reads a text; a value that was read already stays."""
        if not isinstance(value, str):
            return value
        numbers = value.lower().split("x")
        if not all(number.isdecimal() for number in numbers) or len(numbers) > 2:
            self.fail(f"expected 150 or 150x200, got {value!r}", param, ctx)
        return int(numbers[0]) if len(numbers) == 1 else [int(number) for number in numbers]


class Rate(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 on
    """One learning rate, or one for each part of the model.

    Example:
        >>> [RATE.convert(text, None, None) for text in ("1e-4", "backbone=1e-5,head=1e-3")]
        [0.0001, {'backbone': 1e-05, 'head': 0.001}]
    """

    name = "RATE|PART=RATE,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Reads a text; a value that was read already stays."""
        if not isinstance(value, str):
            return value
        try:
            if "=" not in value:
                return float(value)
            pairs = [item.partition("=") for item in value.split(",")]
            rates = {part.strip(): float(rate) for part, _, rate in pairs}
        except ValueError:
            rates = {}
        # A part without a name, or one that is named twice
        if not rates or not all(rates) or len(rates) != value.count(",") + 1:
            self.fail(
                f"expected 1e-4, or a rate for each part: backbone=1e-5,head=1e-3; got {value!r}", param, ctx
            )
        return rates


class Name(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 on
    """One component's name, where an option may be given several times."""

    name = "NAME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuses a list in one word."""
        # One or several with options, as a recipe has them, stand where a recipe has them
        if isinstance(value, str) and value.lstrip().startswith(("{", "[")) and ctx is not None:
            path = param.name if param is not None else "augment"
            typed = shlex.quote(f"{path}={value}")
            own = f"; with options say --set {typed}" if path == "augment" else ""
            self.fail(f"expected a name, got {value!r}{own}", param, ctx)
        # A list with commas, as other options take it, would be looked up as one odd name
        if isinstance(value, str) and "," in value:
            option = param.opts[0] if param is not None else "--augment"
            each = " ".join(f"{option} {word.strip()}" for word in value.split(","))
            self.fail(f"expected one name, got {value!r}; several: {each}", param, ctx)
        return value


CLASSES, SIZE, RATE, NAME = Classes(), Size(), Rate(), Name()

MODEL_OPTIONS = ("head", "freeze", "weights", "in_channels", "classes", "input_size")
"""What `model_options` adds; each is called like its place in the recipe's model section."""


def model_options(command: F) -> F:
    """Adds what is said of a model beside its name."""
    options = (
        click.option("--head", metavar="NAME", help='A head by name, or "original".',
                     shell_complete=components("head", more=("original",))),
        click.option("--freeze", metavar="BLOCKS", help="Blocks to freeze: block1-4, or all.",
                     shell_complete=freeze_specs),
        click.option("--weights", metavar="WEIGHTS",
                     help="A tag, a file, or hf://owner/name; random where left out.",
                     shell_complete=weights_of),
        click.option("--in-channels", type=click.IntRange(min=1), metavar="NUMBER",
                     help="Channels of the images."),
        click.option("--classes", type=CLASSES, metavar="CLASSES",
                     help="Their number, or their labels with commas between."),
        click.option("--input-size", type=SIZE, metavar="PIXELS",
                     help="150, or 150x200 for height and width."),
    )  # fmt: skip
    # Decorators apply from the last to the first, and help lists them as they stand
    for option in reversed(options):
        command = option(command)
    return command
