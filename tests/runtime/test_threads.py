"""Threads share torch's generators: what draws nothing leaves them alone, and what seeds them takes turns."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import zoo
from zoo.interfaces.draws import forked
from zoo.interfaces.model import Model

IMAGE = torch.zeros(1, 8, 8)
DATA = {"name": "faces", "per_class": 8}
LONG = 20.0
"""Seconds that nothing here takes."""


class Pause(nn.Module):
    """Passes on what it gets, once another thread has said so."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.go = threading.Event(), threading.Event()

    def forward(self, module: nn.Module, inputs: Any) -> None:
        self.reached.set()
        assert self.go.wait(LONG)


def built(head: Any = "binary") -> Model:
    return zoo.build("mlp", head=head, in_channels=1, input_size=8, seed=0)


VERBS: dict[str, tuple[Callable[[], Model], Callable[[Model], Any]]] = {
    "predict": (built, lambda m: zoo.predict(m, IMAGE)),
    "evaluate": (built, lambda m: zoo.evaluate(m, DATA, progress=False)),
    "verify": (
        lambda: built({"name": "embedding", "dim": 4}),
        lambda m: zoo.verify(m, IMAGE, IMAGE, threshold=0.5),
    ),
    "sample": (
        lambda: zoo.build("dcgan_generator", in_channels=1, input_size=8, width=4, latent=6, seed=0),
        lambda m: zoo.sample(m, 2, seed=0),
    ),
    "latents": (
        lambda: zoo.build("autoencoder", in_channels=1, input_size=8, seed=0),
        lambda m: zoo.latents(m, DATA, split="all", progress=False),
    ),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_that_trains_nothing_rewinds_no_other_threads_draws(verb: str) -> None:
    make, use = VERBS[verb]
    model, pause = make(), Pause()
    first = next(module for module in model.modules() if [*module.parameters(recurse=False)])
    hook = first.register_forward_pre_hook(pause.forward)
    worker = threading.Thread(target=use, args=(model,))
    torch.manual_seed(0)
    expected = torch.rand(4)
    torch.manual_seed(0)
    worker.start()
    assert pause.reached.wait(LONG)
    before = torch.rand(2)  # while the verb is amid its work
    pause.go.set()
    worker.join(LONG)
    hook.remove()
    assert torch.cat([before, torch.rand(2)]).tolist() == expected.tolist()


def trained(seed: int, out: Path) -> dict[str, torch.Tensor]:
    model = zoo.build(
        "mlp", head={"name": "binary", "hidden": [8], "dropout": 0.5}, in_channels=1, input_size=8, seed=seed
    )
    run = zoo.fit(model, DATA, epochs=3, batch_size=4, seed=seed, out=out, device="cpu", progress=False)
    return {name: value.clone() for name, value in run.model.state_dict().items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(value, other[name]) for name, value in one.items())


def test_two_threads_that_train_and_one_that_builds_draw_what_each_draws_alone(tmp_path: Path) -> None:
    alone = [trained(seed, tmp_path / f"alone{seed}") for seed in (0, 1)]
    weights = built().state_dict()
    start, found, others = threading.Barrier(3), {}, []

    def train(seed: int) -> None:
        start.wait(LONG)
        found[seed] = trained(seed, tmp_path / f"both{seed}")

    def build() -> None:
        start.wait(LONG)
        while len(found) < 2 and len(others) < 200:
            others.append(built().state_dict())

    threads = [threading.Thread(target=train, args=(seed,)) for seed in (0, 1)]
    threads.append(threading.Thread(target=build))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert [same(found[seed], alone[seed]) for seed in (0, 1)] == [True, True]
    assert others
    assert all(same(state, weights) for state in others)


def test_who_draws_apart_waits_for_another_one_who_does() -> None:
    inside, done, order = threading.Event(), threading.Event(), []

    def other() -> None:
        inside.wait(LONG)
        with forked():
            order.append("other")
        done.set()

    worker = threading.Thread(target=other)
    worker.start()
    with forked():
        inside.set()
        assert not done.wait(0.2)
        order.append("first")
    worker.join(LONG)
    assert order == ["first", "other"]
