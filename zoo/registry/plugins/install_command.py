"""Commands that install a distribution: from an index where it is published there, else from the checkout."""

from __future__ import annotations

import os

from zoo.registry.catalogue import Row, checkout, known
from zoo.spec.disk.paths import working_folder


def way_to_install(
    distribution: str, *, extra: str | None = None, version: str | None = None, here: bool = True
) -> str:
    """The command that installs a distribution, or who knows it.

    An index is named only for what `registry.json` marks as `published`: elsewhere anybody may have taken the
    name. What is not published is installed from its place in the checkout, `where`.

    Args:
        distribution: its name.
        extra: optional dependencies to install as well.
        version: that is needed.
        here: whether this machine's reader is told, who may have the checkout; else anybody's.
    """
    row = _row(distribution)
    extras = f"[{extra}]" if extra else ""
    if row.get("published"):
        target = f"{distribution}{extras}{f'=={version}' if version else ''}"
        return f"pip install {_quoted(target)}"
    if "where" not in row:
        return f"install {distribution}{f' {version}' if version else ''} from where its author offers it"
    place, note = _place(row["where"], here=here)
    return f"pip install {_quoted(place + extras)}{note}"


def way_to_upgrade(distribution: str) -> str:
    """The command that brings a newer version of a distribution, or who knows it."""
    row = _row(distribution)
    if row.get("published"):
        return f"pip install --upgrade {distribution}"
    if "where" not in row:
        return f"install a newer {distribution} from where its author offers it"
    return f"bring the checkout of zoo up to date, then {way_to_install(distribution)}"


def _row(distribution: str) -> Row:
    return next((row for row in known() if row["distribution"] == distribution), {})


def _place(where: str, *, here: bool) -> tuple[str, str]:
    """A folder of the checkout as a shell takes it, and what to say where the checkout is not at hand."""
    root = checkout()
    if not here or root is None or not (root / where).is_dir():
        # Without ./ pip would look the folder's name up in the index; the note is a comment to the shell, so
        # that the line can be pasted
        return (where if where == "." else f"./{where}"), "  # in the checkout of zoo"
    folder = (root / where).resolve()
    current = working_folder()
    if current and folder.is_relative_to(current.resolve()):
        current = current.resolve()
        inside = folder.relative_to(current).as_posix()
        return (inside if inside == "." else f"./{inside}"), ""
    return os.fspath(folder), ""


def _quoted(target: str) -> str:
    # zsh takes brackets for a pattern
    return f"'{target}'" if any(mark in target for mark in "[ ") else target
