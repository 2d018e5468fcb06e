"""Random small changes in the house: `python tests/mutation_sample.py` says which its tests let through.

`tests/mutants.toml` holds guards that somebody thought of; a sample finds what nobody did. In a copy of the
project each chosen place gets a switch. The tests of the rooms are collected once, and run once to see which
of them pass by which switch. Then, in a fork a mutant, those of its own room that do are run, the shortest
first, until one fails.

The same files and the same seed give the same mutants, and a change elsewhere moves few of them. Those that
change nothing (`tests/equivalent_mutants.toml`, each with its reason) are not counted.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mutation_sites import Site, copied, draw, plant, sites

HERE = Path(__file__).resolve().parent
ALIVE = 0.1
"""The part of a sample that may survive."""

MOST = 60.0
"""Seconds of tests that decide on a mutant, at most, by what they take without one."""

# -- running -------------------------------------------------------------------------------------------


class Sample:
    """A plugin of pytest that, in the place of running the tests, tries the mutants with them.

    Args:
        chosen: the mutants, by number.
        work: a folder for what is written.
        jobs: forks at a time.
        say: takes the number of a mutant, how it ended and after how many seconds.
    """

    def __init__(
        self, chosen: Sequence[Site], work: Path, jobs: int, say: Callable[[int, str, float], None]
    ) -> None:
        self.chosen, self.work, self.jobs, self.say = chosen, work, jobs, say
        self.trace, self.times = work / "trace", work / "times"
        self.broken: list[str] = []
        """Tests that fail without a mutant."""

    def pytest_runtestloop(self, session: Any) -> bool:
        import _mutant_switch as switch

        if session.testsfailed:
            return True
        switch.trace = ""
        imported = {int(line.split()[0]) for line in self._lines(self.trace)}
        units: dict[str, list[Any]] = defaultdict(list)
        for item in session.items:
            units[item.nodeid.partition("::")[0]].append(item)
        traced = [
            (unit, 10 * 60.0, lambda items=items: self._traced(session, items))
            for unit, items in units.items()
        ]
        for unit, code, _ in self._forks(traced):
            if code != 0:
                self.broken.append(f"{unit}: ended with {code}")
        seconds: dict[str, float] = {}
        for line in self._lines(self.times):
            name, taken, failed = json.loads(line)
            if failed:
                self.broken.append(name)
            else:
                seconds[name] = taken
        self._decide(session, imported, seconds)
        return True

    def _decide(self, session: Any, imported: set[int], seconds: Mapping[str, float]) -> None:
        reached: dict[int, set[str]] = defaultdict(set)
        for line in self._lines(self.trace):
            number, _, name = line.partition(" ")
            reached[int(number)].add(name)
        tasks = []
        for number, site in enumerate(self.chosen):
            names = set(seconds) if number in imported else reached[number]
            names = {name for name in names if _of_room(name, site)}
            items = [item for item in session.items if item.nodeid in names and item.nodeid in seconds]
            items.sort(key=lambda item: seconds[item.nodeid])
            total, few = 0.0, []
            for item in items:
                total += seconds[item.nodeid]
                if few and total > MOST:
                    break
                few.append(item)
            if not few:
                self.say(number, "unreached", 0.0)
                continue
            run = self._again if number in imported else self._tried
            limit = 20 + 10 * min(total, MOST)
            tasks.append((number, limit, lambda n=number, few=few, run=run: run(session, n, few, seconds)))
        for number, code, taken in self._forks(tasks):
            self.say(number, "alive" if code == 0 else "killed", taken)

    def _lines(self, file: Path) -> list[str]:
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []

    def _traced(self, session: Any, items: Sequence[Any]) -> int:
        import _mutant_switch as switch

        switch.trace = os.environ["MUTANT_TRACE"] = str(self.trace)
        for item, following in zip(items, [*items[1:], None], strict=True):
            started, failed = time.monotonic(), session.testsfailed
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            row = [item.nodeid, time.monotonic() - started, session.testsfailed > failed]
            with self.times.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
        return 0

    def _tried(self, session: Any, number: int, items: Sequence[Any], seconds: Mapping[str, float]) -> int:
        import _mutant_switch as switch
        import pytest

        switch.active = number
        os.environ["MUTANT"] = str(number)
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.add_marker(pytest.mark.timeout(10 + 10 * seconds[item.nodeid]))
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.testsfailed:
                return 1
        return 0

    def _again(self, session: Any, number: int, items: Sequence[Any], _: Mapping[str, float]) -> int:
        """In a new process, since the changed line runs when its module is imported."""
        environment = {**os.environ, "MUTANT": str(number)}
        command = [sys.executable, "-m", "pytest", *QUIET, *(item.nodeid for item in items)]
        return subprocess.run(command, env=environment, check=False).returncode

    def _forks(
        self, tasks: Sequence[tuple[Any, float, Callable[[], int]]]
    ) -> Iterator[tuple[Any, int, float]]:
        """Runs each task in a fork; gives its name, its code and the seconds it took."""
        waiting, running = list(tasks), dict[int, tuple[Any, float, float]]()
        while waiting or running:
            while waiting and len(running) < self.jobs:
                name, limit, work = waiting.pop(0)
                sys.stdout.flush()
                pid = os.fork()
                if pid == 0:
                    self._child(work)
                running[pid] = name, time.monotonic(), limit
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid:
                name, started, _ = running.pop(pid)
                shutil.rmtree(self.work / str(pid), ignore_errors=True)
                yield name, os.waitstatus_to_exitcode(status), time.monotonic() - started
                continue
            for late, (_, started, limit) in running.items():
                if time.monotonic() - started > limit:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(late, signal.SIGKILL)
            time.sleep(0.02)

    def _child(self, work: Callable[[], int]) -> None:
        """Never returns."""
        code = 3
        try:
            os.setsid()
            own = self.work / str(os.getpid())
            own.mkdir()
            os.environ["PYTEST_DEBUG_TEMPROOT"] = str(own)
            capture = self.config.pluginmanager.getplugin("capturemanager")
            capture.stop_global_capturing()
            capture.start_global_capturing()
            code = work()
        finally:
            os._exit(code)

    def pytest_configure(self, config: Any) -> None:
        self.config = config


QUIET = ("-q", "-x", "--no-header", "--tb=line", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not slow")


def _of_room(test: str, site: Site) -> bool:
    return test.split("/")[1] == site.room


def try_out(
    root: Path, chosen: Sequence[Site], jobs: int, say: Callable[[int, str, float], None]
) -> list[str]:
    """Tries mutants in a copy of the project.

    Args:
        root: of the checkout.
        chosen: the mutants.
        jobs: forks at a time.
        say: takes the number of a mutant, how it ended and after how many seconds.

    Returns:
        Lines of what was in the way: tests that fail as the files stand.
    """
    with tempfile.TemporaryDirectory(prefix="mutants") as name:
        work = Path(name).resolve()
        target = work / "copy"
        target.mkdir()
        copied(root, target)
        plant(target, chosen)
        paths = [f"{site.file.split('/')[0]}/{site.room}" for site in chosen]
        paths += [f"tests/{site.room}" for site in chosen]
        paths = sorted({path for path in paths if (target / path).exists()})
        os.chdir(target)
        os.environ["PYTHONPATH"] = os.pathsep.join(
            [str(target), *filter(None, [os.environ.get("PYTHONPATH")])]
        )
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        os.environ["MUTANT_TRACE"] = str(work / "trace")
        sys.path[:] = [str(target), *(path for path in sys.path if Path(path).resolve() not in (root, HERE))]
        sys.dont_write_bytecode = True
        import pytest

        sample = Sample(chosen, work, jobs, say)
        with (work / "log").open("w+b") as log, _into(log):
            quiet = [option for option in QUIET if option != "-x"]
            code = pytest.main([*quiet, "--doctest-modules", f"--rootdir={target}", *paths], plugins=[sample])
            sys.stdout.flush()
            log.seek(0)
            said = log.read().decode(errors="replace")
        os.chdir(root)
    return [*sample.broken, *([] if code == 0 else [f"pytest ends with {int(code)}\n{said[-3000:]}"])]


@contextlib.contextmanager
def _into(file: Any) -> Iterator[None]:
    """What this process and its children say goes into a file."""
    kept = os.dup(1), os.dup(2)
    sys.stdout.flush()
    old, sys.stdout = sys.stdout, os.fdopen(os.dup(file.fileno()), "w")
    os.dup2(file.fileno(), 1)
    os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        sys.stdout.close()
        os.dup2(kept[0], 1)
        os.dup2(kept[1], 2)
        sys.stdout = old


# -- what came out -------------------------------------------------------------------------------------


def read_equivalent(path: Path) -> dict[tuple[str, str, str], str]:
    """Changes that change nothing: file, line and change, with the reason."""
    rows = tomllib.loads(path.read_text(encoding="utf-8")).get("equivalent", []) if path.exists() else []
    return {(row["file"], row["code"], row["change"]): row["why"] for row in rows}


def stale(equivalent: Mapping[tuple[str, str, str], str], root: Path) -> list[str]:
    """A line for each named change that its file does not have any more."""
    found: dict[str, set[tuple[str, str]]] = {}
    lines = []
    for file, code, change in equivalent:
        if file not in found:
            there = (root / file).is_file()
            found[file] = {(s.code, s.change) for s, _ in sites(root, file)} if there else set()
        if (code, change) not in found[file]:
            lines.append(f"{file} has no {change!r} in {code!r}")
    return lines


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sample", type=int, default=40, help="how many mutants")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--only", default="", help="regular expression that file and change have")
    parser.add_argument("--root", type=Path, default=HERE.parent)
    parser.add_argument("--package", default="zoo")
    parser.add_argument("--jobs", type=int, default=int(os.environ.get("WORKERS", "1")))
    parser.add_argument("--list", action="store_true", help="only says which mutants there are")
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    root, started = given.root.resolve(), time.monotonic()
    equivalent = read_equivalent(root / "tests" / "equivalent_mutants.toml")
    drawn = [s for s in draw(root, given.package, given.sample, given.seed) if re.search(given.only, str(s))]
    named = [s for s in drawn if (s.file, s.code, s.change) in equivalent]
    chosen = [s for s in drawn if s not in named]
    out, ends = os.fdopen(os.dup(1), "w", buffering=1), dict[int, str]()

    def say(number: int, end: str, seconds: float) -> None:
        ends[number] = end
        word = "killed  " if end == "killed" else "SURVIVES"
        site = chosen[number]
        why = " (no test runs it)" if end == "unreached" else ""
        out.write(f"{word} {site}{why}   [{site.code}] ({seconds:.1f} s)\n")

    for site in named:
        out.write(f"same     {site}: {equivalent[site.file, site.code, site.change]}\n")
    if given.list:
        out.writelines(f"         {site}   [{site.code}]\n" for site in chosen)
        sys.exit()
    wrong = stale(equivalent, root)
    wrong += try_out(root, chosen, given.jobs, say) if chosen else []
    for room in sorted({site.room for site in chosen}):
        of = [ends.get(i) == "killed" for i, site in enumerate(chosen) if site.room == room]
        out.write(f"{room:12} {sum(of)} of {len(of)}\n")
    killed = sum(end == "killed" for end in ends.values())
    out.write(
        f"{killed} of {len(chosen)} killed, {len(named)} equivalent, {time.monotonic() - started:.0f} s\n"
    )
    for line in wrong:
        print(line, file=sys.stderr)
    sys.exit(bool(wrong) or len(chosen) - killed > ALIVE * len(chosen))


if __name__ == "__main__":
    main()
