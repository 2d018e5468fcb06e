"""The table of mutants is up to date, and its runner sees a guard that guards nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

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


HOLLOW = "from small.limits.limit import limit\n\ndef test_it_runs():\n    limit(5)\n"
REAL = HOLLOW + "\ndef test_the_limit_is_kept():\n    assert [limit(x) for x in (2, 4)] == [2, 3]\n"
SPAWNS = """
import subprocess, sys

def test_the_limit_is_kept_in_another_process():
    code = "from small.limits.limit import limit; print(limit(2), limit(4))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "2 3\\n"
"""


def sample(folder: Path, tests: str, *, equivalent: str = "") -> subprocess.CompletedProcess[str]:
    """Tries the two mutants of a package of one function with tests."""
    for name, text in {
        "small/__init__.py": "",
        "small/limits/__init__.py": "",
        "small/limits/limit.py": "def limit(x):\n    return 3 if x > 3 else x\n",
        "tests/limits/test_limit.py": tests,
        "tests/equivalent_mutants.toml": equivalent,
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    script = str(RUNNER.with_name("mutation_sample.py"))
    command = [sys.executable, script, "--root", str(folder), "--package", "small", "--sample", "9"]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


SAME = """
[[equivalent]]
file = "small/limits/limit.py"
code = "return 3 if x > 3 else x"
change = "x > 3 -> x >= 3"
why = "at 3 both sides are 3"
"""


def test_a_sample_finds_that_a_hollow_test_lets_everything_through(tmp_path: Path) -> None:
    """A planted breach: the test runs the line and looks at nothing."""
    done = sample(tmp_path, HOLLOW)
    assert done.returncode == 1
    assert "SURVIVES small/limits/limit.py:2 3 -> 4" in done.stdout
    assert "limits       0 of 3" in done.stdout
    assert (tmp_path / "small/limits/limit.py").read_text().endswith("return 3 if x > 3 else x\n")


@pytest.mark.parametrize("tests", [REAL, SPAWNS], ids=["here", "in a process of its own"])
def test_a_sample_is_killed_by_a_real_test_but_for_the_changes_that_change_nothing(
    tmp_path: Path, tests: str
) -> None:
    done = sample(tmp_path, tests, equivalent=SAME)
    assert (done.returncode, done.stderr) == (0, "")
    assert "same     small/limits/limit.py:2 x > 3 -> x >= 3: at 3 both sides are 3" in done.stdout
    assert "2 of 2 killed, 1 equivalent" in done.stdout


@pytest.mark.parametrize(
    ("tests", "equivalent", "said"),
    [
        (REAL, SAME.replace("x > 3 ->", "x > 4 ->"), "small/limits/limit.py has no 'x > 4 -> x >= 3'"),
        (REAL.replace("[2, 3]", "[2, 4]"), SAME, "test_limit.py::test_the_limit_is_kept"),
        ("import absent\n", SAME, "No module named 'absent'"),
        ("", SAME, "0 of 2 killed"),
    ],
    ids=["nothing has the equivalent change", "tests fail anyway", "tests cannot be read", "no tests"],
)
def test_a_sample_that_says_nothing_is_no_success(
    tmp_path: Path, tests: str, equivalent: str, said: str
) -> None:
    done = sample(tmp_path, tests, equivalent=equivalent)
    assert done.returncode == 1
    assert said in done.stdout + done.stderr


def test_every_change_that_is_said_to_change_nothing_is_still_there() -> None:
    sys.path.insert(0, str(RUNNER.parent))
    try:
        import mutation_sample
    finally:
        sys.path.pop(0)
    equivalent = mutation_sample.read_equivalent(ROOT / "tests" / "equivalent_mutants.toml")
    assert mutation_sample.stale(equivalent, ROOT) == []


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
    assert "$(MAKE) mutants\n" in text.partition("\ncheck:")[2].partition("\n\n")[0] + "\n"
    commands = text.partition("\nmutants:")[2].partition("\n\n")[0]
    assert "tests/mutants.py" in commands
    assert "tests/mutation_sample.py" in commands
