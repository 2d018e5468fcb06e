"""Tables for people: aligned text on a terminal, HTML in a notebook."""

from __future__ import annotations

import base64
import html
import math
import re
import shutil
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from zoo.spec.names import one_line

WIDEST = 10_000
"""Columns where nothing limits them; a number, since lines are compared with it."""

MOST_ROWS = 20
"""Classes up to which every one is shown in a table."""

FEW_ROWS = 5
"""Rows that are shown of more than that, and of mistakes."""

_TINT = "background:rgba(31,119,180,.16)"
"""Seen on white and on black; text keeps the notebook's own colour."""


_MARKS = re.compile(r"([\\\\`*\[\]|~]|(?<![^\W_])_|_(?![^\W_]))")
"""What Markdown takes for marks within a line; an underscore inside a word is none."""


class Markup(str):
    """HTML that is put into a page as it is; every other text is escaped."""

    __slots__ = ()


def count(number: int | None) -> str:
    """A number of parameters as people say it.

    Example:
        >>> [count(n) for n in (14_714_688, 512, 25_600, 1_260_000_000, None)]
        ['14.7M', '512', '25.6k', '1.3G', '']
    """
    if number is None:
        return ""
    for size, unit in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            return f"{number / size:.1f}{unit}"
    return str(number)


def counted(number: int, noun: str, several: str = "") -> str:
    """A number of things in words.

    Args:
        number: of them.
        noun: of one.
        several: of more, where it is not the noun with an s.

    Example:
        >>> counted(1, "file"), counted(2, "file"), counted(0, "class", "classes")
        ('1 file', '2 files', '0 classes')
    """
    return f"{number} {noun if number == 1 else several or noun + 's'}"


def size(count: int) -> str:
    """Bytes as people say them.

    Example:
        >>> size(8_200), size(33_200_000), size(2_500_000_000)
        ('8.2 kB', '33.2 MB', '2.5 GB')
    """
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count / 1e3:.1f} kB"


def markdown(text: object) -> str:
    """A text in one line that Markdown and HTML show letter by letter.

    Example:
        >>> print(markdown("a_b <b> *c* [d](e)"))
        a_b &lt;b&gt; \\*c\\* \\[d\\](e)
    """
    line = _MARKS.sub(r"\\\1", one_line(str(text)))
    return html.escape(line, quote=False)


def width() -> int:
    """Columns to fill; no limit where the output is not a terminal, so that a program gets everything."""
    terminal = sys.stdout is not None and sys.stdout.isatty()
    return shutil.get_terminal_size().columns if terminal else WIDEST


def table(
    rows: Sequence[Sequence[object]], header: Sequence[str], *, right: Collection[int] = (), indent: str = ""
) -> str:
    """Aligned columns of plain text, the last cut to the terminal.

    Args:
        rows: their cells.
        header: names of the columns.
        right: indices of columns aligned to the right.
        indent: put before each line.

    Example:
        >>> print(table([["net", 7], ["other", 12]], ["NAME", "N"], right=[1]))
        NAME    N
        net     7
        other  12
    """
    cells = [[*header], *([_cell(cell) for cell in row] for row in rows)]
    sizes = [max(len(row[i]) for row in cells) for i in range(len(header))]
    limit = width()
    lines = []
    for row in cells:
        padded = [cell.rjust(sizes[i]) if i in right else cell.ljust(sizes[i]) for i, cell in enumerate(row)]
        line = (indent + "  ".join(padded)).rstrip()
        lines.append(line if len(line) <= limit else f"{line[: limit - 3]}...")
    return "\n".join(lines)


def _cell(value: object) -> str:
    return "" if value is None else printable(str(value))


def printable(text: str) -> str:
    """A text, such as a file's name, as a terminal may be given it: without orders and lines.

    Example:
        >>> printable("my  cat.png"), printable("cat\\n\\x1b[31m.png")
        ('my  cat.png', 'cat \ufffd[31m.png')
    """
    return text if text.isprintable() else one_line(text)


def html_table(
    rows: Sequence[Sequence[object]],
    header: Sequence[str],
    *,
    right: Collection[int] = (),
    tinted: Collection[int] = (),
) -> Markup:
    """A table for a notebook, in the colours of its theme.

    Args:
        rows: their cells; text is escaped unless it is `Markup`.
        header: names of the columns.
        right: indices of columns aligned to the right.
        tinted: indices of rows that stand out.

    Example:
        >>> "&lt;b&gt;" in html_table([["<b>"]], ["label"])
        True
    """
    sides = ["right" if i in right else "left" for i in range(len(header))]
    head = "".join(
        f'<th style="text-align:{side}">{escaped(name)}</th>'
        for name, side in zip(header, sides, strict=True)
    )
    body = []
    for i, row in enumerate(rows):
        cells = "".join(
            f'<td style="text-align:{side}">{escaped(cell)}</td>'
            for cell, side in zip(row, sides, strict=True)
        )
        body.append(f'<tr style="{_TINT}">{cells}</tr>' if i in tinted else f"<tr>{cells}</tr>")
    return Markup(f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>")


@dataclass(frozen=True, slots=True)
class Table:
    """A table in text and in HTML.

    Args:
        header: names of the columns.
        rows: their cells.
        right: indices of columns aligned to the right.
        below: a line below it.
        shades: from 0 to 1, of all cells but those of the first column.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[object]]
    right: Collection[int] = ()
    below: str = ""
    shades: Sequence[Sequence[float]] = ()

    def text(self) -> str:
        """Aligned columns."""
        lines = table(self.rows, self.header, right=self.right)
        return f"{lines}\n{self.below}" if self.below else lines

    def html(self) -> Markup:
        """HTML for a notebook."""
        rows = self.rows
        if self.shades:
            rows = [
                [row[0], *map(_shaded, row[1:], shares)]
                for row, shares in zip(rows, self.shades, strict=True)
            ]
        return html_page("", html_table(rows, self.header, right=self.right), self.below)


def html_page(title: str, *parts: object) -> Markup:
    """A heading, and lines, tables and images below it; what is no `Markup` is escaped."""
    blocks = [f"<div><strong>{escaped(title)}</strong></div>"] if title else []
    blocks += [part if isinstance(part, Markup) else f"<div>{escaped(part)}</div>" for part in parts if part]
    return Markup(f"<div>{''.join(blocks)}</div>")


def html_bar(share: float) -> Markup:
    """A bar for a share in [0, 1]."""
    # An undefined figure is an empty bar
    filled = min(max(share, 0.0), 1.0) if not math.isnan(share) else 0.0
    inner = f'<div style="width:{filled:.1%};height:.8em;background:rgba(31,119,180,.75)"></div>'
    return Markup(f'<div style="width:10em;background:rgba(128,128,128,.2)">{inner}</div>')


def html_image(png: bytes, words: str = "", *, pixels: int | None = None) -> Markup:
    """An image that a page carries in itself.

    Args:
        png: the file's bytes.
        words: said where it cannot be shown.
        pixels: longer side on the screen; its own size where None.
    """
    size = "max-width:100%" if pixels is None else f"max-width:{pixels}px;max-height:{pixels}px"
    data = base64.b64encode(png).decode("ascii")
    return Markup(f'<img src="data:image/png;base64,{data}" alt="{escaped(words)}" style="{size}">')


def more(total: int, shown: int, words: str = "") -> str:
    """The line below a table that was cut; empty where it was not.

    Example:
        >>> more(25, 20, "images"), more(3, 20)
        ('and 5 more images', '')
    """
    return f"and {total - shown:,} more {words}".rstrip() if total > shown else ""


def escaped(cell: object) -> str:
    """A text as HTML shows it letter by letter; `Markup` as it is."""
    return cell if isinstance(cell, Markup) else html.escape("" if cell is None else str(cell))


def _shaded(cell: object, share: float) -> Markup:
    """A cell whose ground is the darker, the larger its share in [0, 1]."""
    ground = f"background:rgba(31,119,180,{0.6 * share:.2f})"  # never opaque: text keeps its colour
    return Markup(f'<div style="{ground};padding:.15em .5em">{escaped(cell)}</div>')
