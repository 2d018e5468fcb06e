"""Warping: one affine matrix an image, one resampling, images and masks alike.

A matrix goes from the output to the input, in pixels, (x, y, 1) with x to the right and y down, and with the
origin in the middle of the image: the pixel in column j and row i is at (j - (W - 1) / 2, i - (H - 1) / 2).
This is the convention of Keras' `apply_affine_transform`. What follows from it: matrices multiply, the first
step on the left, and an image's size appears in no rotation, shear or zoom.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.interfaces.geometry.places import SpatialTensor
from zoo.spec.errors import OptionError, ShapeError, listing, quote

FILL_MODES = ("nearest", "constant", "reflect", "wrap")
"""What stands outside of an image: its nearest pixel, one value, its mirror image, or itself again."""

_PADDING = {"nearest": "border", "constant": "zeros", "reflect": "reflection", "wrap": "border"}
_PACK = 4
"""Channels that OpenCV warps at once; four take less time than three."""

Matrices = npt.NDArray[np.float64]
Pixels = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """Values that are taken where a matrix points outside of the image.

    Args:
        mode: one of `FILL_MODES`, with the meaning they have in Keras and SciPy.
        value: for `constant`, in [0, 1].
        mask: for `constant`, the value in a mask.

    Raises:
        OptionError: there is no such mode.
    """

    mode: str = "nearest"
    value: float = 0.0
    mask: float = 0.0

    def __post_init__(self) -> None:
        if self.mode not in FILL_MODES:
            raise OptionError("fill mode", expected=listing(FILL_MODES), got=quote(self.mode))


def resampler(device: torch.device | str) -> str:
    """The library that warps images on a device, for a run's record: different ones differ in the pixels.

    Example:
        >>> resampler("cpu").split()[0], resampler("cuda").split()[0]
        ('cv2', 'torch')
    """
    if torch.device(device).type == "cpu":
        import cv2

        return f"cv2 {cv2.__version__}"
    return f"torch {torch.__version__} grid_sample"


def warp(batch: Mapping[str, Tensor], matrices: Tensor, fill: Fill) -> dict[str, Tensor]:
    """A batch with its images, and masks if there are any, warped.

    Floating masks are interpolated as images are; others keep their classes. A `SpatialTensor` moves along.

    Args:
        batch: `image` N x C x H x W in [0, 1]; `mask` N x H x W or N x C x H x W.
        matrices: N x 3 x 3, from output to input, as this module says.
        fill: what stands outside.

    Raises:
        ShapeError: a mask has another size than its image.
    """
    image = batch["image"]
    out = {**batch, "image": warp_images(image, matrices, mode=fill.mode, value=fill.value).clamp_(0, 1)}
    if "mask" in batch:
        mask = batch["mask"]
        if mask.shape[-2:] != image.shape[-2:]:
            got = " x ".join(map(str, mask.shape))
            raise ShapeError("mask", expected="height and width of the image", got=got)
        planes = mask.unsqueeze(1) if mask.ndim == 3 else mask
        nearest = not mask.is_floating_point()
        moved = warp_images(planes, matrices, mode=fill.mode, value=fill.mask, nearest=nearest)
        out["mask"] = moved.view(mask.shape)
    size = image.shape[2], image.shape[3]
    places = {name: value for name, value in batch.items() if isinstance(value, SpatialTensor)}
    return out | {name: value.warped(matrices, size, size) for name, value in places.items()}


def warp_images(
    images: Tensor, matrices: Tensor, *, mode: str, value: float = 0.0, nearest: bool = False
) -> Tensor:
    """Images seen through matrices, computed in float32: by OpenCV on the CPU, else by `grid_sample`.

    Args:
        images: N x C x H x W; left as they are.
        matrices: N x 3 x 3, from output to input, as this module says.
        mode: one of `FILL_MODES`.
        value: for `constant`.
        nearest: takes the nearest pixel instead of interpolating between four.

    Returns:
        A new tensor of the shape, type and device of `images`.
    """
    by = _by_cv2 if images.device.type == "cpu" else by_grid_sample
    return by(images, matrices, mode=mode, value=value, nearest=nearest)


def by_grid_sample(images: Tensor, matrices: Tensor, *, mode: str, value: float, nearest: bool) -> Tensor:
    """See `warp_images`."""
    n, _, height, width = images.shape
    # affine_grid's coordinates have the same origin, and half an image for their unit.
    unit = torch.tensor([width / 2, height / 2, 1.0], dtype=torch.float64)
    theta = (matrices.to("cpu", torch.float64) * unit / unit[:, None])[:, :2]
    grid = F.affine_grid(theta.float().to(images.device), [n, 1, height, width], align_corners=False)
    if mode == "wrap":
        grid = torch.stack([_wrapped_unit(grid[..., 0], width), _wrapped_unit(grid[..., 1], height)], dim=-1)
    offset = value if mode == "constant" else 0.0
    x = images.detach().to(torch.float32)
    warped = F.grid_sample(
        x - offset if offset else x,
        grid,
        mode="nearest" if nearest else "bilinear",
        padding_mode=_PADDING[mode],
        align_corners=False,
    )
    return (warped + offset if offset else warped).to(images.dtype)


def _wrapped_unit(coordinates: Tensor, size: int) -> Tensor:
    pixels: Tensor = _wrapped((coordinates * size + (size - 1)) / 2, size, torch)
    return (2 * pixels + 1) / size - 1


def _wrapped(x: Any, size: int, lib: Any) -> Any:
    """Pixel coordinates as SciPy's `wrap` takes them: with the period `size - 1`, ends included.

    Args:
        x: array of either library.
        size: pixels in this direction.
        lib: `numpy` or `torch`.
    """
    period = max(size - 1, 1)
    x = lib.where(x < 0, x + period * (lib.floor(-x / period) + 1), x)
    return lib.where(x > size - 1, x - period * lib.floor(x / period), x)


def _by_cv2(images: Tensor, matrices: Tensor, *, mode: str, value: float, nearest: bool) -> Tensor:
    given = images.detach().to(torch.float32).contiguous()
    planes = given.numpy()
    warped = np.empty_like(planes)  # unlike torch, NumPy asks for huge pages, which are had in half the time
    warper = _Warper(given.shape[2:], mode=mode, value=value, nearest=nearest)
    maps = _in_pixels(matrices, given.shape[2:])
    stays = (maps == np.eye(3)[:2]).all(axis=(1, 2)).tolist()
    groups = [slice(first, first + _PACK) for first in range(0, planes.shape[1], _PACK)]
    for source, matrix, still, target in zip(planes, maps, stays, warped, strict=True):
        if still:
            np.copyto(target, source)
            continue
        for group in groups:
            warper(source[group], matrix, target[group])
    return torch.from_numpy(warped).to(images.dtype)


def _in_pixels(matrices: Tensor, size: tuple[int, int] | torch.Size) -> Matrices:
    """N x 2 x 3 for columns and rows counted from the upper left pixel."""
    found: Matrices = matrices.detach().to("cpu", torch.float64).numpy()[:, :2].copy()
    centre = np.array([(size[1] - 1) / 2, (size[0] - 1) / 2])
    found[:, :, 2] += centre - found[:, :, :2] @ centre
    return found


class _Warper:
    """OpenCV with its workspace, for up to four planes of one size."""

    def __init__(self, size: tuple[int, int] | torch.Size, *, mode: str, value: float, nearest: bool) -> None:
        import cv2

        self.cv2 = cv2
        self.size = (size[1], size[0])
        self.interpolation = cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR
        self.wraps = mode == "wrap"
        self.outside: dict[str, Any] = {
            "borderMode": {
                "nearest": cv2.BORDER_REPLICATE,
                "constant": cv2.BORDER_CONSTANT,
                "reflect": cv2.BORDER_REFLECT,
                "wrap": cv2.BORDER_REPLICATE,  # coordinates are wrapped before, so that none is outside
            }[mode],
            "borderValue": (value,) * _PACK,
        }
        self.spare = np.empty(tuple(size), dtype=np.float32)
        self.packed = _off_alignment((*size, _PACK))
        self.result = np.empty_like(self.packed)

    def __call__(self, planes: Pixels, matrix: Matrices, out: Pixels) -> None:
        """Warps C x H x W, C at most 4, into `out`."""
        missing = _PACK - len(planes)
        if len(planes) == 1:
            self._warp(planes[0], matrix, out[0])
            return
        self.cv2.merge([*planes, *[planes[-1]] * missing], dst=self.packed)
        self._warp(self.packed, matrix, self.result)
        self.cv2.split(self.result, [*out, *[self.spare] * missing])

    def _warp(self, source: Pixels, matrix: Matrices, out: Pixels) -> None:
        if not self.wraps:
            flags = self.interpolation | self.cv2.WARP_INVERSE_MAP
            self.cv2.warpAffine(source, matrix, self.size, out, flags, **self.outside)
            return
        width, height = self.size
        rows, columns = np.mgrid[:height, :width]
        x, y = (line[0] * columns + line[1] * rows + line[2] for line in matrix)
        x, y = _wrapped(x, width, np).astype(np.float32), _wrapped(y, height, np).astype(np.float32)
        self.cv2.remap(source, x, y, self.interpolation, out, **self.outside)


def _off_alignment(shape: tuple[int, ...]) -> Pixels:
    """An array that starts four bytes after a 64-byte boundary.

    Into an aligned one `cv2.merge` writes past the cache, and the warp that follows takes twice the time.
    """
    count = int(np.prod(shape))
    raw = np.empty(count + 32, dtype=np.float32)
    start = (-raw.ctypes.data // 4) % 16 + 1
    return raw[start : start + count].reshape(shape)
