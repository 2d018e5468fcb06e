"""Fuzzing of all readers: `python -m tests.fuzz`, or `make fuzz`.

Each case is a mutation of a valid file, drawn from (seed, reader, number) alone, so that a failure can be had
again: `--only config --case 1234`. What a reader may do with it is raise an error of zoo's in one plain line,
or load. Cases run in forked children whose processor time, for each case anew, and memory are limited by the
system; a child that is killed has failed at the case that it was at.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

import torch

import zoo
from tests.fuzz import coverage_of, readers
from tests.fuzz.readers import PLACES, Reader, checked

SECONDS = 4
"""Processor time of a case; the slowest valid file takes a hundredth."""

MEMORY = 1 << 30
"""Bytes beyond those that the process had before its first case."""

CHILD = 500
"""Cases of a child, which begins with the memory of its parent."""


def run(reader: Reader, seed: int, numbers: range, home: Path, *, measure: bool = False) -> dict[str, Any]:
    """Tries cases in children of this process.

    Returns:
        How many cases kept their form, were refused and were loaded, and what failed.
    """
    found: dict[str, Any] = {"cases": 0, "formed": 0, "refused": 0, "loaded": 0, "failed": []}
    at = numbers.start
    while at < numbers.stop:
        part = range(at, min(at + CHILD, numbers.stop))
        told, status = _child(reader, seed, part, home, measure)
        for row in told:
            found["cases"] += 1
            found["formed"] += row["formed"]
            found["refused" if row["refused"] else "loaded"] += 1
            if row["failure"]:
                found["failed"].append({"case": row["case"], "failure": row["failure"]})
        at = part.start + len(told)
        if at < part.stop:  # killed at the next one
            found["cases"] += 1
            found["failed"].append({"case": at, "failure": f"killed by signal {status & 127}"})
            at += 1
    return found


def _child(reader: Reader, seed: int, part: range, home: Path, measure: bool) -> tuple[list[Any], int]:
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read_end)
        try:
            with os.fdopen(write_end, "w") as tell, coverage_of.measured(reader if measure else None):
                _cases(reader, seed, part, home, tell)
        finally:
            os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as told:
        rows = [json.loads(line) for line in told if line.endswith("\n")]
    return rows, os.waitpid(pid, 0)[1]


def _cases(reader: Reader, seed: int, part: range, home: Path, tell: Any) -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    path = home / PLACES.get(reader.name, f"any/{reader.name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    for case in part:
        formed = reader.put(path, random.Random(f"{seed}/{reader.name}/{case}"))
        now = resource.getrusage(resource.RUSAGE_SELF)
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        signal.alarm(10 * SECONDS)  # who waits for the other end of a pipe takes no processor time
        resource.setrlimit(resource.RLIMIT_CPU, (int(now.ru_utime + now.ru_stime) + 1 + SECONDS, hard))
        refused, failure = _tried(reader, path)
        row = {"case": case, "formed": formed, "refused": refused, "failure": failure}
        tell.write(json.dumps(row) + "\n")
        tell.flush()


def _tried(reader: Reader, path: Path) -> tuple[bool, str]:
    """Whether a file was refused, and what is wrong with that; empty where all is right."""
    try:
        try:
            reader.take(path)
        except zoo.ZooError as error:
            checked(error)
            return True, ""
        else:
            return False, ""
    except BaseException as error:  # whatever it is, it is none of zoo's
        inside = [frame for frame in traceback.extract_tb(error.__traceback__) if "/zoo/" in frame.filename]
        at = f" at {inside[-1].filename}:{inside[-1].lineno}" if inside else ""
        return True, f"{type(error).__name__}: {str(error)[:200]}{at}"


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=int, default=50_000, help="of each reader")
    parser.add_argument("--seconds", type=float, help="for all readers together, in the place of --cases")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="names of readers, with commas")
    parser.add_argument("--case", type=int, help="one case, whose file is kept and whose error is shown")
    parser.add_argument("--coverage", action="store_true", help="count branches of the readers; slower")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Fuzzes, and says what came of it; 1 where anything failed."""
    given = _arguments(arguments)
    home = Path(tempfile.mkdtemp(prefix="zoo-fuzz-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    os.environ["ZOO_CACHE"] = str(home / "cache")
    try:
        return _all(given, home)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _all(given: argparse.Namespace, home: Path) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        known = readers.make(home)
    only = given.only.split(",") if given.only else [*known]
    if given.case is not None:
        return _one(known[only[0]], given.seed, given.case, home)
    failures = 0
    for name in only:
        began = time.monotonic()
        seconds = None if given.seconds is None else given.seconds / len(only)
        found = _fuzzed(known[name], given, home, seconds)
        failures += len(found["failed"])
        print(_line(name, found, time.monotonic() - began), flush=True)
        for failure in found["failed"][:10]:
            print(f"    case {failure['case']}: {failure['failure']}", flush=True)
    if given.coverage:
        failures += coverage_of.report([known[name] for name in only])
    return 1 if failures else 0


def _fuzzed(reader: Reader, given: argparse.Namespace, home: Path, seconds: float | None) -> dict[str, Any]:
    """All cases of a reader, or those of so many seconds."""
    began, found = time.monotonic(), dict[str, Any]()
    last = given.cases if seconds is None else 10**9
    for start in range(0, last, CHILD):
        numbers = range(start, min(start + CHILD, last))
        more = run(reader, given.seed, numbers, home, measure=given.coverage)
        found = {key: found[key] + value if found else value for key, value in more.items()}
        if seconds is not None and time.monotonic() - began > seconds:
            break
    return found


def _line(name: str, found: dict[str, Any], seconds: float) -> str:
    cases = found["cases"]
    return (
        f"{name:<10} {cases:>7,} cases, {found['formed'] / cases:.0%} kept their form; "
        f"{found['refused']:,} refused, {found['loaded']:,} loaded, "
        f"{len(found['failed'])} failed; {seconds:.0f} s"
    )


def _one(reader: Reader, seed: int, case: int, home: Path) -> int:
    path = home / PLACES.get(reader.name, f"any/{reader.name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    reader.put(path, random.Random(f"{seed}/{reader.name}/{case}"))
    if path.is_file():
        print(path.read_bytes()[:4000].decode(errors="backslashreplace"))
    reader.take(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
