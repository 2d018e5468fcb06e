"""Pages of a TIFF: the first, or all of them as bands, and what is said of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.data.depths import warn_losses
from zoo.images.decode import read
from zoo.images.header import depth
from zoo.images.objects import taken
from zoo.images.prepare import pixels
from zoo.images.ranges import scaled_by
from zoo.spec.errors import DataError, DeclarationError
from zoo.spec.inputs import InputSpec, Reading

BANDS = Reading(pages="bands")


def save(path: Path, pages: np.ndarray) -> Path:
    first, *rest = map(Image.fromarray, pages)
    first.save(path, save_all=True, append_images=rest)
    return path


def drawn(kind: str, count: int = 5) -> np.ndarray:
    values = np.random.default_rng(0).integers(0, 256, (count, 6, 8))
    return values.astype(kind) if kind == "uint8" else (values * 257).astype(kind)


@pytest.mark.parametrize("kind", ["uint8", "uint16"])
def test_all_pages_are_bands_of_the_model(tmp_path: Path, kind: str) -> None:
    pages = drawn(kind)
    file = save(tmp_path / "0.tif", pages)
    assert depth(file).pages == 5
    with scaled_by(BANDS):
        image, facts = read(file, "image")
    assert (facts.frames, facts.mode) == (1, "5 pages")
    whole = np.moveaxis(pages, 0, -1)
    np.testing.assert_allclose(image, whole if kind == "uint8" else whole / 65535, atol=1e-6)
    with scaled_by(Reading((0, 100_000), "bands")) as asked:
        if kind == "uint16":
            np.testing.assert_allclose(read(file, "image")[0], whole / 100_000, atol=1e-6)
            assert asked.used
    # Without a word on pages the first is read
    assert read(file, "image")[0].shape == (6, 8, 1)


def test_pages_that_are_no_bands_are_refused(tmp_path: Path) -> None:
    pages = [Image.fromarray(page) for page in drawn("uint8", 2)]
    pages[0].save(tmp_path / "size.tif", save_all=True, append_images=[pages[1].resize((4, 4))])
    pages[0].save(tmp_path / "depth.tif", save_all=True, append_images=[Image.fromarray(drawn("uint16")[0])])
    pages[0].save(tmp_path / "one.tif")
    pages[0].save(tmp_path / "other.png")
    pages[0].convert("RGB").save(tmp_path / "rgb.tif", save_all=True, append_images=pages[1:])
    for name, said in {
        "size.tif": "expected pages of one band, all 6 x 8 uint8 as the first, got page 2 of 4 x 4 uint8",
        "depth.tif": "got page 2 of 6 x 8 uint16; save the pages that are bands",
        "one.tif": "expected several pages, which are bands, got one; give TIFF files with a page for each",
        "other.png": "expected a TIFF whose pages are bands, got a file without pages",
        "rgb.tif": "expected pages of one band, got page 1 of 6 x 8 x 3 uint8",
    }.items():
        with scaled_by(BANDS), pytest.raises(DataError) as caught:
            read(tmp_path / name, f"image {name}")
        assert said in str(caught.value)
        assert name in str(caught.value)


@pytest.mark.parametrize("asked", [BANDS, Reading((0, 100_000), "bands")])
def test_opened_files_are_read_as_their_paths(tmp_path: Path, asked: Reading) -> None:
    file = save(tmp_path / "0.tif", drawn("uint16"))
    Image.fromarray(drawn("uint8")[0]).save(tmp_path / "1.png")
    with scaled_by(asked), Image.open(file) as opened, Image.open(tmp_path / "1.png") as other:
        np.testing.assert_array_equal(taken(opened).pixels, read(file, "image")[0])
        with pytest.raises(DataError, match="a TIFF whose pages are bands, got a file without pages"):
            taken(other)
        opened.close()
        with pytest.raises(DataError, match="if it was closed, open it again"):
            taken(opened)


def test_of_pages_none_is_alpha_or_repeated() -> None:
    spec = InputSpec(channels=3, size=(6, 8), pages="bands")
    with pytest.raises(DataError, match="expected 3 pages, got 4 channels"):
        pixels(np.zeros((6, 8, 4), np.uint8), spec)
    assert InputSpec.from_dict(spec.to_dict()) == spec
    with pytest.raises(DeclarationError, match="bad pages: expected one of first, bands"):
        InputSpec(pages="all")


def test_pages_are_said_once_for_all_files(tmp_path: Path) -> None:
    files = [save(tmp_path / f"{i}.tif", drawn("uint8", 5 - i)) for i in range(3)]
    Image.new("L", (8, 8)).save(tmp_path / "3.gif", save_all=True, append_images=[Image.new("L", (8, 8), 9)])
    model = zoo.build("small_cnn", head="binary", in_channels=4, input_size=8, seed=0)
    with pytest.warns(zoo.ZooWarning) as heard:
        warn_losses(model, [*files, tmp_path / "3.gif"])
    assert [str(w.message) for w in heard] == [
        "1 of 4 images: of several frames the first is taken",
        "3 of 4 images: of several pages ('0.tif' has 5) the first is taken; "
        'zoo.build(..., in_channels=5, pages="bands") reads pages as bands, '
        "as many as the channels of the model in 1",
    ]


@pytest.mark.filterwarnings("error::zoo.errors.ZooWarning")
def test_a_model_of_pages_is_trained_saved_and_predicts_on_files(tmp_path: Path) -> None:
    for i in range(8):
        place = tmp_path / "data" / "ab"[i % 2]
        place.mkdir(parents=True, exist_ok=True)
        save(place / f"{i}.tif", (drawn("uint8") + i).astype(np.uint8))
    model = zoo.build("small_cnn", head="binary", in_channels=5, input_size=8, seed=0, pages="bands")
    run = zoo.fit(model, str(tmp_path / "data"), epochs=1, out=tmp_path / "run", workers=0)
    loaded = zoo.load(run.folder)
    assert loaded.input_spec.pages == "bands"
    assert "each page of a file a channel" in str(loaded.summary())
    file = tmp_path / "data/a/0.tif"
    told = zoo.predict(loaded, str(file))[0].score
    array = zoo.predict(loaded, np.moveaxis(np.stack([drawn("uint8")])[0], 0, -1))[0].score
    assert told == pytest.approx(array, abs=1e-6)
    assert told == pytest.approx(zoo.predict(loaded, file.read_bytes())[0].score)
    with Image.open(file) as opened:
        opened.seek(2)
        assert zoo.predict(loaded, opened)[0].score == told
        assert opened.tell() == 2
