"""Targets that are places in an image: how they move with its pixels.

Matrices are those of `warp`: from the output to the input, with the origin in the middle.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import torch
from torch import Tensor

from zoo.spec.errors import ShapeError

Size = tuple[int, int]
"""Height and width in pixels."""


class SpatialTensor(Tensor):
    """An entry of a batch that tells places in its images, N rows; augmenters move it with the pixels.

    A task of a plugin has a subclass, which its `collate` returns: `tensor.as_subclass(Points)`. It stays one
    where it is indexed, copied or sent to another device. Losses and metrics get a plain tensor.
    """

    def warped(self, matrices: Tensor, size: Size, to: Size) -> Self:
        """The places after a warp.

        Args:
            matrices: N x 3 x 3 float64 on the CPU, from output to input.
            size: height and width of the images before.
            to: height and width afterwards.
        """
        raise NotImplementedError

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        copied = self.as_subclass(Tensor).clone().as_subclass(type(self))
        memo[id(self)] = copied
        return copied


def warp_points(points: Tensor, matrices: Tensor, size: Size, to: Size | None = None) -> Tensor:
    """Places of points of images after a warp; a point outside of the image stays a point.

    Args:
        points: N x K x 2, (x, y) in pixels, counted from the middle of the upper left pixel.
        matrices: N x 3 x 3, from output to input.
        size: height and width of the images before.
        to: height and width afterwards; the same where None.

    Returns:
        N x K x 2 of the type and on the device of `points`.

    Raises:
        ShapeError: a matrix has no inverse, so that a point may have no place afterwards.

    Example:
        >>> mirror = torch.diag(torch.tensor([-1.0, 1.0, 1.0]))[None]
        >>> warp_points(torch.tensor([[[0.0, 2.0]]]), mirror, (5, 8)).tolist()
        [[[7.0, 2.0]]]
    """
    given = points.as_subclass(Tensor)
    # On the CPU, since MPS has no float64
    exact = given.detach().to("cpu", torch.float64) - _middle(size)
    # Places go from input to output, the other way than matrices
    forth, singular = torch.linalg.inv_ex(matrices.to("cpu", torch.float64))
    broken = (singular != 0) | ~forth.isfinite().flatten(1).all(dim=1)
    if bool(broken.any()):
        first = int(broken.nonzero()[0])
        got, hint = f"a singular one for image {first}", "no factor of a zoom may be 0"
        raise ShapeError("warp of points", expected="matrices with an inverse", got=got, hint=hint)
    # N x K x 2: points are rows
    moved = exact @ forth[:, :2, :2].transpose(1, 2) + forth[:, None, :2, 2]
    placed: Tensor = moved + _middle(to or size)
    return placed.to(given.device, given.dtype)


def resizing(size: Size, to: Size, window: tuple[Size, Size] | None = None) -> Tensor:
    """The matrix of a resize, and of a cut after it: 3 x 3 float64, from output to input.

    Args:
        size: height and width before.
        to: height and width after the resize.
        window: row and column of the upper left pixel that is cut out, and the cut's height and width.

    Example:
        >>> resizing((10, 40), (20, 20)).diag().tolist()
        [2.0, 0.5, 1.0]
    """
    scale = torch.tensor([size[1] / to[1], size[0] / to[0], 1.0], dtype=torch.float64)
    matrix = torch.diag(scale)
    if window is not None:
        (top, left), own = window
        corner = torch.tensor([left, top], dtype=torch.float64)
        # The cut's middle as seen from the middle of the resized image, in pixels of the input
        matrix[:2, 2] = (corner + _middle(own) - _middle(to)) * scale[:2]
    return matrix


def plain_tensors(batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A batch whose entries are plain tensors, as losses, metrics and checkpoints take them."""
    return {
        name: value.as_subclass(Tensor) if isinstance(value, SpatialTensor) else value
        for name, value in batch.items()
    }


def _middle(size: Size) -> Tensor:
    return torch.tensor([(size[1] - 1) / 2, (size[0] - 1) / 2], dtype=torch.float64)
