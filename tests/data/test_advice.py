from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import zoo
from zoo.spec.errors import DataError, OptionError
from zoo.spec.recipe import Recipe

SMALL = {"in_channels": 1, "input_size": 8, "seed": 0}


class Ages(torch.utils.data.Dataset):
    """Images with whole numbers, most of them once."""

    def __init__(self, count: int = 40) -> None:
        self.targets = [i * 2 for i in range(count)]

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        return np.full((8, 8), self.targets[index], np.uint8), self.targets[index]


def folders(root: Path, *labels: str, each: int = 12) -> Path:
    for number, label in enumerate(labels):
        (root / label).mkdir(parents=True)
        for i in range(each):
            Image.new("L", (8, 8), 100 * number + i).save(root / label / f"{i}.png")
    return root


def test_whole_numbers_are_values_of_a_regression(tmp_path: Path) -> None:
    model = zoo.build("mlp", head="regression", **SMALL)
    run = zoo.fit(model, Ages(), epochs=1, out=tmp_path / "run", progress=False)
    assert run.images["val"] > 0
    assert zoo.load(tmp_path / "run").labels in ((), ("0",))


def test_class_folders_are_no_values(tmp_path: Path) -> None:
    model = zoo.build("mlp", head="regression", **SMALL)
    for labels in (("cat", "dog"), ("23", "24")):
        data = folders(tmp_path / labels[0], *labels)
        with pytest.raises(DataError, match=r'got numbers of classes .*; head="binary", "multiclass" or'):
            zoo.fit(model, data, epochs=1)


@pytest.mark.parametrize(
    ("labels", "kept"), [(("face", "no_face"), "face"), (("Background", "cat"), "cat"), (("non-x", "x"), "x")]
)
def test_the_absence_of_a_thing_is_nothing_to_be_compared(
    tmp_path: Path, labels: tuple[str, str], kept: str
) -> None:
    model = zoo.build("mlp", head="embedding", **SMALL)
    with pytest.raises(
        DataError, match=f'a folder for each person or thing; head="binary" tells {kept} from'
    ):
        zoo.fit(model, folders(tmp_path, *labels), epochs=1)


def test_two_things_are_compared(tmp_path: Path) -> None:
    model = zoo.build("mlp", head="embedding", **SMALL)
    zoo.fit(model, folders(tmp_path / "d", "ana", "noa"), epochs=1, out=tmp_path / "run", progress=False)


def deep() -> zoo.Model:
    return zoo.build("resnet18", width=0.0625, head="binary", in_channels=1, input_size=32, seed=0)


def test_a_batch_norm_of_one_number_is_refused_before_the_work(tmp_path: Path) -> None:
    data = folders(tmp_path / "d", "a", "b")
    words = (
        r"expected 2 images at a time or more: batch norm backbone\.\S+ and \d+ more would see one number a"
    )
    for given, got in (
        ({"batch_size": 1}, "batch_size=1; batch_size=8"),
        ({"batch_size": 4, "micro_batch_size": 1}, "parts of 1 by micro_batch_size=1; micro_batch_size=8"),
        (
            {"batch_size": 5, "micro_batch_size": 2},
            "parts of 1 by micro_batch_size=2; a batch_size that is a",
        ),
    ):
        with pytest.raises(
            OptionError, match=f"{words} channel, got {got}.*, a larger input_size, or freeze"
        ):
            zoo.fit(deep(), data, epochs=1, progress=False, **given)


def test_one_image_to_train_on_is_too_few_for_a_batch_norm() -> None:
    model = zoo.build("resnet18", width=0.0625, head="regression", in_channels=1, input_size=32, seed=0)
    with pytest.raises(OptionError, match="got 1 image to train on; give more images"):
        zoo.fit(model, Ages(3), epochs=1, progress=False)


def test_a_batch_norm_of_large_maps_takes_one_image(tmp_path: Path) -> None:
    data = folders(tmp_path / "d", "a", "b")
    model = zoo.build("tiny_resnet", head="binary", in_channels=1, input_size=64, seed=0)
    zoo.fit(model, data, epochs=1, batch_size=1, out=tmp_path / "run", progress=False)


@pytest.mark.filterwarnings("ignore::zoo.ZooWarning")
def test_a_frozen_batch_norm_takes_one_image(tmp_path: Path) -> None:
    data = folders(tmp_path / "d", "a", "b")
    zoo.fit(deep().freeze("all"), data, epochs=1, batch_size=1, out=tmp_path / "run", progress=False)


def test_soft_masks_are_said(tmp_path: Path) -> None:
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    mask = Image.fromarray(np.kron([[0, 255], [255, 0]], np.ones((3, 3))).astype(np.uint8))
    for i in range(8):
        Image.new("RGB", (24, 24)).save(tmp_path / "images" / f"{i}.png")
        mask.resize((24, 24), Image.Resampling.BILINEAR).save(tmp_path / "masks" / f"{i}.png")
    words = r"where these are soft \(anti-aliased\) edges between 0 and 255, threshold=127 makes two classes"
    model = zoo.build("unet", encoder="tiny_resnet", classes=2, in_channels=3, input_size=32, seed=0)
    for names in (None, "background\nobject"):
        if names:
            (tmp_path / "classes.txt").write_text(names)
        with pytest.raises(DataError, match=words):
            zoo.fit(model, tmp_path, epochs=1)
    (tmp_path / "classes.txt").unlink()
    ramp = np.arange(576, dtype=np.float32).reshape(24, 24) / 575 * 255
    Image.fromarray(ramp.astype(np.uint8)).save(tmp_path / "masks" / "0.png")
    with pytest.raises(DataError, match=r"expected two classes, 0 and 255, got 0, 1, 2, 3") as e:
        zoo.fit(model, tmp_path, epochs=1)
    assert "soft" in str(e.value)


def test_a_model_that_is_built_for_a_run_is_warned_of_once(tmp_path: Path) -> None:
    section = {
        "name": "tiny_resnet",
        "head": "binary",
        "in_channels": 1,
        "input_size": 16,
        "freeze": "block1",
    }
    recipe = Recipe.from_dict({"model": section})
    with pytest.warns(zoo.ZooWarning) as told:
        zoo.fit(recipe, folders(tmp_path / "d", "a", "b"), epochs=1, out=tmp_path / "run", progress=False)
    assert [str(item.message)[:50] for item in told if "random weights" in str(item.message)] == [
        "frozen blocks (block1) have random weights and wil"
    ]


def test_a_run_with_a_frozen_random_part_is_warned_of(tmp_path: Path) -> None:
    data = folders(tmp_path / "d", "a", "b")
    model = zoo.build("tiny_resnet", head="binary", in_channels=1, input_size=16, seed=0)
    next(iter(model.backbone.blocks.values())).freeze()
    words = r"block1 will stay frozen with random weights, .*, or unfreeze\(\)"
    with pytest.warns(zoo.ZooWarning, match=words):
        zoo.fit(model, data, epochs=1, out=tmp_path / "run", progress=False)
