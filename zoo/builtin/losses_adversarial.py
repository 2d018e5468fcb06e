"""The adversarial loss: what a generator and its discriminator minimise against each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from zoo.errors import ShapeError, warn
from zoo.interfaces import Loss

DISCRIMINATOR_LOGITS = "discriminator_logits"
# Lambda of WGAN-GP, used for all experiments of the paper
_PAPER_PENALTY = 10.0


@dataclass(frozen=True, slots=True)
class _Game:
    """Both sides of one kind of game, value by value.

    Args:
        deceive: of logits of generated images, for the generator.
        real: of logits of real images, and what they should say (1, or less where labels are smoothed).
        fake: of logits of generated images, for the discriminator.
    """

    deceive: Callable[[Tensor], Tensor]
    real: Callable[[Tensor, float], Tensor]
    fake: Callable[[Tensor], Tensor]


def _entropy(verdict: Tensor, target: float) -> Tensor:
    """Binary cross-entropy: -log D where the target is 1, -log(1 - D) where it is 0."""
    return F.binary_cross_entropy_with_logits(verdict, torch.full_like(verdict, target), reduction="none")


def _square(verdict: Tensor, target: float) -> Tensor:
    return 0.5 * (verdict - target).square()


GAMES = {
    "minimax": _Game(lambda v: -_entropy(v, 0), _entropy, lambda v: _entropy(v, 0)),
    "non-saturating": _Game(lambda v: _entropy(v, 1), _entropy, lambda v: _entropy(v, 0)),
    "least-squares": _Game(lambda v: _square(v, 1), _square, lambda v: _square(v, 0)),
    "hinge": _Game(lambda v: -v, lambda v, _: F.relu(1 - v), lambda v: F.relu(1 + v)),
    "wasserstein": _Game(lambda v: -v, lambda v, _: -v, lambda v: v),
}


class Adversarial(Loss):
    """The game of a generator G and a discriminator D, whose logits are d and D = sigmoid(d).

    | kind | G minimises the mean of | D minimises the mean of | paper |
    |---|---|---|---|
    | minimax | log(1 - D(G)) | -log D(x) - log(1 - D(G)) | https://arxiv.org/abs/1406.2661 |
    | non-saturating | -log D(G) | as minimax | the same, end of section 3 |
    | least-squares | (d(G) - 1)^2 / 2 | (d(x) - 1)^2 / 2 + d(G)^2 / 2 | https://arxiv.org/abs/1611.04076 |
    | hinge | -d(G) | max(0, 1 - d(x)) + max(0, 1 + d(G)) | https://arxiv.org/abs/1705.02894 |
    | wasserstein | -d(G) | d(G) - d(x) | https://arxiv.org/abs/1701.07875 |

    Called with the verdict it is G's side; `oppose` is D's.

    Args:
        kind: of the game.
        gradient_penalty: weight of (norm of D's gradient - 1)^2 on points between real and generated
            images (WGAN-GP, https://arxiv.org/abs/1704.00028); None means the paper's 10 for `wasserstein`,
            whose critic has no bound without it, and 0 for the others.
        smoothing: D is told that real images are so with probability 1 - smoothing
            (https://arxiv.org/abs/1606.03498); not in `hinge` and `wasserstein`, which know no probability.

    Example:
        >>> loss = Adversarial(kind="non-saturating")
        >>> round(float(loss({"discriminator_logits": torch.zeros(4, 1)}, {})), 4)
        0.6931
    """

    needs = (DISCRIMINATOR_LOGITS,)
    cuts = True

    def __init__(
        self, *, kind: str = "non-saturating", gradient_penalty: float | None = None, smoothing: float = 0.0
    ) -> None:
        super().__init__()
        self.kind, self.smoothing = kind, smoothing
        # None is not 0: a Wasserstein critic without any penalty has to be asked for
        usual = _PAPER_PENALTY if kind == "wasserstein" else 0.0
        self.gradient_penalty = usual if gradient_penalty is None else gradient_penalty
        self._game, self._warned = GAMES[kind], False

    def forward(self, output: Mapping[str, Tensor], target: object) -> Tensor:
        """The generator's loss.

        Args:
            output: `discriminator_logits`, N x 1 logits of generated images, positive for real.
            target: the batch; not looked at.
        """
        return self._game.deceive(output[DISCRIMINATOR_LOGITS].float()).mean()

    def oppose(self, discriminator: nn.Module, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """The discriminator's loss, in parts `real`, `fake` and, with a weight, `penalty`.

        Args:
            discriminator: N x C x H x W to N x 1 logits, positive for real.
            real: N x C x H x W, images of the data.
            fake: N x C x H x W, generated ones, without gradients.

        Raises:
            ShapeError: they are not alike.
        """
        if real.shape != fake.shape:
            got = " and ".join(" x ".join(map(str, x.shape)) for x in (real, fake))
            hint = "build the generator for the data's size and channels"
            raise ShapeError(
                "loss adversarial", expected="real and generated images alike", got=got, hint=hint
            )
        parts = {
            "real": self._game.real(discriminator(real).float(), 1 - self.smoothing).mean(),
            "fake": self._game.fake(discriminator(fake).float()).mean(),
        }
        # Left out at 0, since it costs a third pass and a second derivative
        if self.gradient_penalty:
            self._check_norms(discriminator)
            parts["penalty"] = self.gradient_penalty * _steepness(discriminator, real, fake)
        return parts

    def _check_norms(self, discriminator: nn.Module) -> None:
        # Once a run, not once a step
        if not self._warned and any(isinstance(module, _BatchNorm) for module in discriminator.modules()):
            warn(
                "the gradient penalty is meant for each image alone, but batch norm in the discriminator "
                "ties a batch's images together; choose a discriminator without it"
            )
        self._warned = True


def _steepness(discriminator: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """The mean of (norm of the gradient - 1)^2 at random points between real and generated images."""
    # One share an image, N x 1 x 1 x 1: points on the straight lines between pairs of images
    share = torch.rand(len(real), *[1] * (real.ndim - 1), device=real.device, dtype=real.dtype)
    between = (share * real + (1 - share) * fake).detach().requires_grad_()
    verdict = discriminator(between).float()
    # Of the sum, since no image's verdict depends on another; the graph is kept to reach D's weights
    (slope,) = torch.autograd.grad(verdict.sum(), between, create_graph=True)
    # In float32, since squares of gradients are beyond the range of half precision
    norms: Tensor = slope.float().flatten(1).norm(dim=1)
    return (norms - 1).square().mean()
