"""Images that models make: sheets of them, masks over images, files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageColor, ImageDraw, ImageFont
from torch import Tensor

from zoo.data.masks import prepare_mask
from zoo.images.decode import ImageArray
from zoo.images.prepare import LUMA
from zoo.interfaces.tasks.descriptions import ImageGrid, Overlay
from zoo.reports.files import image_format, write_figure, write_pil
from zoo.reports.style import BLUE, new_figure
from zoo.spec.errors import SaveError, listing

_LEAST_CELL, _GAP = 64, 3
_LEAST_VARIANT, _FRAME, _SHAPE = 96, 4, 1.5
"""Least size of a drawn image's longer side, pixels around it, width of the grid over its height."""
_LEAST_MARKED = 160
_GRAY, _RGB, _MOST = 1, 3, 4
_LETTERS = 15
"""Height of a label, in pixels."""

PALETTE = (
    (0, 0, 0), (230, 97, 1), (31, 95, 191), (27, 127, 59), (192, 39, 45), (122, 63, 176), (240, 190, 30),
    (20, 160, 170), (200, 90, 160), (130, 130, 40),
)  # fmt: skip
"""Colours of the classes in a mask; the first is the background's alone, the others repeat."""

COLOURS = np.array([PALETTE[0], *(PALETTE[1 + i % (len(PALETTE) - 1)] for i in range(254)), (128, 128, 128)])
"""The same for each index up to 255, whose pixels do not count."""


def images(sheet: ImageGrid, path: Path) -> Path:
    """Draws a sheet: a row for each image, a column for each title; a single column as a square.

    Raises:
        SaveError: it cannot be written.
    """

    columns = {title: _shown(batch) for title, batch in sheet.columns.items()}
    if len(columns) == 1:
        ((title, cells),) = columns.items()
        grid, titles = tiled(cells, math.ceil(math.sqrt(len(cells)))), [title] if title else []
    else:
        # One row an image, across the columns.
        rows = list(zip(*columns.values(), strict=True))
        grid, titles = tiled([cell for row in rows for cell in row], len(columns)), list(columns)
    height, width = grid.shape[:2]
    # Pixels: 22 for a line of titles, 24 for the title above all.
    above = 22 * bool(titles) + 24 * bool(sheet.title)
    figure = new_figure(max(width, 8 * len(sheet.title)) / 100, (height + above) / 100, dpi=100, layout=None)
    whole = figure.get_figwidth() * 100
    axis = figure.add_axes((0, 0, width / whole, height / (height + above)))
    axis.imshow(grid, interpolation="nearest")
    axis.axis("off")
    for i, title in enumerate(titles):
        x = (i + 0.5) * width / len(titles) / whole
        figure.text(x, (height + 6) / (height + above), title, ha="center", fontsize=9)
    if sheet.title:
        figure.text(0.01, 1 - 16 / (height + above), sheet.title, fontsize=10, fontweight="bold")
    return write_figure(figure, path)


def _shown(batch: Tensor) -> list[ImageArray]:
    """RGB bytes of each image, small ones enlarged."""
    x = batch.detach().float().cpu().clamp(0, 1)
    # Of two channels the first is shown as gray.
    x = x[:, :_RGB] if x.shape[1] >= _RGB else x[:, :1].expand(-1, _RGB, -1, -1)
    scale = -(-_LEAST_CELL // max(x.shape[2:]))
    if scale > 1:
        x = F.interpolate(x, scale_factor=scale, mode="nearest")
    return [np.ascontiguousarray(cell) for cell in (x * 255).round().byte().permute(0, 2, 3, 1).numpy()]


def tiled(cells: Sequence[ImageArray], columns: int, *, gap: int = _GAP, border: int = 0) -> ImageArray:
    """Images in rows on white, each in the upper left of a cell that the largest fills.

    Args:
        cells: H x W x 3 uint8 each, row by row.
        columns: cells in a row.
        gap: pixels between two cells.
        border: pixels around all.

    Example:
        >>> tiled([np.zeros((4, 6, 3), np.uint8)] * 5, 2, gap=1).shape
        (14, 13, 3)
    """
    height, width = (max(cell.shape[i] for cell in cells) for i in (0, 1))
    rows = -(-len(cells) // columns)
    whole = [count * (side + gap) - gap + 2 * border for count, side in ((rows, height), (columns, width))]
    canvas = np.full((*whole, _RGB), 255, np.uint8)
    for i, cell in enumerate(cells):
        y, x = border + i // columns * (height + gap), border + i % columns * (width + gap)
        canvas[y : y + cell.shape[0], x : x + cell.shape[1]] = cell
    return canvas


def variants_grid(original: Tensor | None, images: Tensor) -> Image.Image:
    """Images of one size as a grid, pixel by pixel; the original comes first, in a blue frame.

    Args:
        original: C x H x W in [0, 1], C = 1 or 3; None for none.
        images: N x C x H x W.
    """
    tiles = images if original is None else torch.cat([original[None], images])
    pixels = _enlarged(tiles)
    count, height, width = pixels.shape[:3]
    # columns * width = shape * rows * height, and rows = count / columns.
    columns = min(count, max(1, round((_SHAPE * count * height / width) ** 0.5)))
    sheet = tiled([*pixels], columns, gap=_FRAME, border=_FRAME)
    if original is not None:
        sheet[: height + 2 * _FRAME, : width + 2 * _FRAME] = ImageColor.getrgb(BLUE)
        sheet[_FRAME : _FRAME + height, _FRAME : _FRAME + width] = pixels[0]
    return Image.fromarray(sheet)


def draw_variants(original: Tensor, variants: Tensor, path: Path) -> Path:
    """Draws a grid, see `variants_grid`, into a file.

    Args:
        original: C x H x W in [0, 1], C = 1 or 3.
        variants: N x C x H x W.
        path: image file to write; a crash leaves the old one or the new one.

    Raises:
        SaveError: it cannot be written.
    """
    return write_pil(variants_grid(original, variants), path)


def draw_rows(original: Tensor, rows: Mapping[str, Tensor], path: Path) -> Path:
    """Draws a row for each label: the original, in a blue frame in the first row, and its images beside it.

    Args:
        original: C x H x W in [0, 1], C = 1 or 3.
        rows: N x C x H x W by label, as many in each.
        path: image file to write; a crash leaves the old one or the new one.

    Raises:
        SaveError: it cannot be written.
    """
    cells = _enlarged(torch.cat([torch.cat([original[None], images]) for images in rows.values()]))
    columns = len(cells) // len(rows)
    sheet = tiled([*cells], columns, gap=_FRAME, border=_FRAME)
    height, width = cells.shape[1:3]
    sheet[: height + 2 * _FRAME, : width + 2 * _FRAME] = ImageColor.getrgb(BLUE)
    sheet[_FRAME : _FRAME + height, _FRAME : _FRAME + width] = cells[0]
    font = ImageFont.load_default(_LETTERS)
    room = math.ceil(max(font.getlength(label) for label in rows)) + 2 * _FRAME
    canvas = Image.new("RGB", (room + sheet.shape[1], sheet.shape[0]), "white")
    canvas.paste(Image.fromarray(sheet), (room, 0))
    pen = ImageDraw.Draw(canvas)
    for i, label in enumerate(rows):
        middle = _FRAME + i * (height + _FRAME) + height / 2
        pen.text((room - _FRAME, middle), label, fill="black", font=font, anchor="rm")
    return write_pil(canvas, path)


def _enlarged(tiles: Tensor) -> ImageArray:
    """N x H x W x 3 bytes of N x C x H x W, small images enlarged by whole pixels."""
    # Gray images get three equal channels; of more bands the first three are shown
    tiles = tiles[:, :_RGB] if tiles.shape[1] >= _RGB else tiles[:, :1]
    tiles = tiles.detach().cpu().float().clamp(0, 1).expand(-1, _RGB, -1, -1)
    # Whole pixels, so that each stays a square
    zoom = -(-_LEAST_VARIANT // max(tiles.shape[2:]))
    pixels = (tiles * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    return np.ascontiguousarray(pixels.repeat(zoom, axis=1).repeat(zoom, axis=2))


def overlay(image: ImageArray, mask: Tensor, share: float = 0.6) -> ImageArray:
    """An image in gray under the colours of its classes; where the class is 0 it stays as it is.

    Args:
        image: H x W x C, uint8 or float32 in [0, 1].
        mask: H x W class indices; one of another size is laid over the whole image.
        share: of the colour, in [0, 1].

    Returns:
        H x W x 3 uint8.
    """
    pixels = image if image.dtype == np.uint8 else np.rint(image * 255).astype(np.uint8)
    pixels = pixels[..., :_RGB] if pixels.shape[2] >= _RGB else np.repeat(pixels[..., :1], _RGB, 2)
    classes = prepare_mask(mask.cpu().numpy().astype(np.uint8), (pixels.shape[0], pixels.shape[1])).numpy()
    gray = pixels @ np.asarray(LUMA)  # two colours mixed would be neither
    mixed = np.rint((1 - share) * gray[..., None] + share * COLOURS[classes]).astype(np.uint8)
    return np.where((classes > 0)[..., None], mixed, pixels)


def marked(image: ImageArray, marks: Overlay) -> ImageArray:
    """An image under marks: a mask's colours, then lines, then points, each in a colour of its own.

    Args:
        image: H x W x C, uint8 or float32 in [0, 1]; a small one is enlarged where there are points.
        marks: to lay over it.

    Returns:
        H x W x 3 uint8.
    """
    # One pixel of class 0 is laid over the whole image, and leaves it as it is.
    nothing = Tensor([[0]])
    drawn = overlay(image, nothing if marks.mask is None else marks.mask)
    if marks.points is None:
        return drawn
    height, width = image.shape[:2]
    zoom = -(-_LEAST_MARKED // max(height, width))
    canvas = Image.fromarray(drawn).resize((width * zoom, height * zoom), Image.Resampling.NEAREST)
    frame = marks.size or (height, width)
    # A pixel's middle is half a pixel from its corner, in both frames.
    scale = np.array([width / frame[1], height / frame[0]]) * zoom
    places = (marks.points.detach().cpu().double().numpy() + 0.5) * scale
    # A point that is not in the image may be nan.
    there = np.isfinite(places).all(axis=1)
    pen, radius = ImageDraw.Draw(canvas), max(2.0, max(canvas.size) / 60)
    for one, other in marks.lines:
        if there[one] and there[other]:
            pen.line([*places[one], *places[other]], fill="white", width=max(1, round(radius / 2)))
    for i in np.flatnonzero(there).tolist():
        box = [*(places[i] - radius), *(places[i] + radius)]
        pen.ellipse(box, fill=PALETTE[1 + i % (len(PALETTE) - 1)], outline="white")
    return np.asarray(canvas)


def write_image(image: Tensor, path: Path) -> Path:
    """Writes C x H x W in [0, 1] with 8 bits, in the format of the file's name.

    Raises:
        SaveError: it cannot be written, or has a number of channels that the format does not know.
    """
    pixels = (image.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()
    png = image_format(path) == "png"
    channels = range(_GRAY, _MOST + 1) if png else (_GRAY, _RGB)
    if pixels.shape[2] not in channels:
        expected, hint = f"{listing(map(str, channels))} channels", None if png else "say .png"
        raise SaveError(f"image {path}", expected=expected, got=str(pixels.shape[2]), hint=hint)
    return write_pil(Image.fromarray(pixels[..., 0] if pixels.shape[2] == _GRAY else pixels), path)


def write_mask(mask: Tensor, path: Path) -> Path:
    """Writes H x W class indices as a palette PNG, which people see in colours and programs read as numbers.

    Raises:
        SaveError: it cannot be written.
    """
    image = Image.fromarray(mask.cpu().numpy().astype(np.uint8), mode="P")
    image.putpalette(COLOURS.ravel().tolist())
    return write_pil(image, path)
