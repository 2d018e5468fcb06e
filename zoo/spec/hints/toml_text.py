"""Plain data written as TOML, for recipes and the words of a command."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def toml(value: Any) -> str:
    """Plain data as TOML has them, in one line.

    Example:
        >>> toml({"name": "noise", "bands of": [1, True]})
        '{name = "noise", "bands of" = [1, true]}'
    """
    # Of plain values JSON is TOML too, but for tables, which have equals signs
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_key(str(key))} = {toml(item)}' for key, item in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    return json.dumps(value, ensure_ascii=False, default=str)


def _key(name: str) -> str:
    """A key of TOML, in quotes where it is more than letters, digits, lines and underscores."""
    return name if _BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False)
