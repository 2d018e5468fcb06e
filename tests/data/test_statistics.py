"""Mean and std of the images that are trained on, as `zoo data --statistics` prints them."""

import json
import shlex
import tomllib
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import zoo
from zoo.cli import group
from zoo.cli._recipe import apply
from zoo.data.inspection.as_seen import Look
from zoo.data.inspection.report import report
from zoo.data.inspection.statistics import merged, moments, pixel_statistics
from zoo.data.sources.class_folders import ClassFolders, FoundFolders
from zoo.data.sources.torch_dataset import TorchData
from zoo.data.splits import split
from zoo.spec.channels.bands import Band
from zoo.spec.errors import DataError
from zoo.spec.recipe import Recipe

RNG = np.random.default_rng(0)


def photos(root: Path, count: int = 8) -> Path:
    for label in ("a", "b"):
        (root / label).mkdir(parents=True)
        for i in range(count):
            pixels = RNG.integers(0, 256, (6 + i, 9, 3), dtype=np.uint8) // np.uint8([1, 2, 3])
            Image.fromarray(pixels.astype(np.uint8)).save(root / label / f"{i}.png")
    return root


@pytest.mark.parametrize("seed", [0, 3])
def test_they_are_numpys_over_all_pixels_that_are_trained_on(tmp_path: Path, seed: int) -> None:
    data = ClassFolders(photos(tmp_path / "photos"))
    indices = split(data, seed).train
    pixels = np.concatenate([data[i].image.reshape(-1, 3) for i in indices]) / 255
    found = report(data, seed=seed).statistics
    assert found is not None
    assert found.images == len(indices) < len(data)
    np.testing.assert_allclose(found.mean, pixels.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(found.std, pixels.std(axis=0), rtol=1e-13)
    assert report(data).statistics is None


def test_many_near_values_lose_no_digits() -> None:
    parts = [RNG.normal(1e6, 1e-3, (50, 40, 2)) for _ in range(20)]
    count, mean, squares = merged(map(moments, parts))  # type: ignore[arg-type]
    pixels = np.concatenate([part.reshape(-1, 2) for part in parts])
    np.testing.assert_allclose(np.sqrt(squares / count), (pixels - 1e6).std(axis=0), rtol=1e-6)
    np.testing.assert_allclose(mean, pixels.mean(axis=0), rtol=1e-13)


def test_any_number_of_bands_each_by_itself() -> None:
    images = [
        RNG.random((4, 5, 6), dtype=np.float32) * np.arange(1, 7, dtype=np.float32) / 7 for _ in range(9)
    ]
    found = pixel_statistics(TorchData([(image, i % 2) for i, image in enumerate(images)]), range(9))
    pixels = np.concatenate([image.reshape(-1, 6) for image in images]).astype(np.float64)
    np.testing.assert_allclose(found.mean, pixels.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.std, pixels.std(axis=0), rtol=1e-12)


def test_the_printed_lines_are_what_build_and_a_recipe_take(tmp_path: Path) -> None:
    root = photos(tmp_path / "photos")
    result = CliRunner().invoke(group, ["data", str(root), "--statistics"])
    assert result.exit_code == 0, result.output
    line = next(row for row in result.output.splitlines() if row.startswith("zoo.build(..., input="))
    given = eval(line.removeprefix("zoo.build(..., input=").removesuffix(")"))
    model = zoo.build("small_cnn", head="binary", input_size=32, channels=[4, 8, 8, 8], input=given)
    assert [*model.input_spec.mean] == given["mean"]
    row = next(row for row in result.output.splitlines() if row.startswith("input = "))
    table = tomllib.loads(row)
    recipe = Recipe.from_dict({"model": {"name": "small_cnn", **table}})
    assert recipe.model.input == given
    plain = CliRunner().invoke(group, ["data", str(root), "--statistics", "--seed", "3", "--json"])
    assert json.loads(plain.output)["statistics"]["images"] == 12


def test_the_printed_lines_have_all_by_which_the_images_look_so(tmp_path: Path) -> None:
    bands = ["hue", "saturation", {"ndvi": {"red": 0, "near_infrared": 3}}]
    look = Look((0.0, 1.0), 4, tuple(map(Band.of, bands)))
    images = RNG.random((9, 4, 4, 4), dtype=np.float32)
    for i, image in enumerate(images):
        (tmp_path / "ab"[i % 2]).mkdir(exist_ok=True)
        np.save(tmp_path / "ab"[i % 2] / f"{i}.npy", image)
    found = report(look.of(FoundFolders(tmp_path)), seed=0).statistics
    assert found is not None
    section = tomllib.loads(found.recipe)
    assert section == {
        "in_channels": 4, "value_range": [0.0, 1.0], "input": {"bands": bands, **found.rounded}
    }  # fmt: skip
    called = eval(found.call.replace("zoo.build(..., ", "dict("))
    typed = shlex.split(found.words)
    assert called == apply({}, typed[1::2])["model"] == section


def test_what_cannot_be_told_is_refused(tmp_path: Path) -> None:
    flat = TorchData([(np.full((4, 4, 2), [0.5, i / 9], np.float32), i % 2) for i in range(8)])
    with pytest.raises(DataError, match="channels that vary, got one value all over channel 0; leave it out"):
        pixel_statistics(flat, range(8))
    mixed = TorchData([(RNG.random((4, 4, 1 + 2 * (i % 2)), dtype=np.float32), i % 2) for i in range(8)])
    with pytest.raises(DataError, match="images of as many channels each, got images of 1, 3 channels"):
        pixel_statistics(mixed, range(8))
    result = CliRunner().invoke(group, ["data", str(photos(tmp_path / "p")), "--seed", "1"])
    assert isinstance(result.exception, zoo.ZooError)
    assert "--seed: expected --statistics beside it" in str(result.exception)


def test_values_to_learn_are_told_by_column() -> None:
    ages = RNG.normal(40, 9, (12, 2))
    found = report(
        TorchData([(np.full((4, 4, 3), i, np.uint8), [*map(float, row)]) for i, row in enumerate(ages)])
    )
    for told, column in zip(found.values.values(), ages.T, strict=True):
        np.testing.assert_allclose(
            told, [column.min(), np.median(column), column.max(), column.std()], rtol=1e-6
        )
    assert "LEAST" in str(found)
