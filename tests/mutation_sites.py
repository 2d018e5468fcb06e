"""Places where a random small change can be made, a sample of them, and the switches that make the changes.

Changes: a comparison or an arithmetic operator turned round, `and` for `or`, a `not` left out, a number one
larger, a call for its effect left out. Docstrings, messages, annotations, decorators and the looks of figures
are left alone.
"""

from __future__ import annotations

import ast
import copy
import hashlib
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LEFT_OUT = ("testing",)
"""Rooms not drawn from: this one is made of assertions, which other rooms' tests run."""

_LOOKS = ("stacklevel", "figsize", "fontsize", "linewidth", "alpha", "dpi", "pad", "xytext", "zorder")
"""Arguments that say where a warning points, or how a figure looks."""

_FLIP: dict[type, type] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip

_SWITCH = '''"""Which mutant is on; written for a sample of mutants."""

import os

active = int(os.environ.get("MUTANT", "-1"))
trace = os.environ.get("MUTANT_TRACE", "")
_seen = set()


def on(number):
    if trace:
        key = number, os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
        if key not in _seen:
            _seen.add(key)
            try:
                with open(trace, "a") as file:
                    file.write(f"{number} {key[1]}\\n")
            except OSError:  # a test of full disks
                pass
    return number == active
'''


@dataclass(frozen=True)
class Site:
    """A place and what is changed there.

    Args:
        file: path from the root.
        line: in it, from 1.
        code: that line.
        change: text before and after it.
        key: of the place in its file, whatever stands around it.
    """

    file: str
    line: int
    code: str
    change: str
    key: str

    @property
    def room(self) -> str:
        """The folder below the package's; the file itself where there is none."""
        parts = self.file.split("/")
        return parts[1] if len(parts) > 2 else parts[-1].removesuffix(".py")

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.change}"


# -- places --------------------------------------------------------------------------------------------


def sites(root: Path, file: str) -> list[tuple[Site, ast.AST]]:
    """All places of a file, with the node of a fresh tree."""
    text = (root / file).read_text(encoding="utf-8")
    return _sites(ast.parse(text), text.splitlines(), file)


def _sites(tree: ast.Module, lines: Sequence[str], file: str) -> list[tuple[Site, ast.AST]]:
    found: list[tuple[Site, ast.AST]] = []
    times: dict[str, int] = defaultdict(int)
    for function, node in _nodes(tree, ""):
        if (changed := mutated(node)) is None:
            continue
        change = f"{_short(node)} -> {_short(changed)}"
        line = node.lineno  # type: ignore[attr-defined]
        code = lines[line - 1].strip()
        key = f"{function} {code} {change}"
        times[key] += 1
        found.append((Site(file, line, code, change, f"{key} {times[key]}"), node))
    return found


def _nodes(node: ast.AST, function: str) -> Iterator[tuple[str, ast.AST]]:
    """Nodes inside of functions that may be changed, with the function's dotted name."""
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or _left_alone(child):
                continue
            name = function
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                name = f"{function}.{child.name}"
            inside = isinstance(child, ast.FunctionDef) or "(" in function
            name += "(" if isinstance(child, ast.FunctionDef) else ""
            if inside:
                yield name, child
            if not _says(child):
                yield from _nodes(child, name)


def _left_alone(node: ast.AST) -> bool:
    if isinstance(node, ast.keyword):
        return node.arg in _LOOKS
    return isinstance(node, ast.Raise | ast.Assert | ast.JoinedStr | ast.pattern)


def _says(node: ast.AST) -> bool:
    """Whether it warns: that it does is behaviour, the words are not."""
    call = node.value if isinstance(node, ast.Expr) else node
    return isinstance(call, ast.Call) and ast.unparse(call.func) in ("warnings.warn", "warn")


def mutated(node: ast.AST) -> ast.AST | None:
    """The node changed; None where there is nothing to change."""
    new = copy.deepcopy(node)
    if isinstance(new, ast.Compare) and len(new.ops) == 1 and type(new.ops[0]) in _FLIP:
        new.ops[0] = _FLIP[type(new.ops[0])]()
    elif isinstance(new, ast.BoolOp) or (
        isinstance(new, ast.BinOp) and type(new.op) in _FLIP and not _text(new.left)
    ):
        new.op = _FLIP[type(new.op)]()
    elif isinstance(new, ast.UnaryOp) and isinstance(new.op, ast.Not):
        return ast.Call(ast.Name("bool", ast.Load()), [new.operand], [])
    elif isinstance(new, ast.Constant) and type(new.value) in (int, float):
        new.value = new.value + 1  # type: ignore[operator]
    elif isinstance(new, ast.Expr) and isinstance(new.value, ast.Call):
        new.value = ast.Constant(None)
    else:
        return None
    return new


def _text(node: ast.AST) -> bool:
    return isinstance(node.value if isinstance(node, ast.Constant) else node, str | ast.JoinedStr)


def _short(node: ast.AST) -> str:
    return ast.unparse(node)[:70]


def draw(root: Path, package: str, count: int, seed: int) -> list[Site]:
    """A sample, every file once before any twice."""
    ranked: list[tuple[int, str, Site]] = []
    for file in files(root, package):
        found = [site for site, _ in sites(root, file)]
        keyed = sorted((hashlib.sha256(f"{seed} {s.file} {s.key}".encode()).hexdigest(), s) for s in found)
        ranked += [(place, digest, site) for place, (digest, site) in enumerate(keyed)]
    return [site for _, _, site in sorted(ranked, key=lambda row: row[:2])[:count]]


def files(root: Path, package: str) -> list[str]:
    """The files that mutants are drawn from."""
    every = sorted(path.relative_to(root) for path in (root / package).rglob("*.py"))
    return [path.as_posix() for path in every if len(path.parts) > 2 and path.parts[1] not in LEFT_OUT]


# -- switches ------------------------------------------------------------------------------------------


class _Switches(ast.NodeTransformer):
    """Puts `on(7) ? changed : as it was` in the place of the chosen nodes."""

    def __init__(self, chosen: Mapping[int, int]) -> None:
        self.chosen = chosen

    def visit(self, node: ast.AST) -> Any:
        number = self.chosen.get(id(node))
        changed = None if number is None else mutated(node)
        node = self.generic_visit(node)
        if changed is None:
            return node
        test = ast.Call(ast.Name("_mutant_on", ast.Load()), [ast.Constant(number)], [])
        if isinstance(node, ast.Expr):
            return ast.Expr(ast.IfExp(test, ast.Constant(None), node.value))
        return ast.IfExp(test, changed, node)  # type: ignore[arg-type]


def plant(root: Path, chosen: Sequence[Site]) -> None:
    """Writes the switches of all mutants into the files below `root`."""
    for file in {site.file for site in chosen}:
        text = (root / file).read_text(encoding="utf-8")
        tree = ast.parse(text)
        numbers = {site.key: i for i, site in enumerate(chosen) if site.file == file}
        found = {
            id(node): numbers[s.key] for s, node in _sites(tree, text.splitlines(), file) if s.key in numbers
        }
        tree = ast.fix_missing_locations(_Switches(found).visit(tree))
        place = 1 if ast.get_docstring(tree) is not None else 0
        while isinstance(tree.body[place], ast.ImportFrom) and tree.body[place].module == "__future__":  # type: ignore[attr-defined]
            place += 1
        tree.body.insert(place, ast.parse("from _mutant_switch import on as _mutant_on").body[0])
        (root / file).write_text(ast.unparse(ast.fix_missing_locations(tree)), encoding="utf-8")
    (root / "_mutant_switch.py").write_text(_SWITCH, encoding="utf-8")


def copied(root: Path, target: Path) -> None:
    """A copy of what git knows or would; of everything where there is no git."""
    if not (root / ".git").exists():
        shutil.copytree(root, target, dirs_exist_ok=True)
        return
    command = ["git", "ls-files", "-coz", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (root / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, target / name)
