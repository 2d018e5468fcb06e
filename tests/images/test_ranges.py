"""Files and arrays of numbers on any scale, by the range that a model says."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import zoo
from zoo.data.batches import Batches
from zoo.data.sources.class_folders import ImageFiles
from zoo.images.decode import decode
from zoo.images.objects import to_image
from zoo.images.ranges import reading_range, scaled_by
from zoo.interfaces import Dataset, Sample
from zoo.spec.errors import DataError

RNG = np.random.default_rng(0)
LOW, HIGH = RANGE = (-1000.0, 400.0)


@pytest.fixture(autouse=True)
def pillow_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read by Pillow, whatever readers of other files are installed."""
    monkeypatch.setenv("ZOO_DISABLED_PLUGINS", "zoo-readers")


def right(values: np.ndarray, low: float = LOW, high: float = HIGH) -> np.ndarray:
    """By numpy's own interpolation, which clips."""
    return np.interp(values.astype(np.float64), [low, high], [0, 1])


def write(file: Path, values: np.ndarray) -> Path:
    np.save(file, values) if file.suffix == ".npy" else Image.fromarray(values).save(file)
    return file


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.npy", np.int16), ("a.npy", np.float64), ("a.npy", np.uint16), ("a.npy", np.int64),
        ("a.tif", np.int32), ("a.tif", np.float32), ("a.tif", np.uint16), ("a.png", np.uint16),
    ],
)  # fmt: skip
def test_numbers_of_files_are_scaled_and_clipped(tmp_path: Path, name: str, kind: type) -> None:
    span = (0, 3000) if kind == np.uint16 else (-2000, 3000)
    values = RNG.integers(*span, (5, 7)).astype(kind)
    file = write(tmp_path / name, values)
    with scaled_by(RANGE):
        for found in (decode(file), decode(io.BytesIO(file.read_bytes())), to_image(values)):
            assert found.dtype == np.float32
            np.testing.assert_allclose(found[..., 0], right(values), atol=1e-6)
    assert reading_range() is None


def test_an_int16_and_a_uint32_tiff_are_read_as_they_are_stored(tmp_path: Path) -> None:
    import tifffile

    for kind, low, high in ((np.int16, -900, 900), (np.uint32, 0, 4_000_000_000)):
        values = np.linspace(low, high, 35).reshape(5, 7).astype(kind)
        tifffile.imwrite(tmp_path / "a.tif", values)
        with scaled_by((float(low), float(high))):
            np.testing.assert_allclose(
                decode(tmp_path / "a.tif")[..., 0], right(values, low, high), atol=1e-6
            )


def test_whole_numbers_beyond_what_floats_hold_are_told_apart() -> None:
    values = np.array([[2**30, 2**30 + 1, 2**30 + 4]], np.int32)
    with scaled_by((2.0**30, 2.0**30 + 4)):
        assert to_image(values)[0, :, 0].tolist() == [0, 0.25, 1]


def test_bytes_are_numbers_too_within_255_and_alpha_is_none(tmp_path: Path) -> None:
    pixels = RNG.integers(0, 256, (4, 4, 4), dtype=np.uint8)
    file = write(tmp_path / "a.png", pixels)
    with scaled_by((50.0, 200.0)):
        found = decode(file)
        np.testing.assert_allclose(found[..., :3], right(pixels[..., :3], 50, 200), atol=1e-6)
        np.testing.assert_allclose(found[..., 3], pixels[..., 3] / 255, atol=1e-6)
        # Bytes are the same as an array, a file of one and a Pillow image; three channels have no alpha
        np.save(tmp_path / "a.npy", pixels)
        for same in (pixels, tmp_path / "a.npy", Image.fromarray(pixels)):
            np.testing.assert_array_equal(decode(same) if isinstance(same, Path) else to_image(same), found)
        three = to_image(pixels[..., 1:])
        np.testing.assert_allclose(three, right(pixels[..., 1:], 50, 200), atol=1e-6)
    words = r"expected the numbers of value_range=\(0, 4095\), got bytes, 0..255; give images of the depth"
    for source in (file, pixels):
        with scaled_by((0.0, 4095.0)), pytest.raises(DataError, match=words):
            decode(source) if isinstance(source, Path) else to_image(source)


def test_colours_that_pillow_cuts_are_refused(tmp_path: Path) -> None:
    import cv2

    cv2.imwrite(str(tmp_path / "c.png"), RNG.integers(0, 200, (4, 4, 3)).astype(np.uint16))
    with (
        scaled_by((0.0, 200.0)),
        pytest.raises(DataError, match="16 bits of each colour, of which Pillow"),
    ):
        decode(tmp_path / "c.png")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_refused(value: float) -> None:
    with scaled_by(RANGE), pytest.raises(DataError, match=r"expected numbers, got .*1 of 4 no number"):
        to_image(np.array([[0, value], [1, 2]]))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((5, 5), "two rising numbers"),
        ((1, 0), "two rising numbers"),
        ("wide", "value_range"),
        ((1,), "value_range"),
        ((0, 1e-50), "two rising numbers"),
        ((-9e299, 9e299), "two rising numbers"),
        (("0", "4095"), "two rising numbers"),
        ((False, True), "two rising numbers"),
        ("-1000,1000", r"model.value_range: expected two rising numbers, such as \[0, 4095\]"),
    ],
)
def test_a_range_that_is_none_is_refused(given: object, words: str) -> None:
    with pytest.raises(zoo.ZooError, match=words):
        zoo.build("mlp", head="binary", input_size=8, value_range=given)  # type: ignore[arg-type]


def test_a_spec_holds_its_range_as_a_tuple() -> None:
    assert zoo.InputSpec(value_range=[0, 1]) == zoo.InputSpec(value_range=(0, 1))  # type: ignore[arg-type]


def test_bools_are_called_so() -> None:
    with scaled_by((0.0, 4095.0)), pytest.raises(DataError, match="got bools; give images"):
        to_image(np.eye(4) > 0)


def small(**more: object) -> zoo.Model:
    return zoo.build("mlp", head="binary", in_channels=1, input_size=8, seed=0, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("ct")
    for k, label in enumerate("ab"):
        (root / label).mkdir()
        for i in range(6):
            values = RNG.integers(-1100 + 700 * k, -300 + 800 * k, (8, 8)).astype(np.int16)
            write(root / label / f"{i}.npy", values)
    return root


def test_training_evaluation_and_prediction_read_alike(folder: Path, tmp_path: Path) -> None:
    model = small(value_range=RANGE)
    run = zoo.fit(model, folder, epochs=2, out=tmp_path / "run", progress=False, skip_unreadable=True)
    assert json.loads((tmp_path / "run" / "config.json").read_text())["input"]["value_range"] == [*RANGE]
    saved = zoo.load(tmp_path / "run")
    assert saved.input_spec.value_range == saved.recipe.model.value_range == RANGE
    file = folder / "b" / "0.npy"
    values = np.load(file)
    x = torch.from_numpy(right(values)).float()[None, None]
    score = float(torch.sigmoid(saved.infer(x)).detach())
    for given in (file, file.read_bytes(), values, torch.from_numpy(values)[None], iter([file])):
        (found,) = zoo.predict(saved, given)
        assert found.scores["b"] == pytest.approx(score, abs=1e-5)
    assert zoo.evaluate(saved, folder, split="all", out=tmp_path / "figures").metrics["accuracy"] > 0.5
    assert zoo.build({"name": str(tmp_path / "run")}).input_spec.value_range == RANGE
    assert run.model.input_spec == saved.input_spec


def test_a_recipe_and_arrays_in_memory(folder: Path, tmp_path: Path) -> None:
    images = np.stack([np.load(file) for file in sorted(folder.rglob("*.npy"))])
    data, labels = (images, ["a"] * 6 + ["b"] * 6), {"epochs": 1, "progress": False}
    section = {"name": "mlp", "head": "binary", "in_channels": 1, "input_size": 8, "value_range": [*RANGE]}
    run = zoo.fit(zoo.Recipe.from_dict({"model": section, "seed": 0}), data, out=tmp_path / "r", **labels)
    assert run.model.input_spec.value_range == RANGE
    with pytest.raises(
        zoo.ZooError, match=r"this one they are zoo.build\(..., value_range=\(-?\d+, -?\d+\)\)"
    ):
        zoo.fit(small(), data, out=tmp_path / "s", **labels)


def test_samples_of_sets_read_in_threads_and_digests_are_those_of_any_range(folder: Path) -> None:
    from zoo.runtime.data_arguments import as_dataset

    data = as_dataset({"path": str(folder), "near_duplicates": "together"}, values=RANGE)
    assert data[0].image.max() <= 1
    assert data.key(0) == as_dataset(folder, values=(0.0, 9.0)).key(0) == as_dataset(folder).key(0)
    from zoo.data.view import alike_asked

    assert alike_asked(data) is not None


class Own(Dataset):
    """Images that it makes by itself, as the embedded sets do."""

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Sample:
        return Sample(np.zeros((4, 4, 1), np.uint8), None)

    @property
    def targets(self) -> list[None]:
        return [None]


def test_a_range_that_changes_nothing_is_refused() -> None:
    spec = zoo.InputSpec(channels=1, size=(4, 4), mean=(0,), std=(1,), value_range=(0, 9))
    with pytest.raises(DataError, match=r"own\[0\]: expected numbers for value_range=\(0, 9\), got images"):
        next(iter(Batches(Own(), [0], spec, batch_size=1)))


def test_files_of_before_say_nothing_of_it(tmp_path: Path) -> None:
    spec = zoo.InputSpec()
    assert "value_range" not in spec.to_dict()
    assert zoo.InputSpec.from_dict(spec.to_dict()).value_range is None
    file = write(tmp_path / "a.npy", np.array([[0, 40000]], np.uint16))
    (batch,) = Batches(ImageFiles([file]), [0], spec.with_channels(1).with_size((1, 2)), batch_size=1)
    assert torch.equal(batch["image"], torch.tensor([[[[0, 40000]]]]) / 65535)
