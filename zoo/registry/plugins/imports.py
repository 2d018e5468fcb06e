"""Imports of a plugin's files: doors of the core alone, no torch in declarations; read, not imported."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterable, Iterator
from pathlib import Path

from zoo.spec.disk.reading import read_text
from zoo.spec.errors import reason

DOORS = ("zoo", "zoo.errors", "zoo.interfaces", "zoo.trainers", "zoo.testing")
"""All that a plugin imports of the core."""

FREE = "declarations and options are read where torch is not wanted: import it in the target's module"


def around_the_doors(folder: Path, module: str) -> str | None:
    """One line on the imports of a package that go around the doors; None where none does.

    Args:
        folder: of the package.
        module: that carries its hooks.
    """
    own = module.rpartition(".")[0] or "-"
    found = [
        f"{file.relative_to(folder.parent)}:{line} imports {name}"
        for file in sorted(folder.rglob("*.py"))
        for line, name in _behind(file, own)
    ]
    step = f"import it from {', '.join(DOORS[:-1])} or {DOORS[-1]}, or do without"
    return f"{'; '.join(found)}: behind the doors, where names move; {step}" if found else None


def import_problems(folder: Path, module: str, configs: Iterable[str]) -> list[str]:
    """Imports of a package's files that should not be, a line each, found without importing anything.

    Args:
        folder: of the package.
        module: that carries its hooks.
        configs: options classes of its components, as `module:class`.
    """
    if "." not in module:  # a single file beside others that are none of its own
        return []
    try:
        return _problems(folder, module, configs)
    except (OSError, ValueError, SyntaxError) as error:  # a pipe, a file that is no Python
        return [f"its files: expected Python files that can be read, got {reason(error)}"]


def _problems(folder: Path, module: str, configs: Iterable[str]) -> list[str]:
    found = [around_the_doors(folder, module)]
    for name in (module, *sorted({config.partition(":")[0] for config in configs})):
        file = folder.parent.joinpath(*name.split(".")).with_suffix(".py")
        lines = _torch_lines(file) if file.is_file() else []
        found += [f"{file.relative_to(folder.parent)}:{line} imports torch; {FREE}" for line in lines[:1]]
    return [line for line in found if line]


def _torch_lines(file: Path) -> list[int]:
    """Lines that import torch when the module is imported."""
    lines = []
    for node in ast.parse(read_text(file), str(file)).body:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
        lines += [node.lineno for name in names if name.split(".")[0] == "torch"]
    return lines


def _behind(file: Path, own: str) -> Iterator[tuple[int, str]]:
    """Line and name of each import of the core in a file that is none of a door's."""
    for node in ast.walk(ast.parse(read_text(file), str(file))):
        if isinstance(node, ast.Import):
            names = [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [(node.module, alias.name) for alias in node.names]
        else:
            continue
        for module, name in names:
            if module.split(".")[0] != "zoo" or f"{module}.".startswith(f"{own}."):
                continue
            if module not in DOORS or name.startswith("_") or _is_inside(module, name):
                yield node.lineno, f"{module}.{name}" if name else module


def _is_inside(module: str, name: str) -> bool:
    """Whether `from zoo import name` gives a module that is no door."""
    import zoo  # here: it imports this package

    if module != "zoo" or name in {"", "*", *zoo.__all__} or f"zoo.{name}" in DOORS:
        return False
    return importlib.util.find_spec(f"zoo.{name}") is not None
