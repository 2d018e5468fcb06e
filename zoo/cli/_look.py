"""Input that a model would have, said where data are looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo.data.inspection.as_seen import Look

_SECTION = "model."
TAKEN = ("value_range", "pages", "in_channels", "input.bands")
"""Names of a model's section that say how images look."""


def look_of(
    sets: Sequence[str], in_channels: int | None, taken: Sequence[str] = TAKEN, *, alone: bool = True
) -> tuple[list[str], Look]:
    """The other `--set` of a command, and how images look, said as `zoo fit` takes it.

    Args:
        sets: `path=value`; those that begin with `model.` belong to a model.
        in_channels: as a flag.
        taken: what may be said of the model.
        alone: whether there is no run, which has its own input.

    Raises:
        OptionError: there is a run.
        RecipeError: something else is said of a model, a value is none, or two values are given.
        DeclarationError: channels or bands do not fit each other.

    Example:
        >>> rest, look = look_of(["data.target=age", "model.value_range=[0, 4095]"], None)
        >>> rest, look.values
        (['data.target=age'], (0, 4095))
    """
    from dataclasses import replace

    from zoo.cli._flags import Flag, combined
    from zoo.data.inspection.as_seen import Look
    from zoo.spec.errors import OptionError, RecipeError, listing
    from zoo.spec.inputs import FIRST, InputSpec, range_value

    own = [text.strip() for text in sets if text.strip().startswith(_SECTION)]
    rest = [text for text in sets if text.strip() not in own]
    for text in own:
        path = text.partition("=")[0].strip().removeprefix(_SECTION)
        if path not in taken:
            expected = f"of a model {listing(taken)}, which say how images look"
            raise RecipeError(f"--set {text}", expected=expected, got=path, hint="leave it out here")
    if not alone and (own or in_channels is not None):
        got = f"--set {own[0]}" if own else "--in-channels"
        raise OptionError("--model", expected="the input of the run", got=got, hint="leave one of them out")
    flag = Flag("in_channels", ("model", "in_channels"), in_channels)
    section = combined({}, [flag], own).get("model", {})
    found = range_value(section.get("value_range"))
    channels, bands = section.get("in_channels"), section.get("input", {}).get("bands", [])
    spec = InputSpec()
    if channels is not None:
        # Of a wrong number the spec says so
        spec = (
            spec.with_channels(channels)
            if type(channels) is int and channels > 0
            else InputSpec(channels=channels)
        )
    bands = spec.changed({"bands": bands}).bands if bands != [] else ()
    values = None if found is None else (found[0], found[1])
    return rest, Look(
        replace(spec, value_range=values, pages=section.get("pages", FIRST)).reading, channels, bands
    )
