"""Batches on their way to a card: what is sent, when, and that it is what a processor computes with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor

from zoo.data.batches import Batches
from zoo.data.loader import transfers
from zoo.images.prepare import as_numbers
from zoo.interfaces.dataset import Dataset, Sample
from zoo.interfaces.tasks import Multiclass
from zoo.spec.inputs import InputSpec

CARD, HERE = torch.device("cuda", 0), torch.device("cpu")
SPEC = InputSpec(size=(4, 4), decode="fast")
ORDER = {"batch_size": 2, "seed": 0, "shuffle": True}


class Drawn(Dataset):
    """Images of bytes with masks."""

    task = Multiclass()
    labels = ("a", "b")
    masks = True
    targets = (0, 1, 0, 1, 0)

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> Sample:
        rng = np.random.default_rng(index)
        image = rng.integers(0, 256, (6, 7, 3), dtype=np.uint8)
        return Sample(image, self.targets[index], mask=(image[..., 0] > 99).astype(np.uint8))


class Lane:
    """Notes what would be sent."""

    def __init__(self, device: torch.device, seen: dict[str, torch.dtype]) -> None:
        assert device == CARD
        self.seen = seen

    def sent(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        self.seen.update({name: values.dtype for name, values in batch.items()})
        return batch


@pytest.mark.parametrize("crop", [False, True])
def test_bytes_are_sent_and_the_numbers_are_those_of_memory(
    monkeypatch: pytest.MonkeyPatch, crop: bool
) -> None:
    seen: dict[str, torch.dtype] = {}
    monkeypatch.setattr(transfers, "Lane", partial(Lane, seen=seen))
    here, there = (Batches(Drawn(), range(5), SPEC, crop=crop, device=at, **ORDER) for at in (HERE, CARD))
    for one, other in zip(here.epoch(1), there.epoch(1), strict=True):
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)
        assert (other["image"].dtype, other["mask"].dtype) == (torch.float32, torch.int64)
    assert (seen["image"], seen["mask"]) == (torch.uint8, torch.uint8)


@pytest.mark.parametrize(
    ("device", "workers", "pinned"), [(CARD, 1, True), (CARD, 0, False), (HERE, 1, False)]
)
def test_workers_lay_batches_for_a_card_into_pinned_memory(
    device: torch.device, workers: int, pinned: bool
) -> None:
    batches = Batches(Drawn(), range(5), SPEC, device=device, workers=workers, **ORDER)
    assert batches._read.args[0].pin_memory is pinned


def test_bytes_are_divided_as_a_processor_divides() -> None:
    values = torch.arange(256, dtype=torch.uint8)
    expected = np.arange(256, dtype=np.float32) / np.float32(255)
    assert np.array_equal(as_numbers(values).numpy(), expected)


class Copied:
    """A tensor in memory that notes what happens to it."""

    device = HERE

    def __init__(self, log: list[str]) -> None:
        self.log = log

    def is_pinned(self) -> bool:
        return False

    def __getattr__(self, name: str) -> Callable[..., Copied]:
        def noted(*given: object, **how: object) -> Copied:
            self.log.append(" ".join(map(str, (name, *given, *how.items()))))
            return self

        return noted


class Stream:
    """A stream of a card."""

    def __init__(self, log: list[str], name: str) -> None:
        self.log, self.name = log, name

    def wait_stream(self, other: Stream) -> None:
        self.log.append(f"{self} waits for {other}")

    def __str__(self) -> str:
        return self.name


def test_a_copy_runs_beside_what_computes_which_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    log: list[str] = []

    @contextmanager
    def within(stream: Stream) -> Iterator[None]:
        log.append(f"on {stream}")
        yield
        log.append(f"off {stream}")

    monkeypatch.setattr(torch.cuda, "Stream", lambda device: Stream(log, "copies"))
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: Stream(log, "computing"))
    monkeypatch.setattr(torch.cuda, "stream", within)
    list(transfers.arriving([{"image": Copied(log)}], CARD))  # type: ignore[dict-item]
    copy = ["on copies", "pin_memory", "to cuda:0 ('non_blocking', True)", "off copies"]
    assert log == [*copy, "computing waits for copies", "record_stream computing"]
