"""Named chains: what usually helps with a kind of image."""

from __future__ import annotations

from dataclasses import replace

from zoo.interfaces import Augmenter, Chain, Orientation
from zoo_augment.colour import Blur, Brightness, Contrast, Hue, Noise, Saturation
from zoo_augment.geometry import Flip, Rotate, Shared, Shear, Shift, Zoom


class Photo(Chain):
    """Augmentation of photographs: mirrored, turned, moved and zoomed a little, in other light.

    Args:
        strength: factor of all ranges but the flip.
        flip: swap left and right in half of the images.
        colour: change brightness, contrast, saturation and hue.
    """

    def __init__(self, *, strength: float = 1.0, flip: bool = True, colour: bool = True) -> None:
        shared: Shared = {"fill_mode": "reflect"}
        chain: list[Augmenter] = [Flip()] if flip else []
        chain += [
            Rotate(degrees=15 * strength, **shared),
            Shift(x=0.1 * strength, y=0.1 * strength, **shared),
            Zoom(scale=_about_one(0.15 * strength), **shared),
        ]
        if colour:
            factor = _about_one(0.2 * strength)
            chain += [Brightness(factor=factor), Contrast(factor=factor), Saturation(factor=factor)]
            chain += [Hue(shift=0.02 * strength)]
        super().__init__(chain)

    @property
    def orientation(self) -> Orientation:
        """See the base class."""
        return replace(super().orientation, upright={"flip": False})


class Document(Chain):
    """Augmentation of scanned or photographed pages: askew on white paper, unevenly printed, blurred, noisy.

    Nothing is mirrored, since letters are not.

    Args:
        strength: factor of all ranges.
        paper: the value outside of the page.
    """

    def __init__(self, *, strength: float = 1.0, paper: float = 1.0) -> None:
        shared: Shared = {"fill_mode": "constant", "fill_value": paper}
        chain: list[Augmenter] = [
            Rotate(degrees=3 * strength, **shared),
            Shear(x=4 * strength, y=2 * strength, **shared),
            Shift(x=0.03 * strength, y=0.03 * strength, **shared),
            Zoom(scale=_about_one(0.05 * strength), **shared),
            Brightness(factor=_about_one(0.15 * strength)),
            Contrast(factor=_about_one(0.25 * strength)),
        ]
        if strength:
            chain += [Blur(sigma=(0.1, 0.1 + 0.9 * strength), p=0.3), Noise(std=(0, 0.04 * strength), p=0.5)]
        super().__init__(chain)


def _about_one(width: float) -> tuple[float, float]:
    return 1 - width, 1 + width
