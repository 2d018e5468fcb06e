"""Masks as people have them: by colour, under other names, with any value that does not count."""

import itertools
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageColor

from zoo.data.masks import read_mask
from zoo.data.sources.mask_colors import color_table
from zoo.data.sources.mask_folders import MaskFolders
from zoo.runtime.data_checks import check_masks
from zoo.spec.data_options import MaskOptions
from zoo.spec.errors import DataError, OptionError, ZooWarning
from zoo.spec.options import validate

Array = np.ndarray
COLORS = {"road": "#804080", "sky": "#4682b4", "car": "#00008e"}


def save(file: Path, pixels: Array | Image.Image) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    (pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)).save(file)
    return file


def photo(file: Path, seed: int = 0) -> Path:
    return save(file, np.random.default_rng(seed).integers(0, 256, (6, 9, 3), dtype=np.uint8))


def stripes(*values: int) -> Array:
    """6 x 9 upright stripes."""
    return np.tile(np.repeat(np.array(values, np.uint8), 9 // len(values)), (6, 1))


def painted(numbers: Array, colors: list[str]) -> Array:
    """A mask in colours, by Pillow's own names of colours."""
    return np.array([ImageColor.getrgb(color) for color in colors], np.uint8)[numbers]


def pairs(
    root: Path, mask: Callable[[int], Array | Image.Image], name: str = "{}.png", count: int = 3
) -> Path:
    for i in range(count):
        photo(root / "images" / f"{i}.jpg", i)
        save(root / "masks" / name.format(i), mask(i))
    return root


def read(root: Path, classes: int | None = None, **options: object) -> MaskFolders:
    return MaskFolders(root, classes=classes, options=validate(MaskOptions, options, "data"))


# -- colours --------------------------------------------------------------------------------------------


def test_colours_are_the_classes_that_a_table_names(tmp_path: Path) -> None:
    numbers = [stripes(0, 1, 2), stripes(2, 2, 1), stripes(1, 0, 0)]
    data = read(pairs(tmp_path, lambda i: painted(numbers[i], [*COLORS.values()])), colors=COLORS)
    assert (data.labels, data.numbered, data.present) == (("road", "sky", "car"), False, {0, 1, 2})
    for i in range(3):
        np.testing.assert_array_equal(data[i].mask, numbers[i])
    assert not data.leaves_out


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("label_colors.txt", "128 64 128\tRoad\n70 130 180\tSky\n0 0 142\tCar\n0 0 0\t\tVoid\n"),
        ("class_dict.csv", "name, r, g, b\nRoad,128,64,128\nSky,70,130,180\nCar,0,0,142\nVoid,0,0,0\n"),
        (
            "labelmap.txt",
            "# label:color_rgb:parts\nRoad:128,64,128::\nSky:70,130,180::\nCar:0,0,142::\nVoid:0,0,0::",
        ),
        ("a.json", json.dumps({"Road": "#804080", "Sky": [70, 130, 180], "Car": "#00008e", "Void": 0})),
        (
            "b.json",
            json.dumps(
                [
                    {"name": name, "color": c}
                    for name, c in zip(
                        ("Road", "Sky", "Car", "Void"), (*COLORS.values(), "#000"), strict=True
                    )
                ]
            ),
        ),
    ],
)
def test_a_file_of_colours_beside_the_masks(tmp_path: Path, name: str, text: str) -> None:
    colors = [*COLORS.values(), "#000000"]
    pairs(tmp_path, lambda i: painted(stripes(3, 1, 2 - i), colors))
    (tmp_path / name).write_text(text)
    data = read(tmp_path, colors=name, ignore="Void")
    assert (data.labels, data.leaves_out) == (("Road", "Sky", "Car"), True)
    np.testing.assert_array_equal(data[0].mask, stripes(255, 1, 2))
    assert "Void" in read(tmp_path, colors=str(tmp_path / name)).labels


def test_a_list_of_colours_is_in_the_order_of_the_names(tmp_path: Path) -> None:
    pairs(tmp_path, lambda i: painted(stripes(0, 1, 2), [*COLORS.values()]))
    given = [[128, 64, 128], "#4682b4", [0, 0, 142]]
    assert read(tmp_path, colors=given).labels == ("0", "1", "2")
    (tmp_path / "classes.txt").write_text("a\nb\nc\n")
    assert read(tmp_path, colors=given).labels == ("a", "b", "c")
    assert read(tmp_path, colors=given, ignore=[128, 64, 128]).labels == ("b", "c")
    assert read(tmp_path, colors=given, ignore="c").labels == ("a", "b")
    with pytest.raises(DataError, match=r"colors: expected 2 names, one for each of colors, got 3 names"):
        read(tmp_path, colors=given[:2])
    with pytest.raises(
        DataError, match=r"expected the names of classes once, .* remove classes\.txt, or give"
    ):
        read(tmp_path, colors=COLORS)


def test_a_class_may_have_several_colours_and_a_further_one_may_not_count(tmp_path: Path) -> None:
    pairs(tmp_path, lambda i: painted(stripes(0, 1, 2), ["#ff0000", "#aa0000", "#ffffff"]))
    data = read(tmp_path, colors={"sky": "#00f", "wall": ["#ff0000", [170, 0, 0]]}, ignore="#fff")
    assert data.labels == ("sky", "wall")
    np.testing.assert_array_equal(data[0].mask, stripes(1, 1, 255))


def test_an_unknown_colour_is_refused_with_file_count_and_the_nearest(tmp_path: Path) -> None:
    pairs(
        tmp_path,
        lambda i: painted(stripes(0, 1, 2), ["#804080", "#4682b4", "#4682b5" if i == 1 else "#4682b4"]),
    )
    words = (
        r"masks/1\.png: expected the 3 colours of colors, got #4682b5 in 18 pixels; "
        r"the nearest is sky #4682b4; add the colour to its class, or say ignore$"
    )
    with pytest.raises(DataError, match=words):
        read(tmp_path, colors=COLORS)


def test_smoothed_edges_between_colours_are_told_as_such(tmp_path: Path) -> None:
    wide = Image.fromarray(painted(stripes(0, 1, 2), [*COLORS.values()])).resize(
        (90, 60), Image.Resampling.BILINEAR
    )
    pairs(tmp_path, lambda i: wide)
    for i in range(3):
        save(tmp_path / "images" / f"{i}.jpg", np.zeros((60, 90, 3), np.uint8))
    with pytest.raises(DataError, match=r"more colours; .* resize masks with nearest, and draw them without"):
        read(tmp_path, colors=COLORS)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"a": "#12345", "b": "#fff"}, r"expected a colour such as '#804080'.* got '#12345'"),
        ({"a": [1, 2, 256], "b": 0}, r"got \[1, 2, 256\]"),
        ({"a": "#ffffff", "b": 255}, r"a colour for each class, got #ffffff of 'a' and 'b'"),
        ({"a": 1}, r"expected colours of 2 to 255 classes"),
        ("#fff", r"expected colours of 2 to 255 classes"),
        (7, r"expected colours of 2 to 255 classes"),
    ],
)
def test_a_table_that_is_none(given: object, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        color_table(given, Path())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "got nothing"),
        ("a 1 2\n", "got nothing"),
        ("a 1 2 3\nb 4 5\n", "got 'b 4 5'"),
        ("a 1 2 3\n1 2 3\n", "alone"),
    ],
)
def test_a_file_that_holds_no_colours(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "c.txt").write_text(text)
    with pytest.raises(DataError, match=words):
        color_table("c.txt", tmp_path)
    with pytest.raises(DataError, match="expected a file of colours, got nothing there"):
        color_table("d.txt", tmp_path)


def test_a_palette_is_numbers_and_with_colours_given_its_colours(tmp_path: Path) -> None:
    palette = Image.fromarray(stripes(0, 1, 2), mode="P")
    palette.putpalette([0, 0, 142, 70, 130, 180, 128, 64, 128] + [0] * 759)
    pairs(tmp_path, lambda i: palette)
    np.testing.assert_array_equal(read(tmp_path)[0].mask, stripes(0, 1, 2))
    np.testing.assert_array_equal(read(tmp_path, colors=COLORS)[0].mask, stripes(2, 1, 0))


def test_a_palette_in_which_white_comes_before_black_is_refused(tmp_path: Path) -> None:
    palette = Image.fromarray(stripes(0, 1, 1), mode="P")
    palette.putpalette([255, 255, 255, 0, 0, 0])
    pairs(tmp_path, lambda i: palette)
    with pytest.raises(
        DataError, match=r"got white as number 0 and black as 1; colors=\{'background'"
    ) as caught:
        read(tmp_path)
    assert "\n" not in str(caught.value)
    data = read(tmp_path, colors={"background": "#000000", "object": "#ffffff"})
    np.testing.assert_array_equal(data[0].mask, stripes(1, 0, 0))


def test_colours_that_nobody_named_come_with_the_line_that_names_them(tmp_path: Path) -> None:
    pairs(tmp_path, lambda i: painted(stripes(0, 0, 1), ["#000000", "#ff0000"]))
    words = r"got 2 colours, #000000, #ff0000; name them, colors=\{'background': '#000000', 'class 1': '#ff0"
    with pytest.raises(DataError, match=words):
        read(tmp_path)


# -- values ---------------------------------------------------------------------------------------------

KINDS: dict[str, Callable[[Array], Image.Image]] = {
    "gray": Image.fromarray,
    "RGB": lambda a: Image.fromarray(np.dstack([a, a, a])),
    "RGBA": lambda a: Image.fromarray(np.dstack([a, a, a, np.full_like(a, 255)])),
    "LA": lambda a: Image.fromarray(a).convert("LA"),
    "16 bits": lambda a: Image.fromarray(a.astype(np.uint16)),
    "32 bits": lambda a: Image.fromarray(a.astype(np.int32)),
}


@pytest.mark.parametrize(
    ("kind", "ending"), [*itertools.product([*KINDS][:5], ["png"]), *itertools.product(KINDS, ["tif"])]
)
def test_numbers_are_read_from_whatever_keeps_them(tmp_path: Path, kind: str, ending: str) -> None:
    file = save(tmp_path / f"m.{ending}", KINDS[kind](stripes(0, 2, 1)))
    np.testing.assert_array_equal(read_mask(file), stripes(0, 2, 1))


def test_floats_and_bits(tmp_path: Path) -> None:
    file = save(tmp_path / "m.tif", stripes(0, 2, 1).astype(np.float32))
    np.testing.assert_array_equal(read_mask(file), stripes(0, 2, 1))
    np.testing.assert_array_equal(read_mask(save(tmp_path / "m.png", stripes(0, 1, 1) > 0)), stripes(0, 1, 1))
    save(file, stripes(0, 2, 1).astype(np.float32) / 2)
    with pytest.raises(DataError, match=r"expected values 0\.\.255, got 0\.5"):
        read_mask(file)


def test_transparency_means_something_and_is_refused(tmp_path: Path) -> None:
    a = stripes(0, 1, 1)
    file = save(tmp_path / "m.png", Image.fromarray(np.dstack([a, a, a, a * 255])))
    with pytest.raises(DataError, match="expected opaque pixels, got transparency in 18 of 54 pixels"):
        read_mask(file)


def test_soft_edges_are_refused_and_a_threshold_takes_them(tmp_path: Path) -> None:
    soft = stripes(0, 100, 255)
    soft[:, 5:7] = 160
    pairs(tmp_path, lambda i: soft)
    for classes in (None, 2):
        with pytest.raises(DataError, match=r"soft .* 0 and 255, threshold=127 makes two classes of them"):
            read(tmp_path, classes)
    data = read(tmp_path, threshold=127)
    assert data.labels == ("background", "object")
    np.testing.assert_array_equal(data[0].mask, soft > 127)
    np.testing.assert_array_equal(read(tmp_path, threshold=99)[0].mask, soft > 99)


def test_a_threshold_reads_a_jpeg_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    pairs(tmp_path, lambda i: stripes(0, 255, 0), "{}.jpg")
    with pytest.raises(DataError, match=r"got JPEG; .* threshold=127 tells what is above"):
        read(tmp_path)
    expected = np.asarray(Image.open(tmp_path / "masks" / "0.jpg")) > 127
    np.testing.assert_array_equal(read(tmp_path, threshold=127)[0].mask, expected)
    for wrong in (255, -1, True, 0.5):
        with pytest.raises(OptionError, match="data: bad threshold"):
            read(tmp_path, threshold=wrong)
    with pytest.raises(OptionError, match="expected threshold or ignore, got both"):
        read(tmp_path, threshold=1, ignore=0)


@pytest.mark.parametrize(
    ("values", "ignore", "labels", "mask"),
    [
        ((1, 2, 3), 0, ("1", "2", "3"), (0, 1, 2)),
        ((0, 1, 254), 254, ("background", "object"), (0, 1, 255)),
        ((0, 2, 1), 1, ("0", "2"), (0, 1, 255)),
        ((0, 128, 255), 128, ("background", "object"), (0, 255, 1)),
        ((0, 254, 255), [254, 255], None, (0, 255, 255)),
    ],
)
def test_any_value_may_not_count(
    tmp_path: Path,
    values: tuple[int, ...],
    ignore: object,
    labels: tuple[str, ...] | None,
    mask: tuple[int, ...],
) -> None:
    pairs(tmp_path, lambda i: stripes(*values))
    data = read(tmp_path, None if labels else 2, ignore=ignore)
    assert data.labels == (labels or ("background", "object"))
    np.testing.assert_array_equal(data[0].mask, stripes(*mask))
    assert data.leaves_out == (255 in mask)


def test_a_class_of_the_list_may_not_count(tmp_path: Path) -> None:
    pairs(tmp_path, lambda i: stripes(0, 1, 2))
    (tmp_path / "classes.txt").write_text("void\nroad\ncar\n")
    data = read(tmp_path, ignore="void")
    assert data.labels == ("road", "car")
    np.testing.assert_array_equal(data[0].mask, stripes(255, 0, 1))
    with pytest.raises(OptionError, match=r"ignore: .* got 'viod'; did you mean void\?"):
        read(tmp_path, ignore="viod")


def test_255_counts_where_another_value_does_not(tmp_path: Path) -> None:
    pairs(tmp_path, lambda i: stripes(0, 1, 255))
    words = r"unless it is named too: ignore=\[0, 254, 255\]"
    with pytest.raises(DataError, match="class numbers without gaps, got 0, 1, 255"):
        read(tmp_path, ignore=254)
    for classes in (None, 2):
        with pytest.raises(DataError, match=f"class numbers without gaps, got 1, 255; .* {words}"):
            read(tmp_path, classes, ignore=[0, 254])
    # Threshold is proposed where there is more between
    pairs(tmp_path, lambda i: stripes(0, 100, 255))
    with pytest.raises(DataError, match="threshold=127"):
        read(tmp_path, ignore=254)


def mapped(numbers: Array, *colors: str) -> Image.Image:
    mask = Image.fromarray(numbers)
    mask.putpalette([part for name in colors for part in ImageColor.getrgb(name)])
    return mask


def test_palettes_that_differ_are_told_once(tmp_path: Path) -> None:
    same = lambda i: mapped(stripes(0, 1, 1), "black", "red", *["lime", "blue"][i % 2 :])  # noqa: E731
    # What is in no mask is no matter
    assert read(pairs(tmp_path / "same", same)).labels == ("background", "object")
    for source in ("other", "gray beside it"):
        masks = [mapped(stripes(0, 1, 1), "black", "red"), mapped(stripes(0, 1, 1), "black", "lime")]
        masks += [Image.fromarray(stripes(0, 1, 1))] if source != "other" else [masks[1]]
        pairs(tmp_path / source, masks.__getitem__)
        words = r"is #ff0000 in .*0\.png and #00ff00 in .*1\.png; .*\{'class 0': '#000000', .*'#00ff00'"
        with pytest.warns(ZooWarning, match=words) as told:
            read(tmp_path / source)
        assert len(told) == 1
    assert read(tmp_path / "other", colors={"a": "#000", "b": ["#f00", "#0f0"]}).labels == ("a", "b")


def test_one_class_alone_is_nothing_to_learn(tmp_path: Path) -> None:
    data = read(pairs(tmp_path, lambda i: stripes(1, 255, 1)), 2)
    words = r"nothing but 'object'; 255 does not count; colors=\{'background': 0, 'object': 255\} gives each"
    with pytest.raises(DataError, match=words):
        check_masks(data)


def test_a_mask_of_another_size_says_how_to_resize_it(tmp_path: Path) -> None:
    pairs(tmp_path, lambda i: stripes(0, 1, 2))
    save(tmp_path / "masks" / "1.png", stripes(0, 1, 2)[:3])
    words = r"1\.png: expected 9x6, as 1\.jpg, got 9x3; .*resize\(\(9, 6\), Image\.Resampling\.NEAREST\)"
    with pytest.raises(DataError, match=words):
        read(tmp_path)


def test_other_options_are_another_fingerprint(tmp_path: Path) -> None:
    pairs(tmp_path, lambda i: stripes(0, 100, 255))
    found = [read(tmp_path, threshold=t).fingerprint for t in (50, 150)]
    found += [read(tmp_path, colors={"a": [0, 100], "b": 255}).fingerprint]
    assert len({*found}) == 3


# -- names ----------------------------------------------------------------------------------------------

LAYOUTS = {
    "voc": ("VOC/JPEGImages/{}.jpg", "VOC/SegmentationClass/{}.png", "images in JPEGImages/, masks in Segm"),
    "supervisely": ("ds/img/{}.jpg", "ds/ann/{}.png", "images in img/, masks in ann/"),
    "suffix": ("images/{}.jpg", "masks/{}_mask.gif", "called like them and _mask"),
    "any suffix": ("images/{}.jpg", "masks/{}-LabelIds.png", "called like them and -LabelIds"),
    "beside": ("p/{}.png", "p/{}_mask.png", "masks beside the images, called like them and _mask"),
    "camvid": (
        "train/{}.png",
        "train_labels/{}_L.png",
        "called like those of the images and _labels, called",
    ),
    "segnet": ("train/{}.png", "trainannot/{}.png", "called like those of the images and annot"),
    "kinds": ("all/{}.jpg", "all/{}.png", "images in JPEG, and masks of the same names beside them"),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts_that_are_certain_are_found(tmp_path: Path, name: str) -> None:
    images, masks, words = LAYOUTS[name]
    for i in range(3):
        photo(tmp_path / images.format(i), i)
        save(tmp_path / masks.format(i), stripes(i, 1, 0))
    data = read(tmp_path)
    assert [file.stem for file in data.files] == ["0", "1", "2"]
    assert [data[i].mask[0, 0] for i in range(3)] == [0, 1, 2]
    assert data.words.startswith(words) or words in data.words


def test_splits_of_folders_beside_each_other(tmp_path: Path) -> None:
    for split in ("train", "val"):
        for i in range(2):
            photo(tmp_path / split / f"{split}{i}.png", i)
            save(tmp_path / f"{split}_masks" / f"{split}{i}_mask.png", stripes(0, 1, 1))
    data = read(tmp_path)
    assert [data.split_of(i) for i in range(4)] == ["train", "train", "val", "val"]


def test_splits_below_folders_of_other_names(tmp_path: Path) -> None:
    for split in ("train", "val"):
        photo(tmp_path / "leftImg8bit" / split / "bonn" / f"{split}_leftImg8bit.png")
        save(tmp_path / "gtFine" / split / "bonn" / f"{split}_gtFine_labelIds.png", stripes(0, 1, 1))
        save(tmp_path / "gtFine" / split / "bonn" / f"{split}_gtFine_color.png", stripes(0, 9, 9))
    with pytest.warns(ZooWarning, match="2 files passed over: 2 neither in leftImg8bit/ nor in gtFine/"):
        data = read(
            tmp_path,
            images="leftImg8bit",
            masks="gtFine",
            image_suffix="_leftImg8bit",
            mask_suffix="_gtFine_labelIds",
        )
    assert ([data.split_of(i) for i in range(2)], data.labels) == (["train", "val"], ("background", "object"))


def test_folders_are_said_where_they_are_not_known(tmp_path: Path) -> None:
    for i in range(2):
        photo(tmp_path / "scans" / f"{i}.jpg", i)
        save(tmp_path / "out" / "truth" / f"{i}.png", stripes(0, 1, 1))
    with pytest.raises(
        DataError, match=r"say which folders are meant: images='truth', masks='scans' \(there"
    ):
        read(tmp_path)
    assert len(read(tmp_path, images="scans", masks="out/truth")) == 2
    (tmp_path / "out" / "truth").rename(tmp_path / "truth")
    assert len(read(tmp_path, masks="truth")) == len(read(tmp_path, images="scans")) == 2
    with pytest.raises(DataError, match=r"got no images in a folder trut; say which"):
        read(tmp_path, images="scans", masks="trut")
    with pytest.raises(OptionError, match="masks: expected another folder than images, got 'scans'"):
        read(tmp_path, images="scans", masks="scans")


def test_two_folders_of_known_names_are_not_guessed_between(tmp_path: Path) -> None:
    for folder in ("img", "ann", "labels"):
        save(tmp_path / folder / "0.png", stripes(0, 1, 1))
    with pytest.raises(DataError, match=r"say which folders are meant"):
        read(tmp_path)
    with pytest.warns(
        ZooWarning, match=r"1 file passed over: 1 neither in img/ nor in labels/ \(ann/0\.png\)"
    ):
        assert len(read(tmp_path, images="img", masks="labels")) == 1


def test_names_that_go_on_are_no_masks(tmp_path: Path) -> None:
    for name in ("a.png", "a_2.png", "b.png", "b_2.png"):
        photo(tmp_path / "p" / name)
    with pytest.raises(DataError, match=r"say how the names of masks end: mask_suffix='_mask'"):
        read(tmp_path)
    for name in ("a_2.png", "b_2.png"):
        save(tmp_path / "p" / name, stripes(0, 1, 1))
    assert len(read(tmp_path, mask_suffix="_2")) == 2


def test_what_has_no_partner_is_left_out_where_that_is_said(tmp_path: Path) -> None:
    pairs(tmp_path, lambda i: stripes(0, 1, 1))
    photo(tmp_path / "images" / "9.jpg")
    with pytest.raises(DataError, match=r"none for 1: 9\.jpg; .* or leave them out by skip_unpaired=True"):
        read(tmp_path)
    with pytest.warns(ZooWarning, match=r"3 images are used, 1 file passed over: .*\(images/9\.jpg\)"):
        assert len(read(tmp_path, skip_unpaired=True)) == 3
    shutil.rmtree(tmp_path / "masks")
    save(tmp_path / "masks" / "7.png", stripes(0, 1, 1))
    with pytest.raises(DataError, match="expected a mask for each image, got none"):
        read(tmp_path, skip_unpaired=True)


@pytest.mark.parametrize(
    ("values", "given", "advised"),
    [((0, 1, 2, 7), None, 7), ((0, 1, 2, 7, 9), None, [7, 9])],
)
def test_a_value_beyond_a_gap_is_answered_with_the_ignore_that_takes_it(
    tmp_path: Path, values: tuple[int, ...], given: list[int] | None, advised: object
) -> None:
    pairs(tmp_path, lambda i: np.resize(np.uint8(values), (6, 9)))
    with pytest.raises(DataError, match=f"; {re.escape(f'ignore={advised!r}')} if ") as refused:
        read(tmp_path, ignore=given)
    assert "colors=" in str(refused.value)
    assert read(tmp_path, ignore=advised).labels
