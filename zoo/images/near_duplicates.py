"""Images that look the same though their files differ: resized, re-encoded, brightened ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from zoo.images.decode import ImageArray
from zoo.images.prepare import LUMA

Thumbnail = npt.NDArray[np.uint8]
"""8 x 9 gray values."""

MOST_BITS = 3
"""Bits of 64 that the hashes of two alike images may differ in."""
MOST_GRAY = 4.0
"""Gray values of 255 that their thumbnails may differ by on average."""

_ROWS, _COLUMNS = 8, 9
_BANDS = MOST_BITS + 1  # of two hashes that differ in three bits, one of four bands is equal
_ROUNDING = 1e-6
_PAIRS, _FOURS, _EIGHTS, _EACH = map(
    np.uint64, (0x5555555555555555, 0x3333333333333333, 0x0F0F0F0F0F0F0F0F, 0x0101010101010101)
)


def thumbnail(image: ImageArray) -> Thumbnail:
    """An image reduced to 8 x 9 gray values.

    Args:
        image: H x W x C, uint8 or float32 in [0, 1].
    """
    values = image if image.dtype == np.uint8 else np.rint(image * 255).astype(np.uint8)
    colours = values.shape[2] - (values.shape[2] in (2, 4))  # without alpha
    if colours == len(LUMA):
        gray = Image.fromarray(np.ascontiguousarray(values[..., :3])).convert("L")
    else:
        gray = Image.fromarray(np.ascontiguousarray(values[..., 0]))
    # BOX: each value is the mean of its part, whatever the image's size
    return np.asarray(gray.resize((_COLUMNS, _ROWS), Image.Resampling.BOX))


def look_alikes(thumbnails: Sequence[Thumbnail]) -> list[list[int]]:
    """Groups of images that look alike, by number.

    Two images do where their difference hashes (N. Krawetz, 2013: is each of 8 x 8 places of a thumbnail
    brighter than its neighbour?) differ in 3 bits at most, and their thumbnails hardly. Turned, mirrored
    and cut images are not found; flat ones are left out. Only those are compared that agree in 16 of the 64
    bits and hardly differ in brightness.

    Example:
        >>> ramp = np.arange(0, 216, 3, np.uint8).reshape(8, 9)
        >>> look_alikes([ramp, ramp.T.reshape(8, 9), ramp + 1])
        [[0, 2]]
    """
    # Flat images of near brightness would all be alike
    numbers = np.array([i for i, t in enumerate(thumbnails) if np.ptp(t) > 2 * MOST_GRAY], np.int64)
    if len(numbers) < 2:
        return []
    small = np.stack([thumbnails[i] for i in numbers])
    # N x 8 bytes: a bit for each place that is brighter than the one to its left
    packed = np.packbits((small[:, :, 1:] > small[:, :, :-1]).reshape(len(small), -1), axis=1)
    bits = np.ascontiguousarray(packed).view(np.uint64)[:, 0]
    # N x 4, each of 16 bits
    bands = bits[:, None].view(np.uint16)
    gray = small.reshape(len(small), -1).astype(np.int16)  # differences of uint8 would wrap around
    bright = gray.mean(axis=1)
    head = np.arange(len(small))  # each group by its first image
    for band in range(_BANDS):
        for found in _equal(bands[:, band]):
            # Thumbnails differ by no less than their means do: nobody further away has to be looked at
            members = found[np.argsort(bright[found], kind="stable")]
            ends = np.searchsorted(bright[members], bright[members] + MOST_GRAY + _ROUNDING, side="right")
            # Side by side in memory, as most of the work is here
            near_bits, near_gray = bits[members], gray[members]
            for place in np.flatnonzero(ends > np.arange(1, len(ends) + 1)):
                others = slice(place + 1, ends[place])
                few = np.flatnonzero(_ones(near_bits[others] ^ near_bits[place]) <= MOST_BITS) + place + 1
                if not few.size:
                    continue
                near = few[np.abs(near_gray[few] - near_gray[place]).mean(axis=1) <= MOST_GRAY]
                for other in near:
                    _join(head, int(members[place]), int(members[other]))
    groups: dict[int, list[int]] = defaultdict(list)
    for i in range(len(small)):
        groups[_first(head, i)].append(int(numbers[i]))
    return [group for group in groups.values() if len(group) > 1]


def _ones(bits: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Bits that are set in each, counted side by side; `np.bitwise_count` is of numpy 2.

    Example:
        >>> _ones(np.array([0, 1, 0b1011, 2**64 - 1], np.uint64)).tolist()
        [0, 1, 3, 64]
    """
    bits = bits - (bits >> np.uint64(1) & _PAIRS)
    bits = (bits & _FOURS) + (bits >> np.uint64(2) & _FOURS)
    bits = bits + (bits >> np.uint64(4)) & _EIGHTS
    return bits * _EACH >> np.uint64(56)


def _equal(values: npt.NDArray[np.uint16]) -> Iterable[npt.NDArray[np.int64]]:
    order = np.argsort(values, kind="stable")
    cuts = np.flatnonzero(np.diff(values[order])) + 1
    return [group for group in np.split(order, cuts) if len(group) > 1]


def _first(head: npt.NDArray[np.int64], i: int) -> int:
    while head[i] != i:
        # Halves the way for the next question
        head[i] = head[head[i]]
        i = int(head[i])
    return i


def _join(head: npt.NDArray[np.int64], one: int, other: int) -> None:
    a, b = sorted((_first(head, one), _first(head, other)))
    head[b] = a
