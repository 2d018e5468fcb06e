"""Sizes that a stranger can take in: of files, rooms and functions, in the core and the plugins."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator, Mapping
from pathlib import Path

LONGEST_FILE = 300
"""Lines of a file."""

FULLEST_ROOM = 16
"""Modules of a room, its `__init__` among them."""

LONGEST_FUNCTION = 40
"""Lines of code of a function, without signature, docstring, comments and empty lines."""

SERIES: Mapping[str, str] = {
    "zoo/builtin": "a file a registered thing",
    "zoo/cli": "a file a command",
    "zoo/interfaces/tasks": "a file a task",
    "zoo/testing": "a file a group of rules",
}
"""Rooms whose files are alike, so that their number costs a reader nothing, and what each file is."""

OVERLONG: Mapping[str, str] = {
    "zoo/builtin/augment_geometry.py": "to be split",
    "zoo/builtin/plugin.py": "to be split",
}
"""Files over the length that are known, and why; one that is not over it any more is a breach."""

_NO_CODE = frozenset(
    {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
)


def modules(root: Path) -> Iterator[Path]:
    """The modules of the core and of the plugins."""
    for place in ("zoo", "plugins/*/src/*"):
        for folder in sorted(root.glob(place)):
            yield from sorted(file for file in folder.rglob("*.py") if "templates" not in file.parts)


def long_files(root: Path) -> list[str]:
    """Files of more than 300 lines: two subjects in one, which a file name tells half of."""
    found, known = [], {**OVERLONG}
    for file in modules(root):
        place = file.relative_to(root).as_posix()
        lines = len(file.read_text(encoding="utf-8").splitlines())
        if lines > LONGEST_FILE and known.pop(place, None) is None:
            found.append(f"{place}: {lines} lines, more than {LONGEST_FILE}: split it by subject")
    return found + [f"{place}: not too long any more: take it off checks/sizes.py" for place in known]


def full_rooms(root: Path) -> list[str]:
    """Rooms of more than 16 modules, and rooms that do not say in one sentence what is in them."""
    found = []
    for folder in sorted({file.parent for file in modules(root)}):
        place = folder.relative_to(root).as_posix()
        count = len([*folder.glob("*.py")])
        if count > FULLEST_ROOM and place not in SERIES:
            found.append(f"{place}: {count} modules, more than {FULLEST_ROOM}: make a room in it")
        door = folder / "__init__.py"
        text = ast.get_docstring(ast.parse(door.read_text(encoding="utf-8"))) if door.exists() else None
        first = (text or "").partition("\n\n")[0]
        if "\n" in first or not first.endswith(".") or ". " in first:
            found.append(f"{place}/__init__.py: one sentence of one line on what is in the room")
    return found


def long_functions(root: Path) -> list[str]:
    """Functions of more than 40 lines of code; a single statement, such as a table, does one job."""
    found = []
    for file in modules(root):
        source = file.read_text(encoding="utf-8")
        code = _code_lines(source)
        for node in ast.walk(ast.parse(source)):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            body = node.body[ast.get_docstring(node) is not None :]
            count = len(code.intersection(range(body[0].lineno, node.end_lineno + 1))) if body else 0
            if count > LONGEST_FUNCTION and len(body) > 1:
                where = f"{file.relative_to(root).as_posix()}:{node.lineno}"
                found.append(f"{where}: {node.name}: {count} lines of code, more than {LONGEST_FUNCTION}")
    return found


def _code_lines(source: str) -> set[int]:
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    return lines
