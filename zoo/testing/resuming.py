"""Runs that are killed on purpose, and whether they end as unbroken ones once they are resumed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from zoo.spec.display import counted
from zoo.spec.errors import listing
from zoo.training.fit import fit
from zoo.training.record.checkpoint import Killed, watched
from zoo.training.run import Run


@contextmanager
def killed_after(checkpoints: int = 1) -> Iterator[None]:
    """Ends the training inside right after its n-th checkpoint, as a signal would: its folder stays as it is.

    Args:
        checkpoints: after how many; `checkpoint_every=0` makes `zoo.fit` write one after each step.

    Raises:
        AssertionError: the training ended before it had written so many.

    Example:
        >>> import tempfile, zoo
        >>> model = zoo.build("small_cnn", head="binary", in_channels=1, input_size=32, seed=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with killed_after(checkpoints=2):
        ...         _ = zoo.fit(model, {"name": "faces", "per_class": 8}, epochs=1, batch_size=4,
        ...                     out=folder + "/run", checkpoint_every=0)
        ...     run = zoo.fit(resume=folder + "/run")
        >>> len(run.history)
        1
    """
    written = 0

    def tell() -> None:
        nonlocal written
        written += 1
        if written == checkpoints:
            raise Killed

    try:
        with watched(tell):
            yield
    except Killed:
        return
    raise AssertionError(
        f"expected a run of at least {checkpoints} checkpoints, got {written}; "
        "checkpoint_every=0 writes one after each step"
    )


def check_resuming(
    train: Callable[[Path], Run],
    folder: Path,
    *,
    after: Iterable[int] = (1, 2),
    resume: Callable[[Path], Run] = lambda out: fit(resume=out),
) -> Run:
    """Trains once unbroken and once for each number killed and resumed; all must end with the same bits.

    Args:
        train: trains from the start in the folder that it is given, with `checkpoint_every=0`.
        folder: for the runs, new or empty.
        after: how many checkpoints a run writes before it is killed.
        resume: goes on with the run in a folder; needed where the run was given objects.

    Returns:
        The unbroken run.

    Raises:
        AssertionError: a resumed run has other tensors, other figures or another best epoch.

    Example:
        >>> import tempfile, zoo
        >>> def train(out):
        ...     model = zoo.build("small_cnn", head="binary", in_channels=1, input_size=32, seed=0)
        ...     return zoo.fit(model, {"name": "faces", "per_class": 8}, epochs=1, batch_size=4, out=out,
        ...                    trainer="supervised", checkpoint_every=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     run = check_resuming(train, Path(folder), after=[2])
    """
    whole = train(folder / "whole")
    for checkpoints in after:
        cut = folder / f"killed-after-{checkpoints}"
        with killed_after(checkpoints):
            train(cut)
        _check_same_end(whole, resume(cut), f"resumed after checkpoint {checkpoints}")
    return whole


def _check_same_end(whole: Run, resumed: Run, text: str) -> None:
    difference = _difference(whole, resumed)
    if difference is not None:
        raise AssertionError(f"{text}: expected the end of the unbroken run, got {difference}")


def _difference(whole: Run, resumed: Run) -> str | None:
    one, two = whole.model.state_dict(), resumed.model.state_dict()
    if odd := sorted(one.keys() ^ two.keys()):
        return f"{listing(odd, 3)} in one of them only"
    if odd := [name for name in one if not torch.equal(one[name], two[name])]:
        return f"other values in {listing(odd, 3)}"
    for a, b in zip(_rows(whole), _rows(resumed), strict=False):
        if odd := sorted(name for name in a.keys() | b.keys() if a.get(name) != b.get(name)):
            return f"other figures in epoch {a['epoch']}: {listing(odd, 3)}"
    ends = [f"{counted(len(run.history), 'epoch')}, the best {run.best_epoch}" for run in (whole, resumed)]
    return None if ends[0] == ends[1] else f"{ends[1]} for {ends[0]}"


def _rows(run: Run) -> list[dict[str, object]]:
    # Seconds are the one figure that may differ
    return [{name: value for name, value in row.items() if name != "seconds"} for row in run.history]
