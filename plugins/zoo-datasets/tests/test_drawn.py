import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.ft2font import FT2Font
from skimage import data as skimage_data
from sklearn.datasets import load_sample_image
from sklearn.neighbors import KNeighborsClassifier
from zoo_datasets import glyphs as drawing
from zoo_datasets import photos
from zoo_datasets.glyphs import FONTS, LETTERS, Glyphs
from zoo_datasets.photos import PHOTOGRAPHS, Photos

from zoo.data.splits import split
from zoo.spec.errors import DataError, OptionError


@pytest.fixture(scope="module")
def glyphs() -> Glyphs:
    return Glyphs(per_class=44)


def test_every_font_has_an_own_shape_for_every_letter() -> None:
    for name in FONTS:
        charmap = FT2Font(f"{matplotlib.get_data_path()}/fonts/ttf/{name}.ttf").get_charmap()
        assert len({charmap[ord(letter)] for letter in LETTERS}) == len(LETTERS), name


def test_there_are_letters_only_and_none_twice() -> None:
    assert len(LETTERS) == len(set(LETTERS)) == 40
    assert LETTERS.isalpha()


def test_glyphs_are_light_on_dark_and_within_the_image(glyphs: Glyphs) -> None:
    images = np.stack([glyphs[i].image[..., 0] for i in range(len(glyphs))])
    assert (images.dtype, images.shape[1:]) == (np.uint8, (32, 32))
    border = np.concatenate(
        [images[:, [0, -1]].reshape(len(images), -1), images[:, :, [0, -1]].reshape(len(images), -1)],
        1,
    )
    assert (images.max((1, 2)) > 90).all()
    assert (np.median(border, axis=1) < 60).all()
    assert Counter(glyphs.targets) == dict.fromkeys(range(40), 44)


def test_no_two_glyphs_are_alike_and_one_number_is_one_image_in_every_size_of_set(glyphs: Glyphs) -> None:
    assert len({glyphs.key(i) for i in range(len(glyphs))}) == len(glyphs)
    few = Glyphs(per_class=3)
    assert all(few.key(3 * c + k) == glyphs.key(44 * c + k) for c in (0, 17, 39) for k in range(3))
    assert few.fingerprint != glyphs.fingerprint


def test_another_process_draws_the_same(glyphs: Glyphs) -> None:
    code = "from zoo_datasets.glyphs import Glyphs; print(Glyphs(per_class=44).fingerprint)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == glyphs.fingerprint


def test_a_font_is_in_one_split_and_every_split_has_every_letter() -> None:
    data = Glyphs(per_class=22)
    fonts = defaultdict(set)
    for i in range(len(data)):
        fonts[data.name(i).rpartition(" ")[2]].add(data.split_of(i))
    assert len(fonts) == len(FONTS)
    assert all(len(found) == 1 for found in fonts.values())
    few = Glyphs(per_class=3)
    parts = split(few)
    assert [{few.targets[i] for i in parts.of(name)} for name in ("train", "val", "test")] == [
        set(range(40))
    ] * 3


def test_letters_of_unseen_fonts_are_told_apart_by_a_plain_classifier(glyphs: Glyphs) -> None:
    images = np.stack([glyphs[i].image.ravel() / 255 for i in range(len(glyphs))])
    images -= images.mean(1, keepdims=True)
    images /= np.linalg.norm(images, axis=1, keepdims=True)
    targets, parts = np.array(glyphs.targets), split(glyphs)
    near = KNeighborsClassifier(1).fit(images[list(parts.train)], targets[list(parts.train)])
    # Guessing is right once in forty times.
    assert near.score(images[list(parts.test)], targets[list(parts.test)]) > 0.5


def test_a_missing_font_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(matplotlib, "get_data_path", lambda: str(tmp_path))
    with pytest.raises(
        DataError, match=r"dataset glyphs: expected the font .*DejaVuSans\.ttf, got nothing there"
    ):
        drawing.Glyphs(per_class=3)


def test_photos_are_crops_of_the_packages_own_arrays() -> None:
    whole = {
        "astronaut.png": skimage_data.astronaut(),
        "camera.png": skimage_data.camera()[..., None],
        "flower.jpg": load_sample_image("flower.jpg"),
    }
    data, seen = Photos(size=64), set()
    for i in range(len(data)):
        file, _, place = data.name(i).partition("[")
        if file in whole:
            rows, columns = (slice(*map(int, part.split(":"))) for part in place.rstrip("]").split(","))
            np.testing.assert_array_equal(data[i].image, whole[file][rows, columns])
            seen.add(file)
    assert seen == set(whole)


def test_photos_have_no_target_and_no_photograph_is_on_two_sides() -> None:
    data = Photos()
    assert len(data) > 300
    assert data.task is None
    assert set(data.targets) == {None} == {data[i].target for i in range(0, len(data), 50)}
    parts = split(data)
    sides = [{data.name(i).partition("[")[0] for i in parts.of(name)} for name in ("train", "val", "test")]
    assert set.union(*sides) == set(PHOTOGRAPHS)
    assert sum(map(len, sides)) == len(PHOTOGRAPHS) == 15


def test_crops_do_not_overlap_and_none_is_flat() -> None:
    data = Photos(size=32, per_photo=9)
    names = [data.name(i) for i in range(len(data))]
    assert len(set(names)) == len(names) == 9 * 15
    assert all(np.ptp(data[i].image) > 0 for i in range(len(data)))


@pytest.mark.parametrize("size", [8, 300])
def test_every_size_that_the_options_allow_can_be_split(size: int) -> None:
    assert split(Photos(size=size, per_photo=3)).test


def test_whole_photographs_are_those_of_the_package_and_can_be_chosen() -> None:
    data = Photos(size="whole", files=["coffee.png", "chelsea.png"])
    assert [data.name(i) for i in range(len(data))] == ["coffee.png", "chelsea.png"]
    np.testing.assert_array_equal(data[1].image, skimage_data.chelsea())
    assert len(Photos(size="whole")) == len(PHOTOGRAPHS)
    with pytest.raises(OptionError, match=r"photos: files: expected some of astronaut.png, .* got 'cat.png'"):
        Photos(files=["cat.png"])


def test_a_missing_photograph_or_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(photos.PHOTOGRAPHS, "yeti.png", (("skimage", "data"), "train"))
    with pytest.raises(DataError, match=r"expected the file .*yeti\.png, got nothing there"):
        Photos()
    monkeypatch.setitem(photos.PHOTOGRAPHS, "yeti.png", (("nowhere_to_be_found", "x"), "train"))
    with pytest.raises(DataError, match="pip install nowhere_to_be_found"):
        Photos()


@pytest.mark.parametrize(("length", "starts"), [(10, [1, 5]), (8, [0, 4]), (11, [1, 5]), (4, [0]), (3, [])])
def test_crops_lie_around_the_middle(length: int, starts: list[int]) -> None:
    assert [*photos._starts(length, 4)] == starts
