"""Values that the environment gives."""

from __future__ import annotations

import math
import os

from zoo.spec.errors import OptionError, listing, quote


def number(variable: str, usual: float, unit: str, *, least: float = 0.0) -> float:
    """The number in an environment variable.

    Args:
        variable: its name.
        usual: where it is unset or empty.
        unit: of the number, for the message.
        least: the smallest that is taken.

    Raises:
        OptionError: it holds something else.

    Example:
        >>> number("ZOO_NOT_SET", 30, "seconds")
        30.0
    """
    given = os.environ.get(variable) or usual
    try:
        value = float(given)
    except ValueError:
        value = math.nan
    if not least <= value < math.inf:
        expected = f"a number of {unit} from {least:g}"
        raise OptionError(variable, expected=expected, got=quote(given), hint="set it so, or unset it")
    return value


def whole(variable: str, usual: int, what: str, *, least: int = 0) -> int:
    """The whole number in an environment variable.

    Args:
        variable: its name.
        usual: where it is unset or empty.
        what: it counts, for the message.
        least: the smallest that is taken.

    Raises:
        OptionError: it holds something else.

    Example:
        >>> whole("ZOO_NOT_SET", 1, "processes")
        1
    """
    given = os.environ.get(variable) or str(usual)
    if given.strip().isdecimal() and int(given) >= least:
        return int(given)
    expected = f"{what}, a whole number from {least}"
    raise OptionError(variable, expected=expected, got=quote(given), hint="set it so, or unset it")


def processes() -> tuple[int, int]:
    """Number of this process among those launched together, and their number.

    Raises:
        OptionError: the environment says something that is no such number.
    """
    # As torchrun and `accelerate launch` set them
    count = whole("WORLD_SIZE", 1, "the number of processes", least=1)
    number = whole("RANK", 0, "the number of this process")
    if number >= count:
        expected, hint = f"less than WORLD_SIZE, {count}", "set both, or unset both"
        raise OptionError("RANK", expected=expected, got=str(number), hint=hint)
    return number, count


_ON, _OFF = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def switch(variable: str) -> bool:
    """Whether an environment variable is switched on; unset or empty it is off.

    Args:
        variable: its name.

    Raises:
        OptionError: it holds a word that is neither.

    Example:
        >>> switch("ZOO_NOT_SET")
        False
    """
    given = os.environ.get(variable, "").strip()
    if given.lower() in _ON:
        return True
    if not given or given.lower() in _OFF:
        return False
    expected = f"one of {listing([*_ON, *_OFF])}"
    raise OptionError(variable, expected=expected, got=quote(given), hint="set it so, or unset it")
