"""Warping against SciPy, chains against what they fuse."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor

from zoo.interfaces.augmenter import Augmenter, Batch, Chain, Geometric, uniform
from zoo.interfaces.draws import draws
from zoo.interfaces.geometry import warp as warping
from zoo.interfaces.geometry.warp import FILL_MODES, Fill, by_grid_sample, resampler, warp, warp_images
from zoo.spec.errors import OptionError, ShapeError

SIZE = (23, 37)
TOLERANCE = 0.005 / 255
"""Of OpenCV against SciPy: float32 coordinates against float64."""


def images(channels: int = 3, size: tuple[int, int] = SIZE) -> Tensor:
    return torch.rand(2, channels, *size, generator=torch.Generator().manual_seed(0))


def matrices() -> Tensor:
    """Turned, sheared, scaled, moved; neither image stays inside."""
    generator = torch.Generator().manual_seed(1)
    total = torch.eye(3, dtype=torch.float64).repeat(2, 1, 1)
    total[:, :2] += torch.rand(2, 2, 3, generator=generator, dtype=torch.float64) - 0.5
    total[:, :2, 2] *= 20
    return total


def by_scipy(image: Tensor, matrix: Tensor, mode: str, value: float = 0, order: int = 1) -> np.ndarray:
    """C x H x W in float64, from the matrix of the middle, for rows and columns."""
    height, width = image.shape[1:]
    shift = np.array([[1, 0, (height - 1) / 2], [0, 1, (width - 1) / 2], [0, 0, 1]])
    swapped = matrix.numpy()[[1, 0, 2]][:, [1, 0, 2]]
    full = shift @ swapped @ np.linalg.inv(shift)
    planes = image.numpy().astype(np.float64)
    return np.stack(
        [ndimage.affine_transform(plane, full, order=order, mode=mode, cval=value) for plane in planes]
    )


def well_inside(matrix: Tensor, size: tuple[int, int]) -> np.ndarray:
    """Output pixels whose source is at least a pixel inside of the image."""
    height, width = size
    rows, columns = np.mgrid[:height, :width]
    at = np.stack([columns - (width - 1) / 2, rows - (height - 1) / 2, np.ones(size)])
    x, y = np.einsum("ij,jhw->ihw", matrix.numpy()[:2], at)
    return (abs(x) < (width - 3) / 2) & (abs(y) < (height - 3) / 2)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("mode", ["nearest", "reflect", "wrap"])
def test_images_on_the_cpu_are_warped_as_by_scipy(mode: str, channels: int) -> None:
    x, m = images(channels), matrices()
    found = warp_images(x, m, mode=mode)
    for i in range(2):
        assert np.abs(found[i].numpy() - by_scipy(x[i], m[i], mode)).max() < TOLERANCE


def test_a_constant_outside_is_scipys_but_for_the_border_of_one_pixel() -> None:
    x, m = images(), matrices()
    found = warp_images(x, m, mode="constant", value=0.7)
    for i in range(2):
        inside, expected = well_inside(m[i], SIZE), by_scipy(x[i], m[i], "constant", 0.7)
        far = by_scipy(torch.ones(1, *SIZE), m[i], "grid-constant")[0] == 0
        assert inside.any()
        assert far.any()
        assert np.abs(found[i].numpy() - expected)[:, inside].max() < TOLERANCE
        assert np.allclose(found[i].numpy()[:, far], 0.7)


@pytest.mark.parametrize("mode", FILL_MODES)
@pytest.mark.parametrize("nearest", [False, True])
def test_grid_sample_gives_what_opencv_gives(mode: str, nearest: bool) -> None:
    x, m = images(), matrices()
    on_cpu = warp_images(x, m, mode=mode, value=0.25, nearest=nearest)
    elsewhere = by_grid_sample(x, m, mode=mode, value=0.25, nearest=nearest)
    different = (on_cpu - elsewhere).abs() > 1e-4
    assert float(different.float().mean()) < (0.005 if nearest else 1e-9)  # a tie may fall either way


@pytest.mark.parametrize("mode", FILL_MODES)
def test_masks_keep_their_classes_and_go_with_the_image(mode: str) -> None:
    mask = torch.randint(0, 7, (2, *SIZE), generator=torch.Generator().manual_seed(2))
    out = warp({"image": images(), "mask": mask}, matrices(), Fill(mode=mode, mask=9))["mask"]
    assert out.dtype == mask.dtype
    for i in range(2):
        expected = by_scipy(mask[i : i + 1], matrices()[i], mode, 9, order=0)[0]
        inside = well_inside(matrices()[i], SIZE) if mode == "constant" else np.ones(SIZE, bool)
        assert (out[i].numpy() == expected)[inside].mean() > 0.995
    assert (9 in out) == (mode == "constant")


def test_floating_masks_are_interpolated_as_images_are() -> None:
    x = images()
    out = warp({"image": x, "mask": x}, matrices(), Fill(mode="reflect"))
    assert torch.equal(out["mask"], out["image"])


def test_a_mask_of_another_size_is_refused() -> None:
    batch = {"image": images(), "mask": torch.zeros(2, 5, 5, dtype=torch.int64)}
    with pytest.raises(ShapeError, match="mask: expected height and width of the image, got 2 x 5 x 5"):
        warp(batch, matrices(), Fill())


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (2, 3)])
@pytest.mark.parametrize("mode", FILL_MODES)
def test_tiny_images_are_warped_too(mode: str, size: tuple[int, int]) -> None:
    for by in (warp_images, by_grid_sample):
        out = by(images(size=size), matrices(), mode=mode, value=0.5, nearest=False)
        assert out.isfinite().all()
        assert out.shape == (2, 3, *size)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_the_type_of_the_images_stays(dtype: torch.dtype) -> None:
    assert warp_images(images().to(dtype), matrices(), mode="nearest").dtype == dtype


def test_mirror_images_and_whole_pixels_are_exact() -> None:
    x = images()
    half_turn = torch.diag(torch.tensor([-1.0, -1.0, 1.0], dtype=torch.float64)).repeat(2, 1, 1)
    assert torch.equal(warp_images(x, half_turn, mode="constant"), x.flip(2, 3))
    moved = torch.eye(3, dtype=torch.float64).repeat(2, 1, 1)
    moved[:, 0, 2] = 4
    assert torch.equal(warp_images(x, moved, mode="nearest")[..., :-4], x[..., 4:])


def test_an_unknown_fill_mode_is_refused() -> None:
    with pytest.raises(OptionError, match="expected nearest, constant, reflect, wrap, got 'edge'"):
        Fill(mode="edge")


def test_the_resampler_is_named_with_its_version() -> None:
    assert resampler("cpu") == f"cv2 {cv2.__version__}"
    assert resampler(torch.device("cuda", 0)) == f"torch {torch.__version__} grid_sample"


class Turn(Geometric):
    """A random angle."""

    def matrices(self, size: tuple[int, int], draws: list[torch.Generator]) -> Tensor:
        angle = uniform(draws, 1)[:, 0] * math.pi
        total = torch.eye(3, dtype=torch.float64).repeat(len(draws), 1, 1)
        total[:, 0, 0], total[:, 0, 1] = angle.cos(), -angle.sin()
        total[:, 1, 0], total[:, 1, 1] = angle.sin(), angle.cos()
        return total


class Darker(Augmenter):
    """Half of it, and a draw."""

    changes_labels = True

    def forward(self, batch: Batch, draws: list[torch.Generator]) -> Batch:
        return {**batch, "image": batch["image"] * uniform(draws, 1).float().view(-1, 1, 1, 1)}


EDGE, WHITE = Fill(), Fill(mode="constant", value=1)


@pytest.fixture
def warps(monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    """The matrices of each resampling that happens."""
    seen: list[Tensor] = []
    real = warping.warp_images

    def spy(images: Tensor, matrices: Tensor, **options: object) -> Tensor:
        seen.append(matrices)
        return real(images, matrices, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(warping, "warp_images", spy)
    return seen


def test_neighbours_share_one_resampling_across_the_ends_of_chains(warps: list[Tensor]) -> None:
    one, two, three = Turn(fill=EDGE), Turn(fill=EDGE), Turn(fill=EDGE)
    Chain([one, Chain([two, Chain([three])])])({"image": images()}, draws(0, 1, [0, 1]))
    assert len(warps) == 1
    generators = draws(0, 1, [0, 1])
    angles = sum(uniform(generators, 1)[:, 0] * math.pi for _ in range(3))
    assert torch.allclose(warps[0][:, 0, 0], torch.as_tensor(angles).cos())


@pytest.mark.parametrize(
    ("fills", "count"),
    [
        ([EDGE, WHITE], 2),
        ([EDGE, None, WHITE], 2),
        ([None, WHITE, None], 1),
        ([None, None], 1),
        ([EDGE, EDGE, WHITE, WHITE], 2),
    ],
)
def test_only_equal_fills_are_fused_and_none_joins_any(
    warps: list[Tensor], fills: list[Fill | None], count: int
) -> None:
    Chain([Turn(fill=fill) for fill in fills])({"image": images()}, draws(0, 1, [0, 1]))
    assert len(warps) == count


def test_what_is_not_geometric_parts_two_resamplings(warps: list[Tensor]) -> None:
    chain = Chain([Turn(fill=EDGE), Darker(), Turn(fill=EDGE)])
    together = chain({"image": images()}, draws(0, 1, [0, 1]))["image"]
    assert len(warps) == 2
    batch, generators = {"image": images()}, draws(0, 1, [0, 1])
    for item in chain:
        batch = item(batch, generators)
    assert torch.equal(together, batch["image"])


def test_two_turns_of_a_quarter_are_one_of_a_half() -> None:
    quarter = torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]], dtype=torch.float64).repeat(2, 1, 1)
    once = warp_images(images(size=(9, 9)), quarter, mode="nearest")
    assert torch.equal(once, torch.rot90(images(size=(9, 9)), 1, (2, 3)))  # counter-clockwise
    both = warp_images(images(size=(9, 9)), quarter @ quarter, mode="nearest")
    assert torch.equal(warp_images(once, quarter, mode="nearest"), both)


class Fixed(Geometric):
    """The same matrix for all."""

    def __init__(self, rows: list[list[float]]) -> None:
        super().__init__(fill=Fill(mode="constant"))
        self.rows = torch.tensor([*rows, [0, 0, 1]], dtype=torch.float64)

    def matrices(self, size: tuple[int, int], draws: list[torch.Generator]) -> Tensor:
        return self.rows.expand(len(draws), 3, 3)


def test_the_first_of_a_chain_is_done_first() -> None:
    x = torch.zeros(1, 1, 9, 9)
    x[0, 0, 4, 4] = 1
    right, quarter = Fixed([[1, 0, -2], [0, 1, 0]]), Fixed([[0, -1, 0], [1, 0, 0]])
    fused = Chain([right, quarter])({"image": x}, draws(0, 1, [0]))["image"]
    expected = torch.rot90(x.roll(2, 3), 1, (2, 3))  # counter-clockwise
    assert torch.equal(fused, expected)


def test_a_chain_says_what_its_parts_do() -> None:
    assert Chain([Turn(fill=EDGE), Darker()]).resamples
    assert not Chain([Darker()]).resamples
    assert Chain([Turn(fill=EDGE), Darker()]).changes_labels
    assert not Chain([Turn(fill=EDGE)]).changes_labels


def test_a_chain_with_a_forward_of_its_own_is_not_laid_open() -> None:
    class Twice(Chain):
        def forward(self, batch: Batch, draws: list[torch.Generator]) -> Batch:
            return super().forward(super().forward(batch, draws), draws)

    inner = Twice([Darker()])
    assert list(Chain([inner])) == [inner]


@pytest.mark.parametrize("size", [2, 3, 5])
def test_what_wraps_round_has_the_ends_once(size: int) -> None:
    """SciPy's `wrap`: the period is a pixel less than the size, however small that is."""
    x = np.array([-0.25, 0.0, size - 1.0, size - 0.75, size + 0.5, -size - 0.5])
    expected = np.where((x >= 0) & (x <= size - 1), x, x % (size - 1))
    assert np.allclose(warping._wrapped(x, size, np), expected)
    assert np.allclose(warping._wrapped(torch.from_numpy(x), size, torch).numpy(), expected)
