"""Masks: read, checked, prepared and cropped beside their images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.images.decode import ImageArray
from zoo.images.opening import open_image
from zoo.images.prepare import prepare
from zoo.interfaces.geometry.places import resizing
from zoo.interfaces.tasks.masks import IGNORED
from zoo.spec.errors import DataError, reason
from zoo.spec.inputs import InputSpec

Mask = npt.NDArray[np.uint8]


def read_mask(file: Path) -> npt.NDArray[np.uint8]:
    """H x W class numbers of a gray, black-and-white or palette image.

    Raises:
        DataError: it is none, or cannot be read.
    """
    where = f"mask {file}"
    hint = "save the number of the class in each pixel, as PNG"
    try:
        with open_image(file, where) as image:
            kind, mode, values = image.format, image.mode, np.asarray(image)
    except DataError:
        raise
    except Exception as error:  # decoders raise whatever they stumble over
        raise DataError(where, expected="a readable image", got=reason(error)) from error
    if kind == "JPEG":  # its values are near those that were saved, no more
        raise DataError(where, expected="a format that keeps values, such as PNG", got=kind, hint=hint)
    # A palette's numbers are read, not its colours; Pillow opens 16-bit gray as I;16 or I
    if mode not in ("L", "P", "1", "I;16", "I"):
        raise DataError(where, expected="gray or palette", got=f"mode {mode}", hint=hint)
    if (highest := int(values.max(initial=0))) > IGNORED:
        raise DataError(where, expected="values 0..255", got=str(highest), hint=hint)
    return values.astype(np.uint8)


def check_mask(
    mask: npt.NDArray[Any],
    image: ImageArray,
    where: str,
    classes: int | None = None,
    ignored: int | None = IGNORED,
) -> None:
    """Raises DataError unless a mask is H x W uint8, of its image's size, with known classes.

    Args:
        mask: to look at.
        image: H x W x C.
        where: how messages call the image.
        classes: how many there are; None where that is not known.
        ignored: value that does not count; None where each does.
    """
    if mask.ndim != 2 or mask.dtype != np.uint8 or mask.shape != image.shape[:2]:
        expected = f"uint8 {image.shape[0]} x {image.shape[1]}, as the image"
        raise DataError(f"mask of {where}", expected=expected, got=f"{mask.dtype} {_axes(mask)}")
    if classes is None:
        return
    wrong = mask >= classes
    if ignored is not None:
        wrong &= mask != ignored
    if (bad := mask[wrong]).size:
        more = "" if ignored is None else f", or {ignored} for what does not count"
        expected = f"classes 0..{classes - 1}{more}"
        raise DataError(f"mask of {where}", expected=expected, got=str(bad.max()))


def prepare_mask(mask: Mask, size: tuple[int, int]) -> Tensor:
    """H x W int64 of a size, each pixel of the class that is nearest.

    Args:
        mask: H x W class indices.
        size: height and width.
    """
    x = torch.from_numpy(np.ascontiguousarray(mask))
    if tuple(x.shape) != tuple(size):
        # Plain `nearest` lies half a pixel beside it; class numbers up to 255 are exact in float32
        x = F.interpolate(x[None, None].float(), size=size, mode="nearest-exact")[0, 0]
    return x.long()


def cropped(
    image: ImageArray, mask: Mask | None, spec: InputSpec, draw: torch.Generator | None, where: str
) -> tuple[Tensor, Tensor | None, Tensor]:
    """A part of an image and of its mask, as large as a spec says.

    Args:
        image: H x W x C; one that is too small is enlarged first.
        mask: H x W, or None.
        spec: of the model.
        draw: says where the part lies; None takes the middle.
        where: how messages call the image.

    Returns:
        C x H x W float32 in [0, 1], H x W int64, and the matrix from the part to the image, 3 x 3; see
        `zoo.interfaces.geometry.places.resizing`.
    """
    height, width = spec.size
    own = image.shape[0], image.shape[1]
    scale = max(height / own[0], width / own[1], 1.0)
    # Rounding must not make it a pixel smaller than the crop
    size = max(round(own[0] * scale), height), max(round(own[1] * scale), width)
    top, left = _corner(size, spec.size, draw)
    window = slice(top, top + height), slice(left, left + width)
    matrix = resizing(own, size, ((top, left), (height, width)))
    # Cut first, as uint8: only the part is converted
    if scale == 1:
        part = prepare(image[window], spec, where)
        return part, None if mask is None else prepare_mask(mask[window], spec.size), matrix
    part = prepare(image, spec.with_size(size), where)[:, *window].contiguous()
    return part, None if mask is None else prepare_mask(mask, size)[window].contiguous(), matrix


def _corner(own: tuple[int, int], wanted: tuple[int, int], draw: torch.Generator | None) -> tuple[int, int]:
    room = own[0] - wanted[0], own[1] - wanted[1]
    if draw is None:
        return room[0] // 2, room[1] // 2
    top, left = (int(torch.randint(free + 1, (), generator=draw)) for free in room)
    return top, left


def _axes(array: npt.NDArray[Any]) -> str:
    return " x ".join(map(str, array.shape))
