"""What the verbs are given, and what they leave as it was."""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import zoo
from zoo.compose.foreign.torch_module import PlainModel
from zoo.interfaces import Execution, Sample
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.tasks.choice import BY_NAME
from zoo.registry.environment import processes
from zoo.runtime.arguments import as_augmenter, as_loss, as_model, as_trainer, check_order, metrics_of
from zoo.runtime.data_arguments import as_dataset, data_value
from zoo.runtime.devices import borrowed, isolated, seed_step, to_device
from zoo.runtime.processes import Accelerated
from zoo.runtime.progress_views import Notebook
from zoo.spec.errors import OptionError, ShapeError, TrainingError, UnknownComponentError, ZooError


def test_a_model_is_taken_itself_or_by_its_folder(make_model: Any, tmp_path: Path) -> None:
    model = make_model()
    assert as_model(model) == (model, None)
    zoo.save(model, tmp_path / "m")
    for place in (tmp_path / "m", str(tmp_path / "m"), f"file:{tmp_path / 'm'}"):
        read, folder = as_model(place)
        assert (read.recipe.model.called, folder) == ("tiny_resnet", tmp_path / "m")
    with pytest.raises(TrainingError, match="got 'int'"):
        as_model(3)  # type: ignore[arg-type]
    with pytest.raises(
        TrainingError, match=r"the model first, got it last; say zoo.fit\('photos', model\)|say zoo.fit"
    ):
        check_order("fit", "photos", model)
    check_order("fit", model, "photos")
    check_order("fit", "photos", "others")
    with pytest.raises(TrainingError, match="the model first"):
        check_order("predict", "photos", ["a.png", str(tmp_path / "m")])


def test_data_are_recorded_by_component_or_by_the_last_part_of_a_path(tmp_path: Path) -> None:
    assert data_value("digits")["name"].endswith(":digits")
    assert data_value(tmp_path / "faces") == "file:faces"
    assert data_value(f"file:{tmp_path}/faces") == "file:faces"
    assert data_value(Few(BY_NAME["binary"])) == {"memory": "Few"}
    assert data_value(None) is None


def test_a_loss_is_taken_as_it_is_or_found_for_the_task(make_model: Any) -> None:
    own = nn.MSELoss()
    assert as_loss(own, make_model(), needed=True) == (own, None)
    found, value = as_loss(None, make_model(), needed=True)
    assert isinstance(found, nn.Module)
    assert value is not None
    bare = zoo.build("tiny_resnet", input_size=16)
    assert as_loss(None, bare, needed=False) == (None, None)
    with pytest.raises(ZooError, match="no default loss"):
        as_loss(None, bare, needed=True)


def test_random_states_are_as_before_whatever_is_drawn_inside() -> None:
    def draws() -> list[float]:
        return [random.random(), float(np.random.rand()), float(torch.rand(()))]

    for seed in (random.seed, np.random.seed, torch.manual_seed):
        seed(0)
    expected = draws()
    for seed in (random.seed, np.random.seed, torch.manual_seed):
        seed(0)
    with isolated(torch.device("cpu")):
        draws()
    assert draws() == expected


def test_a_step_draws_the_same_wherever_it_is_resumed() -> None:
    def at(*where: int) -> list[float]:
        seed_step(*where, torch.device("cpu"))
        return [random.random(), float(np.random.rand()), float(torch.rand(()))]

    with isolated(torch.device("cpu")):
        first, others = at(1, 2, 3), [at(2, 2, 3), at(1, 3, 3), at(1, 2, 4)]
        assert at(1, 2, 3) == first
        assert all(a != b for other in others for a, b in zip(first, other, strict=True))


def test_a_borrowed_model_comes_back_with_every_modules_mode(make_model: Any) -> None:
    model = make_model().train()
    model.head.eval()
    modes = [module.training for module in model.modules()]
    with borrowed(model, torch.device("cpu")):
        model.eval()
    assert [module.training for module in model.modules()] == modes


class Few(Dataset):
    """Two images of 4 x 6 pixels with two channels."""

    def __init__(self, task: Any) -> None:
        self.task = task

    labels, targets = ("a", "b"), (0, 1)

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Sample:
        return Sample(np.full((4, 6, 2), 0.5, np.float32), index)


class Sums(nn.Module):
    """N x 48 sums."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.linear, self.seen = nn.Linear(48, outputs), []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen.append((tuple(x.shape), float(x.mean()), self.training))
        return self.linear(x.flatten(1))


def test_a_module_of_another_gets_images_as_they_are_read() -> None:
    module = Sums(2)
    model = PlainModel.for_data(module, Few(BY_NAME["binary"]))
    # As it is measured, and in the mode in which it is trained
    assert module.seen == [((1, 2, 4, 6), 0.5, False), ((2, 2, 4, 6), 0.5, True)]
    assert module.training
    assert (model.task.name, model.outputs, [*model.networks]) == ("multiclass", 2, ["linear"])
    spec = model.input_spec
    assert (spec.channels, spec.size, spec.mean, spec.std) == (2, (4, 6), (0, 0), (1, 1))
    assert PlainModel.for_data(Sums(1), Few(BY_NAME["binary"])).task.name == "binary"
    assert PlainModel.for_data(Sums(1), Few(None)).task is None
    assert [*PlainModel.for_data(nn.Flatten(), Few(None)).networks] == ["module"]
    assert model.recipe.model.name == "sums"


@pytest.mark.parametrize(
    ("module", "error", "words"),
    [
        (nn.Linear(3, 3), TrainingError, "to take images N x 2 x 4 x 6"),
        (nn.Flatten(0), ShapeError, "a tensor N x outputs, got 48"),
    ],
)
def test_a_module_that_takes_no_images_or_answers_otherwise_is_refused(
    module: nn.Module, error: type[ZooError], words: str
) -> None:
    with pytest.raises(error, match=words):
        PlainModel.for_data(module, Few(None))
    assert module.training


def accelerator(processes: int) -> Any:
    def prepare(network: nn.Module, **_: object) -> nn.Module:
        return nn.Sequential(network)

    return SimpleNamespace(num_processes=processes, process_index=0, prepare_model=prepare)


def test_a_network_is_shared_where_there_are_several_processes() -> None:
    network = nn.Linear(1, 1)
    assert Accelerated(accelerator(1), 3).wrap(network) is network
    assert Accelerated(accelerator(2), 3).wrap(network) is not network


def test_a_step_counts_the_images_that_were_announced() -> None:
    execution = Accelerated(accelerator(2), 3)
    execution.begin(3)
    assert execution.images == 3
    execution.announce(7)
    execution.begin(3)
    assert execution.images == 7


def test_the_scale_of_half_precision_gradients_is_kept_where_there_is_one() -> None:
    kept: list[Any] = []
    shared = accelerator(1)
    shared.scaler = SimpleNamespace(state_dict=lambda: {"scale": 2.0}, load_state_dict=kept.append)
    execution = Accelerated(shared, 3)
    execution.load_state_dict(execution.state_dict())
    assert kept == [{"scale": 2.0}]
    shared.scaler = None
    assert execution.state_dict() == {}
    execution.load_state_dict({})


def test_a_notebook_shows_that_work_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(Notebook, "_show", lambda self: shown.append(self._repr_html_()))
    view = Notebook()
    view.open()
    view.begin("epoch 1", 4, 0)
    view.advance(3)
    view.note("a <note>")
    view.close()
    assert len(shown) == 4
    assert ("epoch 1: 3 of 4" in shown[-2], "epoch 1: 3 of 4" in shown[-1]) == (True, True)
    assert ("<progress" in shown[-2], "<progress" in shown[-1]) == (True, False)  # the bar
    assert "a &lt;note&gt;" in shown[-1]


@pytest.mark.parametrize(("processes", "moved"), [(1, 1.0), (2, 0.5)])
def test_what_no_wrapped_network_has_is_moved_alike_in_all_processes(processes: int, moved: float) -> None:
    shared = accelerator(processes)
    shared.reduce = lambda gradient, how: gradient / 2 if how == "mean" else gradient
    p = nn.Parameter(torch.zeros(1))
    p.grad = -torch.ones(1)
    Accelerated(shared, 3).step(torch.optim.SGD([p], lr=1.0))
    assert p.item() == moved


def test_augmenters_are_recorded_as_they_were_named_and_objects_not_at_all() -> None:
    assert as_augmenter(None) == (None, None)
    one, value = as_augmenter("flip")
    assert (type(one).__name__, value["name"]) == ("Flip", "augment:flip")
    both, values = as_augmenter(["flip", {"name": "noise", "std": 0.5}])
    assert [type(item).__name__ for item in both] == ["Flip", type(as_augmenter("noise")[0]).__name__]
    assert [item["name"] for item in values] == ["augment:flip", "augment:noise"]
    assert as_augmenter(["flip"])[1] == [value]
    assert as_augmenter(one) == (one, None)
    assert as_augmenter([one, "noise"])[1] is None


def test_networks_and_memory_are_given_back_when_a_run_is_over() -> None:
    pytest.importorskip("accelerate")
    done: list[Any] = []
    shared = accelerator(2)
    shared.unwrap_model = lambda network, keep_fp32_wrapper: done.append((network, keep_fp32_wrapper))
    shared.free_memory = lambda: done.append("memory")
    execution = Accelerated(shared, 3)
    wrapped = execution.wrap(nn.Linear(1, 1))
    execution.close()
    assert done == [(wrapped, False), "memory"]
    execution.close()
    assert done[2:] == ["memory"]


def step_of(process: int) -> list[Any]:
    """What one of two processes draws in a step: of its own, in common, of its own, and after it."""
    shared = accelerator(2)
    shared.process_index, shared.device = process, torch.device("cpu")
    execution = Accelerated(shared, 3)
    seed_step(0, 1, 2, shared.device)
    with execution.apart(partial(seed_step, 0, 1, 2, shared.device)):
        own = [torch.rand(4), execution.drawn(torch.rand, 3), torch.rand(4), execution.drawn(torch.rand, 2)]
        own += [random.random(), np.random.rand()]
    return [*own, torch.rand(2), random.random(), np.random.rand()]


def test_each_process_draws_of_its_own_in_a_step_and_all_the_same_outside() -> None:
    one, other = step_of(0), step_of(1)
    for i in (0, 2):
        assert not (one[i] == other[i]).any()
        # Not what is drawn in common once more
        assert not torch.isin(one[i], torch.cat([one[1], other[1], one[3], other[3]])).any()
    assert one[4:6] != other[4:6]
    seed_step(0, 1, 2, torch.device("cpu"))
    for i, count in ((1, 6), (3, 4)):
        alone = torch.rand(count)
        assert torch.equal(torch.stack([one[i], other[i]], dim=1).flatten(), alone)
    assert torch.equal(one[6], torch.rand(2))
    assert torch.equal(one[6], other[6])
    assert one[7:] == other[7:]


def test_of_a_batch_that_processes_cannot_halve_each_draws_its_part_of_what_one_would() -> None:
    drawn = []
    for process, count in ((0, 4), (1, 3)):
        shared = accelerator(2)
        shared.process_index, shared.device = process, torch.device("cpu")
        execution = Accelerated(shared, 3)
        execution.announce(7)
        seed_step(0, 1, 2, shared.device)
        with execution.apart(partial(seed_step, 0, 1, 2, shared.device)):
            drawn.append([execution.drawn(lambda rows: torch.randn(rows, 5), count) for _ in range(2)])
    seed_step(0, 1, 2, torch.device("cpu"))
    for one, other in zip(*drawn, strict=True):
        alone = torch.randn(7, 5)
        assert torch.equal(one, alone[::2])
        assert torch.equal(other, alone[1::2])


def test_one_process_draws_in_a_step_from_the_state_that_it_has() -> None:
    shared = accelerator(1)
    for execution in (Accelerated(shared, 3), Execution()):
        with execution.apart(lambda process: pytest.fail("seeded anew")):
            pass


class Sent:
    """Numbers in double precision that note where they are sent, and as what."""

    dtype = torch.float64

    def __init__(self) -> None:
        self.way: list[Any] = []

    def to(self, place: Any) -> Sent:
        self.way.append(place)
        return self


@pytest.mark.parametrize(("device", "way"), [("mps", [torch.float32, "mps"]), ("cuda", ["cuda"])])
def test_sums_of_processes_are_in_a_precision_that_their_device_knows(device: str, way: list[Any]) -> None:
    shared = accelerator(2)
    shared.device, shared.reduce = torch.device(device), lambda values, how: values
    way = [torch.device(step) if isinstance(step, str) else step for step in way]
    values: Any = Sent()
    assert Accelerated(shared, 3).add(values).way == way
    batch: Any = {"target": Sent()}
    assert to_device(batch, torch.device(device))["target"].way == way
    shared.num_processes = 1
    assert Accelerated(shared, 3).add(values := Sent()).way == []


@pytest.mark.parametrize(
    ("rank", "count", "words"),
    [("one", "2", "RANK: expected the number of this process, a whole .*, got 'one'"),
     ("0", "many", "WORLD_SIZE: expected the number of processes, a whole number from 1, got 'many'"),
     ("0", "0", "WORLD_SIZE: .* from 1, got '0'"),
     ("2", "2", "RANK: expected less than WORLD_SIZE, 2, got 2; set both")],
)  # fmt: skip
def test_processes_that_the_environment_gets_wrong_are_one_line(
    monkeypatch: pytest.MonkeyPatch, rank: str, count: str, words: str
) -> None:
    monkeypatch.setenv("RANK", rank)
    monkeypatch.setenv("WORLD_SIZE", count)
    with pytest.raises(OptionError, match=words):
        processes()


@pytest.mark.parametrize("name", ["acuracy", "accuracy"])
def test_fit_too_says_that_a_metric_is_measured_anyway(name: str, make_model: Any) -> None:
    with pytest.raises(UnknownComponentError, match="measures accuracy without being asked"):
        as_trainer(None, make_model(), {"metrics": [name]})
    with pytest.raises(UnknownComponentError, match="no metric is called 'recal'; did you mean recall"):
        as_trainer(None, make_model(), {"metrics": ["recal"]})


def test_a_metric_that_the_task_measures_by_itself_is_said_to_be_one(make_model: Any) -> None:
    model = make_model()
    for name in ("accurcy", "accuracy"):
        with pytest.raises(UnknownComponentError) as caught:
            metrics_of([name], model)
        assert str(caught.value) == (
            f"no metric is called '{name}'; task binary measures accuracy without being asked; leave it out"
        )
    with pytest.raises(UnknownComponentError, match="did you mean specificity"):
        metrics_of(["specificty"], model)


def test_data_of_an_unknown_name_are_said_to_be_no_folder_either() -> None:
    with pytest.raises(UnknownComponentError, match=r"called 'fotos', and there is no folder '\./fotos'"):
        as_dataset("fotos")
    for value in ("core:fotos", {"name": "fotos"}):
        with pytest.raises(UnknownComponentError) as caught:
            as_dataset(value)
        assert "folder" not in str(caught.value)
