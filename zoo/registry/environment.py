"""Values that the environment gives."""

from __future__ import annotations

import math
import os

from zoo.spec.errors import OptionError, quote


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
