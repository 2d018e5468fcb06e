"""`zoo augment` and the verb behind it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image

from zoo.cli.augment import command
from zoo.inference.augment import as_tensor, augment
from zoo.interfaces.augmenter import Augmenter, Batch
from zoo.reports.image_grids import draw_variants
from zoo.spec.errors import DataError, OptionError, RecipeError, UnknownComponentError, ZooError


@pytest.fixture
def image(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "cat.png")
    return tmp_path / "cat.png"


def run(*words: object) -> Result:
    return CliRunner().invoke(command, [str(word) for word in words])


def error_of(*words: object) -> str:
    found = run(*words).exception
    assert isinstance(found, ZooError)
    return str(found)


def tiles(path: Path, size: tuple[int, int], zoom: int = 1) -> list[np.ndarray]:
    """The images in a grid, at their size."""
    sheet, (height, width) = np.asarray(Image.open(path)), (size[0] * zoom, size[1] * zoom)
    rows, columns = (n // (s + 4) for n, s in zip(sheet.shape, (height, width), strict=False))
    corners = [(4 + i * (height + 4), 4 + j * (width + 4)) for i in range(rows) for j in range(columns)]
    return [sheet[top : top + height : zoom, left : left + width : zoom] for top, left in corners]


def test_the_grid_has_the_original_first_then_the_variants(image: Path, tmp_path: Path) -> None:
    out = tmp_path / "grid.png"
    done = run(image, "--augment", "invert", "--set", "p=1", "--count", 5, "--out", out)
    assert done.output == f"grid: {out}\n"
    original = np.asarray(Image.open(image))
    found = tiles(out, (40, 60), zoom=2)
    assert np.array_equal(found[0], original)
    assert len(found) == 6
    assert all(np.array_equal(tile, 255 - original) for tile in found[1:])


def test_the_same_seed_draws_the_same_grid_and_another_another(image: Path, tmp_path: Path) -> None:
    one, two, three = (tmp_path / name for name in ("1.png", "2.png", "3.png"))
    for out, seed in ((one, 1), (two, 1), (three, 2)):
        assert run(image, "--augment", "photo", "--seed", seed, "--out", out).exit_code == 0
    assert one.read_bytes() == two.read_bytes() != three.read_bytes()


def test_several_augmenters_are_a_chain_with_options_by_name(image: Path, tmp_path: Path) -> None:
    out = tmp_path / "grid.png"
    options = ["--set", "invert.p=1", "--set", "flip.p=1", "--count", 1, "--out", out]
    assert run(image, "--augment", "invert", "--augment", "augment:flip", *options).exception is not None
    assert run(image, "--augment", "invert", "--augment", "flip", *options).exit_code == 0
    assert np.array_equal(tiles(out, (40, 60), zoom=2)[1], 255 - np.asarray(Image.open(image))[:, ::-1])


def test_the_default_file_is_named_after_image_and_augmenters(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(image, "--augment", "flip", "--augment", "augment:blur").exit_code == 0
    assert (tmp_path / "cat-flip-augment-blur.png").is_file()


def test_a_large_image_is_reduced_and_a_small_one_enlarged_for_looking(tmp_path: Path) -> None:
    out = draw_variants(torch.zeros(1, 8, 8), torch.ones(3, 1, 8, 8), tmp_path / "grid.png")
    assert [tile.mean() for tile in tiles(out, (8, 8), zoom=12)] == [0, 255, 255, 255]
    assert as_tensor(np.zeros((400, 100), np.uint8), 200).shape == (1, 200, 50)
    assert as_tensor(np.zeros((40, 10), np.uint8), 200).shape == (1, 40, 10)


def test_mistakes_are_one_line_and_leave_no_file(image: Path, tmp_path: Path) -> None:
    out = tmp_path / "grid.png"
    assert "expected a file, got nothing there" in error_of(
        tmp_path / "no.png", "--augment", "flip", "--out", out
    )
    assert "did you mean" in error_of(image, "--augment", "foto", "--out", out)
    assert "augmenter photo has no option 'p'" in error_of(
        image, "--augment", "photo", "--set", "p=1", "--out", out
    )
    assert "expected option=value, got 'x'" in error_of(
        image, "--augment", "flip", "--set", "x.p=1", "--out", out
    )
    assert "--set p=1: expected flip, blur, a dot and an option, got 'p'" in error_of(
        image, "--augment", "flip", "--augment", "blur", "--set", "p=1", "--out", out
    )
    assert "expected another file than the image" in error_of(image, "--augment", "flip", "--out", image)
    assert "expected the name of an image, .png .jpg .jpeg .webp, got 'grid.gif'" in error_of(
        image, "--augment", "flip", "--out", "grid.gif"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cat.png"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("flip cat.png", "zoo augment cat.png --augment flip"),
        ("cat.png flip blur", "zoo augment cat.png --augment flip --augment blur"),
        ("flip --augment cat.png", "zoo augment cat.png --augment flip"),
        ("cat.png", "zoo augment cat.png --augment NAME (zoo list augmenter)"),
        ("cat.png dog.png --augment flip", "zoo augment cat.png --augment flip"),
        ("--augment flip", "zoo augment IMAGE --augment flip"),
        ("", "zoo augment IMAGE --augment NAME (zoo list augmenter)"),
    ],
)
def test_words_in_another_order_are_answered_by_the_line_that_works(line: str, said: str) -> None:
    done = run(*line.split())
    assert done.exit_code == 2
    assert f"expected one IMAGE and augmenters; say {said}\n" in done.output


def test_an_image_that_cannot_be_read_is_not_told_to_be_skipped_by_a_verb_that_skips_none(
    tmp_path: Path,
) -> None:
    (tmp_path / "bad.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"expected a readable image, got .*; mend it, or give another$"):
        augment(tmp_path / "bad.png", "flip")
    with pytest.raises(DataError, match=r"expected an image file, got a folder$"):
        augment(tmp_path, "flip")


def test_transparent_images_become_white_and_gray_ones_stay_gray() -> None:
    clear = np.zeros((4, 4, 4), np.uint8)
    assert torch.equal(augment(clear, "flip", count=2), torch.ones(2, 3, 4, 4))
    assert augment(np.zeros((4, 4), np.uint8), "photo", count=2).shape == (2, 1, 4, 4)


def test_an_object_and_several_references_are_taken_too() -> None:
    class Black(Augmenter):
        def forward(self, batch: Batch, draws: list[torch.Generator]) -> Batch:
            return {**batch, "image": batch["image"] * 0}

    out = augment(np.full((4, 4), 9, np.uint8), [{"name": "blur", "sigma": 1.0}, Black()], count=3)
    assert torch.equal(out, torch.zeros(3, 1, 4, 4))


def test_bad_numbers_and_names_are_refused_by_the_verb() -> None:
    x = np.zeros((4, 4), np.uint8)
    with pytest.raises(OptionError, match="count: expected at least 1, got 0"):
        augment(x, "flip", count=0)
    with pytest.raises(UnknownComponentError):
        augment(x, "no-such-thing")
    with pytest.raises(RecipeError):
        augment(x, "./file")


def test_each_augmenter_has_a_labelled_row_of_its_own(image: Path, tmp_path: Path) -> None:
    out, alone = tmp_path / "rows.png", tmp_path / "invert.png"
    words = ["--each", "--augment", "flip", "--augment", "invert", "--set", "invert.p=1", "--set", "flip.p=1"]
    assert run(image, *words, "--count", 3, "--out", out).exit_code == 0
    original, sheet = np.asarray(Image.open(image)), np.asarray(Image.open(out))
    room = sheet.shape[1] - (
        4 * (120 + 4) + 4
    )  # what is left of the images, which are drawn at twice their size
    assert room > 20
    assert (sheet[:, :room] < 128).any(axis=(1, 2))[: 2 * 84].any()  # letters
    Image.fromarray(sheet[:, room:]).save(alone)
    found = tiles(alone, (40, 60), zoom=2)
    assert [np.array_equal(tile, original) for tile in found] == [True, False, False, False] * 2
    assert all(np.array_equal(tile, original[:, ::-1]) for tile in found[1:4])
    assert all(np.array_equal(tile, 255 - original) for tile in found[5:])


def test_each_without_names_shows_all_augmenters_of_one_image(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = [SimpleNamespace(ref=name) for name in ("flip", "mixup", "invert")]
    monkeypatch.setattr("zoo.registry.listing.list_components", lambda kind: known)
    result = run(image, "--each", "--count", 2, "--out", tmp_path / "all.png")
    assert result.exit_code == 0, result.output
    assert "left out: mixup: augment: expected augmenters of one image" in result.output
    run(
        image,
        "--each",
        "--augment",
        "flip",
        "--augment",
        "invert",
        "--count",
        2,
        "--out",
        tmp_path / "two.png",
    )
    assert (tmp_path / "all.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_an_image_is_seen_through_the_range_and_in_the_channels_of_a_model(tmp_path: Path) -> None:
    file = tmp_path / "scan.npy"
    np.save(file, np.full((100, 100, 3), 1365, np.int32))
    shown = augment(str(file), "flip", count=1, value_range=(0, 4095), in_channels=1)
    assert shown.shape == (1, 1, 100, 100)
    assert torch.allclose(shown, torch.tensor(1365 / 4095))
    values = ["--set", "model.value_range=[0, 4095]"]
    assert run(file, "--augment", "flip", *values, "--count", 1, "--out", tmp_path / "v.png").exit_code == 0
    assert (tiles(tmp_path / "v.png", (100, 100))[1] == 85).all()
    assert (
        "belongs to one IMAGE" in run(tmp_path, "--augment", "flip", *values, "--out", tmp_path / "w").output
    )
    bands = ["--set", "model.input.bands=[0]"]
    bands = ["--set", "model.input.bands=[0]"]
    assert "value_range, pages, in_channels" in error_of(file, "--augment", "flip", *bands)


def test_the_first_three_of_many_bands_are_drawn(tmp_path: Path) -> None:
    bands = torch.tensor([0.2, 0.4, 0.6, 0.8, 1.0]).view(5, 1, 1).expand(-1, 100, 100)
    draw_variants(bands, bands[None], tmp_path / "v.png")
    assert (tiles(tmp_path / "v.png", (100, 100))[1] == [51, 102, 153]).all()
