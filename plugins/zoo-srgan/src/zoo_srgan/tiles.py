"""Large images in tiles, in memory that does not grow with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import Tensor


def tiled(call: Callable[[Tensor], Tensor], x: Tensor, *, scale: int, tile: int, overlap: int) -> Tensor:
    """The output of `call` for images, computed one tile after the other.

    Where `overlap` is at least as wide as the network sees, this is what it makes of them at once: tiles keep
    the image's own border, and of what lies inside only what no cut has reached.

    Args:
        call: N x C x h x w to N x K x scale h x scale w.
        x: N x C x H x W.
        scale: factor of height and width.
        tile: height and width of what is kept of a tile, in input pixels.
        overlap: how much is seen around it on each side, in input pixels.

    Example:
        >>> import torch
        >>> x = torch.rand(1, 1, 9, 7)
        >>> torch.equal(tiled(lambda t: t.repeat_interleave(2, 2).repeat_interleave(2, 3), x, scale=2, tile=4,
        ...             overlap=1), x.repeat_interleave(2, 2).repeat_interleave(2, 3))
        True
    """
    height, width = x.shape[2:]
    # No larger than what one tile sees anyway
    if height <= tile + 2 * overlap and width <= tile + 2 * overlap:
        return call(x)
    whole: Tensor | None = None
    for top, bottom, first_row, last_row in _stretches(height, tile, overlap):
        for left, right, first, last in _stretches(width, tile, overlap):
            part = call(x[:, :, first_row:last_row, first:last])
            if whole is None:
                # Made by the first part, which knows channels, type and device
                whole = part.new_empty(*part.shape[:2], height * scale, width * scale)
            inner = part[
                :,
                :,
                (top - first_row) * scale : (bottom - first_row) * scale,
                (left - first) * scale : (right - first) * scale,
            ]
            whole[:, :, top * scale : bottom * scale, left * scale : right * scale] = inner
    assert whole is not None  # noqa: S101 - an image has at least one tile
    return whole


def _stretches(length: int, tile: int, overlap: int) -> Iterator[tuple[int, int, int, int]]:
    """Beginning and end of each tile along an axis, and of what is seen around it."""
    for start in range(0, length, tile):
        end = min(start + tile, length)
        # Cut at the image's border, where the network pads as it would for the whole image
        yield start, end, max(start - overlap, 0), min(end + overlap, length)
