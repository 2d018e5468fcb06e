"""Losses of torch's own, and modules that zoo did not build: what would train, and be measured wrongly."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import zoo
from zoo.compose.foreign.torch_module import PlainModel
from zoo.errors import OptionError, ZooWarning
from zoo.interfaces import Binary, Loss, Multiclass, Multilabel, Reconstruction, Regression, Task
from zoo.runtime.arguments import as_loss
from zoo.runtime.loss_checks import check_fits, held_warnings, warn_squashed
from zoo.runtime.torch_losses import fault_of, fitting
from zoo.spec.errors import warn
from zoo.spec.inputs import InputSpec

SIZE = 8


def net(outputs: int, *last: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * SIZE * SIZE, outputs), *last)


def plain(module: nn.Module, task: Task, outputs: int, labels: tuple[str, ...] = ()) -> PlainModel:
    spec = InputSpec(size=(SIZE, SIZE))
    return PlainModel(module, task=task, input_spec=spec, outputs=outputs, labels=labels)


@pytest.fixture
def folders(tmp_path: Path) -> Callable[[int], Path]:
    def made(classes: int) -> Path:
        for i in range(classes * 10):
            file = tmp_path / "data" / f"class{i % classes}" / f"{i}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((SIZE, SIZE, 3), i, np.uint8)).save(file)
        return tmp_path / "data"

    return made


@pytest.mark.parametrize(
    ("outputs", "classes", "loss", "said"),
    [
        (1, 2, "cross-entropy", "task binary (bce, nn.BCEWithLogitsLoss()), got one for multiclass; "
         "the data and 1 output of the module say binary"),
        (1, 2, "mse", "task binary (bce, nn.BCEWithLogitsLoss()), got one for regression"),
        (2, 2, "bce", "task multiclass (cross-entropy, nn.CrossEntropyLoss()), got one for binary"),
        (3, 3, "mse", "the data and 3 outputs of the module say multiclass; give one of these"),
    ],
)  # fmt: skip
def test_a_named_loss_is_held_against_what_data_and_outputs_say_of_a_module(
    outputs: int, classes: int, loss: str, said: str, folders: Any
) -> None:
    with pytest.raises(OptionError) as caught:
        zoo.fit(net(outputs), folders(classes), loss=loss, epochs=1, progress=False)
    assert said in str(caught.value)


def test_a_named_loss_of_vectors_is_taken_for_a_module_with_more_outputs_than_classes() -> None:
    model = plain(net(16), Multiclass(), 16, labels=("a", "b"))
    check_fits(made := Loss(), made, model)
    arcface = as_loss("arcface", model, needed=True)[0]
    assert isinstance(arcface, Loss)
    arcface.prepare(16, 16)
    check_fits(arcface, "arcface", model)


@pytest.mark.parametrize(
    ("loss", "task", "outputs", "said"),
    [
        (nn.BCELoss(), Binary(), 1, "leave the Sigmoid out and use nn.BCEWithLogitsLoss()"),
        (nn.BCELoss(), Multiclass(), 3, "leave the Softmax out and use nn.CrossEntropyLoss()"),
        (nn.NLLLoss(), Binary(), 1, "use nn.BCEWithLogitsLoss(), which takes them"),
        (nn.NLLLoss(), Multiclass(), 3, "use nn.CrossEntropyLoss(), which takes them"),
        (nn.MSELoss(), Binary(), 1, "got one for values"),
        (nn.MSELoss(), Multiclass(), 3, "got one for values"),
        (nn.SoftMarginLoss(), Binary(), 1, "got one for targets of -1 and 1, where zoo's count from 0"),
        (nn.CrossEntropyLoss(), Multilabel(), 3, "got one for one class out of several"),
        (nn.BCEWithLogitsLoss(), Multiclass(), 3, "got one that fails on N x 3 outputs and N targets ("),
        (nn.MultiLabelSoftMarginLoss(), Multiclass(), 9, "one that fails on N x 9 outputs and N targets ("),
        (nn.CrossEntropyLoss(weight=torch.ones(4)), Multiclass(), 3, "got one that fails on"),
        (nn.GaussianNLLLoss(), Regression(), 2, "missing 1 required positional argument"),
    ],
)  # fmt: skip
def test_a_loss_of_torchs_that_does_not_fit_is_refused_in_one_line(
    loss: nn.Module, task: Task, outputs: int, said: str
) -> None:
    with pytest.raises(
        OptionError, match=f"loss {type(loss).__name__}: expected one for task {task.name} "
    ) as caught:
        check_fits(loss, loss, plain(net(outputs), task, outputs))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("loss", "task", "last", "outputs"),
    [
        (nn.NLLLoss(), Multiclass(), [nn.LogSoftmax(dim=1)], 3),
        (nn.CrossEntropyLoss(weight=torch.ones(3), ignore_index=2, label_smoothing=0.1), Multiclass(), [], 3),
        (nn.MultiMarginLoss(), Multiclass(), [], 3),
        (nn.BCEWithLogitsLoss(pos_weight=torch.ones(3)), Multilabel(), [], 3),
        (nn.BCEWithLogitsLoss(weight=torch.ones(4, 1)), Binary(), [], 1),
        (nn.BCELoss(), Reconstruction(), [nn.Sigmoid()], 3),
        (nn.MSELoss(), Regression(), [], 2),
        (nn.PoissonNLLLoss(), Regression(), [], 1),
    ],
)
def test_a_loss_of_torchs_that_is_right_is_taken(
    loss: nn.Module, task: Task, last: list[nn.Module], outputs: int
) -> None:
    model = plain(net(outputs, *last), task, outputs)
    before = torch.get_rng_state()
    check_fits(loss, loss, model)
    assert torch.equal(before, torch.get_rng_state())


def test_a_task_that_takes_probabilities_takes_their_loss() -> None:
    class Shares(Multilabel):
        def probabilities(self, output: Tensor) -> Tensor:
            return output

    assert fault_of(nn.BCELoss(), plain(net(2, nn.Sigmoid()), Shares(), 2), Shares()) is None


def test_the_losses_that_fit_are_found_by_trying_them() -> None:
    assert fitting(plain(net(2), Regression(), 2), Regression()) == ["nn.MSELoss()", "nn.L1Loss()"]
    assert fitting(plain(net(2), Multiclass(), 2), Multiclass()) == ["nn.CrossEntropyLoss()"]


@pytest.mark.parametrize(
    ("last", "task", "outputs", "better"),
    [
        (nn.Sigmoid(), Binary(), 1, "nn.BCEWithLogitsLoss()"),
        (nn.Softmax(dim=1), Multiclass(), 3, "nn.CrossEntropyLoss()"),
    ],
)
def test_a_module_that_ends_in_probabilities_is_warned_of(
    last: nn.Module, task: Task, outputs: int, better: str
) -> None:
    with pytest.warns(ZooWarning, match=f"ends in {type(last).__name__}.* leave it out") as caught:
        warn_squashed(plain(net(outputs, last), task, outputs))
    assert better in str(caught[0].message)


@pytest.mark.parametrize(
    ("last", "task"),
    [(nn.LogSoftmax(dim=1), Multiclass()), (nn.Sigmoid(), Regression()), (nn.ReLU(), Multiclass())],
)
def test_a_module_that_ends_as_its_task_reads_it_is_not_warned_of(last: nn.Module, task: Task) -> None:
    warn_squashed(plain(net(3, last), task, 3))


@pytest.mark.parametrize("shift", [-100.0, 1.5])
def test_a_sigmoid_that_stands_last_and_is_called_in_the_midst_is_not_warned_of(shift: float) -> None:
    class Gated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last, self.gate = nn.Linear(3 * SIZE * SIZE, 1), nn.Sigmoid()

        def forward(self, x: Tensor) -> Tensor:
            output: Tensor = self.last(self.gate(x.flatten(1))) * 0 + shift
            return output

    warn_squashed(plain(Gated(), Binary(), 1))


def test_a_probability_is_warned_of_where_a_module_is_trained(folders: Any, tmp_path: Path) -> None:
    with pytest.warns(ZooWarning, match="ends in Sigmoid"):
        zoo.fit(net(1, nn.Sigmoid()), folders(2), loss="bce", epochs=1, out=tmp_path / "run", progress=False)


def test_warnings_of_what_is_refused_are_not_said() -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with pytest.raises(OptionError), held_warnings():
            warn("weights are random")
            raise OptionError("loss")
        assert not seen
        with held_warnings():
            warn("weights are random")
    assert [str(item.message) for item in seen] == ["weights are random"]
