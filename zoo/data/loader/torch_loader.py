"""Torch's loader over an order of images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from zoo.data.batch_order import Order
from zoo.data.loader.transfers import pins

Place = tuple[int, int]
"""Epoch and index."""


class _InEpoch:
    """The lists of an order, with the number of the epoch for workers, which see nothing else of it."""

    def __init__(self, order: Order) -> None:
        self.order = order

    def __len__(self) -> int:
        return len(self.order)

    def __iter__(self) -> Iterator[list[Place]]:
        for indices in self.order:
            yield [(self.order.epoch, index) for index in indices]


def loader_of(
    prepared: Dataset[Any], order: Order, put: Callable[..., Any], device: torch.device | None, workers: int
) -> DataLoader[Any]:
    """A loader of the batches of an order.

    Args:
        prepared: gives the item of each place.
        order: whose epoch and `skip` hold when an iteration begins.
        put: collates items.
        device: that batches are for.
        workers: processes that read; they stay from epoch to epoch.
    """
    return DataLoader(
        prepared,
        batch_sampler=_InEpoch(order),
        collate_fn=put,
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=workers > 0 and pins(device),  # by a thread; without workers there is none to do it
        generator=torch.Generator(),  # so that it draws nothing from the global one
    )
