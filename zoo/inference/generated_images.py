"""Images that augmenters and generators make: tensors that a notebook shows."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from zoo.images.decode import ImageArray
from zoo.reports.image_grids import save_image
from zoo.spec.errors import SaveError

_SMALLEST, _GAP, _SHAPE = 96, 4, 1.5
"""Least size of a drawn image's longer side, pixels between two, width of the grid over its height."""
_LARGEST, _MOST = 240, 60
"""The same in a notebook: pixels of a longer side at most, and images at most."""
_WHITE, _MARK = (255, 255, 255), (31, 95, 191)


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
        # Without zoo, a pickle of this class could not be read.
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
        grid(first, _at_most(self.as_subclass(Tensor)[:_MOST])).save(file, format="PNG")
        return file.getvalue()


def grid(original: Tensor | None, images: Tensor) -> Image.Image:
    """Images of one size as a grid, pixel by pixel; the original comes first, in a blue frame.

    Args:
        original: C x H x W in [0, 1], C = 1 or 3; None for none.
        images: N x C x H x W.
    """
    tiles = images if original is None else torch.cat([original[None], images])
    # Gray images get three equal channels.
    tiles = tiles.detach().cpu().float().clamp(0, 1).expand(-1, 3, -1, -1)
    # Whole pixels, so that each stays a square.
    zoom = -(-_SMALLEST // max(tiles.shape[2:]))
    pixels = (tiles * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    pixels = pixels.repeat(zoom, axis=1).repeat(zoom, axis=2)
    return Image.fromarray(_laid_out(pixels, marked=original is not None))


def _laid_out(pixels: ImageArray, *, marked: bool) -> ImageArray:
    count, height, width = pixels.shape[:3]
    # columns * width = shape * rows * height, and rows = count / columns.
    columns = min(count, max(1, round((_SHAPE * count * height / width) ** 0.5)))
    rows = -(-count // columns)
    high, wide = height + _GAP, width + _GAP
    sheet = np.full((rows * high + _GAP, columns * wide + _GAP, 3), _WHITE, dtype=np.uint8)
    if marked:
        # A frame: the first image is laid over its middle.
        sheet[: high + _GAP, : wide + _GAP] = _MARK
    for i, tile in enumerate(pixels):
        top, left = i // columns * high + _GAP, i % columns * wide + _GAP
        sheet[top : top + height, left : left + width] = tile
    return sheet


def _at_most(images: Tensor) -> Tensor:
    """Large images made small for the screen."""
    height, width = images.shape[2:]
    scale = _LARGEST / max(height, width)
    if scale >= 1:
        return images.float()
    size = max(1, round(height * scale)), max(1, round(width * scale))
    return F.interpolate(images.float(), size, mode="bilinear", antialias=True)


def draw_grid(original: Tensor, variants: Tensor, path: Path) -> Path:
    """Draws a grid, see `grid`, into a file.

    Args:
        original: C x H x W in [0, 1], C = 1 or 3.
        variants: N x C x H x W.
        path: image file to write; a crash leaves the old one or the new one.

    Raises:
        SaveError: it cannot be written.
    """
    staged = path.with_name(f".{path.name}.part")
    try:
        save_image(grid(original, variants), staged, path)
        staged.replace(path)
    except OSError as error:
        staged.unlink(missing_ok=True)
        got = error.strerror or str(error)
        raise SaveError(f"file {path}", expected="a writable place", got=got) from error
    return path
