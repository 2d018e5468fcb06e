"""Losses that cannot be cut are refused, or told of; and the rule of the contract."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import zoo
from zoo.builtin.losses import CrossEntropy
from zoo.builtin.losses_dense import Dice
from zoo.compose.instantiate import make
from zoo.interfaces import Loss
from zoo.interfaces.tasks import Multiclass, Segmentation
from zoo.registry.lookup import find
from zoo.spec.errors import OptionError
from zoo.testing import rules_loss
from zoo.testing.case import Case
from zoo.trainers.loss_cuts import check_cuts, depends_on_batches, how_it_cuts

WEIGHTS = (1.0, 20.0, 0.1)


class Plain(nn.Module):
    """A mean over images, of which nothing says so."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(output, target)


class Heavy(nn.Module):
    """Class weights, of which nothing says so."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(output, target, weight=torch.tensor(WEIGHTS))


class Squared(Loss):
    """Of a batch as a whole: the square of a mean."""

    cuts = False

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(output, target).square()


class Undone(CrossEntropy):
    """What its parent says does not hold for its own forward."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return super().forward(output, target).square()


def mixed(**parts: Any) -> Loss:
    made: Loss = make("loss", {"name": "perceptual", "parts": parts})
    return made


# -- refusals ------------------------------------------------------------------------------------------


def checked(loss: nn.Module, micro: int | None = 2, processes: int = 1) -> None:
    check_cuts(loss, Multiclass(), 3, micro=micro, batch=8, processes=processes)


def test_a_loss_of_a_batch_as_a_whole_refuses_micro_batches_in_one_line():
    with pytest.raises(OptionError) as caught:
        checked(Squared())
    assert str(caught.value) == (
        "loss Squared: expected a loss that parts of a batch add up to beside micro_batch_size=2, "
        "got one of the batch as a whole; leave micro_batch_size out, or choose another loss"
    )
    checked(Squared(), micro=8)  # no batch is cut
    checked(Squared(), micro=None)


@pytest.mark.parametrize("loss", [Heavy(), Undone()])
def test_a_loss_that_says_nothing_is_tried_and_refuses_where_parts_are_no_mean(loss):
    with pytest.raises(OptionError, match=r"got .* for a batch and .* as the mean of its parts; leave"):
        checked(loss)


def test_a_mean_over_images_that_says_nothing_is_taken():
    before = torch.get_rng_state()
    checked(Plain())
    assert torch.equal(before, torch.get_rng_state())
    assert how_it_cuts(Plain(), Multiclass(), 3) == (True, "")


def test_a_loss_that_can_neither_be_asked_nor_tried_is_told_of():
    class Odd(nn.Module):
        def forward(self, output: Tensor, target: Tensor) -> Tensor:
            raise ValueError("other sizes")

    with pytest.warns(UserWarning, match="loss Odd does not say what it divides by: parts of 2 images"):
        checked(Odd())


def test_trying_a_loss_does_not_move_it():
    class Centre(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("seen", torch.zeros(()))

        def forward(self, output: Tensor, target: Tensor) -> Tensor:
            self.seen += 1
            return output.square().mean()

    loss = Centre()
    before = copy.deepcopy(loss.state_dict())
    assert how_it_cuts(loss, Multiclass(), 3) == (True, "")
    assert loss.state_dict() == before


def test_a_figure_that_depends_on_batches_is_known():
    assert not depends_on_batches(Dice(), Segmentation(), 3)
    assert depends_on_batches(Squared(), Multiclass(), 3)
    assert depends_on_batches(Heavy(), Multiclass(), 3)
    assert not depends_on_batches(nn.CrossEntropyLoss(torch.tensor(WEIGHTS)), Multiclass(), 3)


def test_the_figure_of_a_sum_depends_on_batches_where_that_of_a_part_does():
    whole = mixed(**{"pixel-cross-entropy": 1.0, "dice": 1.0})
    assert not depends_on_batches(whole, Segmentation(), 3)
    whole.parts["dice"] = Squared()
    assert depends_on_batches(whole, Segmentation(), 3)


def test_a_sum_of_losses_cuts_where_all_its_parts_do():
    assert mixed(**{"pixel-cross-entropy": 1.0, "focal": 1.0}).cuts
    assert mixed(**{"pixel-cross-entropy": 1.0, "dice": 1.0}).cuts is False


def test_fit_refuses_micro_batches_of_dice_before_the_first_step(tiny_masks):
    model, data = tiny_masks
    before = [p.clone() for p in model.parameters()]
    with pytest.raises(OptionError, match=r"loss Dice: expected .* got one of the batch as a whole; leave"):
        zoo.fit(model, data, loss="dice", epochs=1, batch_size=4, micro_batch_size=2, progress=False)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


# -- from end to end -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 3])
def test_evaluate_gives_one_loss_for_any_batch_size(size, tiny_masks):
    model, data = tiny_masks
    loss = {"name": "perceptual", "parts": {"pixel-cross-entropy": 1.0, "dice": 0.5}}
    many, few = (zoo.evaluate(model, data, split="all", loss=loss, batch_size=b).metrics for b in (8, size))
    assert {n: v for n, v in few.items() if "loss" in n} == pytest.approx(
        {n: v for n, v in many.items() if "loss" in n}, rel=1e-5
    )


@pytest.fixture
def tiny_masks(tmp_path):
    """A U-Net, and eight images whose masks count here and there."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
    for i in range(8):
        mask = rng.integers(0, 3, (16, 16)).astype(np.uint8)
        mask[1 + i * 2 :] = 255
        Image.fromarray(mask).save(tmp_path / "masks" / f"{i}.png")
        Image.fromarray(rng.integers(0, 255, (16, 16, 3)).astype(np.uint8)).save(
            tmp_path / "images" / f"{i}.png"
        )
    encoder = {"name": "unet_encoder", "widths": [4, 8], "batch_norm": False}
    return zoo.build("unet", encoder=encoder, batch_norm=False, classes=3, input_size=16, seed=0), tmp_path


def test_evaluate_tells_of_a_loss_whose_figure_depends_on_the_batches(tiny_masks):
    model, data = tiny_masks

    class Rooted(Loss):
        cuts = False

        def forward(self, output: Tensor, target: Tensor) -> Tensor:
            return F.cross_entropy(output, target, ignore_index=255).sqrt()

    with pytest.warns(UserWarning, match="loss Rooted looks at a batch as a whole: its figure is"):
        zoo.evaluate(model, data, split="all", loss=Rooted(), batch_size=4)


# -- the rule ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ("cuts = True\n    def forward(self, o, t): return F.cross_entropy(o, t, weight=W)", True),
        ("def forward(self, o, t): return F.cross_entropy(o, t, weight=W)", True),
        ("cuts = False\n    def forward(self, o, t): return F.cross_entropy(o, t, weight=W)", False),
        (
            "def divisor(self, t): return W[t].sum()\n"
            "    def forward(self, o, t): return F.cross_entropy(o, t, weight=W)",
            False,
        ),
        ("def forward(self, o, t): return F.cross_entropy(o, t)", False),
    ],
)
def test_a_loss_whose_value_depends_on_the_cut_is_found(shelf, body, wrong):
    row = {"kind": "loss", "name": "net", "target": "zoo_planted.net:Net", "summary": "A loss.",
           "task": "multiclass"}  # fmt: skip
    package = shelf.plugin("zoo-planted", rows=[row])
    (package / "net.py").write_text(
        "import torch\nimport torch.nn.functional as F\nfrom zoo.interfaces import Loss\n"
        f"W = torch.tensor([1.0, 9.0, 0.1, 1.0])\nclass Net(Loss):\n    {body}\n"
    )
    case = Case(find("net", "loss"))
    if wrong:
        with pytest.raises(AssertionError, match=r"in parts of 5, 1 and 3 images; say what it divides by"):
            rules_loss.rule_parts_of_a_batch_give_its_loss(case)
    else:
        rules_loss.rule_parts_of_a_batch_give_its_loss(case)
