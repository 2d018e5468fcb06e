"""Losses of parts of a batch: their shares of it, and which losses have none."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from zoo.interfaces.augmenter import Batch
from zoo.interfaces.blocks.frozen_prefix import rows
from zoo.interfaces.draws import forked
from zoo.interfaces.execution import Execution
from zoo.interfaces.loss import (
    OUTPUT,
    Loss,
    cuts_of,
    divisor_of,
    from_sums,
    needs_of,
    sums_of,
    target_for,
    total,
)
from zoo.interfaces.loss_division import SHARE, Share, Sums, numbers, over
from zoo.interfaces.tasks import Task
from zoo.interfaces.tasks.target_counts import ignored_index
from zoo.spec.display import counted
from zoo.spec.errors import OptionError, warn
from zoo.trainers.whole_batch import WholeBatch

# Parts of 5, 1 and 3 of nine images: a mean over images weights them apart
TRIED, _ENDS = 9, ((0, 5), (5, 6), (6, 9))
SAME = 1e-4
"""Relative difference up to which a loss in parts is the same: float32 and the order of sums."""


def shared_out(
    loss: nn.Module,
    parts: Sequence[Batch],
    prepared: Callable[[Batch], Any],
    execution: Execution,
    *,
    whole: bool = False,
) -> list[Batch]:
    """Parts of a step's batch, each with its share where the loss is no mean over images.

    Args:
        loss: that is computed of each.
        parts: of this process.
        prepared: gives the target of a part as the loss takes it.
        execution: with the other processes.
        whole: whether it has to see the batch of all processes, as `check_cuts` says.
    """
    if execution.processes == 1 and len(parts) == 1:
        return list(parts)
    if whole and execution.processes > 1:
        (part,) = parts
        share: Any = WholeBatch(execution, execution.images / rows(part))
        return [{**part, SHARE: share}]
    own = [numbers(divisor_of(loss, target_for(loss, prepared(part), part))) for part in parts]
    if own[0] is None:
        return list(parts)
    of_all = over(own, execution.add)
    return [
        {**part, SHARE: Share(each, of_all, execution.images / rows(part))}  # type: ignore[dict-item]
        for part, each in zip(parts, own, strict=True)
    ]


def check_cuts(
    loss: nn.Module, task: Task | None, outputs: int, *, micro: int | None, batch: int, processes: int
) -> bool:
    """Refuses micro batches of a loss that is not the mean of its parts.

    Args:
        loss: of the run, prepared.
        task: of the model.
        outputs: of the model.
        micro: images of a part of a batch; None where no batch is cut.
        batch: images of a batch, over all processes.
        processes: that share one.

    Returns:
        Whether the loss has to see the batch of all processes, since nobody knows that parts give it.

    Raises:
        OptionError: batches would be cut, and the loss is another one of parts.
    """
    cut = micro is not None and micro < batch
    if not cut and processes == 1:
        return False
    name, (known, found) = f"loss {type(loss).__name__}", how_it_cuts(loss, task, outputs)
    if known is None and micro is not None and cut:
        parts = f"parts of {counted(micro, 'image')}"
        warn(f"{name} does not say what it divides by: {parts} are taken for means of images")
    if known is not False or not cut:
        return not known and not cut
    expected = f"a loss that parts of a batch add up to beside micro_batch_size={micro}"
    hint = "leave micro_batch_size out, or choose another loss"
    if found:
        hint = "leave micro_batch_size out, or say what it divides by: divisor() of zoo.interfaces.Loss"
    raise OptionError(name, expected=expected, got=found or "one of the batch as a whole", hint=hint)


def how_it_cuts(loss: nn.Module, task: Task | None, outputs: int) -> tuple[bool | None, str]:
    """Whether parts of a batch give a loss: as it says, else as it does on random answers.

    Returns:
        The answer, None where it can be neither asked nor tried; and what was found by trying.
    """
    said = cuts_of(loss)
    if said is not None or task is None or needs_of(loss):
        return said, ""
    try:
        found = _tried(loss, task, outputs)
    # It may take images of one size alone, or more than the example of its task has
    except Exception:
        return None, ""
    if found is None:
        return None, ""
    parts, whole = found
    same = math.isclose(parts, whole, rel_tol=SAME, abs_tol=1e-7)
    return same, "" if same else f"{whole:.4g} for a batch and {parts:.4g} as the mean of its parts"


def _tried(loss: nn.Module, task: Task, outputs: int) -> tuple[float, float] | None:
    device = next((t.device for t in (*loss.parameters(), *loss.buffers())), torch.device("cpu"))
    with forked():
        torch.manual_seed(0)
        answers, raw = task.example(task.classes(outputs), TRIED)
        target = task.target(uneven(raw, task, outputs), answers.shape[1])
        return in_parts(loss, {OUTPUT: answers.to(device)}, target.to(device))


def in_parts(loss: nn.Module, outputs: Mapping[str, Tensor], target: Tensor) -> tuple[float, float] | None:
    """A loss in parts of several sizes, and at once; None where it is random or not finite.

    Args:
        loss: prepared; it is copied.
        outputs: `TRIED` rows of each by name.
        target: as many, prepared.
    """

    def of(start: int, end: int) -> Sums:
        given, index = target[start:end], torch.arange(start, end)
        batch = {"index": index, "image": given, "target": given}
        # A copy: a loss may change by what it sees
        return sums_of(copy.deepcopy(loss), {n: v[start:end] for n, v in outputs.items()}, given, batch)

    with torch.no_grad():
        once, again, *cut = (of(*ends) for ends in ((0, TRIED), (0, TRIED), *_ENDS))
        added = {name: sum((part[name] for part in cut[1:]), start=cut[0][name]) for name in cut[0]}
        whole, same, parts = (float(total(from_sums(loss, sums))) for sums in (once, again, added))
    return (parts, whole) if whole == same and math.isfinite(whole) else None


def uneven(raw: Tensor, task: Task, outputs: int) -> Tensor:
    """Raw targets of which the first ones hardly count, where pixels may be left out."""
    ignored = ignored_index(task, outputs)
    if ignored is None:
        return raw
    found = raw.clone()
    found[:3, 1:] = ignored
    return found


def depends_on_batches(loss: nn.Module, task: Task | None, outputs: int) -> bool:
    """Whether the figure of a loss over a split depends on how its images come together."""
    if cuts_of(loss) is False:
        return not (isinstance(loss, Loss) and loss.adds_up)
    return how_it_cuts(loss, task, outputs)[0] is False
