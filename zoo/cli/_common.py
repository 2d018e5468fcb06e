"""Helpers of several subcommands."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from zoo.spec.disk.history import json_text
from zoo.spec.display import count, counted, table

__all__ = ["count", "counted", "emit_json", "json_option", "table"]

F = TypeVar("F", bound=Callable[..., Any])


def json_option(command: F) -> F:
    """Adds `--json`, which arrives as the argument `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(command)


def emit_json(data: Any) -> None:
    """Prints plain data as JSON on standard output."""
    # A console of Windows has few letters, and would have `?` for the others
    # A stream in memory says None
    full = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "") == "utf8"
    click.echo(json_text(data, indent=1, default=str) if full else json.dumps(data, indent=1, default=str))
