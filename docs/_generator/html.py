"""Small pieces of HTML. Raw HTML in a page leaves no doubt what is text and what is markup."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

__all__ = ["code", "escape", "facts", "link", "table"]


def code(text: object) -> str:
    """The text as code."""
    return f"<code>{escape(str(text), quote=False)}</code>"


def link(address: str, text: str) -> str:
    """A link; the text is HTML already."""
    return f'<a href="{escape(address)}">{text}</a>'


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """A table of cells that are HTML already.

    Args:
        header: names of the columns.
        rows: their cells.
        right: indices of columns of numbers, aligned to the right.
    """

    def cells(tag: str, texts: Sequence[str]) -> str:
        side = [' style="text-align: right"' if i in right else "" for i in range(len(header))]
        return "".join(f"<{tag}{side[i]}>{text}</{tag}>" for i, text in enumerate(texts))

    lines = [f"<table><thead><tr>{cells('th', header)}</tr></thead><tbody>"]
    lines += [f"<tr>{cells('td', row)}</tr>" for row in rows]
    return "\n".join([*lines, "</tbody></table>"])


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Names with values that are HTML already; pairs without a value are left out."""
    rows = [f"<dt>{name}</dt><dd>{value}</dd>" for name, value in pairs if value]
    return "\n".join(['<dl class="zoo-facts">', *rows, "</dl>"])
