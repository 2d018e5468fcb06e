"""Rules of a whole distribution: what its modules import."""

from __future__ import annotations

import ast
import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import zoo
from zoo.registry.lookup import entries
from zoo.registry.plugins.discovery import Plugin
from zoo.testing.case import Case

DOORS = ("zoo", "zoo.errors", "zoo.interfaces", "zoo.trainers", "zoo.testing")
"""All that a plugin imports of the core."""

_CHILD = """
import json, os, sys, traceback

path, folder, modules = json.loads(sys.argv[1])
sys.path[:] = path


class Watch:
    def find_spec(self, name, *rest):
        if name == "torch":
            frames = [f for f in traceback.extract_stack() if f.filename.startswith(folder)]
            print("torch", *[f"{f.filename}:{f.lineno}: {f.line}" for f in frames[-1:]], flush=True)
            os._exit(0)


sys.meta_path.insert(0, Watch())
for module in modules:
    __import__(module)
"""


def rule_imports_go_through_the_doors(case: Case) -> None:
    """The package imports of the core the five doors, `zoo.interfaces` and so on, and nothing behind them."""
    plugin = case.entry.plugin
    assert plugin.folder is not None, f"{plugin.module}: expected a package, got none; zoo plugins says why"
    own = plugin.module.rpartition(".")[0] or "-"
    found = [
        f"{file.relative_to(plugin.folder.parent)}:{line} imports {name}"
        for file in sorted(plugin.folder.rglob("*.py"))
        for line, name in _behind(file, own)
    ]
    step = f"import it from {', '.join(DOORS[:-1])} or {DOORS[-1]}, or do without"
    assert found == [], f"{'; '.join(found)}: behind the doors, where names move; {step}"


def rule_declarations_are_free_of_torch(case: Case) -> None:
    """Importing the plugin module and the options classes does not import torch."""
    plugin = case.entry.plugin
    line = torch_import(plugin)
    step = "declarations and options are read where torch is not wanted: import it in the target's module"
    assert line is None, f"{line} imports torch; {step}"


def torch_import(plugin: Plugin) -> str | None:
    """The line of a plugin's that makes its declarations or options import torch; None where none does.

    Raises:
        AssertionError: they cannot be imported at all.
    """
    rows = [e.component for e in entries() if e.plugin.distribution == plugin.distribution]
    modules = [plugin.module, *sorted({c.config.partition(":")[0] for c in rows if c.config})]
    # In a process of its own: here torch is imported already
    question = json.dumps([[entry or str(Path.cwd()) for entry in sys.path], str(plugin.folder), modules])
    command = [sys.executable, "-c", _CHILD, question]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - our own code
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise AssertionError(f"{', '.join(modules)} cannot be imported: {last}")
    said = next((line for line in done.stdout.splitlines() if line.startswith("torch")), None)
    return said and (said.removeprefix("torch").strip() or plugin.module)


def _behind(file: Path, own: str) -> Iterator[tuple[int, str]]:
    """Line and name of each import of the core in a file that is none of a door's."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
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
    if module != "zoo" or name in {"", "*", *zoo.__all__} or f"zoo.{name}" in DOORS:
        return False
    return importlib.util.find_spec(f"zoo.{name}") is not None
