"""Base of the augmenters that change the values of pixels where they are; masks stay."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from zoo.errors import ShapeError
from zoo.interfaces import LUMA, Augmenter, Batch, uniform

Factors = tuple[float, float]

_IN_CACHE = 2**19
"""Values, 2 MiB of float32; with whole batches hue, noise and blur take twice the time."""


class Changed(Augmenter):
    """Changes some images, each by one drawn number, and cuts the result to [0, 1].

    Args:
        p: probability that an image is changed.
    """

    def __init__(self, *, p: float = 1.0) -> None:
        super().__init__()
        self.p = p

    def forward(self, batch: Batch, draws: list[torch.Generator]) -> Batch:
        """The batch with some images changed."""
        image = batch["image"]
        numbers = uniform(draws, 2)
        places = (numbers[:, 0] < self.p).nonzero()[:, 0]
        if not len(places):
            return dict(batch)
        whole = len(places) == len(image)
        out = torch.empty_like(image) if whole else image.clone()
        for part in torch.split(places, _together(image)):
            at = slice(int(part[0]), int(part[-1]) + 1) if whole else part.to(image.device)
            drawn = numbers[part, 1].to(image.device, image.dtype).view(-1, 1, 1, 1)
            out[at] = self.changed(image[at], drawn, [draws[i] for i in part.tolist()]).clamp(0, 1)
        return {**batch, "image": out}

    def changed(self, x: Tensor, numbers: Tensor, draws: Sequence[torch.Generator]) -> Tensor:
        """The changed images, which need not stay in [0, 1].

        Args:
            x: N x C x H x W in [0, 1]; to be left as it is.
            numbers: N x 1 x 1 x 1 in [0, 1).
            draws: for more random numbers.
        """
        raise NotImplementedError


def _together(image: Tensor) -> int:
    """Images to change at once: on the CPU so few that what is computed in between stays in the cache."""
    return max(1, len(image) if image.device.type != "cpu" else _IN_CACHE // max(1, image[0].numel()))


def luma(x: Tensor) -> Tensor:
    """N x 1 x H x W of N x 3 x H x W."""
    return (x * x.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)


def coloured(x: Tensor, augmenter: Augmenter) -> bool:
    """Whether images have colours.

    Args:
        x: N x C x H x W.
        augmenter: who asks, for the message.

    Raises:
        ShapeError: they have neither one channel nor three.
    """
    if x.shape[1] not in (1, 3):
        where = type(augmenter).__name__.lower()
        hint = "leave what changes colours out"
        raise ShapeError(where, expected="images of 1 or 3 channels", got=str(x.shape[1]), hint=hint)
    return x.shape[1] == 3
