"""`zoo data`: what it prints, and how it ends."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.cli import main


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for label, count in (("cats", 30), ("dogs", 2)):
        (tmp_path / "pets" / label).mkdir(parents=True)
        for i in range(count):
            Image.fromarray(rng.integers(0, 256, (6, 9, 3), dtype=np.uint8)).save(
                tmp_path / f"pets/{label}/{i}.png"
            )
    return tmp_path / "pets"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([*arguments])
    captured = capsys.readouterr()
    return int(ended.value.code or 0), captured.out, captured.err


def test_a_folder_that_can_be_trained_on_ends_with_0(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    status, out, err = run(capsys, "data", "./pets")
    assert (status, err) == (0, "")
    assert "./pets: 32 images, 2 classes, task binary" in out
    assert "cats       30  93.8%" in out
    assert "width               9       9     9" in out
    assert "- unbalanced classes: 'dogs' 2, 'cats' 30, less than a quarter" in out
    assert out.endswith("nothing stops a training\n")


def test_faults_are_listed_by_name_and_end_with_1(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    for i in range(7):
        (folder / "cats" / f"{i}.png").write_bytes(b"")
    status, out, _ = run(capsys, "data", "./pets")
    assert status == 1
    assert "stops a training\n- 7 images cannot be read; mend or remove them" in out
    assert "    cats/0.png: an empty file\n" in out
    assert "    and 2 more (--json lists all)" in out
    status, out, _ = run(capsys, "data", "./pets", "--json")
    assert status == 1
    found = json.loads(out)
    assert (found["ok"], found["readable"], len(found["findings"][0]["names"])) == (False, 25, 7)


@pytest.mark.drawn
def test_a_data_set_by_name_and_a_sheet(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    status, out, _ = run(capsys, "data", "faces", "--out", "sheet.png")
    assert status == 0
    assert "faces: 200 images, 2 classes, task binary" in out
    assert out.endswith("sheet: sheet.png\n")
    with Image.open("sheet.png") as sheet:
        assert sheet.width > 10 * 72
        assert sheet.height > 2 * 72


def test_options_of_a_data_set(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    status, out, _ = run(capsys, "data", "digits", "--set", "per_class=6", "--json")
    assert (status, json.loads(out)["images"]) == (0, 60)


@pytest.fixture
def masked(folder: Path) -> Path:
    """Six images with masks: class 2 in the first two alone, one pixel of each not counted."""
    rng = np.random.default_rng(0)
    for part in ("images", "masks"):
        (folder.parent / "cells" / part).mkdir(parents=True)
    for i in range(6):
        pixels = rng.integers(0, 256, (8, 10, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder.parent / f"cells/images/{i}.png")
        mask = np.zeros((8, 10), np.uint8)
        mask[:4], mask[7, 9] = 2 if i < 2 else 0, 255
        Image.fromarray(mask).save(folder.parent / f"cells/masks/{i}.png")
    (folder.parent / "cells/classes.txt").write_text("glass\nedge\nnucleus\n")
    return folder.parent / "cells"


@pytest.mark.drawn
def test_masks_are_reported_by_class_of_pixels(capsys: pytest.CaptureFixture[str], masked: Path) -> None:
    status, out, err = run(capsys, "data", "./cells", "--out", "sheet.png")
    assert (status, err) == (0, "")
    assert "./cells: 6 images, 3 classes of pixels, task segmentation" in out
    shares = {"glass": 1 - 1 / 80 - 1 / 6, "edge": 0, "nucleus": 1 / 6, "not counted": 1 / 80}
    for name, images in (("glass", 6), ("edge", 0), ("nucleus", 2), ("not counted", 6)):
        assert f"{name:<11}  {images:>6}  {shares[name]:>6.1%}\n" in out
    assert "- 1 class in no mask\n    edge\n" in out
    with Image.open("sheet.png") as sheet:
        assert len(np.unique(np.asarray(sheet.convert("RGB")).reshape(-1, 3), axis=0)) > 100
    status, out, _ = run(capsys, "data", "./cells", "--json")
    assert json.loads(out)["pixels"]["nucleus"] == [2, pytest.approx(1 / 6)]


def test_a_mask_of_another_size_stops_a_training(capsys: pytest.CaptureFixture[str], masked: Path) -> None:
    Image.fromarray(np.zeros((3, 3), np.uint8)).save(masked / "masks/4.png")
    status, out, err = run(capsys, "data", "./cells")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "4.png" in err


@pytest.mark.filterwarnings("ignore:data t.csv")
def test_a_table_without_masks_is_not_looked_at_as_one(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    Path("t.csv").write_text("image,kind\n" + "".join(f"pets/cats/{i}.png,{'ab'[i % 2]}\n" for i in range(4)))
    status, out, err = run(capsys, "data", "t.csv", "--as", "masks")
    assert (status, out) == (2, "")
    assert "--as masks: expected a column of mask files, got none; --set data.mask=ITS_COLUMN" in err


def test_a_folder_of_images_alone(capsys: pytest.CaptureFixture[str], masked: Path) -> None:
    assert run(capsys, "data", "./cells/images")[0] == 1
    status, out, _ = run(capsys, "data", "./cells/images", "--as", "images")
    assert status == 0
    assert "./cells/images: 6 images, no classes, no targets" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["./pets", "--set", "per_class=3"], "has no option 'per_class': expected options among colors"),
        (
            ["digits", "--as", "masks"],
            "--as: expected a folder, or classes, labels, values, masks of a table, beside it",
        ),
        (["digits", "--set", "per_clas=3"], "did you mean per_class"),
        (["./nowhere"], "expected a folder, got nothing there"),
        (["./pets/cats/0.png"], "expected a folder, or a file of"),
        (["facs"], "did you mean faces?"),
        (["faces", "--out", "sheet.gif"], "the name of an image, .png .jpg .jpeg .webp"),
    ],
)
def test_a_users_mistake_is_one_line_and_status_2(
    capsys: pytest.CaptureFixture[str], folder: Path, arguments: list[str], words: str
) -> None:
    status, out, err = run(capsys, "data", *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert words in err


def test_data_are_looked_at_by_what_a_models_input_would_be(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    image = np.random.default_rng(0).integers(0, 4096, (8, 8, 4)).astype(np.int32)
    for i in range(8):
        file = tmp_path / "scans" / "ab"[i % 2] / f"{i // 2}.npy"
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file, image + i)
    values = ["--set", "model.value_range=[0, 8190]"]
    status, out, _ = run(capsys, "data", "scans", *values, "--in-channels", "5")
    assert status == 1
    assert (
        "8 images that cannot be turned into 5 channels; convert or remove them\n    a/0.npy: 4 channels"
        in out
    )
    bands = ["--in-channels", "4", "--set", "model.input.bands=[2, {ndvi={red=0, near_infrared=3}}]"]
    status, out, _ = run(
        capsys, "data", "scans", *values, *bands, "--statistics", "--out", "sheet.png", "--json"
    )
    found = json.loads(out)["statistics"]
    assert status == 0
    # In the numbers that a network sees: those of two images differ by a few of 8190
    red, near = (image[..., i] / 8190 for i in (0, 3))
    ndvi = (near - red) / (near + red)
    assert np.allclose(found["mean"], [(image[..., 2] / 8190).mean(), ndvi.mean()], atol=2e-3)
    assert np.allclose(found["std"], [(image[..., 2] / 8190).std(), ndvi.std()], atol=2e-3)
    assert Path("sheet.png").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--set", "model.value_range=[9, 4]"], "model.value_range: expected two rising numbers"),
        (
            ["--set", "model.freeze=all"],
            "expected of a model value_range, pages, in_channels, input.bands, which",
        ),
        (["--set", "model.input.bands=[5]"], "expected channels 0..2, got 5; images of 6 channels"),
        (
            ["--in-channels", "3", "--set", "model.in_channels=4"],
            "--in-channels and --set model.in_channels=4",
        ),
        (["--in-channels", "3", "--model", "r"], "--model: expected the input of the run, got --in-channels"),
    ],
)
def test_what_is_no_input_of_a_model_is_refused(
    capsys: pytest.CaptureFixture[str], folder: Path, words: list[str], said: str
) -> None:
    status, _, err = run(capsys, "data", "./pets", *words)
    assert status != 0
    assert said in err


@pytest.mark.skipif(os.name == "nt", reason="no such names on Windows")
def test_names_of_files_give_a_terminal_no_orders(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    (folder / "cats" / "bad\n\x1b[31m.png").write_bytes(b"")
    (folder / "cats" / "two  spaces.txt").write_bytes(b"")
    status, out, _ = run(capsys, "data", "./pets")
    assert status == 1
    assert "    cats/bad \ufffd[31m.png: an empty file\n" in out
    assert "    cats/two  spaces.txt\n" in out
    assert "\x1b" not in out


@pytest.mark.parametrize(
    ("target", "kind", "hint"),
    [
        ("age", "classes", "--as values takes them"),
        ('["age", "kind"]', "classes", "--as labels or --as values"),
    ],
)
def test_a_column_of_other_targets_is_told_by_what_zoo_data_has(
    capsys: pytest.CaptureFixture[str], folder: Path, target: str, kind: str, hint: str
) -> None:
    lines = [f"pets/cats/{i}.png,1.{i},{'ab'[i % 2]}" for i in range(4)]
    Path("t.csv").write_text("\n".join(["image,age,kind", *lines]))
    status, _, err = run(capsys, "data", "t.csv", "--set", f"target={target}", "--as", kind)
    assert status != 0
    assert hint in err
    assert "--head" not in err


def test_values_of_several_columns_have_a_row_each(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    lines = [f"pets/cats/{i}.png,{i}.5,{10 * i}" for i in range(12)]
    Path("t.csv").write_text("\n".join(["image,weight,length", *lines]))
    _, out, _ = run(capsys, "data", "t.csv", "--set", 'target=["weight", "length"]')
    assert "12 images, 2 values, task regression" in out
    assert "CLASS" not in out
    rows = [line.split()[:4] for line in out.splitlines()]
    assert ["weight", "0.5", "6", "11.5"] in rows
    assert ["length", "0", "55", "110"] in rows


def test_images_of_many_bands_are_told_the_channels_to_ask_for(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for i in range(8):
        file = tmp_path / "scans" / "ab"[i % 2] / f"{i}.npy"
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file, np.full((8, 8, 5), i, np.uint8))
    told = "5 channels: a model takes 3 channels, unless it is built for these: --in-channels 5"
    assert told in run(capsys, "data", str(tmp_path / "scans"))[1]
    assert told not in run(capsys, "data", str(tmp_path / "scans"), "--in-channels", "5")[1]


def test_no_option_is_advised_that_the_command_lacks(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text("file,kind\na.png,cat\nb.png,dog\n")
    missing = run(capsys, "data", str(tmp_path / "t.csv"))[2]
    assert "say from where paths are read: --set folder=FOLDER" in missing
    assert "--skip-unreadable" not in missing
    assert "--skip-unreadable" in run(capsys, "fit", "--model", "mlp", "--data", str(tmp_path / "t.csv"))[2]
