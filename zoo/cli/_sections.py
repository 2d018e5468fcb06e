"""Help of a command with many options, in sections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

_REST = "Other"
_GAP = 2
_WIDEST = 28  # columns of an option, so that its text has room within 80


class Sectioned(click.Command):
    """A command whose help lists options under headings, all with the same columns.

    Args:
        sections: names of parameters by heading; those in none come last.
        **attributes: as in click.
    """

    def __init__(self, *arguments: Any, sections: Mapping[str, tuple[str, ...]], **attributes: Any) -> None:
        super().__init__(*arguments, **attributes)
        self.sections = sections

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the sections."""
        rest = _REST if self.sections else "Options"
        rows: dict[str, list[tuple[str, str]]] = {heading: [] for heading in (*self.sections, rest)}
        places = {name: heading for heading, names in self.sections.items() for name in names}
        for parameter in self.get_params(ctx):
            row = parameter.get_help_record(ctx)
            if row is not None and not isinstance(parameter, click.Argument):  # the text tells of those
                rows[places.get(parameter.name or "", rest)].append(row)
        widths = [len(first) for section in rows.values() for first, _ in section]
        width = min(max(widths), _WIDEST - _GAP)
        for heading, section in rows.items():
            if section:
                with formatter.section(heading):
                    # click makes columns for each section; filled up, all have those of the widest
                    formatter.write_dl([(first.ljust(width), text) for first, text in section], _WIDEST)
