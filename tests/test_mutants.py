"""The table of mutants is up to date, and its runner sees a guard that guards nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RUNNER = ROOT / "tests" / "mutants.py"
LIMIT = "def limit(x):\n    return min(x, 3)\n"
TESTS = """
from small import limit

def test_the_limit_is_kept():
    assert limit(5) == 3

def test_that_looks_elsewhere():
    assert limit(2) == 2

def test_that_fails_anyway():
    assert limit(5) == 4
"""
GOOD = {"file": "small.py", "old": "min(x, 3)", "new": "x", "why": "no limit"}


def run(folder: Path, *mutants: dict[str, str]) -> subprocess.CompletedProcess[str]:
    (folder / "small.py").write_text(LIMIT)
    (folder / "test_small.py").write_text(TESTS)
    rows = [
        "[[mutant]]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in mutant.items()) for mutant in mutants
    ]
    (folder / "mutants.toml").write_text("\n".join(rows))
    command = [sys.executable, str(RUNNER), "--table", str(folder / "mutants.toml"), "--root", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)


def test_a_mutant_that_its_test_kills_is_fine(tmp_path: Path) -> None:
    done = run(tmp_path, {**GOOD, "test": "test_small.py::test_the_limit_is_kept"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "killed  small.py: min(x, 3) -> x" in done.stdout
    assert (tmp_path / "small.py").read_text() == LIMIT


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"test": "test_small.py::test_that_looks_elsewhere"}, "test_that_looks_elsewhere passes"),
        ({"old": "min(x, 4)"}, "small.py has 'min(x, 4)' 0 times, not once"),
        ({"old": "x"}, "small.py has 'x' 2 times, not once"),
        ({"file": "large.py"}, "No such file"),
        ({"new": "min(x"}, "was never closed"),
        ({"new": "absent(x)", "old": "def limit(x):\n    return min(x, 3)"}, "cannot run (pytest ends with"),
        ({"test": "test_small.py::test_that_is_gone"}, "the tests do not pass without a mutant"),
        ({"test": "test_small.py::test_that_fails_anyway"}, "the tests do not pass without a mutant"),
    ],
)
def test_a_guard_that_guards_nothing_is_found(tmp_path: Path, change: dict[str, str], said: str) -> None:
    """A planted breach of each kind."""
    good = {**GOOD, "test": "test_small.py::test_the_limit_is_kept"}
    done = run(tmp_path, good, {**good, **change})
    assert done.returncode == 1
    assert said in done.stderr


def test_every_text_of_the_table_is_in_its_file_once() -> None:
    sys.path.insert(0, str(RUNNER.parent))
    try:
        import mutants
    finally:
        sys.path.pop(0)
    table = mutants.read_table(ROOT / "tests" / "mutants.toml")
    assert len(table) >= 20
    for mutant in table:
        compile(mutant.source(ROOT), mutant.file, "exec")
        file, _, name = mutant.test.partition("::")
        assert f"def {name.partition('[')[0]}(" in (ROOT / file).read_text(encoding="utf-8")


def test_the_checks_of_the_project_run_the_mutants() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert " mutants" in next(line for line in text.splitlines() if line.startswith("check:"))
