"""Training on mixed images: targets with shares, in one process and in several."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import zoo
from zoo.interfaces import Augmenter, Chain, Execution, Loss, Multiclass
from zoo.runtime.arguments import as_augmenter
from zoo.spec.errors import OptionError, TrainingError
from zoo.training.mixed_batches import augmented

DIGITS = {"name": "digits", "per_class": 8}


class Rows(Execution):
    """Processes as threads, which hand each other their rows."""

    def __init__(self, process: int, barrier: threading.Barrier, table: dict[int, Any]) -> None:
        super().__init__()
        self.processes, self.process = barrier.parties, process
        self.barrier, self.table = barrier, table

    def gather_rows(self, values: Tensor) -> tuple[Tensor, int]:
        self.table[self.process] = values
        self.barrier.wait()
        everyone = [self.table[i] for i in range(self.processes)]
        self.barrier.wait()
        return torch.cat(everyone), sum(map(len, everyone[: self.process]))


def batch_of(count: int) -> dict[str, Tensor]:
    image = torch.rand(count, 3, 12, 12, generator=torch.Generator().manual_seed(0))
    return {"image": image, "target": torch.arange(count) % 3, "index": torch.arange(count)}


def augmenter(names: list[Any]) -> Augmenter:
    made, _ = as_augmenter(names)
    assert made is not None
    made.prepare(Multiclass(), 3)
    return made


@pytest.mark.parametrize("names", [["mixup"], ["noise", "rotate", "cutmix", "brightness"]])
@pytest.mark.parametrize("processes", [2, 3])
def test_processes_together_mix_as_one(names: list[str], processes: int) -> None:
    whole, barrier = batch_of(7), threading.Barrier(processes)
    expected = augmented(augmenter(names), whole, 3, 1, Execution())
    table: dict[int, Any] = {}
    found: dict[int, Any] = {}

    def work(process: int) -> None:
        own = {name: value[process::processes] for name, value in whole.items()}
        found[process] = augmented(augmenter(names), own, 3, 1, Rows(process, barrier, table))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(processes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for process, part in found.items():
        for name, value in part.items():
            torch.testing.assert_close(value, expected[name][process::processes], rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("head", "data"), [("binary", {"name": "faces", "per_class": 8}), ("multiclass", DIGITS)]
)
def test_a_training_on_mixed_images_measures_them_by_their_likeliest_class(
    head: str, data: Any, tmp_path: Path
) -> None:
    model = zoo.build("mlp", hidden=[8], head=head, in_channels=1, input_size=8, seed=0,
                      **({"classes": 10} if head == "multiclass" else {}))  # fmt: skip
    mixing = [{"name": "mixup", "alpha": 1.0}, {"name": "cutmix", "p": 0.5}]
    run = zoo.fit(model, data, augment=mixing, epochs=2, out=tmp_path / "run", progress=False)
    row = run.history[-1]
    assert 0 <= row["accuracy"] <= 1
    assert row["loss"] > 0
    again = zoo.build("mlp", hidden=[8], head=head, in_channels=1, input_size=8, seed=0,
                      **({"classes": 10} if head == "multiclass" else {}))  # fmt: skip
    second = zoo.fit(again, data, augment=mixing, epochs=2, out=tmp_path / "again", progress=False, workers=1)
    assert second.history[-1]["loss"] == row["loss"]


class OfIndices(Loss):
    """A loss that takes the likeliest class, whatever the shares are."""

    tasks = ("multiclass",)

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        index = target.argmax(1) if target.ndim == 2 else target
        return nn.functional.cross_entropy(output, index)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (nn.MultiMarginLoss(), "MultiMarginLoss, which stumbles over them"),
        (OfIndices(), "the same for all shares"),
    ],
)
def test_losses_that_take_no_shares_are_refused_before_the_work(
    loss: Any, message: str, tmp_path: Path
) -> None:
    model = zoo.build("mlp", hidden=[8], head="multiclass", classes=10, in_channels=1, input_size=8, seed=0)
    with pytest.raises(TrainingError, match="expected a loss that takes targets of mixed images") as caught:
        zoo.fit(model, DIGITS, augment="mixup", loss=loss, epochs=1, out=tmp_path / "run", progress=False)
    assert message in str(caught.value)


def test_batches_of_one_image_have_nothing_to_mix(tmp_path: Path) -> None:
    model = zoo.build("mlp", hidden=[8], head="multiclass", classes=10, in_channels=1, input_size=8, seed=0)
    how: dict[str, Any] = {"batch_size": 1, "epochs": 1, "out": tmp_path / "run", "progress": False}
    message = "expected images to mix with each other, got batch_size=1 for Mixup; batch_size=8"
    with pytest.raises(TrainingError, match=message):
        zoo.fit(model, DIGITS, augment=["flip", "mixup"], **how)


def test_tasks_without_means_are_refused_before_the_work(tmp_path: Path) -> None:
    model = zoo.build("mlp", hidden=[8], head="embedding", in_channels=1, input_size=8, seed=0)
    with pytest.raises(OptionError, match="mixup: expected a task whose targets can be averaged"):
        zoo.fit(
            model, DIGITS, augment="mixup", loss="arcface", epochs=1, out=tmp_path / "run", progress=False
        )


def test_a_chain_mixes_where_one_of_it_does() -> None:
    chain = augmenter(["flip", "mixup"])
    assert isinstance(chain, Chain)
    assert chain.changes_labels
