"""Branches of the readers that the cases went through, counted function by function."""

from __future__ import annotations

import inspect
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.fuzz.readers import BOUNDED, Reader

LEAST = 95.0
"""Percent of the branches of each reader that have to be taken."""

_folder = Path(tempfile.gettempdir()) / f"zoo-fuzz-coverage-{os.getpid()}"


@contextmanager
def measured(reader: Reader | None) -> Iterator[None]:
    """Counts the branches inside, in a file of this process; of no reader it counts nothing."""
    if reader is None:
        yield
        return
    import coverage

    _folder.mkdir(exist_ok=True)
    files = sorted({_source(one) for one in (*BOUNDED, *reader.covers)})
    counting = coverage.Coverage(
        data_file=str(_folder / "data"), data_suffix=True, branch=True, include=files, config_file=False
    )
    counting.start()
    try:
        yield
    finally:
        counting.stop()
        counting.save()


def _source(one: Any) -> str:
    return str(Path(inspect.getsourcefile(inspect.unwrap(one)) or "").resolve())


def report(mine: Sequence[Reader]) -> int:
    """Prints the share of branches taken; how many readers fall below the least."""
    import coverage

    counting = coverage.Coverage(data_file=str(_folder / "data"), branch=True, config_file=False)
    counting.combine([str(_folder)], keep=True)
    file = _folder / "report.json"
    counting.json_report(outfile=str(file))
    told = json.loads(file.read_text())["files"]
    below = 0
    groups = [(reader.name, reader.covers) for reader in mine] + [("bounded", BOUNDED)]
    for name, members in groups:
        taken, missing, lines = _branches(told, members)
        if taken + missing:
            share = 100 * taken / (taken + missing)
            below += share < LEAST
            print(
                f"{name:<10} {share:5.1f} % of {taken + missing} branches"
                + (f"; not {lines}" if lines else "")
            )
    return below


def _branches(told: dict[str, Any], members: Sequence[Any]) -> tuple[int, int, list[str]]:
    """Branches taken, branches missed, and where the missed ones are."""
    taken, missing, lines = 0, 0, []
    for member in members:
        found = next(
            (facts for file, facts in told.items() if str(Path(file).resolve()) == _source(member)), None
        )
        if found is not None and not inspect.ismodule(member):
            found = found["functions"][inspect.unwrap(member).__qualname__]
        if found is not None:
            taken += found["summary"]["covered_branches"]
            missing += found["summary"]["missing_branches"]
            lines += [f"{Path(_source(member)).name}:{a}->{b}" for a, b in found["missing_branches"]]
    return taken, missing, lines
