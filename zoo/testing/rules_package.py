"""Rules of a whole distribution: what its modules import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from zoo.registry.lookup import entries
from zoo.registry.plugins.discovery import Plugin
from zoo.registry.plugins.imports import FREE, around_the_doors
from zoo.testing.case import Case

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
    line = around_the_doors(plugin.folder, plugin.module)
    assert line is None, line


def rule_declarations_are_free_of_torch(case: Case) -> None:
    """Importing the plugin module and the options classes does not import torch."""
    plugin = case.entry.plugin
    line = torch_import(plugin)
    assert line is None, f"{line} imports torch; {FREE}"


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
