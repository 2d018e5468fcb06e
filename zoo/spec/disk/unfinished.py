"""Folders of runs that have not ended: whether one is being trained now, and otherwise how it goes on."""

from __future__ import annotations

from pathlib import Path

from zoo.spec.disk.locks import take
from zoo.spec.disk.records import known_run
from zoo.spec.files import RUN_LOCK
from zoo.spec.hints.next_steps import how_to_resume


def unfinished_run(folder: Path) -> tuple[str, str] | None:
    """Words for a run that has not ended, and the next step; None where there is no such run.

    Args:
        folder: of the run.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = Path(folder, "run.json").write_text('{"finished": false}')
        ...     got, step = unfinished_run(Path(folder))
        >>> got, step.replace(folder, "runs/a")
        ('an unfinished run', 'zoo fit --resume runs/a goes on with it')
    """
    if is_training(folder):
        return "a run that is being trained now", "wait until it has ended"
    facts = known_run(folder)
    if facts.get("finished") is not False:
        return None
    return "an unfinished run", f"{how_to_resume(folder, facts)} goes on with it"


def is_training(folder: Path) -> bool:
    """Whether a process trains in a folder now, as far as its disk tells: some know no locks."""
    file = folder / RUN_LOCK
    if not file.is_file():
        return False
    try:
        lock = take(file)
    except OSError:
        return False
    if lock is not None:
        lock.release()
    return lock is None
