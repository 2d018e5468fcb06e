"""Losses that do not fit the task of a model, which would train all the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import zoo
from zoo.builtin.losses import MSE
from zoo.compose.instantiate import make
from zoo.interfaces import Binary, Loss, Multiclass, Reconstruction, Regression
from zoo.interfaces.model import Model
from zoo.registry.lookup import find
from zoo.runtime.data_arguments import as_dataset
from zoo.runtime.loss_checks import check_fits, check_ignored
from zoo.spec.errors import OptionError
from zoo.testing import rules_loss
from zoo.testing.case import Case

Make = Callable[..., Model]
FACES = {"name": "faces", "per_class": 8}


class Brier(Loss):
    tasks = ("bianry",)

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return (output.sigmoid() - target).square().mean()


@pytest.mark.parametrize(
    ("loss", "got"),
    [
        ("cross-entropy", "loss cross-entropy: expected one for task binary (bce), got one for multiclass;"),
        ("mse", "loss mse: expected one for task binary (bce), got one for regression, reconstruction;"),
        ({"name": "perceptual", "parts": {"bce": 1.0, "l1": 1.0}}, "got one for regression, reconstruction;"),
        (MSE(), "loss MSE: expected one for task binary (bce), got one for regression, reconstruction;"),
        (nn.CrossEntropyLoss(), "got one that is the same whatever the model answers; leave it out for"),
        (Brier(), "got one for bianry; no task is called 'bianry', did you mean binary?"),
    ],
)
def test_a_loss_of_another_task_is_refused_before_any_work(
    loss: Any, got: str, make_model: Make, tmp_path: Path
) -> None:
    model = make_model()
    for verb in (
        lambda: zoo.fit(model, FACES, loss=loss, epochs=1, out=tmp_path / "run", progress=False),
        lambda: zoo.evaluate(model, FACES, loss=loss, progress=False),
    ):
        with pytest.raises(OptionError) as caught:
            verb()
        assert got in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_task_of_which_nothing_is_installed_is_not_said_to_be_none(
    make_model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from zoo.runtime import loss_checks

    monkeypatch.setattr(loss_checks, "entries", lambda kind: ())
    monkeypatch.setattr(loss_checks, "known", lambda: ({"components": [{"kind": "model", "task": "depth"}]},))
    for tasks in ("reconstruction",), ("depth",):
        with pytest.raises(OptionError, match=f"got one for {tasks[0]}; leave it out"):
            check_fits(type("Other", (Brier,), {"tasks": tasks})(), "other", make_model())
    with pytest.raises(OptionError, match=r"no task is called 'bianry', did you mean binary\?"):
        check_fits(Brier(), "brier", make_model())


class Unsaid(MSE):
    """Its parent speaks for another forward."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return (output.sigmoid() - target).square().mean()


class Flat(nn.Module):
    """Not torch's own: whoever wrote it may have a reason."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return (output - output.detach()).sum() * 0


@pytest.mark.parametrize(
    "loss",
    [
        Unsaid(),
        Flat(),
        nn.BCEWithLogitsLoss(),
        nn.BCEWithLogitsLoss(weight=torch.ones(4, 1)),
        nn.MultiLabelSoftMarginLoss(),
    ],
)
def test_a_loss_that_says_nothing_of_tasks_is_taken(loss: nn.Module, make_model: Make) -> None:
    before = torch.get_rng_state()
    check_fits(loss, loss, make_model())
    assert torch.equal(before, torch.get_rng_state())


def test_a_loss_fits_what_is_derived_from_its_tasks() -> None:
    class Restored(Reconstruction):
        name = "restored"

    mse = make("loss", "mse")
    assert isinstance(mse, Loss)
    assert (mse.unfit(Restored()), mse.unfit(Regression())) == ((), ())
    assert mse.unfit(Binary()) == ("regression", "reconstruction")
    assert Loss().unfit(Multiclass()) == ()


def test_a_run_of_old_with_such_a_loss_goes_on(make_model: Make, tmp_path: Path) -> None:
    model = make_model()
    run = zoo.fit(model, FACES, loss="bce", epochs=1, out=tmp_path / "run", progress=False)
    run.model.recipe = run.model.recipe.model_copy(update={"loss": "core:mse"})
    assert zoo.evaluate(run.model, FACES, progress=False).metrics["loss"] > 0


def test_a_loss_whose_tasks_lack_its_declaration_is_found(shelf: Any) -> None:
    row = {"kind": "loss", "name": "net", "target": "zoo_planted.net:Net", "summary": "A loss.",
           "task": "multiclass"}  # fmt: skip
    (shelf.plugin("zoo-planted", rows=[row]) / "net.py").write_text(
        "from zoo.interfaces import Loss\nclass Net(Loss):\n    tasks = ('binary',)\n"
        "    def forward(self, o, t): return o.sum()\n"
    )
    wanted = "declared task multiclass, got binary; let declaration and `tasks` agree"
    with pytest.raises(AssertionError, match=wanted):
        rules_loss.rule_it_fits_the_task_of_its_declaration(Case(find("net", "loss")))


@pytest.mark.parametrize("folder", [True, False])
def test_a_loss_of_torchs_has_to_leave_out_pixels_that_do_not_count(folder: bool, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("images", "masks"):
        (tmp_path / "d" / name).mkdir(parents=True)
    for i in range(8):
        mask = rng.integers(0, 3, (8, 8), dtype=np.uint8)
        mask[:2] = 255 if i == 5 else 0
        Image.fromarray(rng.integers(0, 255, (8, 8, 3), dtype=np.uint8)).save(tmp_path / f"d/images/{i}.png")
        Image.fromarray(mask).save(tmp_path / f"d/masks/{i}.png")
    model = zoo.build(
        "unet", encoder={"name": "unet_encoder", "widths": [4]}, classes=3, input_size=8, seed=0
    )
    data: Any = as_dataset(tmp_path / "d", task=model.task)
    if not folder:
        del data.leaves_out
    for loss in (nn.CrossEntropyLoss(), nn.CrossEntropyLoss(ignore_index=0), nn.NLLLoss()):
        with pytest.raises(OptionError, match=r"ignore_index=255\)"):
            check_ignored(loss, model, data)
    check_ignored(nn.CrossEntropyLoss(ignore_index=255), model, data)
    (tmp_path / "d/masks/5.png").unlink()
    (tmp_path / "d/images/5.png").unlink()
    check_ignored(nn.CrossEntropyLoss(), model, as_dataset(tmp_path / "d", task=model.task))
