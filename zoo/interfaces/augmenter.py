"""The augmenter contract: batch in, batch out, on the batch's device."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from zoo.spec.errors import ShapeError

Batch = dict[str, Tensor]
"""`image` N x C x H x W in [0, 1], `target`, `index` of the sample, and `mask` if there is one."""


class Augmenter(nn.Module):
    """Changes the pictures of a training batch, and their masks alike.

    A subclass' constructor takes the options of its config class, keyword-only. Random draws come from
    `draws` alone, one generator a sample, so that the number of workers and processes changes nothing.

    Attributes:
        changes_labels: whether targets change too.
    """

    changes_labels = False

    def forward(self, batch: Batch, draws: list[torch.Generator]) -> Batch:
        """The augmented batch; the one given is left as it is.

        Args:
            batch: see `Batch`.
            draws: one generator a sample, seeded by (seed, epoch, index).
        """
        raise NotImplementedError


def check_batch(batch: Mapping[str, Tensor]) -> None:
    """Raises ShapeError unless `image` is N x C x H x W, floating, and all tensors have N rows."""
    image = batch.get("image")
    if image is None or image.ndim != 4 or not image.is_floating_point():
        got = "no image" if image is None else f"{image.dtype} {' x '.join(map(str, image.shape))}"
        raise ShapeError("batch", expected="floating image N x C x H x W in [0, 1]", got=got)
    for name, value in batch.items():
        if len(value) != len(image):
            raise ShapeError(f"batch: {name}", expected=f"{len(image)} rows", got=str(len(value)))
