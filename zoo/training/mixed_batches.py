"""Augmented batches of several processes: images that are mixed come from all of them."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from zoo.interfaces.augmenter import Augmenter, Batch, parted
from zoo.interfaces.draws import draws
from zoo.interfaces.execution import Execution


def augmented(
    augment: Augmenter,
    batch: Batch,
    seed: int,
    epoch: int,
    execution: Execution,
    *,
    repeats: Sequence[int] | None = None,
) -> Batch:
    """A training batch after augmentation, the same in however many processes it is shared by.

    Args:
        augment: of the run.
        batch: the part of this process.
        seed: of the run.
        epoch: from 1.
        execution: with the other processes.
        repeats: how often each image came before in the epoch; None where each comes once.
    """
    own = draws(seed, epoch, batch["index"].tolist(), repeats)
    if execution.processes == 1 or not augment.changes_labels:
        found: Batch = augment(batch, own)
        return found
    alone, together = parted(augment)
    return _of_all(together, alone(batch, own), own, execution)


def _of_all(augment: Augmenter, batch: Batch, own: list[torch.Generator], execution: Execution) -> Batch:
    """Each process augments the whole batch and keeps its part; generators go on from where they were."""
    device, count = batch["image"].device, len(own)
    states = torch.stack([generator.get_state() for generator in own]).to(device)
    everyone, start = execution.gather_rows(states)
    whole: Batch = {}
    for name, value in batch.items():
        rows = execution.gather_rows(value.as_subclass(torch.Tensor))[0]
        whole[name] = rows.as_subclass(type(value))
    generators = [torch.Generator() for _ in everyone]
    for generator, state in zip(generators, everyone.cpu(), strict=True):
        # Of a row of a tensor torch reads what stands before it
        generator.set_state(state.clone())
    mixed = augment(whole, generators)
    return {name: value[start : start + count] for name, value in mixed.items()}
