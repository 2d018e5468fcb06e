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
from zoo.errors import OptionError, ZooError, ZooWarning
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
        (nn.PoissonNLLLoss(log_input=False), Regression(), [nn.Softplus()], 1),
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


class Rows(torch.utils.data.Dataset[Any]):
    """Images with the targets of a function."""

    def __init__(self, target: Callable[[int], Any]) -> None:
        self.target = target

    def __len__(self) -> int:
        return 20

    def __getitem__(self, i: int) -> Any:
        return torch.rand(3, SIZE, SIZE, generator=torch.Generator().manual_seed(i)), self.target(i)


def hot(i: int) -> Tensor:
    return torch.tensor([i % 2, i // 2 % 2, i // 3 % 2]).float()


@pytest.mark.filterwarnings("ignore:left out of the figures")
@pytest.mark.parametrize(
    ("outputs", "target", "loss", "task"),
    [
        (3, hot, nn.BCEWithLogitsLoss(), "multilabel"),
        (3, hot, nn.MultiLabelSoftMarginLoss(), "multilabel"),
        (3, hot, nn.MSELoss(), "regression"),
        (1, lambda i: 20 + i % 7, nn.MSELoss(), "regression"),
        (7, lambda i: i % 7, nn.CrossEntropyLoss(), "multiclass"),
    ],
)
def test_a_loss_of_torchs_says_the_task_where_targets_may_be_two_things(
    outputs: int, target: Any, loss: nn.Module, task: str, tmp_path: Path
) -> None:
    data, options = Rows(target), {"loss": loss, "progress": False}
    run = zoo.fit(net(outputs), data, epochs=1, out=tmp_path / "r", **options)
    assert run.model.task.name == task
    assert ("mae" in run.metrics) == (task == "regression")
    again = zoo.fit(net(outputs), data, resume=tmp_path / "r", epochs=2, **options)
    assert again.model.task.name == task


@pytest.mark.parametrize(
    ("outputs", "last", "target", "loss", "said"),
    [
        (3, [nn.Sigmoid()], hot, nn.BCELoss(), "leave the Sigmoid out and use nn.BCEWithLogitsLoss"),
        (1, [], lambda i: i % 2, nn.MSELoss(), "task binary"),
        (1, [], lambda i: float(i % 2), nn.BCEWithLogitsLoss(), "whole numbers, 0 and 1"),
        (3, [], lambda i: hot(i) - 0.3, nn.BCEWithLogitsLoss(), "zeros and ones"),
        (3, [], hot, nn.CrossEntropyLoss(), "logits of classes"),
        (1, [], lambda i: i / 20, nn.KLDivLoss(reduction="batchmean"), "log-probabilities"),
        (1, [], lambda i: i / 20, nn.PoissonNLLLoss(), "logarithms of counts"),
        (1, [], lambda i: i / 20, nn.GaussianNLLLoss(), "fails"),
        (1, [], lambda i: i / 20, nn.MSELoss(reduction="none"), 'nn.MSELoss(reduction='),
        (3, [], lambda i: i % 3, nn.CrossEntropyLoss(reduction="none"), 'Loss(reduction="mean")'),
    ],
)  # fmt: skip
def test_a_loss_of_torchs_of_which_figures_would_be_wrong_is_refused(
    outputs: int, last: list[nn.Module], target: Any, loss: nn.Module, said: str
) -> None:
    with pytest.raises(ZooError) as caught:
        zoo.fit(net(outputs, *last), Rows(target), loss=loss, epochs=1, progress=False)
    assert said in str(caught.value)


@pytest.mark.parametrize("row", [[-1.0, 0.0, 1.0], [0.3, 0.2, 1.0]])
def test_labels_that_are_not_sure_are_refused_before_any_work(row: list[float]) -> None:
    model = zoo.build("small_cnn", channels=[4], head="multilabel", classes=3, input_size=SIZE, seed=0)
    with pytest.raises(ZooError, match=r"expected rows of zeros and ones, got .*not sure"):
        zoo.fit(model, Rows(lambda i: torch.tensor(row if i == 7 else [0.0, 1.0, 1.0])), epochs=1)


class Ends(nn.Module):
    """Logits that go through a function at the end."""

    def __init__(self, outputs: int, end: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.last, self.end = nn.Linear(3, outputs), end
        self.register_buffer("steps", torch.zeros(()))

    def forward(self, x: Tensor) -> Any:
        if self.training:
            self.steps += 1
        return self.end(self.last(x.mean((2, 3))))


@pytest.mark.parametrize(
    ("end", "outputs", "task", "said"),
    [
        (lambda x: x.softmax(1), 3, Multiclass(), "softmax"),
        (lambda x: x.log_softmax(1).exp(), 3, Multiclass(), "softmax"),
        (lambda x: x.sigmoid(), 3, Multilabel(), "sigmoid"),
        (lambda x: x.sigmoid()[:, None].reshape(-1, 1), 1, Binary(), "sigmoid"),
        (lambda x: x.log_softmax(1), 3, Multiclass(), ""),
        (lambda x: x * 0 + 0.5, 3, Multilabel(), ""),  # in [0, 1], by chance
        (lambda x: x.sigmoid() * 0.5, 1, Binary(), ""),
        (lambda x: x.sigmoid(), 1, Regression(), ""),
    ],
)
def test_probabilities_made_by_a_function_are_warned_of(
    end: Any, outputs: int, task: Task, said: str
) -> None:
    model = plain(Ends(outputs, end), task, outputs)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        warn_squashed(model)
    assert [f"ends in {said}," in str(line.message) for line in told] == [True] * bool(said)


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (lambda x: x[..., None, None], "got N x 3 x 1 x 1; return x.flatten"),
        (lambda x: x[:, :, None].expand(-1, -1, 4), "got N x 3 x 4"),
    ],
)
def test_outputs_with_axes_too_many_are_refused_before_any_work(end: Any, said: str) -> None:
    with pytest.raises(ZooError) as caught:
        zoo.fit(Ends(3, end), Rows(lambda i: i % 3), loss=nn.CrossEntropyLoss(), epochs=1, progress=False)
    assert said in str(caught.value)


def test_auxiliary_outputs_of_training_mode_are_refused_and_leave_no_trace() -> None:
    module = Ends(3, lambda x: x)
    module.end = lambda x: (x, x) if module.training else x
    with pytest.raises(
        ZooError, match=r"one tensor in training mode.*got tuple; leave auxiliary outputs out"
    ):
        zoo.fit(module, Rows(lambda i: i % 3), loss=nn.CrossEntropyLoss(), epochs=1, progress=False)
    assert module.steps == 0
    assert module.training
