"""Images that augmenters and generators make: tensors that a notebook shows."""

from __future__ import annotations

import io
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.reports.image_grids import variants_grid

_LARGEST, _MOST = 240, 60
"""In a notebook: pixels of a longer side at most, and images at most."""


class Images(Tensor):
    """N x C x H x W in [0, 1]: a tensor that prints in a line, and that a notebook shows as a grid.

    What is computed from it is a plain tensor, and it is a plain tensor once more where it is pickled.

    Example:
        >>> Images.of(torch.rand(8, 3, 20, 30), "variants")
        8 variants of 3 x 20 x 30
    """

    # As torch does for parameters: an index or a sum of images is a tensor like any other.
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    word: str = "images"
    original: Tensor | None = None

    @classmethod
    def of(cls, images: Tensor, word: str = "images", original: Tensor | None = None) -> Images:
        """A tensor seen as images; nothing is copied.

        Args:
            images: N x C x H x W in [0, 1].
            word: what they are called.
            original: C x H x W, shown first, in a frame.
        """
        found = images.as_subclass(cls)
        found.word, found.original = word, original
        return found

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        word = self.word if len(self) != 1 else self.word.removesuffix("s")
        return f"{len(self)} {word} of {' x '.join(map(str, self.shape[1:]))}"

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.as_subclass(Tensor).__reduce_ex__(protocol)  # type: ignore[no-untyped-call]

    def __deepcopy__(self, memo: dict[int, Any]) -> Images:
        copied = Images.of(self.as_subclass(Tensor).clone(), self.word, self.original)
        memo[id(self)] = copied
        return copied

    def _repr_png_(self) -> bytes | None:
        """The grid, large images and long rows of them cut down; nothing where they have no colours."""
        if self.shape[1] not in (1, 3) or not self.numel():
            return None
        first = None if self.original is None else _at_most(self.original[None])[0]
        file = io.BytesIO()
        variants_grid(first, _at_most(self.as_subclass(Tensor)[:_MOST])).save(file, format="PNG")
        return file.getvalue()


def _at_most(images: Tensor) -> Tensor:
    """Large images made small for the screen."""
    height, width = images.shape[2:]
    scale = _LARGEST / max(height, width)
    if scale >= 1:
        return images.float()
    size = max(1, round(height * scale)), max(1, round(width * scale))
    return F.interpolate(images.float(), size, mode="bilinear", antialias=True)
