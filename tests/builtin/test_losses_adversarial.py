import math

import pytest
import torch
from torch import Tensor, nn

import zoo
from zoo.builtin.losses_adversarial import Adversarial
from zoo.compose.instantiate import make
from zoo.spec.errors import OptionError, ShapeError

LOGITS = torch.tensor([[-1.5], [0.0], [0.5], [2.0]])
D = [1 / (1 + math.exp(-v)) for v in (-1.5, 0.0, 0.5, 2.0)]


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


DECEIVES = {
    "minimax": mean([math.log(1 - d) for d in D]),
    "non-saturating": mean([-math.log(d) for d in D]),
    "least-squares": mean([0.5 * (v - 1) ** 2 for v in (-1.5, 0.0, 0.5, 2.0)]),
    "hinge": -0.25,
    "wasserstein": -0.25,
}
REAL = {
    "minimax": mean([-math.log(d) for d in D]),
    "non-saturating": mean([-math.log(d) for d in D]),
    "least-squares": mean([0.5 * (v - 1) ** 2 for v in (-1.5, 0.0, 0.5, 2.0)]),
    "hinge": mean([2.5, 1.0, 0.5, 0.0]),
    "wasserstein": -0.25,
}
FAKE = {
    "minimax": mean([-math.log(1 - d) for d in D]),
    "non-saturating": mean([-math.log(1 - d) for d in D]),
    "least-squares": mean([0.5 * v**2 for v in (-1.5, 0.0, 0.5, 2.0)]),
    "hinge": mean([0.0, 1.0, 1.5, 3.0]),
    "wasserstein": 0.25,
}


class First(nn.Module):
    """Says of an image what its first pixel is."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1)[:, :1]


@pytest.mark.parametrize("kind", DECEIVES)
def test_both_sides_are_the_papers_formulas(kind: str) -> None:
    loss = Adversarial(kind=kind, gradient_penalty=0)
    images = LOGITS.view(4, 1, 1, 1).expand(4, 1, 2, 2)
    parts = loss.oppose(First(), images, images)
    assert float(loss({"discriminator_logits": LOGITS}, {})) == pytest.approx(DECEIVES[kind], rel=1e-5)
    assert {name: float(value) for name, value in parts.items()} == pytest.approx(
        {"real": REAL[kind], "fake": FAKE[kind]}, rel=1e-5
    )


@pytest.mark.parametrize("kind", DECEIVES)
def test_the_generator_climbs_what_the_discriminator_says(kind: str) -> None:
    verdict = LOGITS.clone().requires_grad_()
    Adversarial(kind=kind)({"discriminator_logits": verdict}, {}).backward()
    assert verdict.grad is not None
    assert bool((verdict.grad[:3] < 0).all())  # least squares has enough at 1


def test_only_the_saturating_game_has_no_gradient_where_the_discriminator_is_sure() -> None:
    slopes = {}
    for kind in ("minimax", "non-saturating"):
        verdict = torch.full((4, 1), -20.0, requires_grad=True)
        Adversarial(kind=kind)({"discriminator_logits": verdict}, {}).backward()
        assert verdict.grad is not None
        slopes[kind] = float(verdict.grad.abs().sum())
    assert slopes["minimax"] < 1e-8
    assert slopes["non-saturating"] == pytest.approx(1.0)


def test_smoothing_moves_the_target_of_real_images_alone() -> None:
    images = LOGITS.view(4, 1, 1, 1)
    plain, smooth = (Adversarial(smoothing=s).oppose(First(), images, images) for s in (0.0, 0.1))
    expected = mean([-0.9 * math.log(d) - 0.1 * math.log(1 - d) for d in D])
    assert float(smooth["real"]) == pytest.approx(expected, rel=1e-5)
    assert torch.equal(plain["fake"], smooth["fake"])


def test_the_penalty_of_a_linear_critic_is_its_norm_less_one_squared() -> None:
    critic = nn.Sequential(nn.Flatten(), nn.Linear(4, 1))
    nn.init.constant_(critic[1].weight, 1.5)  # of norm 3 everywhere
    real, fake = torch.rand(2, 5, 1, 2, 2).unbind()
    parts = Adversarial(kind="wasserstein").oppose(critic, real, fake)
    assert float(parts["penalty"].detach()) == pytest.approx(10 * (3 - 1) ** 2, rel=1e-5)


def test_the_penalty_is_taken_between_the_images_and_reaches_the_weights() -> None:
    class Square(nn.Module):
        """Of gradient 2 w x."""

        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(torch.tensor(0.7))

        def forward(self, x: Tensor) -> Tensor:
            return self.w * x.square().flatten(1).sum(dim=1, keepdim=True)

    critic, real, fake = Square(), torch.rand(6, 1, 2, 2), torch.rand(6, 1, 2, 2)
    torch.manual_seed(3)
    parts = Adversarial(gradient_penalty=2.5).oppose(critic, real, fake)
    torch.manual_seed(3)
    share = torch.rand(6, 1, 1, 1)
    norms = (share * real + (1 - share) * fake).flatten(1).norm(dim=1)
    assert float(parts["penalty"].detach()) == pytest.approx(
        2.5 * float((2 * 0.7 * norms - 1).square().mean()), rel=1e-5
    )
    parts["penalty"].backward()
    by_hand = 2.5 * float((2 * (2 * 0.7 * norms - 1) * 2 * norms).mean())
    assert critic.w.grad is not None
    assert float(critic.w.grad) == pytest.approx(by_hand, rel=1e-4)


def test_a_penalty_beside_batch_norm_is_warned_of_once() -> None:
    critic = nn.Sequential(nn.Conv2d(1, 2, 2), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2, 1))
    loss, images = Adversarial(gradient_penalty=1), torch.rand(2, 4, 1, 2, 2)
    with pytest.warns(zoo.ZooWarning, match="without it") as said:
        for _ in range(2):
            loss.oppose(critic, *images.unbind())
    assert len(said) == 1


def test_what_does_not_fit_is_said_in_one_line() -> None:
    with pytest.raises(ShapeError, match=r"got 2 x 1 x 4 x 4 and 2 x 1 x 8 x 8"):
        Adversarial().oppose(First(), torch.rand(2, 1, 4, 4), torch.rand(2, 1, 8, 8))
    with pytest.raises(OptionError, match="smoothing 0 in a game without probabilities, such as hinge"):
        make("loss", {"name": "adversarial", "kind": "hinge", "smoothing": 0.1})
