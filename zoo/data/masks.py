"""Masks: read, checked, prepared and cropped beside their images."""

from __future__ import annotations

import io
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from zoo.data.sources.mask_colors import ColorTable, packed, shown
from zoo.data.sources.mask_options import said
from zoo.images.decode import ImageArray
from zoo.images.opening import open_image
from zoo.images.prepare import pixels
from zoo.interfaces.geometry.places import resizing
from zoo.interfaces.tasks.masks import IGNORED
from zoo.spec.display import counted
from zoo.spec.errors import DataError, listing, quote, reason
from zoo.spec.inputs import InputSpec

Mask = npt.NDArray[np.uint8]

HINT = "save the number of the class in each pixel, as PNG"
"""What to do with what is no mask."""
_NAMED = 4
"""Colours that an error names."""
_AXES = 3


def read_mask(
    source: Any, where: str | None = None, colors: ColorTable | None = None, threshold: int | None = None
) -> Mask:
    """H x W class numbers of a mask of numbers or, where colours of classes are given, of these.

    A palette's numbers are read and not its colours, unless colours are given.

    Args:
        source: path or contents of a gray, black-and-white or palette image, or one whose colours are all
            gray; a Pillow image of these; or an array or tensor of whole numbers, H x W, with an axis of one
            channel or without.
        where: the mask, for messages; by default its path.
        colors: of the classes.
        threshold: gray values above it are 1, all others 0.

    Raises:
        DataError: it is none, or cannot be read.
    """
    where = where or f"mask {source}"
    try:
        with _opened(source, where) as image:
            _check_kind(image, where, exact=threshold is None)
            _check_opaque(image, where)
            if colors is not None:
                return colors.classes(_rgb(image, where), where)
            if threshold is not None:
                gray = image.convert("L") if image.mode == "P" else image
                return (_numbers(gray, where) > threshold).astype(np.uint8)
            if image.mode == "P":
                _check_order(image, where)
            return _numbers(image, where)
    except DataError:
        raise
    except FileNotFoundError:
        got, hint = f"nothing at {source}", "mend its path, or name the column of files: mask=..."
        raise DataError(where, expected="a file of a mask", got=got, hint=hint) from None
    except Exception as error:  # decoders raise whatever they stumble over
        raise DataError(where, expected="a readable image", got=reason(error)) from error


def _opened(source: Any, where: str) -> AbstractContextManager[Image.Image]:
    if isinstance(source, Path):
        return open_image(source, where)
    if isinstance(source, bytes | bytearray | memoryview):
        return open_image(io.BytesIO(bytes(source)), where)
    if isinstance(source, Image.Image):
        # Stays open: it is somebody else's
        return nullcontext(source)
    if isinstance(source, Tensor):
        source = source.detach().cpu().numpy()
    if isinstance(source, np.ndarray):
        return nullcontext(Image.fromarray(_whole(source, where)))
    expected = "an array of class numbers H x W, a Pillow image or a file"
    raise DataError(where, expected=expected, got=quote(type(source).__name__))


def _whole(values: npt.NDArray[Any], where: str) -> Mask:
    """Bytes of an array of whole numbers: H x W, or H x W x 3 of colours."""
    if values.ndim == _AXES and 1 in (values.shape[0], values.shape[2]):
        values = values.squeeze(0 if values.shape[0] == 1 else 2)
    if values.ndim == _AXES and values.shape[0] == _AXES != values.shape[2]:
        values = np.moveaxis(values, 0, 2)
    if values.ndim != _AXES - 1 and values.shape[2:] != (_AXES,):
        hint = "of a channel for each class, mask.argmax(axis of the channels) has the numbers"
        raise DataError(where, expected="class numbers H x W", got=_axes(values), hint=hint)
    if values.dtype.kind not in "bui":
        hint = "mask.astype('uint8') where they are numbers of classes, mask > 0.5 where they are shares"
        raise DataError(where, expected="whole numbers", got=str(values.dtype), hint=hint)
    lowest, highest = int(values.min(initial=0)), int(values.max(initial=0))
    if not 0 <= lowest <= highest <= IGNORED:
        got, hint = str(lowest if lowest < 0 else highest), f"{IGNORED} stands for what does not count"
        raise DataError(where, expected=f"values 0..{IGNORED}", got=got, hint=hint)
    return np.ascontiguousarray(values, dtype=np.uint8)


def _numbers(image: Image.Image, where: str) -> Mask:
    """H x W values of a gray or palette image, or one whose colours are all gray."""
    mode = {"LA": "L", "PA": "P", "RGBA": "RGB"}.get(image.mode, image.mode)
    values = np.asarray(image.convert(mode) if mode != image.mode else image)
    if mode == "RGB":
        if (values != values[..., :1]).any():
            raise _coloured(values, where)
        values = values[..., 0]
    # Pillow opens 16-bit gray as I;16 or I
    elif mode not in ("L", "P", "1", "I;16", "I", "F"):
        raise DataError(where, expected="gray or palette", got=f"mode {mode}", hint=HINT)
    lowest, highest = values.min(initial=0), values.max(initial=0)
    if not 0 <= lowest <= highest <= IGNORED or (mode == "F" and (values % 1).any()):
        odd = lowest if lowest < 0 else highest if highest > IGNORED else values[values % 1 != 0][0]
        raise DataError(where, expected=f"values 0..{IGNORED}", got=str(odd), hint=HINT)
    return values.astype(np.uint8)


def _rgb(image: Image.Image, where: str) -> npt.NDArray[np.uint8]:
    """H x W x 3 colours, a palette's own too."""
    if image.mode in ("P", "PA", "RGB", "RGBA"):
        return np.asarray(image.convert("RGB"))
    # Black and white as they are seen
    gray = _numbers(image.convert("L") if image.mode == "1" else image, where)
    return np.repeat(gray[..., None], 3, axis=2)


def _check_kind(image: Image.Image, where: str, *, exact: bool) -> None:
    # Its values are near those that were saved, no more
    if image.format == "JPEG" and exact:
        expected = "a format that keeps values, such as PNG"
        hint = f"{HINT}; of two classes {said(threshold=127)} tells what is above"
        raise DataError(where, expected=expected, got="JPEG", hint=hint)


def _check_opaque(image: Image.Image, where: str) -> None:
    if image.mode not in ("LA", "PA", "RGBA"):
        return
    alpha = np.asarray(image.getchannel("A"))
    if clear := int((alpha != IGNORED).sum()):
        got = f"transparency in {clear} of {alpha.size} pixels"
        hint = "save what they mean as numbers or colours, without alpha"
        raise DataError(where, expected="opaque pixels", got=got, hint=hint)


def _check_order(image: Image.Image, where: str) -> None:
    """Raises DataError for black and white whose numbers are the other way round than one sees them."""
    numbers, palette = np.unique(np.asarray(image)), image.getpalette() or []
    seen = {tuple(palette[3 * n : 3 * n + 3]): n for n in map(int, numbers)}
    white, black = seen.get((255,) * 3), seen.get((0,) * 3)
    if white is not None and black is not None and white < black:
        ways = said(colors={"background": "#000000", "object": "#ffffff"})
        hint = f"{ways} goes by what one sees; to go by the numbers, save them as gray"
        got = f"white as number {white} and black as {black}"
        raise DataError(where, expected="a palette in which black comes before white", got=got, hint=hint)


def _coloured(values: npt.NDArray[np.uint8], where: str) -> DataError:
    """The error of colours that nobody has named, with how to name them."""
    codes, counts = np.unique(packed(values), return_counts=True)
    most = codes[np.argsort(-counts, kind="stable")[:_NAMED]]
    table = {"background" if i == 0 else f"class {i}": shown(int(code)) for i, code in enumerate(most)}
    got = f"{counted(len(codes), 'colour')}, {listing((shown(int(code)) for code in most), _NAMED)}"
    hint = f"name them, {said(colors=table)} ..., or give a file of names and colours"
    return DataError(where, expected="class numbers in gray or palette", got=got, hint=hint)


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
    """H x W uint8 of a size, each pixel of the class that is nearest.

    Args:
        mask: H x W class indices.
        size: height and width.
    """
    x = torch.from_numpy(np.ascontiguousarray(mask))
    if tuple(x.shape) != tuple(size):
        # Plain `nearest` lies half a pixel beside it; class numbers up to 255 are exact in float32
        x = F.interpolate(x[None, None].float(), size=size, mode="nearest-exact")[0, 0]
    return x.to(torch.uint8)


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
        C x H x W as `zoo.images.prepare.pixels` gives it, H x W uint8, and the matrix from the part to the
        image, 3 x 3; see `zoo.interfaces.geometry.places.resizing`.
    """
    height, width = spec.size
    own = image.shape[0], image.shape[1]
    scale = max(height / own[0], width / own[1], 1.0)
    # Rounding must not make it a pixel smaller than the crop
    size = max(round(own[0] * scale), height), max(round(own[1] * scale), width)
    top, left = _corner(size, spec.size, draw)
    window = slice(top, top + height), slice(left, left + width)
    matrix = resizing(own, size, ((top, left), (height, width)))
    # Cut first: only the part is converted
    if scale == 1:
        part = pixels(image[window], spec, where)
        return part, None if mask is None else prepare_mask(mask[window], spec.size), matrix
    part = pixels(image, spec.with_size(size), where)[:, *window].contiguous()
    return part, None if mask is None else prepare_mask(mask, size)[window].contiguous(), matrix


def _corner(own: tuple[int, int], wanted: tuple[int, int], draw: torch.Generator | None) -> tuple[int, int]:
    room = own[0] - wanted[0], own[1] - wanted[1]
    if draw is None:
        return room[0] // 2, room[1] // 2
    top, left = (int(torch.randint(free + 1, (), generator=draw)) for free in room)
    return top, left


def _axes(array: npt.NDArray[Any]) -> str:
    return " x ".join(map(str, array.shape))
