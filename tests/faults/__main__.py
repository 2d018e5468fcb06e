"""Faults at every touch of the disk: `python -m tests.faults`, or `make faults`.

Each try is made in a forked child. What it leaves is looked at in another one: the old state or the new, and
what is done once more then succeeds. A full or forbidden disk must end in an error of zoo's, in one line.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import zoo
from tests.faults.points import KINDS, Faults
from tests.faults.scenarios import SCENARIOS, Saved, Scenario
from tests.small_disks import mount, unmount

MOST = 100_000


def child(work: Callable[[], Any], seconds: float | None = None) -> dict[str, Any]:
    """What `work` returns or raises, in a fork that is killed after so many seconds if any are given."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read_end)
        torch.set_num_threads(1)
        warnings.simplefilter("ignore")
        try:
            told = {"value": work()}
        except zoo.ZooError as error:
            told = {"refused": str(error)}
        except BaseException as error:  # whatever it is, it is shown
            told = {"failed": f"{type(error).__name__}: {error} {traceback.format_exc()[-700:]}"}
        with os.fdopen(write_end, "w") as tell:
            json.dump(told, tell, default=str)
        os._exit(0)
    os.close(write_end)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)
    with os.fdopen(read_end) as tell:
        text = tell.read()
    status = os.waitpid(pid, 0)[1]
    return json.loads(text) if text else {"killed": status & 127}


def struck(scenario: Scenario, at: int, kind: str) -> tuple[dict[str, Any], int]:
    """What comes of a try with a fault, and how often it touched the disk."""

    def work() -> int:
        faults = Faults([scenario.place], at, kind)
        faults.install()
        try:
            scenario.act()
        except zoo.ZooError:
            if at:
                raise
        return faults.count

    scenario.begin()
    told = child(work)
    return told, told.get("value", 0)


def problems(scenario: Scenario, kind: str, at: int) -> list[str]:
    """What is wrong after a fault at one touch; empty where all is right."""
    told, _ = struck(scenario, at, kind)
    wrong = []
    if "failed" in told:
        wrong.append(f"ended in {told['failed']}")
    if kind == "kill" and "killed" not in told:
        wrong.append(f"was not killed: {told}")
    if "refused" in told and ("\n" in told["refused"] or not told["refused"].isprintable()):
        wrong.append(f"not one line: {told['refused']!r}")
    seen = child(scenario.look)
    if seen.get("value") not in scenario.states:
        wrong.append(f"left {seen}")
    again = child(scenario.again)
    if again.get("value") != scenario.states[-1]:
        wrong.append(f"once more gave {again}")
    # A forbidden disk lets nothing be removed either
    if kind in ("kill", "full") and (left := leftovers(scenario.place)):
        wrong.append(f"left {left} after it was done once more")
    return [f"{kind} at {at}: {text}" for text in wrong]


def leftovers(place: Path) -> list[str]:
    """Hidden names that nobody needs any more; a file alone stays for an hour, as its writer may live."""
    found = [p for p in place.rglob(".zoo-*") if "cache" not in p.parts]
    return [str(p.relative_to(place)) for p in found if p.suffix != ".part"]


def everywhere(name: str, home: Path, kinds: tuple[str, ...], every: int) -> tuple[int, list[str]]:
    """Faults at each touch of a scenario, or at each n-th."""
    scenario = SCENARIOS[name](home)
    told, touches = struck(scenario, 0, "kill")
    if not touches:
        return 0, [f"does not work without a fault: {told}"]
    wrong, tries = [], 0
    for kind in kinds:
        for at in range(1, touches + 1, every):
            wrong += problems(scenario, kind, at)
            tries += 1
    return tries, wrong


def moments(name: str, home: Path, count: int, seed: int) -> tuple[int, list[str]]:
    """Kills at random moments."""
    scenario, draw, wrong = SCENARIOS[name](home), random.Random(seed), []
    scenario.begin()
    began = time.monotonic()
    child(scenario.act)
    whole = time.monotonic() - began
    for _ in range(count):
        scenario.begin()
        after = draw.uniform(0.0, 1.1 * whole)
        child(scenario.act, after)
        seen, again = child(scenario.look), child(scenario.again)
        if seen.get("value") not in scenario.states or again.get("value") != scenario.states[-1]:
            wrong.append(f"killed after {after:.3f} s: {seen}, then {again}")
    return count, wrong


def together(home: Path, count: int) -> tuple[int, list[str]]:
    """Saves and loads of one folder by four processes at a time; each load is one of the two models."""
    scenario = Saved(home)
    scenario.begin()

    def work(number: int) -> list[str]:
        wrong = []
        for turn in range(count // 4):
            if number % 2:
                found = scenario.look()
                wrong += [found] if found not in scenario.states else []
            else:
                zoo.save((scenario.old, scenario.new)[turn % 2], scenario.place / "model")
        return wrong

    return count, at_once([lambda number=number: work(number) for number in range(4)])


def at_once(works: list[Callable[[], list[str]]]) -> list[str]:
    """What several processes say is wrong, that work at the same time."""
    ends = []
    for work in works:
        read_end, write_end = os.pipe()
        if os.fork() == 0:
            try:
                told = work()
            except BaseException as error:  # whatever it is, it is shown
                told = [f"{type(error).__name__}: {error}"]
            with os.fdopen(write_end, "w") as tell:
                json.dump(told, tell)
            os._exit(0)
        os.close(write_end)
        ends.append(read_end)
    wrong = []
    for end in ends:
        with os.fdopen(end) as told:
            wrong += json.load(told)
        os.wait()
    return wrong


def full_disk(name: str, home: Path, points: int) -> tuple[int, list[str]]:
    """A disk of a few megabytes with less and less room: what a real one refuses, at so many fillings."""
    scenario = SCENARIOS[name](home)
    disk = home / "disk"
    disk.mkdir()
    if not mount(disk, "16m"):
        return 0, []
    wrong = []
    try:
        scenario.place = disk / "place"
        scenario.begin()
        child(scenario.act)
        needed = 16 * 2**20 - shutil.disk_usage(disk).free
        for point in range(points):
            scenario.begin()
            room = int(1.2 * needed * point / points)
            ballast = disk / "ballast"
            ballast.write_bytes(bytes(max(0, shutil.disk_usage(disk).free - room)))
            told = child(scenario.act)
            if "failed" in told or "killed" in told:
                wrong.append(f"{room} bytes of room: {told}")
            ballast.unlink()
            seen, again = child(scenario.look), child(scenario.again)
            if seen.get("value") not in scenario.states or again.get("value") != scenario.states[-1]:
                wrong.append(f"{room} bytes of room: {seen}, then {again}")
    finally:
        unmount(disk)
    return points, wrong


def main(arguments: list[str] | None = None) -> int:
    """Strikes, and says what came of it; 1 where anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__.partition("\n")[0])
    parser.add_argument("--only", help="names of scenarios, with commas")
    parser.add_argument("--kinds", default=",".join(KINDS), help="of faults, with commas")
    parser.add_argument("--every", type=int, default=1, help="each n-th touch alone")
    parser.add_argument("--moments", type=int, default=20, help="kills at random moments of each scenario")
    parser.add_argument("--together", type=int, default=10_000, help="saves and loads at the same time")
    parser.add_argument("--full", type=int, default=10, help="fillings of a small disk, for each scenario")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    home = Path(tempfile.mkdtemp(prefix="zoo-faults-"))
    os.environ["ZOO_CACHE"] = str(home / "cache")
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    failures = 0

    def say(what: str, tries: int, wrong: list[str], began: float) -> None:
        nonlocal failures
        failures += len(wrong)
        print(
            f"{what:<28} {tries:>6} tries, {len(wrong)} wrong; {time.monotonic() - began:.0f} s", flush=True
        )
        for text in wrong[:10]:
            print(f"    {text}", flush=True)

    kinds = tuple(given.kinds.split(","))
    try:
        for name in given.only.split(",") if given.only else SCENARIOS:
            for way, work in (
                ("each touch", lambda at, name=name: everywhere(name, at, kinds, given.every)),
                ("moments", lambda at, name=name: moments(name, at, given.moments, given.seed)),
                ("full disk", lambda at, name=name: full_disk(name, at, given.full)),
            ):
                (at := home / f"{name}-{way.replace(' ', '-')}").mkdir()
                began = time.monotonic()
                say(f"{name}: {way}", *work(at), began)
        if given.together and (not given.only or "save" in given.only.split(",")):
            (at := home / "together").mkdir()
            began = time.monotonic()
            say("saves and loads together", *together(at, given.together), began)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
