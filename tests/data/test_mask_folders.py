from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.data.masks import read_mask
from zoo.data.resolve import resolve
from zoo.data.sources.image_folder import ImageFolder
from zoo.data.sources.mask_folders import MaskFolders
from zoo.data.splits import split
from zoo.interfaces.tasks import Reconstruction, Segmentation
from zoo.spec.errors import DataError, ZooWarning

Array = np.ndarray
RNG = np.random.default_rng(0)


def image(folder: Path, name: str, height: int = 12, width: int = 16) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(folder / name)
    return folder / name


def mask(folder: Path, name: str, values: Array) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(folder / name)
    return folder / name


def steps(*values: int, height: int = 12, width: int = 16) -> Array:
    """Upright stripes of the values."""
    return np.tile(np.repeat(values, -(-width // len(values)))[:width].astype(np.uint8), (height, 1))


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Four images with masks of three classes."""
    for i in range(4):
        image(tmp_path / "images", f"{i}.jpg")
        mask(tmp_path / "masks", f"{i}.png", steps(0, 1, 2))
    return tmp_path


def test_images_come_with_the_masks_of_their_names(pairs: Path) -> None:
    mask(pairs / "masks", "2.png", steps(2, 255, 1))
    data = resolve(pairs, lambda ref: None, task=Segmentation())
    assert isinstance(data, MaskFolders)
    assert data.labels == ("0", "1", "2")
    assert list(data.targets) == [None] * 4
    np.testing.assert_array_equal(data[2].mask, steps(2, 255, 1))
    np.testing.assert_array_equal(data[2].image, np.asarray(Image.open(pairs / "images" / "2.jpg")))
    assert data[2].target is None


def test_black_and_white_masks_are_two_classes(tmp_path: Path) -> None:
    for i, values in enumerate((steps(0, 255), steps(255), steps(0))):
        image(tmp_path / "images", f"{i}.png")
        mask(tmp_path / "masks", f"{i}.png", values)
    data = MaskFolders(tmp_path)
    assert data.labels == ("background", "object")
    found = {Path(data.name(i)).stem: data[i].mask for i in range(3)}
    np.testing.assert_array_equal(found["0"], steps(0, 1))
    np.testing.assert_array_equal(found["1"], steps(1))
    np.testing.assert_array_equal(found["2"], steps(0))


def test_masks_of_one_bit(tmp_path: Path) -> None:
    image(tmp_path / "images", "0.png")
    (tmp_path / "masks").mkdir()
    Image.fromarray(steps(255, 0)).convert("1").save(tmp_path / "masks" / "0.png")
    data = MaskFolders(tmp_path)
    assert data.labels == ("background", "object")
    np.testing.assert_array_equal(data[0].mask, steps(1, 0))


def test_where_more_classes_are_named_255_is_what_does_not_count(tmp_path: Path) -> None:
    image(tmp_path / "images", "0.png")
    mask(tmp_path / "masks", "0.png", steps(0, 255))
    (tmp_path / "classes.txt").write_text("road\ncar\nsky\n")
    data = MaskFolders(tmp_path)
    assert data.labels == ("road", "car", "sky")
    np.testing.assert_array_equal(data[0].mask, steps(0, 255))


def test_palette_masks_are_numbers_not_colours(tmp_path: Path) -> None:
    image(tmp_path / "images", "0.png")
    palette = Image.fromarray(steps(0, 1, 2), mode="P")
    palette.putpalette([0, 0, 0, 250, 10, 10, 10, 10, 250] + [0] * 759)
    (tmp_path / "masks").mkdir()
    palette.save(tmp_path / "masks" / "0.png")
    np.testing.assert_array_equal(MaskFolders(tmp_path)[0].mask, steps(0, 1, 2))


def test_split_folders_and_folders_in_folders(tmp_path: Path) -> None:
    root = tmp_path / "images" / "masks"  # words of the layout above the root mean nothing
    for top in ("train", "valid", "test"):
        image(root / top / "images" / "deep", f"{top}.png")
        mask(root / top / "masks" / "deep", f"{top}.png", steps(0, 1))
    data = MaskFolders(root)
    assert [data.split_of(i) for i in range(3)] == ["test", "train", "val"]
    splits = split(data)
    assert (splits.train, splits.val, splits.test) == ((1,), (2,), (0,))


def test_names_are_read_from_a_file(pairs: Path) -> None:
    (pairs / "classes.txt").write_text("ground\n\n  leaf \nfruit\nstone\n", encoding="utf-8-sig")
    assert MaskFolders(pairs).labels == ("ground", "leaf", "fruit", "stone")


def test_a_changed_mask_or_name_is_another_fingerprint_and_no_other_split(pairs: Path) -> None:
    before = MaskFolders(pairs)
    first, keys = before.fingerprint, [before.key(i) for i in range(4)]
    mask(pairs / "masks", "1.png", steps(2, 1, 0))
    after = MaskFolders(pairs)
    assert first != after.fingerprint == MaskFolders(pairs).fingerprint
    assert keys == [after.key(i) for i in range(4)]
    (pairs / "classes.txt").write_text("a\nb\nc\n")
    assert MaskFolders(pairs).fingerprint != after.fingerprint


def test_an_image_turned_upright_has_an_upright_mask(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.zeros((12, 16, 3), np.uint8)).save(tmp_path / "images" / "0.jpg", exif=exif)
    mask(tmp_path / "masks", "0.png", steps(0, 1, height=16, width=12))
    sample = MaskFolders(tmp_path)[0]
    assert sample.image.shape[:2] == sample.mask.shape == (16, 12)


Spoil = Callable[[Path], object]
SPOILT: dict[str, tuple[Spoil, str]] = {
    "no folder": (lambda d: (d / "images").rename(d / "photos"), r"got no images in a folder images"),
    "no masks": (lambda d: (d / "masks").rename(d / "other"), r"got no images in a folder masks"),
    "no mask": (
        lambda d: (d / "masks" / "2.png").unlink(),
        r"expected a mask for each image, got none for 1: 2\.jpg; lay them out as images/ and masks/",
    ),
    "no image": (
        lambda d: (d / "images" / "2.jpg").unlink(),
        r"expected an image for each mask, got 1 without: 2\.png",
    ),
    "two of a name": (lambda d: image(d / "images", "2.png"), r"images: expected one file of each name"),
    "size": (
        lambda d: mask(d / "masks", "2.png", steps(0, 1, height=16, width=12)),
        r"masks/2\.png: expected 16x12, as 2\.jpg, got 12x16",
    ),
    "colours": (
        lambda d: mask(d / "masks", "2.png", np.dstack([steps(0, 0, 1), steps(0), steps(0)])),
        r"masks/2\.png: expected class numbers .*, got 2 colours, #000000, #010000; name them, colors=",
    ),
    "lossy": (
        lambda d: ((d / "masks" / "2.png").unlink(), mask(d / "masks", "2.jpg", steps(0, 1, 2))),
        r"masks/2\.jpg: expected a format that keeps values, such as PNG, got JPEG",
    ),
    "deep": (
        lambda d: mask(d / "masks", "2.png", steps(0, 1).astype(np.uint16) * 300),
        r"masks/2\.png: expected values 0\.\.255, got 300",
    ),
    "broken": (
        lambda d: (d / "masks" / "2.png").write_bytes(b""),
        r"masks/2\.png: expected a readable image",
    ),
    "gaps": (
        lambda d: mask(d / "masks", "2.png", steps(0, 85, 170)),
        r"expected class numbers without gaps, got 0, 1, 2, 85, 170, without 3, 4, 5.*classes\.txt",
    ),
    "few names": (
        lambda d: (d / "classes.txt").write_text("a\nb\n"),
        r"classes\.txt: expected a name for each class, got 2 names, and class 2 in a mask",
    ),
    "one name twice": (lambda d: (d / "classes.txt").write_text("a\nb\na\n"), r"got 'a' twice"),
    "bytes for names": (lambda d: (d / "classes.txt").write_bytes(b"\xff\xfe\x00"), r"expected a text file"),
    "empty": (
        lambda d: [mask(d / "masks", f"{i}.png", steps(0)) for i in range(4)],
        r"masks: expected at least two classes, got nothing but 0",
    ),
}


@pytest.mark.parametrize("name", SPOILT)
def test_what_does_not_fit_is_said_at_once_in_one_line(pairs: Path, name: str) -> None:
    spoil, words = SPOILT[name]
    spoil(pairs)
    with pytest.raises(DataError, match=words) as caught:
        MaskFolders(pairs)
    assert "\n" not in str(caught.value)


def test_an_unreadable_image_is_left_out_with_its_mask(pairs: Path) -> None:
    (pairs / "images" / "1.jpg").write_bytes(b"")
    with pytest.raises(DataError, match=r"1\.jpg"):
        MaskFolders(pairs)[1]
    with pytest.warns(ZooWarning, match=r"left out 1 of 4 images .*1\.jpg"):
        data = MaskFolders(pairs, skip_unreadable=True)
    assert [file.stem for file in data.files] == [file.stem for file in data.mask_files] == ["0", "2", "3"]


def test_a_folder_of_images_alone(tmp_path: Path) -> None:
    image(tmp_path / "train" / "a", "0.png")
    image(tmp_path / "test", "1.png")
    data = resolve(tmp_path, lambda ref: None, task=Reconstruction())
    assert isinstance(data, ImageFolder)
    assert ([data.split_of(i) for i in range(2)], list(data.targets)) == (["test", "train"], [None, None])
    first = data.fingerprint
    image(tmp_path / "test", "1.png")
    assert ImageFolder(tmp_path).fingerprint != first
    with pytest.raises(DataError, match="expected a folder, got nothing there"):
        ImageFolder(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="expected images, got none"):
        ImageFolder(tmp_path / "empty")


def test_a_mask_can_be_read_alone(pairs: Path) -> None:
    np.testing.assert_array_equal(read_mask(pairs / "masks" / "0.png"), steps(0, 1, 2))
