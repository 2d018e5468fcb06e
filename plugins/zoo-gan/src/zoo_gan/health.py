"""Health of a generator and a discriminator in training: balance, diversity, and warnings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from zoo.errors import warn

LEAST_DIVERSITY = 0.25
"""Share of the data's diversity; below it the generator makes much the same image over and over."""

WON_BALANCE, WON_LOSS = 0.99, 0.05
"""The discriminator has won where it tells more pairs apart, and has less of its first epoch's loss left."""

FLAT = 1e-3
"""Standard deviation of pixels below which an image counts as one of a single colour."""

PATIENCE = 5
"""Epochs in a row until a warning: a game often begins like one that is over, and mends itself."""


def balance(real: Tensor, fake: Tensor) -> Tensor:
    """The share of pairs of a real and a generated image that a discriminator tells apart.

    This is the area under its ROC curve: unlike accuracy it asks for no threshold, which least squares and
    Wasserstein distances do not have at zero. 0.5 is guessing, 1 never wrong.

    Args:
        real: N x 1 logits of real images.
        fake: M x 1 logits of generated ones.

    Example:
        >>> balance(torch.tensor([[2.0], [1.0]]), torch.tensor([[0.0], [1.0]])).item()
        0.875
    """
    # `searchsorted` warns of strided values, which columns of gathered logits are
    ordered = fake.detach().float().flatten().sort().values.contiguous()
    values = real.detach().float().flatten().contiguous()
    # Fakes below plus fakes not above, so that a tie counts as half
    below = torch.searchsorted(ordered, values) + torch.searchsorted(ordered, values, right=True)
    return below.float().mean() / (2 * len(ordered))


def spread(images: Tensor) -> Tensor:
    """The mean Euclidean distance between two images, each brought to mean 0 and length 1 first.

    Without that, the faint images of a generator that has just begun would look like one image over and
    over. Where all are alike it is 0, where they have nothing in common the square root of 2.

    Args:
        images: N x C x H x W, N of 2 or more.

    Example:
        >>> one, other = torch.tensor([[1.0, -1.0], [1.0, -1.0]]), torch.tensor([[2.0, 2.0], [-2.0, -2.0]])
        >>> round(spread(torch.stack([one, other])[:, None]).item(), 4)
        1.4142
    """
    x = images.detach().float().flatten(1)
    x = x - x.mean(dim=1, keepdim=True)
    # An image's length is its standard deviation times the root of its size; a flat one stays near 0
    return torch.pdist(x / x.norm(dim=1, keepdim=True).clamp(min=FLAT * x.shape[1] ** 0.5)).mean()


class Watch:
    """Warns once when the game is over: the generator has collapsed, or the discriminator has won."""

    def __init__(self) -> None:
        self._first: float | None = None
        self._epochs = {"collapsed": 0, "won": 0}
        self._warned = False

    def look(self, values: Mapping[str, float]) -> None:
        """Looks at the figures of an epoch.

        Args:
            values: `loss_discriminator`, `balance` and, where batches had more than one image, `diversity`.
        """
        loss, diversity = values["loss_discriminator"], values.get("diversity", 1.0)
        self._first = loss if self._first is None else self._first
        seen = {
            "collapsed": diversity < LEAST_DIVERSITY,
            # A critic's loss is a distance, has no such bound, and goes below zero.
            "won": values["balance"] > WON_BALANCE and 0 <= loss < WON_LOSS * self._first,
        }
        self._epochs = {name: count + 1 if seen[name] else 0 for name, count in self._epochs.items()}
        found = next((name for name, count in self._epochs.items() if count >= PATIENCE), None)
        if found is None or self._warned:
            return
        self._warned = True
        if found == "collapsed":
            warn(
                f"the generator has collapsed: for {PATIENCE} epochs its images have differed "
                f"{diversity:.0%} as much as the data's; lower lr, or choose another kind of adversarial loss"
            )
        else:
            warn(
                f"the discriminator has won: for {PATIENCE} epochs it has told {values['balance']:.1%} of "
                "pairs apart, and its loss is near zero; lower its lr, smooth its labels, or make it smaller"
            )

    def state_dict(self) -> dict[str, Any]:
        """State that a resumed run needs."""
        return {"first": self._first, "epochs": dict(self._epochs), "warned": self._warned}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """The reverse of `state_dict`."""
        self._first, self._epochs, self._warned = state["first"], dict(state["epochs"]), state["warned"]
