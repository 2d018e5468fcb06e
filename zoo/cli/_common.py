"""Helpers of several subcommands."""

from __future__ import annotations

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
    click.echo(json_text(data, indent=1, default=str))
