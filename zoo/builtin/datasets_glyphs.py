"""Letters drawn in the fonts that matplotlib ships."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from zoo.builtin.datasets import Array, Embedded, chosen
from zoo.errors import DataError
from zoo.interfaces import Multiclass, Task, mix

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghijmnqrt"
"""Capitals, and the small letters that are more than a small capital."""

FONTS = (
    "DejaVuSans",
    "cmr10",
    "STIXGeneral",
    "DejaVuSerif",
    "DejaVuSansMono",
    "cmtt10",
    "DejaVuSans-Bold",
    "cmti10",
    "STIXGeneralItalic",
    "DejaVuSerif-Italic",
    "DejaVuSansMono-Bold",
    "cmss10",
    "cmb10",
    "STIXGeneralBol",
    "DejaVuSans-Oblique",
    "DejaVuSerif-Bold",
    "DejaVuSansMono-Oblique",
    "cmmi10",
    "STIXGeneralBolIta",
    "DejaVuSerif-BoldItalic",
    "DejaVuSansMono-BoldOblique",
    "DejaVuSans-BoldOblique",
)
"""Files that hold all letters; the images of a class take them in turn."""

_SPLITS = {"cmr10": "val", "cmti10": "val", "cmb10": "val", "cmmi10": "val"} | {
    font: "test" for font in FONTS if font.startswith("STIX")
}
"""Whole typefaces: Computer Modern's roman for validation, STIX for the test, the others to train."""

_EM = 96
_FINE = 3
"""The letter is turned on a canvas of so many times the size, and reduced."""


class Glyphs(Embedded):
    """Printed letters, light on dark as in the digits, each turned, slanted, sized and moved a little.

    Every image follows from its letter and its number. The fonts of the test split, and those of the
    validation split, are not in the others.

    Args:
        per_class: images of each letter.
        size: height and width in pixels.
        classes: draw only these letters; all where None.

    Raises:
        DataError: a font is missing.
        OptionError: there is no class of such a name, or one is named twice.
    """

    title = "glyphs"
    task: Task = Multiclass()
    labels = tuple(LETTERS)

    def __init__(self, *, per_class: int = 200, size: int = 32, classes: Sequence[str] | None = None) -> None:
        if classes is not None:
            self.labels = tuple(LETTERS[i] for i in chosen(self.title, classes, LETTERS))
        fonts = [_font(name) for name in FONTS]
        drawn = [
            _draw(letter, fonts[k % len(fonts)], size, mix(self.title, letter, k))
            for letter in self.labels
            for k in range(per_class)
        ]
        targets = np.repeat(np.arange(len(self.labels)), per_class)
        self._per_class = per_class
        super().__init__(np.stack(drawn)[..., None], targets)

    def split_of(self, index: int) -> str:
        """The split of a sample's font."""
        return _SPLITS.get(FONTS[index % self._per_class % len(FONTS)], "train")

    def name(self, index: int) -> str:
        """Name of a sample, such as `glyphs[17] (A, cmr10)`."""
        k = index % self._per_class
        return f"{super().name(index)} ({self.labels[index // self._per_class]}, {FONTS[k % len(FONTS)]})"


def _font(name: str) -> ImageFont.FreeTypeFont:
    import matplotlib

    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf"
    if not path.exists():  # Pillow would look for another of that name
        hint = f"matplotlib {matplotlib.__version__} does not ship it: pip install 'matplotlib>=3.8'"
        raise DataError("dataset glyphs", expected=f"the font {path}", got="nothing there", hint=hint)
    # The plain layout: the other one needs a library that not every Pillow has.
    return ImageFont.truetype(str(path), _EM, layout_engine=ImageFont.Layout.BASIC)


def _draw(letter: str, font: ImageFont.FreeTypeFont, size: int, seed: int) -> Array:
    turn, slant, tall, wide, right, down, stroke, blur, light, dark = _uniform(
        seed,
        [
            (-12, 12),  # degrees
            (-0.15, 0.15),
            (0.62, 0.9),  # of the image's height
            (0.8, 1.2),  # of the font's own width
            (-1, 1),  # of the free room
            (-1, 1),
            (0, 4),  # whole pixels of the em
            (0, 0.04),  # of the image
            (160, 256),
            (0, 32),
        ],
    )
    box = font.getbbox(letter, stroke_width=int(stroke))
    glyph = Image.new("L", (int(box[2] - box[0]), int(box[3] - box[1])))
    pen = ImageDraw.Draw(glyph)
    pen.text((-box[0], -box[1]), letter, fill=255, font=font, stroke_width=int(stroke))
    canvas = size * _FINE
    scale = tall * canvas / glyph.height
    stretch = min(wide * scale, 0.9 * canvas / glyph.width)
    room = (canvas - stretch * glyph.width) / 4, (canvas - scale * glyph.height) / 4
    matrix = _matrix(turn, slant, stretch, scale)
    centre = canvas / 2 + right * max(room[0], 0), canvas / 2 + down * max(room[1], 0)
    (a, b), (c, d) = matrix
    x0 = glyph.width / 2 - a * centre[0] - b * centre[1]
    y0 = glyph.height / 2 - c * centre[0] - d * centre[1]
    turned = glyph.transform(
        (canvas, canvas), Image.Transform.AFFINE, (a, b, x0, c, d, y0), Image.Resampling.BILINEAR
    )
    small = turned.reduce(_FINE).filter(ImageFilter.GaussianBlur(blur * size))
    ink = np.asarray(small, dtype=np.float64) / 255
    return np.floor(dark + ink * (light - dark)).astype(np.uint8)


def _matrix(turn: float, slant: float, stretch: float, scale: float) -> tuple[tuple[float, float], ...]:
    """From a place on the canvas to one on the glyph, both from their centres."""
    sine, cosine = math.sin(math.radians(turn)), math.cos(math.radians(turn))
    # Undone one after the other: turned back, set upright, then scaled.
    return (
        ((cosine + slant * sine) / stretch, (sine - slant * cosine) / stretch),
        (-sine / scale, cosine / scale),
    )


def _uniform(seed: int, ranges: Sequence[tuple[float, float]]) -> list[float]:
    draws = np.random.default_rng(seed).random(len(ranges))
    return [low + float(u) * (high - low) for u, (low, high) in zip(draws, ranges, strict=True)]
