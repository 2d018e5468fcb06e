"""The flags `--cache`, `--cache pixels` and `--no-cache`."""

from __future__ import annotations

from typing import Any, Literal

import click

from zoo.spec.errors import OptionError, quote

FEATURES = ""
"""What `--cache` means with nothing behind it."""

_PIXELS: Literal["pixels"] = "pixels"


class Kept(click.ParamType[str]):
    """Value of `--cache`: `pixels`, or nothing."""

    name = "kept"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The value; an error says where `--cache` belongs: a recipe behind it is taken for one."""
        if value not in (FEATURES, _PIXELS):
            said = f"expected pixels, or nothing behind it, got {quote(value)}"
            self.fail(f"{said}; put --cache behind RECIPE, or say --cache pixels", param, ctx)
        return str(value)


def kept(cache: str | None, *, none: bool) -> bool | Literal["pixels"] | None:
    """The flags as `zoo.fit` takes them.

    Args:
        cache: behind `--cache`; None without it.
        none: whether there is `--no-cache`.

    Raises:
        OptionError: there are both.

    Example:
        >>> kept(None, none=False), kept(None, none=True), kept("", none=False), kept("pixels", none=False)
        (None, False, True, 'pixels')
    """
    if none and cache is not None:
        raise OptionError("--no-cache", expected="it alone", got="--cache too", hint="leave one of them out")
    if cache is None:
        return False if none else None
    return True if cache == FEATURES else _PIXELS
