"""Devices, signals, processes, folders and clocks, each with the machine that it is on made up."""

from __future__ import annotations

import random
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import zoo
from zoo.compose.foreign.torch_module import PlainModel
from zoo.data.loader import workers
from zoo.inference.verify import _least
from zoo.interfaces import Execution, Metric, Sample, TorchMetric
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.draws import mix
from zoo.interfaces.trainer import Trainer
from zoo.registry.environment import processes
from zoo.runtime.arguments import (
    as_loss,
    as_model,
    as_trainer,
    check_order,
    folder_of,
    metrics_of,
    new_run_folder,
    pick_seed,
)
from zoo.runtime.computing import Computing
from zoo.runtime.data_checks import for_model
from zoo.runtime.devices import (
    borrowed,
    choose_device,
    has_live_batch_norm,
    isolated,
    seed_step,
    to_device,
)
from zoo.runtime.interruption import Interruption
from zoo.runtime.processes import Accelerated, accelerator_for
from zoo.runtime.progress import watched
from zoo.runtime.progress_views import Lines, Notebook, View, epoch_line
from zoo.spec.errors import DataError, OptionError, RecipeError, ShapeError, TrainingError
from zoo.spec.hints.spoken import Spoken, speaking
from zoo.training.batch_sources import _say_why

CPU = torch.device("cpu")


# -- devices -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cuda", "mps", "chosen"),
    [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_an_accelerator_is_taken_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, chosen: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert choose_device(None) == torch.device(chosen)
    assert choose_device("cpu") == choose_device(CPU) == CPU


def test_a_device_that_is_none_or_not_here_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        OptionError, match=r"device 'gpu': expected .*, got an unknown one; say \"cpu\", \"cuda"
    ):
        choose_device("gpu")

    def missing(*_: Any, device: torch.device) -> None:
        raise AssertionError("no such card\nand more")

    monkeypatch.setattr(torch, "empty", missing)
    with pytest.raises(OptionError) as error:
        choose_device("cuda:7")
    assert str(error.value) == "device 'cuda:7': expected a device of this machine, got no such card"


@pytest.mark.parametrize("kind", ["cuda", "mps", "cpu"])
def test_every_generator_of_a_device_is_seeded_and_given_back(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    done: list[Any] = []
    monkeypatch.setattr(torch.cuda, "manual_seed", lambda value: done.append(("cuda", value)))
    monkeypatch.setattr(torch.mps, "manual_seed", lambda value: done.append(("mps", value)))
    monkeypatch.setattr(torch.mps, "get_rng_state", lambda: "state")
    monkeypatch.setattr(torch.mps, "set_rng_state", lambda state: done.append(("back", state)))
    device, value = torch.device(kind), mix("step", 1, 2, 3)
    with isolated(CPU):
        seed_step(1, 2, 3, device)
        state = random.getstate(), np.random.get_state()[1][0], torch.initial_seed()
        random.seed(value)
        assert state == (random.getstate(), value % 2**32, value)
    assert done == ([] if kind == "cpu" else [(kind, value)])
    if kind == "mps":
        with isolated(device):
            done.clear()
        assert done == [("back", "state")]


def test_a_borrowed_model_goes_home_even_after_an_error() -> None:
    model = nn.Linear(1, 1)
    model.origin = None  # type: ignore[assignment]
    went: list[Any] = []
    model.to = went.append  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="inside"), borrowed(model, torch.device("meta")):  # type: ignore[arg-type]
        assert went == [torch.device("meta")]
        raise ValueError("inside")
    assert went == [torch.device("meta"), CPU]


def test_a_batch_goes_to_a_device_whole() -> None:
    moved = to_device({"a": torch.zeros(2), "b": torch.ones(3)}, torch.device("meta"))
    assert {name: (value.shape[0], value.device.type) for name, value in moved.items()} == {
        "a": (2, "meta"), "b": (3, "meta"),
    }  # fmt: skip


def test_only_a_batch_norm_in_training_mode_is_live() -> None:
    norm = nn.BatchNorm1d(2)
    model = nn.Sequential(nn.Linear(1, 2), norm)
    assert has_live_batch_norm(model)
    norm.eval()
    assert not has_live_batch_norm(model)
    assert not has_live_batch_norm(nn.Sequential(nn.Linear(1, 1), nn.LayerNorm(1)))


# -- interruption --------------------------------------------------------------------------------------


def test_the_first_interruption_is_noted_and_the_second_is_one() -> None:
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with Interruption() as asked:
            assert not asked.asked
            signal.raise_signal(signal.SIGINT)
            assert asked.asked
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        with Interruption(patient=False):
            assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        with Interruption() as outer, Interruption() as inner:
            signal.raise_signal(signal.SIGINT)
            assert (outer.asked, inner.asked) == (True, False)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_leave_signals_alone() -> None:
    seen: list[Any] = []

    def work() -> None:
        with Interruption() as asked:
            seen.append(asked._before)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [{}]


# -- processes -----------------------------------------------------------------------------------------


def test_a_launch_is_known_by_its_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert processes() == (0, 1)
    assert accelerator_for("fp32", CPU) is None
    alone = Computing.on("cpu", "fp32")
    assert (alone.device, alone.accelerator, alone.precision, alone.first) == (CPU, None, "fp32", True)
    plain = alone.execution(3, fused=False)
    assert (type(plain), plain.steps, plain.fused) == (Execution, 3, False)
    monkeypatch.setenv("RANK", "2")
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert processes() == (2, 4)
    assert not alone.first


@pytest.mark.parametrize(
    ("precision", "device", "words"),
    [
        ("fp12", "cpu", "precision: expected fp32, bf16, fp16, got 'fp12'; did you mean"),
        ("fp16", "cpu", "precision on the CPU: expected fp32 or bf16, got fp16; say precision='bf16'"),
    ],
)
def test_a_precision_that_there_is_not_is_refused(precision: str, device: str, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        accelerator_for(precision, torch.device(device))


def test_half_precision_goes_through_accelerate_and_leaves_nothing_behind() -> None:
    accelerate = pytest.importorskip("accelerate")
    computing = Computing.on("cpu", "bf16")
    assert computing.accelerator is not None
    assert computing.accelerator.mixed_precision == "bf16"
    execution = computing.execution(5, fused=False)
    assert isinstance(execution, Accelerated)
    assert (execution.steps, execution.fused, execution.processes) == (5, False, 1)
    with execution.precision():
        assert nn.Linear(2, 2)(torch.ones(1, 2)).dtype == torch.bfloat16
    output, batch = execution.gather(torch.ones(2, dtype=torch.bfloat16), {"index": torch.arange(2)})
    assert (output.dtype, [*batch]) == (torch.float32, ["index"])
    assert float(execution.add(torch.tensor(3.0))) == 3
    execution.close()
    assert accelerate.state.AcceleratorState._shared_state == {}
    assert accelerate.state.GradientState._shared_state == {}


class Two:
    """Accelerate's object in one of two processes; the other one has seen one image less."""

    num_processes, process_index, device = 2, 1, CPU

    def __init__(self) -> None:
        self.done: list[Any] = []

    def gather(self, values: torch.Tensor) -> torch.Tensor:
        if values.ndim == 1 and len(values) == 1:
            return torch.tensor([int(values) - 1, int(values)])
        return torch.cat([values * 10, values])

    def pad_across_processes(self, values: torch.Tensor, dim: int) -> torch.Tensor:
        assert dim == 0
        return values

    def reduce(self, values: torch.Tensor, how: str) -> torch.Tensor:
        return 2 * values if how == "sum" else values

    def clip_grad_norm_(self, parameters: Any, norm: float) -> None:
        self.done.append((parameters, norm))

    def backward(self, loss: torch.Tensor) -> None:
        self.done.append(float(loss))

    def prepare_model(self, network: nn.Module, *, device_placement: bool) -> nn.Module:
        assert not device_placement
        return network

    def prepare_optimizer(self, optimizer: Any, *, device_placement: bool) -> Any:
        assert not device_placement
        return SimpleNamespace(wrapped=optimizer)


def test_what_several_processes_have_is_put_together_without_the_padding() -> None:
    execution = Accelerated(Two(), 3)  # type: ignore[arg-type]
    assert (execution.processes, execution.process, execution.steps) == (2, 1, 3)
    batch = {"index": torch.tensor([1, 2, 3]), "target": torch.tensor([4, 5, 6]), "image": torch.zeros(3)}
    output, found = execution.gather(torch.tensor([1.0, 2.0, 3.0]), batch)
    assert output.tolist() == [10, 20, 1, 2, 3]
    assert {name: value.tolist() for name, value in found.items()} == {
        "index": [10, 20, 1, 2, 3], "target": [40, 50, 4, 5, 6],
    }  # fmt: skip
    assert float(execution.add(torch.tensor(3.0))) == 6


def test_steps_of_several_processes_go_through_their_launcher() -> None:
    shared = Two()
    execution = Accelerated(shared, 3)  # type: ignore[arg-type]
    network, own = nn.Linear(1, 1, bias=False), nn.Parameter(torch.zeros(1))
    execution.wrap(network)
    optimizer = torch.optim.SGD([network.weight, own], lr=1.0)
    assert execution.wrap_optimizer(optimizer).wrapped is optimizer  # type: ignore[attr-defined]
    before = network.weight.item()
    network.weight.grad = torch.ones(1, 1)
    execution.step(optimizer, 0.5, iter([own]))
    assert shared.done == [([own], 0.5)]
    assert network.weight.item() == pytest.approx(before - 1)  # its gradients are shared by the wrapping
    assert (own.item(), own.grad) == (0, None)
    execution.begin(4)
    execution.backward(torch.tensor(3.0), 2)
    assert shared.done[1:] == [3.0]  # 3 * 2 images * 2 processes / 4 images


def test_a_command_line_is_answered_in_its_own_words() -> None:
    with speaking(Spoken(way="shell", rest="recipe")):
        with pytest.raises(OptionError, match=r"got fp16; say --precision bf16$"):
            accelerator_for("fp16", torch.device("cpu"))
        with pytest.raises(OptionError, match=r"^--cache: expected frozen blocks whose .*none frozen"):
            _say_why("", True)
        with pytest.raises(
            OptionError, match=r"zoo evaluate MODEL DATA --split val chooses .* give --threshold$"
        ):
            _least(SimpleNamespace(metrics={}), None)  # type: ignore[arg-type]
        with pytest.raises(OptionError, match=r"^--checkpoint-every: expected 0 or more"):
            zoo.fit(None, "faces", checkpoint_every=-1)
        with pytest.raises(DataError, match=r"^--workers 2: .* died .*; what .* above; --workers 0 reads"):
            list(workers.watched(_dying(), 2))


def _dying() -> Iterator[None]:
    yield
    raise RuntimeError("DataLoader worker (pid 1) is killed by signal: Killed")


# -- arguments -----------------------------------------------------------------------------------------


def test_the_next_free_folder_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = [str(new_run_folder(None, name)) for name in ("a b/c", "a b/c", "--", "-x.", "v1.0_a")]
    assert made == ["runs/a-b-c-1", "runs/a-b-c-2", "runs/run-1", "runs/x-1", "runs/v1.0_a-1"]
    assert new_run_folder("deep/er", "x").is_dir()
    assert new_run_folder(tmp_path / "deep" / "er", "x") == tmp_path / "deep" / "er"
    (tmp_path / "deep" / "er" / "file").write_text("")
    for out, words in [
        ("deep/er", "expected a new or empty folder, got a full one; choose another"),
        ("sheet.png", "expected a folder's name, got an image's; say sheet"),
        ("deep/er/file/x", "expected a writable place, got a file at deep/er/file"),
    ]:
        with pytest.raises(TrainingError, match=f"run folder {out}: {words}"):
            new_run_folder(out, "x")
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    Path("runs").write_text("")
    with pytest.raises(TrainingError, match="run folder runs: expected a writable place, got a file at runs"):
        new_run_folder(None, "x")


def test_a_seed_is_the_one_given_or_the_recipes_or_none() -> None:
    def model(seed: int | None) -> Any:
        return SimpleNamespace(recipe=SimpleNamespace(seed=seed))

    assert [pick_seed(3, model(4)), pick_seed(0, model(4)), pick_seed(None, model(4))] == [3, 0, 4]
    assert pick_seed(None, model(None)) == 0


def test_a_folder_stands_for_a_model_and_the_hub_for_none() -> None:
    assert folder_of("runs/x") == folder_of(Path("runs/x")) == folder_of("file:runs/x") == Path("runs/x")
    assert (folder_of("hf://a/b"), folder_of(nn.Linear(1, 1)), folder_of(None)) == (None, None, None)


def test_a_model_on_the_hub_is_pulled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo.runtime.arguments.pull", lambda name: f"pulled {name}")
    assert as_model("hf://a/b") == ("pulled hf://a/b", None)


def test_the_order_of_arguments_is_told_as_the_call_is_written(make_model: Any) -> None:
    model = make_model()
    with pytest.raises(TrainingError, match=r"got it last; say zoo\.fit\(model, 'photos'\)"):
        check_order("fit", "photos", model)
    with pytest.raises(TrainingError, match=r"say zoo MODEL: photos"):
        check_order("fit", "photos", ["a", model], form="zoo {1}: {2}")
    check_order("fit", "photos", [model, "a"])
    check_order("fit", "photos", [])


def test_a_trainer_is_made_with_options_or_taken_as_it_is(make_model: Any) -> None:
    from torchmetrics.classification import BinaryRecall

    model = make_model()
    made, value = as_trainer("supervised", model, {"epochs": 3})
    assert (made.epochs, value["epochs"]) == (3, 3)
    usual, value = as_trainer(None, model, {})
    assert (type(usual), value["name"].partition(":")[2]) == (type(made), "supervised")
    assert as_trainer(usual, model, {}) == (usual, None)
    with pytest.raises(
        OptionError, match="expected no options beside a trainer object, got epochs, lr; give"
    ):
        as_trainer(usual, model, {"lr": 1, "epochs": 2})
    with pytest.raises(RecipeError, match=r"trainer: expected a component's name, got file:./x"):
        as_trainer("./x", model, {})
    own = TorchMetric(BinaryRecall(), called="own")
    made, value = as_trainer({"name": "supervised", "metrics": ["recall", own]}, model, {})
    assert [metric.name for metric in made.metrics] == ["recall", "own"]
    assert all(isinstance(metric, Metric) for metric in made.metrics)
    named = [m if isinstance(m, str) else m["name"] for m in value["metrics"]]
    assert [name.rpartition(":")[2] for name in named] == ["recall"]
    assert isinstance(made, Trainer)
    found = metrics_of(["recall", {"name": "recall", "called": "other"}, own])
    assert [metric.name for metric in found] == ["recall", "other", "own"]


def test_a_part_that_is_another_thing_is_refused(make_model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo.runtime.arguments.make", lambda kind, ref: 3)
    with pytest.raises(TrainingError, match="loss 'bce': expected a Module, got int"):
        as_loss("bce", make_model(), needed=True)


class Nothing(Dataset):
    """No image."""

    targets = ()

    def __len__(self) -> int:
        return 0

    def __getitem__(self, index: int) -> Sample:
        raise NotImplementedError


def test_data_and_model_are_checked_before_any_work(make_model: Any) -> None:
    with pytest.raises(DataError, match="fit: data: expected images, got none"):
        for_model(make_model(), Nothing(), "fit")
    with pytest.raises(TrainingError, match="fit: expected a model with a head, got a feature extractor"):
        for_model(zoo.build("tiny_resnet", input_size=16), Nothing(), "fit")


class Pairs(Dataset):
    """Two images."""

    labels, targets = ("a", "b"), (0, 1)

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Sample:
        return Sample(np.zeros((4, 6, 1), np.uint8), index)


def test_a_module_that_answers_with_no_rows_is_refused_and_one_with_a_spec_is_fed_by_it() -> None:
    class Answers(nn.Module):
        def __init__(self, answer: Any) -> None:
            super().__init__()
            self.answer = answer

        def forward(self, x: torch.Tensor) -> Any:
            self.seen = tuple(x.shape)
            return self.answer

    for answer, got in ((torch.zeros(5), "5"), ((1, 2), "tuple"), (None, "NoneType")):
        with pytest.raises(ShapeError, match=f"module Answers: expected a tensor N x outputs, got {got}"):
            PlainModel.for_data(Answers(answer), Pairs())
    module = Answers(torch.zeros(1, 2))
    module.input_spec = zoo.InputSpec(channels=3, size=(5, 5))
    model = PlainModel.for_data(module, Pairs())
    assert (module.seen[1:], model.outputs, model.labels) == ((3, 5, 5), 2, ("a", "b"))
    assert torch.equal(model(torch.zeros(1)), torch.zeros(1, 2))


# -- progress ------------------------------------------------------------------------------------------


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


def test_what_is_left_follows_from_the_steps_of_this_run(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("zoo.runtime.progress_views.time", clock)
    monkeypatch.setattr(Notebook, "_show", lambda self: None)
    view = Notebook()
    assert repr(view) == ""
    view.open()
    view.begin("training", 100, 40)
    assert repr(view) == "training: 40 of 100 batches"
    clock.now = 10.0
    view.advance(10, 50.0)
    assert repr(view) == "training: 50 of 100 batches, 0:50 left"
    clock.now = 1500.0
    view.advance(0, 7500.0)
    assert repr(view) == "training: 50 of 100 batches, 2:05:00 left"
    assert '<progress value="50" max="100"' in view._repr_html_()
    view.note("note")
    view.epoch({"epoch": 2, "loss": 0.5, "seconds": 1.25}, 10, True)
    view.close()
    assert repr(view).splitlines() == [
        "note", "epoch  2/10    loss 0.5000", "training: 50 of 100 batches in 1500.0 s",
    ]  # fmt: skip
    page = view._repr_html_()
    for cell in ("2/10", "0.5000", "1.2", "best"):
        assert f">{cell}</td>" in page
    view.advance(50)
    assert "100 of 100" not in view._repr_html_()  # what is done is told by its table


@pytest.mark.parametrize(("best", "first"), [(1, "1/12"), (2, "2/12"), (3, "3/12"), (None, "3/12")])
def test_a_notebook_shows_the_ten_newest_epochs_and_the_best(
    monkeypatch: pytest.MonkeyPatch, best: int | None, first: str
) -> None:
    monkeypatch.setattr(Notebook, "_show", lambda self: None)
    view = Notebook()
    for epoch in range(1, 13):
        view.epoch({"epoch": epoch, "loss": 1.0, "seconds": 0.1}, 12, epoch == best)
    rows = view._repr_html_().split("<tr")[2:]
    assert len(rows) == 10
    assert f">{first}</td>" in rows[0]
    assert [f">{n}/12</td>" in row for n, row in zip(range(4, 13), rows[1:], strict=True)] == [True] * 9
    marked = [">best</td>" in row for row in rows]
    tinted = [row.startswith(" style") for row in rows]
    assert marked == tinted == [best is not None, *[False] * 9]


def test_a_line_an_epoch_has_its_figures_seconds_and_whether_it_is_the_best(
    capsys: pytest.CaptureFixture[str],
) -> None:
    row = {"epoch": 3, "loss": 0.5, "val_loss": 0.25, "f1": 1.0, "seconds": 1.26}
    Lines().epoch(row, 10, True)
    Lines().epoch(row, 9, False)
    assert capsys.readouterr().err.splitlines() == [
        "epoch  3/10    loss 0.5000  val_loss 0.2500  1.3 s  best",
        "epoch 3/9      loss 0.5000  val_loss 0.2500  1.3 s",
    ]
    many = {"epoch": 1, "seconds": 1.0, **{f"x{i}": 0.0 for i in range(7)}}
    assert epoch_line(many, 1).split()[2::2] == [f"x{i}" for i in range(6)]


@pytest.mark.parametrize(("late", "told"), [(1.99, []), (2.0, [("begin", 1), ("advance", 1)])])
def test_a_bar_begins_where_work_takes_two_seconds(
    monkeypatch: pytest.MonkeyPatch, late: float, told: list[Any]
) -> None:
    clock, said = Clock(), []

    class Shows(View):
        def begin(self, title: str, total: int, done: int) -> None:
            assert (title, total) == ("looking", 3)
            said.append(("begin", done))

        def advance(self, steps: int, left: float | None = None) -> None:
            said.append(("advance", steps))

    monkeypatch.setattr("zoo.runtime.progress.time", clock)
    monkeypatch.setattr("zoo.runtime.progress._view", lambda lines: Shows())
    seen = []
    for item in watched([1, 2, 3], "looking"):
        seen.append(item)
        clock.now = late if item == 1 else clock.now
    assert seen == [1, 2, 3]
    assert said[: len(told)] == told
    assert sum(steps for word, steps in said if word == "advance") == (2 if told else 0)
