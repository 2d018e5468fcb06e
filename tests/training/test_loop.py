"""The loop around the steps of a trainer whose figures are scripted: what is called when, and kept."""

from __future__ import annotations

import copy
import signal
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

import zoo
from zoo.data.batch_order import Order
from zoo.interfaces.augmenter import Augmenter
from zoo.interfaces.blocks.frozen_prefix import PREFIX
from zoo.interfaces.execution import Execution
from zoo.interfaces.loss import Loss
from zoo.interfaces.model import Model
from zoo.interfaces.trainer import Trainer
from zoo.runtime.progress import Reporter
from zoo.spec.errors import FormatError, TrainingError
from zoo.spec.trainers.early_stopping import EarlyStopping
from zoo.training import engine as module
from zoo.training.engine import Engine
from zoo.training.record.checkpoint import Saving
from zoo.training.run import Outcome


class Images:
    """Batches of two of a few images; notes what it was asked for."""

    def __init__(self, count: int = 6, key: str = "image") -> None:
        self.order, self.key = Order(range(count), batch_size=2), key
        self.asked: list[tuple[int, int]] = []

    def epoch(self, number: int = 0, skip: int = 0) -> Iterator[dict[str, Tensor]]:
        self.asked.append((number, skip))
        self.order.skip = skip
        for indices in self.order:
            x = torch.full((len(indices), 1, 8, 8), 0.5)
            yield {self.key: x, "target": torch.tensor(indices) % 2, "index": torch.tensor(indices)}


class Scripted(Trainer):
    """Each epoch's validation loss is given; a step moves one bias to the number of steps so far."""

    batch_size = 2

    def __init__(self, *losses: float, **more: Any) -> None:
        self.epochs, self.losses, self.seen, self.steps = len(losses), losses, [], 0
        for name, value in more.items():
            setattr(self, name, value)

    def setup(self, model: Model, loss: Loss | None, execution: Execution) -> None:
        self.model = model
        self.drawn = torch.rand(1).item()
        self.seen.append("setup")

    def step(self, batch: dict[str, Any]) -> dict[str, Tensor]:
        self.steps += 1
        with torch.no_grad():
            self.model.head.last.bias.fill_(self.steps)
        return {"loss": torch.tensor(float(self.steps)), "draw": torch.rand(())}

    def collect(self) -> dict[str, float]:
        return {"accuracy": 0.5}

    def evaluate(self, batches: Any) -> dict[str, float]:
        count = sum(len(batch["target"]) for batch in batches)
        return {"loss": self.losses[min((self.steps - 1) // 3, len(self.losses) - 1)], "count": count}

    def end_epoch(self, epoch: int, values: dict[str, float]) -> None:
        self.seen.append((epoch, values["val_loss"]))

    def finish(self) -> None:
        self.seen.append("finish")

    @property
    def optimizers(self) -> dict[str, Any]:
        return {}

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.steps = state["steps"]


def mlp(**more: Any) -> Model:
    given = {"hidden": [4], "head": "binary", "in_channels": 1, "input_size": 8, "seed": 0}
    return zoo.build("mlp", **{**given, **more})


def engine(trainer: Trainer, **more: Any) -> Engine:
    given: dict[str, Any] = {
        "model": mlp(), "loss": None, "train": Images(), "val": Images(4), "seed": 0,
        "device": torch.device("cpu"),
    }  # fmt: skip
    return Engine(trainer=trainer, **{**given, **more})


def bias(found: Engine) -> float:
    return found.model.head.last.bias.item()  # type: ignore[no-any-return]


# -- epochs ----------------------------------------------------------------------------------------------


def test_every_epoch_is_run_and_the_weights_of_the_best_one_come_back() -> None:
    trainer = Scripted(3.0, 1.0, 2.0)
    found = engine(trainer)
    outcome = found.run()
    assert trainer.seen == ["setup", (1, 3.0), (2, 1.0), (3, 2.0), "finish"]
    assert bias(found) == 6
    assert outcome.best is outcome.history[1]
    assert not outcome.interrupted
    assert not outcome.stopped_early
    rows = [{k: v for k, v in row.items() if k not in ("seconds", "draw")} for row in outcome.history]
    assert rows[1] == {"epoch": 2, "loss": 5.0, "accuracy": 0.5, "val_loss": 1.0, "val_count": 4}
    assert all(0 <= row["seconds"] < 60 for row in outcome.history)
    assert found.train.asked == [(1, 0), (2, 0), (3, 0)]  # type: ignore[attr-defined]


def test_each_epoch_is_told_with_its_sheets_and_whether_it_is_the_best_so_far() -> None:
    told: list[Any] = []
    shown: list[Any] = []
    reporter: Any = Reporter(False)
    reporter.begin = lambda *given, **more: shown.append((given, more))
    reporter.step = lambda: shown.append("step")
    reporter.epoch = lambda row, best: shown.append((row["epoch"], best))
    trainer = Scripted(3.0, 1.0, 2.0, draw=lambda: {"sheet": 1})
    engine(trainer, on_epoch=lambda rows, sheets: told.append((len(rows), sheets)), reporter=reporter).run()
    assert told == [(1, {"sheet": 1}), (2, {"sheet": 1}), (3, {"sheet": 1})]
    steps = ["step"] * 3
    assert shown == [((3, 3), {"done": 0}), *steps, (1, True), *steps, (2, True), *steps, (3, False)]


def test_draws_follow_from_the_seed_and_the_step_and_leave_the_callers_alone() -> None:
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    drawn = []
    for seed in (0, 0, 1):
        trainer = Scripted(1.0, 1.0)
        rows = engine(trainer, seed=seed).run().history
        drawn.append((trainer.drawn, rows[0]["draw"], rows[1]["draw"]))
    assert torch.equal(torch.rand(1), expected)
    assert drawn[0] == drawn[1]
    assert len({*drawn[0], *drawn[2]}) == 6


@pytest.mark.parametrize(
    ("stopping", "losses", "epochs"),
    [
        (None, (1, 2, 2, 2), 4), (2, (1, 2, 2, 2), 3), (3, (1, 2, 2, 2), 4), (1, (3, 2, 1, 2), 4),
        (EarlyStopping(patience=2, min_delta=1.5), (3, 2, 1.9, 1), 3), (2, (1, 2, 0.5, 2), 4),
    ],
)  # fmt: skip
def test_it_stops_after_so_many_epochs_without_a_better_one(stopping: Any, losses: Any, epochs: int) -> None:
    outcome = engine(Scripted(*losses, early_stopping=stopping)).run()
    assert len(outcome.history) == epochs
    assert outcome.stopped_early is (epochs < 4)


def test_a_value_that_grows_may_be_watched() -> None:
    trainer = Scripted(1.0, 3.0, 2.0, 2.5, higher_is_better=True, early_stopping=2)
    found = engine(trainer)
    outcome = found.run()
    assert (outcome.best or {})["epoch"] == 2
    assert (len(outcome.history), bias(found)) == (4, 6)
    assert not outcome.stopped_early  # the last epoch was the last anyhow


def test_an_error_of_an_epoch_leaves_the_weights_of_the_best_one() -> None:
    class Failing(Scripted):
        def step(self, batch: dict[str, Any]) -> dict[str, Tensor]:
            found = super().step(batch)
            return {"loss": torch.tensor(float("nan"))} if self.steps == 5 else found

    found = engine(Failing(3.0, 1.0))
    with pytest.raises(TrainingError, match="epoch 2, step 2 of 3"):
        found.run()
    assert bias(found) == 3


# -- the batch of a step -----------------------------------------------------------------------------------


class Doubling(Augmenter):
    """Doubles what it sees, and notes by which draws."""

    def __init__(self) -> None:
        super().__init__()
        self.seeds: list[list[int]] = []

    def forward(self, batch: Any, draws: list[torch.Generator]) -> Any:
        self.seeds.append([draw.initial_seed() for draw in draws])
        return {**batch, "image": batch["image"] * 2}


def test_images_are_augmented_in_training_alone_by_draws_of_epoch_and_index() -> None:
    trained, looked = [], []

    class Looking(Scripted):
        def step(self, batch: dict[str, Any]) -> dict[str, Tensor]:
            trained.append(batch["image"].max().item())
            return super().step(batch)

        def evaluate(self, batches: Any) -> dict[str, float]:
            looked.extend(batch["image"].max().item() for batch in batches)
            return {"loss": 1.0}

    augment = Doubling()
    engine(Looking(1.0, 1.0), augment=augment).run()
    assert (set(trained), set(looked)) == ({1.0}, {0.5})
    assert len(augment.seeds) == 6
    assert len({seed for seeds in augment.seeds for seed in seeds}) == 12


class Advancing(Loss):
    """Notes where it is moved to."""

    def __init__(self) -> None:
        super().__init__()
        self.places: list[tuple[float, int]] = []

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return output.mean()

    def advance(self, position: float, epochs: int) -> None:
        self.places.append((position, epochs))


def test_a_loss_is_moved_before_each_step_by_the_share_of_the_epoch_that_is_behind() -> None:
    loss = Advancing().eval()
    engine(Scripted(1.0, 1.0), loss=loss).run()
    assert loss.places == [(pytest.approx(i / 3), 2) for i in range(6)]
    assert loss.training


def test_the_execution_hears_of_the_images_of_each_step() -> None:
    heard: list[int] = []
    execution = Execution(3)
    execution.announce = heard.append  # type: ignore[method-assign]
    engine(Scripted(1.0), train=Images(5), execution=execution).run()
    assert heard == [2, 2, 1]


def test_a_loss_is_looked_at_in_each_step_on_a_cpu() -> None:
    class Failing(Scripted):
        def step(self, batch: dict[str, Any]) -> dict[str, Tensor]:
            super().step(batch)
            return {"loss": torch.tensor(float("inf"))}

    trainer = Failing(1.0)
    with pytest.raises(TrainingError, match="epoch 1, step 1 of 3"):
        engine(trainer).run()
    assert trainer.steps == 1


@pytest.mark.filterwarnings("ignore:frozen blocks:zoo.ZooWarning")
def test_blocks_are_not_unfrozen_within_a_step_on_their_cached_features() -> None:
    class Thawing(Scripted):
        def step(self, batch: dict[str, Any]) -> dict[str, Tensor]:
            found = super().step(batch)
            self.model.unfreeze()
            return found

    model = mlp(freeze="all")
    with pytest.raises(TrainingError, match=r"frozen within the step; do it in end_epoch"):
        engine(Thawing(1.0), model=model, train=Images(key=f"{PREFIX}0")).run()
    model = mlp(freeze="all")
    assert engine(Thawing(1.0), model=model).run().best  # with images it may


# -- checkpoints -------------------------------------------------------------------------------------------


class Clock:
    """Stands still unless it is told to go on."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    perf_counter = monotonic


def places(states: list[dict[str, Any]]) -> list[tuple[int, int]]:
    return [(state["epoch"], state["step"]) for state in states]


def test_with_no_pause_a_checkpoint_follows_each_step() -> None:
    states: list[dict[str, Any]] = []
    engine(Scripted(2.0, 1.0), saving=Saving(write=states.append, every=0.0)).run()
    assert places(states) == [(1, 1), (1, 2), (2, 0), (2, 1), (2, 2), (3, 0)]
    assert [state["means"] is None for state in states] == [False, False, True] * 2
    assert states[0]["best"] == []
    assert states[2]["best"] is None  # the present one
    assert states[3]["best"] is not None
    assert [len(state["history"]) for state in states] == [2] * 6  # one list, which a file copies


def test_the_last_checkpoint_is_always_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "time", Clock())
    states: list[dict[str, Any]] = []
    engine(Scripted(2.0, 1.0), saving=Saving(write=states.append, every=60.0)).run()
    assert places(states) == [(3, 0)]
    states.clear()
    engine(Scripted(1.0, 2.0, 2.0, early_stopping=1), saving=Saving(write=states.append, every=60.0)).run()
    assert places(states) == [(3, 0)]
    engine(Scripted(1.0), saving=None).run()


@pytest.mark.parametrize(("taken", "steps"), [(0.0, [3, 6]), (0.15, [3, 6]), (0.3, [3])])
def test_checkpoints_are_as_far_apart_as_asked_for_and_take_a_twentieth_of_the_time(
    monkeypatch: pytest.MonkeyPatch, taken: float, steps: list[int]
) -> None:
    """Each step takes a second."""
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    found: list[int] = []

    class Ticking(Scripted):
        def step(self, batch: dict[str, Any]) -> dict[str, Tensor]:
            clock.now += 1
            return super().step(batch)

    def write(state: Any) -> None:
        found.append(trainer.steps)
        clock.now += taken

    trainer = Ticking(2.0)
    engine(trainer, train=Images(16), saving=Saving(write=write, every=3.0)).run()
    assert found == [*steps, 8]


def test_a_run_goes_on_where_a_checkpoint_was_written() -> None:
    def losses() -> Scripted:
        return Scripted(3.0, 1.0, 2.0)

    states: list[dict[str, Any]] = []

    def write(state: dict[str, Any]) -> None:
        states.append(copy.deepcopy(state))

    whole = engine(losses(), saving=Saving(write=write, every=0.0))
    wanted = whole.run()
    for state in states:
        restored: list[int] = []
        trainer = losses()
        shown: list[Any] = []
        reporter: Any = Reporter(False)
        reporter.begin = lambda *given, shown=shown, **more: shown.append(more["done"])
        tell = partial(lambda seen, whose: seen.append(whose.steps), restored, trainer)
        found = engine(trainer, resumed=state, on_restored=tell, reporter=reporter)
        outcome = found.run()
        done = (state["epoch"] - 1) * 3 + state["step"]
        assert (restored, shown) == ([done], [done])
        for got, row in zip(outcome.history, wanted.history, strict=True):
            assert {k: v for k, v in got.items() if k != "seconds"} == {
                k: v for k, v in row.items() if k != "seconds"
            }
        assert bias(found) == bias(whole) == 6
        assert found.train.asked[:1] == ([(state["epoch"], state["step"])] if done < 9 else [])  # type: ignore[attr-defined]


def finished(*losses: float, **more: Any) -> dict[str, Any]:
    """The last checkpoint of a run."""
    states: list[dict[str, Any]] = []
    engine(Scripted(*losses, **more), saving=Saving(write=states.append, every=0.0)).run()
    return states[-1]


def test_a_run_that_stopped_early_waits_anew_where_it_is_lengthened() -> None:
    state = finished(1.0, 2.0, 2.0, early_stopping=1)
    assert (state["epoch"], state["waits_from"]) == (3, 0)

    def again(lengthened: int | None) -> Outcome:
        trainer = Scripted(*[1.0, *[2.0] * 5], early_stopping=1)
        return engine(trainer, resumed=state, lengthened=lengthened).run()

    assert len(again(None).history) == 2
    assert len(again(2).history) == 3  # from the second epoch on
    assert len(again(1).history) == 2  # a later checkpoint knows from when
    del state["waits_from"]  # as version 0.1 wrote it
    assert len(again(2).history) == 3


@pytest.mark.parametrize("change", ["present", "trainer", "step", "history"])
def test_a_checkpoint_of_another_run_is_refused(change: str) -> None:
    state = finished(1.0, 1.0)
    del state[change]
    with pytest.raises(FormatError, match=r"checkpoint: expected the state of this run, got "):
        engine(Scripted(1.0, 1.0, 1.0), resumed=state).run()


# -- interruptions -------------------------------------------------------------------------------------------


class Interrupted(Scripted):
    """The user asks to stop within the given step."""

    def __init__(self, at: int, *losses: float) -> None:
        super().__init__(*losses)
        self.at = at

    def step(self, batch: dict[str, Any]) -> dict[str, Tensor]:
        found = super().step(batch)
        if self.steps == self.at:
            signal.raise_signal(signal.SIGINT)
        return found


@pytest.mark.parametrize(
    ("at", "interrupted", "place", "rows"),
    [(1, True, (1, 1), 0), (3, True, (2, 0), 1), (4, True, (2, 1), 1), (6, False, (3, 0), 2)],
)
def test_ctrl_c_stops_after_the_step_unless_nothing_is_left_to_do(
    monkeypatch: pytest.MonkeyPatch, at: int, interrupted: bool, place: tuple[int, int], rows: int
) -> None:
    monkeypatch.setattr(module, "time", Clock())
    states: list[dict[str, Any]] = []
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        outcome = engine(Interrupted(at, 2.0, 1.0), saving=Saving(write=states.append, every=60.0)).run()
    finally:
        signal.signal(signal.SIGINT, before)
    assert (outcome.interrupted, len(outcome.history)) == (interrupted, rows)
    assert places(states) == [place]


def test_the_module_of_a_model_is_in_training_mode_in_each_epoch() -> None:
    modes: list[bool] = []

    class Looking(Scripted):
        def step(self, batch: dict[str, Any]) -> dict[str, Tensor]:
            modes.append(self.model.training)
            return super().step(batch)

        def evaluate(self, batches: Any) -> dict[str, float]:
            self.model.eval()
            return super().evaluate(batches)

    found = engine(Looking(1.0, 1.0))
    found.model.eval()
    found.run()
    assert modes == [True] * 6


def test_a_parameter_made_trainable_within_an_epoch_is_refused() -> None:
    class Thawing(Scripted):
        def step(self, batch: dict[str, Any]) -> dict[str, Tensor]:
            found = super().step(batch)
            self.model.head.last.weight.requires_grad_(True)
            return found

    model = mlp()
    model.head.last.weight.requires_grad_(False)
    with pytest.raises(TrainingError, match=r"got requires_grad set on head\.last\.weight within the epoch"):
        engine(Thawing(1.0), model=model).run()


def test_an_execution_of_several_processes_keeps_checkpoints_between_epochs_alone() -> None:
    states: list[dict[str, Any]] = []
    execution = Execution(3)
    execution.processes = 2
    engine(Scripted(2.0, 1.0), execution=execution, saving=Saving(write=states.append, every=0.0)).run()
    assert places(states) == [(2, 0), (3, 0)]
