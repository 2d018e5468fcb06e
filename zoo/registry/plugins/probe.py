"""Asking a plugin for what it declares, once, in a process of its own, and remembering the answer.

A plugin may raise, hang, print, or end its process: here that costs one child process and gives one line.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zoo.registry import cache
from zoo.registry.environment import number
from zoo.registry.plugins.installed import Installed, environment, is_package
from zoo.spec.disk.paths import working_folder
from zoo.spec.disk.systems import end

TIMEOUT = 30.0
"""Seconds that a plugin has to import and answer; `ZOO_PLUGIN_TIMEOUT` overrides it."""

ASKING = "ZOO_ASKING"
"""Set in the child, so that a plugin which lists components while it is asked does not ask itself again."""

MOST_ENTRIES = 20_000
"""Files and folders of a package up to which its answer is remembered; looking at more takes too long."""

# Put before the child's path, so that it answers with this very zoo
_ROOT = str(Path(__file__).resolve().parents[3])

Answer = dict[str, Any]
"""`components`, and `namespace` with `bare` where the plugin says so; or `error`, one line."""


def probe_all(questions: Sequence[tuple[Installed, Path]], *, refresh: bool = False) -> list[Answer]:
    """Declarations of several plugins' hooks, remembered where nothing has changed since.

    Args:
        questions: distributions, each with the folder of its package.
        refresh: asks again, whatever is remembered.
    """
    answers = [None if refresh else _remembered(item, folder) for item, folder in questions]
    open_ones = [i for i, answer in enumerate(answers) if answer is None]
    if len(open_ones) > 1:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
            new = list(pool.map(lambda i: _probe_and_remember(*questions[i]), open_ones))
    else:  # importing threads would be for nothing
        new = [_probe_and_remember(*questions[i]) for i in open_ones]
    fresh = dict(zip(open_ones, new, strict=True))
    return [fresh[i] if answer is None else answer for i, answer in enumerate(answers)]


def _remembered(item: Installed, folder: Path) -> Answer | None:
    key = _key(item, folder)
    remembered = None if key is None else cache.read(_name(item, folder), key)
    answer: Answer | None = remembered.get("answer") if remembered else None
    if remembered is None or not isinstance(answer, dict):
        return None
    if not ("error" in answer or isinstance(answer.get("components"), list)):
        return None
    # A failure may lie outside the plugin (a missing dependency), so it counts only until anything is
    # installed or removed.
    stale = "error" in answer and remembered.get("environment") != list(environment())
    return None if stale else answer


def _probe_and_remember(item: Installed, folder: Path) -> Answer:
    key = _key(item, folder)  # before asking: a file that changes meanwhile is asked for again
    try:
        answer = _probe(item)
    except OSError as error:  # no room for a temporary file, or for one process more: not to be remembered
        return {"error": f"could not be asked: {error.strerror or error}"}
    if key is not None:
        cache.write(_name(item, folder), key, {"answer": answer, "environment": list(environment())})
    return answer


def _name(item: Installed, folder: Path) -> str:
    return cache.name("answers", item.distribution, f"{sys.executable} {folder}")


def _probe(item: Installed) -> Answer:
    import subprocess
    import tempfile

    if os.environ.get(ASKING):
        return {"error": f"was not asked, because {os.environ[ASKING]} is being asked"}
    child = "zoo.registry.plugins.probe_child"
    code = f"import sys; sys.path.insert(0, {_ROOT!r}); from {child} import main; main()"
    # '' is the current folder, which may be gone
    places = [entry or working_folder() for entry in sys.path]
    path = [os.path.abspath(entry) for entry in places if entry is not None]  # noqa: PTH100
    question = {"path": path, "module": item.module, "distribution": item.distribution}
    limit = number("ZOO_PLUGIN_TIMEOUT", TIMEOUT, "seconds", least=0.1)
    # Files, not pipes: a grandchild that outlives the child would keep a pipe open, and us waiting.
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as told:
        given.write(json.dumps(question).encode())
        given.seek(0)
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and code
            [sys.executable, "-c", code],
            stdin=given,
            stdout=told,
            stderr=subprocess.DEVNULL,
            env={**os.environ, ASKING: item.distribution},
            # A group of its own, so that `end` reaches what the plugin has started
            start_new_session=True,
        )
        try:
            status = process.wait(limit)
        except subprocess.TimeoutExpired:
            end(process)
            process.wait()
            return {"error": f"gave no answer within {limit:g} s; `zoo plugins --refresh` asks again"}
        told.seek(0)
        try:
            answer: Answer = json.loads(told.read())
        except ValueError:
            return {"error": f"ended its process (exit status {status}) instead of answering"}
    return answer


def _key(item: Installed, folder: Path) -> list[Any] | None:
    """What an answer depends on: the version, this Python, and the package's files by time and size.

    None where there are more than `MOST_ENTRIES` of them, as where a link leads to a whole disk.
    """
    if is_package(item.module, folder):
        files = _stamps(str(folder))
    else:
        files = []
        single = folder / f"{item.module}.py"
        with contextlib.suppress(OSError):
            files.append(_stamp(str(single), single.stat()))
    return None if files is None else [item.distribution, item.version, item.module, sys.executable, files]


def _stamps(folder: str) -> list[list[Any]] | None:
    """Path, time and size of each file in a package, each folder looked at once, wherever links lead to."""
    files: list[list[Any]] = []
    pending, seen, count = [folder], set(), 0
    while pending:
        # What cannot be looked at (a link to itself, a folder that is forbidden) cannot be imported either
        with contextlib.suppress(OSError):
            place = pending.pop()
            found = os.stat(place)  # noqa: PTH116 - half the time of Path.stat
            if (found.st_dev, found.st_ino) in seen:
                continue
            seen.add((found.st_dev, found.st_ino))
            with os.scandir(place) as entries:
                for entry in entries:
                    count += 1
                    if count > MOST_ENTRIES:
                        return None
                    # What importing writes is no change
                    if entry.name == "__pycache__" or entry.name.startswith("."):
                        continue
                    with contextlib.suppress(OSError):
                        if entry.is_dir():
                            pending.append(entry.path)
                        else:
                            files.append(_stamp(entry.path, entry.stat()))
    return sorted(files)


def _stamp(path: str, found: os.stat_result) -> list[Any]:
    return [path, found.st_mtime_ns, found.st_size]
