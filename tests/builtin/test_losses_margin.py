"""Margin losses against closed forms, and how they live beside a model in training."""

import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

import zoo
from zoo.builtin.losses_margin import ArcFace, CosFace, MarginLoss
from zoo.builtin.supervised import Supervised
from zoo.spec.errors import OptionError, ShapeError, TrainingError
from zoo.testing import killed_after
from zoo.trainers.gradient import GradientTrainer

DIGITS = {"name": "digits", "per_class": 12}
LOSS = {"name": "arcface", "scale": 16.0, "margin": 0.3}


def prepared(loss: MarginLoss, dim: int = 5, classes: int = 4) -> MarginLoss:
    torch.manual_seed(0)
    loss.prepare(dim, classes)
    return loss


def example(count: int = 12, dim: int = 5) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return 3 * torch.randn(count, dim, generator=generator), torch.arange(count) % 4


def written_out(loss: MarginLoss, output: Tensor, target: Tensor, lowered: object) -> float:
    """The papers' sum of exponentials, in numpy and with the angle itself."""
    rows = output.double().numpy()
    directions = loss.prototypes.detach().double().numpy()
    rows, directions = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (rows, directions))
    total = 0.0
    for row, true in zip(rows, target.tolist(), strict=True):
        angles = np.arccos(directions @ row)
        logits = loss.scale * np.cos(angles)
        logits[true] = loss.scale * lowered(angles[true])
        total += math.log(np.exp(logits).sum()) - logits[true]
    return total / len(rows)


def test_arcface_is_the_papers_formula_while_angle_and_margin_are_within_half_a_turn() -> None:
    loss, (output, target) = prepared(ArcFace(margin=0.4, scale=8.0)), example()
    cosine = F.normalize(output) @ F.normalize(loss.prototypes.detach()).T
    assert float(cosine[range(len(target)), target].acos().max()) + 0.4 < math.pi
    expected = written_out(loss, output, target, lambda angle: np.cos(angle + 0.4))
    assert float(loss(output, target).detach()) == pytest.approx(expected, rel=1e-5)


def test_cosface_is_the_papers_formula() -> None:
    loss, (output, target) = prepared(CosFace(margin=0.35, scale=8.0)), example()
    expected = written_out(loss, output, target, lambda angle: np.cos(angle) - 0.35)
    assert float(loss(output, target).detach()) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kind", [ArcFace, CosFace])
def test_without_a_margin_it_is_cross_entropy_of_scaled_cosines(kind: type[MarginLoss]) -> None:
    loss, (output, target) = prepared(kind(margin=0.0, scale=16.0)), example()
    cosine = F.cosine_similarity(output[:, None], loss.prototypes.detach()[None], dim=2)
    torch.testing.assert_close(loss(output, target).detach(), F.cross_entropy(16 * cosine, target))


@pytest.mark.parametrize("margin", [0.0, 0.5, 1.5])
def test_arcface_grows_with_the_angle_and_has_finite_slopes_everywhere(margin: float) -> None:
    loss = ArcFace(margin=margin, scale=64.0)
    cosine = torch.linspace(1, -1, 20_001).requires_grad_()
    counted = loss.handicapped(cosine)
    assert bool((counted.diff() <= 1e-6).all())
    assert bool((counted <= cosine + 1e-6).all())
    counted.sum().backward()
    assert bool(cosine.grad.isfinite().all())


@pytest.mark.parametrize("kind", [ArcFace, CosFace])
def test_it_is_finite_on_the_directions_themselves_and_opposite(kind: type[MarginLoss]) -> None:
    loss = prepared(kind())
    for output in (loss.prototypes.detach(), -loss.prototypes.detach(), torch.zeros(4, 5)):
        given = output.clone().requires_grad_()
        value = loss(given, torch.arange(4))
        value.backward()
        assert value.isfinite()
        assert given.grad.isfinite().all()
        assert loss.prototypes.grad.isfinite().all()


def test_half_precision_is_not_used_inside() -> None:
    loss, (output, target) = prepared(ArcFace()), example()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(loss(output, target), loss(output, target))
        assert loss(output, target).dtype == torch.float32
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = loss(output, target)
    assert torch.equal(inside, loss(output, target))


def test_preparing_draws_from_the_callers_seed_and_keeps_what_fits() -> None:
    one, two = prepared(ArcFace()), prepared(ArcFace())
    assert torch.equal(one.prototypes, two.prototypes)
    before = one.prototypes
    one.prepare(5, 4)
    assert one.prototypes is before
    one.prepare(5, 6)
    assert one.prototypes.shape == (6, 5)


def test_what_does_not_fit_is_one_line() -> None:
    loss, (output, target) = ArcFace(), example()
    with pytest.raises(TrainingError, match="loss arcface: expected prepared classes, got none"):
        loss(output, target)
    with pytest.raises(OptionError, match="loss arcface: expected data with classes, got none"):
        loss.prepare(5, None)
    prepared(loss, classes=3)
    with pytest.raises(ShapeError, match="targets: expected indices below 3, got 0 to 3"):
        loss(output, target)
    with pytest.raises(ShapeError, match="expected output N x 5 and target N, got 12 x 4 and 12"):
        loss(output[:, :4], target)


def build() -> zoo.Model:
    head = {"name": "embedding", "dim": 6}
    return zoo.build("mlp", hidden=[16], head=head, in_channels=1, input_size=8, seed=0)


def test_its_directions_are_trained_as_the_part_loss_and_written_with_the_run(tmp_path: Path) -> None:
    rates = {"backbone": 1e-3, "head": 1e-3, "loss": 1e-2}
    run = zoo.fit(build(), DIGITS, loss=LOSS, epochs=2, batch_size=16, lr=rates, out=tmp_path / "run")
    own = load_file(tmp_path / "run/loss.safetensors")
    assert {name: tuple(value.shape) for name, value in own.items()} == {"prototypes": (10, 6)}
    rates["loss"] = 1e-9
    still = zoo.fit(build(), DIGITS, loss=LOSS, epochs=2, batch_size=16, lr=rates, out=tmp_path / "b")
    moved = (own["prototypes"] - load_file(tmp_path / "b/loss.safetensors")["prototypes"]).abs().max()
    assert float(moved) > 1e-2
    assert run.model.labels == () == still.model.labels
    with pytest.raises(OptionError, match="lr: expected a rate for loss"):
        zoo.fit(build(), DIGITS, lr={"backbone": 1e-3, "head": 1e-3}, out=tmp_path / "c")


def test_the_directions_are_those_of_the_best_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Tensor] = []
    ended = GradientTrainer.end_epoch

    def watched(self: GradientTrainer, epoch: int, values: dict[str, float]) -> None:
        seen.append(self.loss.prototypes.detach().clone())
        ended(self, epoch, values)

    monkeypatch.setattr(GradientTrainer, "end_epoch", watched)

    class Ranked(Supervised):
        """Calls the second epoch the best, whatever it learns."""

        def evaluate(self, batches: Any) -> dict[str, float]:
            return {**super().evaluate(batches), "loss": abs(len(seen) - 1.0)}

    trainer = Ranked(epochs=4, batch_size=16)
    run = zoo.fit(build(), DIGITS, loss=LOSS, out=tmp_path / "run", trainer=trainer)
    assert run.best_epoch == 2
    own = load_file(tmp_path / "run/loss.safetensors")["prototypes"]
    assert torch.equal(own, seen[run.best_epoch - 1])


def test_a_resumed_run_ends_with_the_same_directions(tmp_path: Path) -> None:
    settings = {"loss": LOSS, "epochs": 3, "batch_size": 32, "checkpoint_every": 0}
    whole = zoo.fit(build(), DIGITS, out=tmp_path / "whole", **settings)
    with killed_after(5):  # in the second epoch
        zoo.fit(build(), DIGITS, out=tmp_path / "cut", **settings)
    resumed = zoo.fit(resume=tmp_path / "cut")
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[name])
    one, two = (load_file(tmp_path / name / "loss.safetensors") for name in ("whole", "cut"))
    assert torch.equal(one["prototypes"], two["prototypes"])


def test_it_is_the_default_and_is_left_out_when_other_data_are_measured(tmp_path: Path) -> None:
    run = zoo.fit(build(), DIGITS, epochs=1, out=tmp_path / "run")
    assert run.model.recipe.loss["name"] == "core:arcface"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = zoo.evaluate(run.model, {"name": "faces", "per_class": 10}, split="all")
    assert "loss" not in found.metrics
    assert set(found.to_dict()) >= {"auc", "eer", "threshold", "accuracy", "rates"}


@pytest.mark.parametrize("margin", [0.3, 1.0])
def test_beyond_half_a_turn_the_cosine_is_lowered_by_a_constant(margin: float) -> None:
    angles = torch.tensor([0.2, math.pi - margin - 0.01, math.pi - margin + 0.01, math.pi - 0.05])
    found = ArcFace(margin=margin).handicapped(angles.double().cos())
    within = [math.cos(angle + margin) for angle in angles[:2].tolist()]
    beyond = [math.cos(angle) - margin * math.sin(margin) for angle in angles[2:].tolist()]
    assert found.tolist() == pytest.approx([*within, *beyond], abs=1e-6)


def test_cosface_lowers_every_cosine_alike() -> None:
    cosine = torch.tensor([-1.0, 0.0, 1.0])
    assert CosFace(margin=0.25).handicapped(cosine).tolist() == [-1.25, -0.25, 0.75]
