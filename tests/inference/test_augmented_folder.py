"""`zoo augment FOLDER`: variants of the training images as files."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import zoo
from zoo.cli.augment import command
from zoo.data.resolve import resolve
from zoo.data.section import WithOptions
from zoo.data.splits import split
from zoo.inference.offline.augmented_folder import augment_folder
from zoo.interfaces import Augmenter, Batch, Segmentation
from zoo.runtime.data_arguments import as_dataset
from zoo.spec.errors import DataError, OptionError, SaveError


def noise(seed: int, size: tuple[int, int] = (12, 16)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    for k, label in enumerate(("cats", "dogs")):
        (tmp_path / "data" / label).mkdir(parents=True)
        for i in range(12):
            Image.fromarray(noise(100 * k + i)).save(tmp_path / "data" / label / f"{i}.png")
    return tmp_path / "data"


def files(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


def test_variants_stand_beside_the_training_images_alone(classes: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    made = augment_folder(classes, {"name": "flip", "p": 1}, out=out, count=2, seed=3)
    source = as_dataset(str(classes))
    splits = split(source, 3)  # what a training with the seed has
    for name in ("train", "val", "test"):
        expected = {
            f"{name}/{Path(source.name(i)).parent.name}/{Path(source.name(i)).name}"
            for i in getattr(splits, name)
        }
        found = {path for path in files(out) if path.startswith(f"{name}/")}
        assert {path for path in found if "~aug" not in path} == expected
        assert len(found) == len(expected) * (3 if name == "train" else 1)
    for path in files(out / "train"):
        stem, _, number = Path(path).stem.partition("~aug")
        if number:
            pixels = np.asarray(Image.open(out / "train" / path))
            original = np.asarray(Image.open(classes / Path(path).parent / f"{stem}.png"))
            assert np.array_equal(pixels, original[:, ::-1])
    assert made.variants == 2 * len(splits.train)
    again = split(as_dataset(str(out)), 0)
    assert (len(again.val), len(again.test)) == (len(splits.val), len(splits.test))


def test_an_image_and_its_variants_stay_on_one_side_of_a_new_split(classes: Path, tmp_path: Path) -> None:
    augment_folder(classes, "noise", out=tmp_path / "out", count=3)
    flat = tmp_path / "out" / "train"
    data = resolve(str(flat), lambda ref: None)  # type: ignore[arg-type, return-value]
    for seed in range(3):
        splits = split(data, seed)
        sides = [
            {data.name(i).partition("~aug")[0].removesuffix(".png") for i in part}
            for part in (splits.train, splits.val, splits.test)
        ]
        assert all(sides)
        assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])


def test_groups_are_kept_and_go_with_variants(classes: Path, tmp_path: Path) -> None:
    for file in classes.rglob("*.png"):
        file.rename(file.with_name(f"p{int(file.stem) // 3}_{file.name}"))
    out, group = tmp_path / "out", r"(\w+)/(p\d)"
    line = [str(classes), "--augment", "noise", "--count", "1", "--out", str(out)]
    said = CliRunner().invoke(command, [*line, "--set", f"data.group={group}"])
    assert said.exit_code == 0, said.output
    sides = [
        {(f.parent.name, f.name.partition("_")[0]) for f in (out / name).rglob("*.png")}
        for name in ("train", "val", "test")
    ]
    assert [len(side) for side in sides] == [4, 2, 2]
    assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])
    # On the result the same group is taken, with variants beside their image where it knows none
    assert split(as_dataset({"path": str(out), "group": group})).train
    parts = [str(shutil.copytree(out / name, tmp_path / f"{name}ed")) for name in ("train", "test")]
    several = as_dataset(WithOptions(parts, {"group": group}))
    assert len({several.group_of(i) for i in range(len(several))}) == 6
    data = as_dataset({"path": str(out / "train"), "group": r"(cats/p\d_\d+)\.png"})
    cats = [i for i in range(len(data)) if "cats" in data.name(i)]
    stems = [Path(data.name(i)).stem.partition("~")[0] for i in cats]
    assert len({*zip(stems, map(data.group_of, cats), strict=True)}) == len({*stems}) == len(cats) // 2


def test_masks_go_along(tmp_path: Path) -> None:
    for kind in ("images", "masks"):
        (tmp_path / "data" / kind).mkdir(parents=True)
    for i in range(8):
        pixels = noise(i)
        mask = (pixels[..., 0] > 128).astype(np.uint8)
        mask[0] = 255
        Image.fromarray(pixels).save(tmp_path / "data" / "images" / f"{i}.png")
        Image.fromarray(mask).save(tmp_path / "data" / "masks" / f"{i}.png")
    (tmp_path / "data" / "classes.txt").write_text("dark\nbright\n")
    augment_folder(tmp_path / "data", {"name": "flip", "p": 1}, out=tmp_path / "out", count=1)
    data = as_dataset(str(tmp_path / "out"), task=Segmentation())
    assert data.masks
    assert data.labels == ("dark", "bright")
    varied = [i for i in range(len(data)) if "~aug" in data.name(i)]
    assert varied
    for i in varied:
        sample = data[i]
        assert sample.mask is not None
        assert np.array_equal(sample.mask[1:], (sample.image[1:, :, 0] > 128))
        assert (sample.mask[0] == 255).all()


def test_what_is_imported_at_first_is_no_time_of_each_epoch(classes: Path, tmp_path: Path) -> None:
    class Slow(Augmenter):
        calls = 0

        def forward(self, batch: Batch, draws: list[Any]) -> Batch:
            if not self.calls:
                time.sleep(0.5)
            self.calls += 1
            return dict(batch)

    made = augment_folder(classes, Slow(), out=tmp_path / "out", count=1)
    assert made.seconds < 0.5
    assert f"{made.seconds:.2g} s of augmenting, once" in str(made)


def test_the_command_says_disk_and_time(classes: Path, tmp_path: Path) -> None:
    words = [
        str(classes),
        "--augment",
        "flip",
        "--augment",
        "noise",
        "--count",
        "2",
        "--out",
        str(tmp_path / "out"),
    ]
    said = CliRunner().invoke(command, words).output
    assert "train 16, val 4, test 4" in said
    assert "32 variants beside them" in said
    assert "disk: " in said
    assert "online, by augment= of fit: no disk" in said
    run = zoo.fit(
        zoo.build("mlp", hidden=[4], head="binary", input_size=8, seed=0),
        str(tmp_path / "out"), epochs=1, out=tmp_path / "run", progress=False,
    )  # fmt: skip
    assert run.history


def test_what_cannot_be_written_is_refused(classes: Path, tmp_path: Path) -> None:
    with pytest.raises(SaveError, match="expected a new one, or an empty one"):
        augment_folder(classes, "flip", out=classes)
    with pytest.raises(OptionError, match="expected augmenters of one image"):
        augment_folder(classes, "mixup", out=tmp_path / "out")
    with pytest.raises(OptionError, match="got one that looks at classes"):
        augment_folder(classes, ["flip", "rare"], out=tmp_path / "out")
    image = [str(classes / "cats" / "0.png"), "--augment", "flip", "--set", "data.group=a"]
    assert "--set data.group=a belongs to a FOLDER" in CliRunner().invoke(command, image).output
    with pytest.raises(DataError):
        augment_folder(tmp_path / "nothing", "flip", out=tmp_path / "out")
    assert "say --out" in CliRunner().invoke(command, [str(classes), "--augment", "flip"]).output
    refused = CliRunner().invoke(command, [str(classes), "--augment", "flip", "--each", "--out", "x"])
    assert "belong to one IMAGE" in refused.output
    assert not (tmp_path / "out").exists()
