"""Hints on data as one says them where the user is, and folders and tables that told too little."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.data.sources.mask_folders import MaskFolders
from zoo.errors import BadReferenceError, DataError, FormatError, OptionError, ZooWarning
from zoo.hub.folder import load
from zoo.inference.asking.views import check_views
from zoo.interfaces.tasks.choice import for_columns
from zoo.runtime.data_arguments import as_dataset
from zoo.spec.arguments import misplaced
from zoo.spec.data_options import MaskOptions
from zoo.spec.hints.spoken import Spoken, speaking

SHELL = Spoken(way="shell", rest="shell")
LOOKING = Spoken(way="shell", rest="shell", data="")


def _voc(root: Path, *, listed: bool) -> Path:
    pixels = np.eye(8, dtype=np.uint8)
    for name in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (root / name).mkdir(parents=True)
    for i in range(6):
        Image.fromarray(pixels).save(root / "JPEGImages" / f"{i}.jpg")
        if i < 4:
            Image.fromarray(pixels).save(root / "SegmentationClass" / f"{i}.png")
    if listed:
        (root / "ImageSets/Segmentation/train.txt").write_text("0\n1\n2\n")
        (root / "ImageSets/Segmentation/val.txt").write_text("3\n")
    return root


@pytest.mark.filterwarnings("ignore:.*splits are those of")
def test_images_that_no_list_names_need_no_mask(tmp_path: Path) -> None:
    with pytest.warns(ZooWarning, match="2 images without a mask"):
        found = MaskFolders(_voc(tmp_path, listed=True))
    assert [found.split_of(i) for i in range(len(found))] == ["train", "train", "train", "val"]


def test_without_lists_each_image_needs_one(tmp_path: Path) -> None:
    root = _voc(tmp_path, listed=False)
    with speaking(SHELL), pytest.raises(DataError, match=r"--set data\.skip_unpaired=true"):
        MaskFolders(root)
    with pytest.warns(ZooWarning, match="2 images without a mask"):
        assert len(MaskFolders(root, options=MaskOptions(skip_unpaired=True))) == 4


@pytest.mark.parametrize(
    ("said", "way"),
    [(SHELL, "--head multiclass or ordinal reads classes"), (LOOKING, "say --as classes or --as values")],
)
def test_whole_numbers_say_the_way_where_the_user_is(said: Spoken, way: str) -> None:
    with speaking(said), pytest.raises(DataError, match=way):
        for_columns({"age": [31, 40]}, None, "data")


@pytest.mark.parametrize(("said", "way"), [(SHELL, "data.target=a"), (LOOKING, "--set target=a")])
def test_a_target_is_chosen_as_options_of_data_are_typed(said: Spoken, way: str) -> None:
    table = {"image": ["a.png", "b.png"], "a": ["x", "y"], "b": ["x", "y"]}
    with speaking(said), pytest.raises(DataError, match=way):
        as_dataset(table)


def test_decimal_commas_are_no_classes() -> None:
    with pytest.raises(DataError, match=r"got '10,6' in row 2; write decimals with a point"):
        for_columns({"weight": ["10", "10,6"]}, None, "data")
    assert for_columns({"place": ["10,6", "north"]}, None, "data")[0].name == "binary"


def test_an_argument_without_a_flag_is_set() -> None:
    with speaking(SHELL):
        assert misplaced("value_range", [0, 4095], []) == (
            "it belongs beside: --set 'model.value_range=[0, 4095]'"
        )


def test_a_folder_of_folds_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "folds.json").write_text("{}")
    with pytest.raises(FormatError, match=r"got a folder of folds; say .*fold-1"):
        load(tmp_path)


@pytest.mark.parametrize("tta", [["flip"], {"flip"}, {"a": 1}])
def test_views_that_are_no_text_are_refused(tta: object) -> None:
    import zoo

    model = zoo.build("basic:mlp", head="binary", in_channels=1, input_size=8)
    with pytest.raises(OptionError, match="tta: expected 'flip', 'd4'"):
        check_views(model, tta, "predict")  # type: ignore[arg-type]


def test_shards_that_are_not_there_are_no_component() -> None:
    try:
        as_dataset("none-{000..002}.tar")
    except BadReferenceError as error:  # pragma: no cover - what it was
        pytest.fail(str(error))
    except DataError:
        pass
