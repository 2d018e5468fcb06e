"""The surveyed architectures, read from the package's data file; free of torch and of timm."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

Row = Mapping[str, Any]

FILE = "architectures.json"


@lru_cache(maxsize=1)
def _table() -> Mapping[str, Any]:
    table: Mapping[str, Any] = json.loads((files("zoo_timm") / FILE).read_text(encoding="utf-8"))
    return table


def architectures() -> Mapping[str, Row]:
    """Row of each architecture that is offered, by timm's name."""
    rows: Mapping[str, Row] = _table()["architectures"]
    return rows


def refused() -> Mapping[str, str]:
    """The reason for each architecture that was surveyed and is not offered."""
    reasons: Mapping[str, str] = _table()["refused"]
    return reasons
