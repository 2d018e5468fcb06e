"""A guard's test comes with a mutant that it kills: `python tests/mutants.py` shows that each still does.

The table, `tests/mutants.toml`, has one entry a guard: a file, a text in it, the text without the guard, and
the test that must fail then. Each mutant is loaded in a fork, in the place of its file: nothing is
written, and torch is imported once for all. All the tests must pass as the files stand; a mutant counts as
killed only where its test ran and failed, not where it could not be collected.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import re
import signal
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SECONDS = 120
"""What a test may take before it counts as failed: a mutant may well hang."""

_PASSED, _FAILED = 0, 1
_HEAVY = (
    "pytest", "numpy", "torch", "torchvision", "pydantic", "pluggy", "PIL.Image", "safetensors.torch", "cv2",
    "yaml", "click", "huggingface_hub", "matplotlib.figure", "matplotlib.backends.backend_agg",
    "sklearn.datasets", "torchmetrics", "execnet", "anyio",
)  # fmt: skip
"""Imported before forking, where they are there; nothing of zoo is."""


@dataclass(frozen=True)
class Mutant:
    """A guard taken away.

    Args:
        file: path from the root.
        old: text that is in it once.
        new: what stands there in the mutant.
        test: node id of the test that must fail.
        why: what would go wrong, in a line.
    """

    file: str
    old: str
    new: str
    test: str
    why: str

    def source(self, root: Path) -> str:
        """The mutated file.

        Raises:
            ValueError: the text is not in the file just once.
        """
        text = (root / self.file).read_text(encoding="utf-8")
        if (times := text.count(self.old)) != 1:
            raise ValueError(f"{self.file} has {self.old.strip().splitlines()[0]!r} {times} times, not once")
        return text.replace(self.old, self.new)

    @property
    def module(self) -> str:
        """Dotted name of the file's module."""
        inside = self.file.rpartition("/src/")[2].removesuffix(".py").removesuffix("/__init__")
        return inside.replace("/", ".")


def read_table(path: Path) -> list[Mutant]:
    """The mutants of a table."""
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]
    return [Mutant(**row) for row in rows]


def problems(mutants: Sequence[Mutant], root: Path, jobs: int = 1, *, say: Any = print) -> list[str]:
    """A line for each mutant that is not killed, or cannot be.

    Args:
        mutants: to try.
        root: of the checkout.
        jobs: forks at a time.
        say: takes a line a mutant.
    """
    found: list[str] = []
    usable: list[Mutant] = []
    for mutant in mutants:
        try:
            compile(mutant.source(root), mutant.file, "exec")
            usable.append(mutant)
        except (ValueError, OSError, SyntaxError) as error:
            found.append(f"{mutant.file}: {error}")
    for name in _HEAVY if (root / "zoo").is_dir() else ():
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    whole = [None, *usable] if usable else []
    for mutant, code, output, seconds in _run(whole, usable, root, jobs):
        if mutant is None:
            if code != _PASSED:
                found.append(f"the tests do not pass without a mutant:\n{output}")
            say(f"{seconds:5.1f} s  all tests as the files stand")
            continue
        line = mutant.new.strip().splitlines()[0] if mutant.new.strip() else "(removed)"
        old = mutant.old.strip().splitlines()[0]
        word = "killed" if code == _FAILED else "SURVIVES"
        say(f"{seconds:5.1f} s  {word}  {mutant.file}: {old} -> {line}")
        if code != _FAILED:
            got = "passes" if code == _PASSED else f"cannot run (pytest ends with {code})\n{output}"
            found.append(f"{mutant.file}: {mutant.why}: {old!r} -> {line!r}: {mutant.test} {got}")
    return found


def _run(
    todo: Sequence[Mutant | None], all_of: Sequence[Mutant], root: Path, jobs: int
) -> Iterator[tuple[Mutant | None, int, str, float]]:
    """Runs each in a fork; None stands for no mutant, with the tests of all."""
    waiting, running = list(todo), dict[int, tuple[Mutant | None, Any, float]]()
    everything = list(dict.fromkeys(mutant.test for mutant in all_of))
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant = waiting.pop(0)
            output = tempfile.TemporaryFile()  # noqa: SIM115 - closed once its fork has ended
            sys.stdout.flush()
            pid = os.fork()
            if pid == 0:
                tests = everything if mutant is None else [mutant.test]
                _child(mutant, tests, root, output.fileno())
            running[pid] = mutant, output, time.monotonic()
        pid, status = os.wait()
        mutant, output, started = running.pop(pid)
        output.seek(0)
        text = output.read().decode(errors="replace")
        output.close()
        code = os.waitstatus_to_exitcode(status)
        code = _FAILED if code == -signal.SIGALRM and mutant is not None else code
        yield mutant, code, text, time.monotonic() - started


def _child(mutant: Mutant | None, tests: Sequence[str], root: Path, output: int) -> None:
    """Never returns."""
    code = 3
    try:
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.chdir(root)
        signal.alarm(SECONDS if mutant is not None else 10 * SECONDS)
        if mutant is not None:
            sys.meta_path.insert(0, _Finder(mutant, root))
        import pytest

        quiet = ["-q", "-x", "--no-header", "--tb=short", "-p", "no:cacheprovider", "-p", "no:xdist"]
        code = int(pytest.main([*quiet, f"--rootdir={root}", *tests]))
    finally:
        sys.stdout.flush()
        os._exit(code)


class _Finder:
    """Finds one module, whose source is a mutant's."""

    def __init__(self, mutant: Mutant, root: Path) -> None:
        self.mutant, self.root = mutant, root

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name != self.mutant.module:
            return None
        file = self.root / self.mutant.file
        where = [str(file.parent)] if file.name == "__init__.py" else None
        loader = _Loader(name, str(file), self.mutant.source(self.root))
        return spec_from_file_location(name, file, loader=loader, submodule_search_locations=where)


class _Loader(SourceFileLoader):
    """Reads the source that it is given, and no cached bytecode."""

    def __init__(self, name: str, path: str, source: str) -> None:
        super().__init__(name, path)
        self._source = source

    def get_code(self, fullname: str) -> Any:
        return compile(self._source, self.path, "exec", dont_inherit=True)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--table", type=Path, default=HERE / "mutants.toml")
    parser.add_argument("--root", type=Path, default=HERE.parent)
    parser.add_argument("--jobs", type=int, default=int(os.environ.get("WORKERS", "1")))
    parser.add_argument("--only", default="", help="regular expression that the file or the test has")
    given = parser.parse_args()
    started = time.monotonic()
    mutants = [m for m in read_table(given.table) if re.search(given.only, f"{m.file} {m.test}")]
    found = problems(mutants, given.root.resolve(), given.jobs)
    print(f"{len(mutants)} mutants, {len(found)} problems, {time.monotonic() - started:.0f} s")
    for line in found:
        print(line, file=sys.stderr)
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
