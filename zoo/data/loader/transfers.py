"""Batches on their way to a card of CUDA: copied from page-locked memory while the card computes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from zoo.interfaces.augmenter import Batch


def pins(device: torch.device | None) -> bool:
    """Whether batches for a device pass through page-locked memory, which CUDA copies without the processor.

    Args:
        device: None leaves them in memory.
    """
    return device is not None and device.type == "cuda"


def arriving(batches: Iterable[Batch], device: torch.device | None) -> Iterator[Batch]:
    """Batches, on the device where that is a card of CUDA; elsewhere as they are.

    Args:
        batches: in memory.
        device: that computes.
    """
    if device is None or not pins(device):
        yield from batches
        return
    lane = Lane(device)
    for batch in batches:
        yield lane.sent(batch)


class Lane:
    """A stream of copies to a card, beside the one that computes.

    What computes is launched and not waited for, so that a copy which waited for nothing else runs while the
    step before it is still computed.

    Args:
        device: the card.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._copies = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def sent(self, batch: Batch) -> Batch:
        """The batch on the card; only what computes with it waits until it is there.

        Args:
            batch: in memory, page-locked or not; what is on a card already stays where it is.
        """
        computing = torch.cuda.current_stream(self.device)
        with torch.cuda.stream(self._copies):
            there = {name: self._copied(values) for name, values in batch.items()}
        computing.wait_stream(self._copies)
        for values in there.values():
            # Else its memory could be given to the next copy before what computes has read it
            values.record_stream(computing)
        return there

    def _copied(self, values: Tensor) -> Tensor:
        if values.device.type != "cpu":
            return values
        pinned = values if values.is_pinned() else values.pin_memory()
        return pinned.to(self.device, non_blocking=True)
