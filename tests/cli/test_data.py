"""`zoo data`: what it prints, and how it ends."""

from __future__ import annotations

import json
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
    assert "./pets: 32 pictures, 2 classes, task binary" in out
    assert "cats         30  93.8%" in out
    assert "width               9       9     9" in out
    assert "- unbalanced classes: 'dogs' 2, 'cats' 30, less than a tenth" in out
    assert out.endswith("nothing stops a training\n")


def test_faults_are_listed_by_name_and_end_with_1(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    for i in range(7):
        (folder / "cats" / f"{i}.png").write_bytes(b"")
    status, out, _ = run(capsys, "data", "./pets")
    assert status == 1
    assert "stops a training\n- 7 pictures cannot be read; mend or remove them" in out
    assert "    cats/0.png: an empty file\n" in out
    assert "    and 2 more (--json lists all)" in out
    status, out, _ = run(capsys, "data", "./pets", "--json")
    assert status == 1
    found = json.loads(out)
    assert (found["ok"], found["readable"], len(found["findings"][0]["names"])) == (False, 25, 7)


def test_a_data_set_by_name_and_a_sheet(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    status, out, _ = run(capsys, "data", "faces", "--out", "sheet.png")
    assert status == 0
    assert "faces: 200 pictures, 2 classes, task binary" in out
    assert out.endswith("sheet: sheet.png\n")
    with Image.open("sheet.png") as sheet:
        assert sheet.width > 10 * 72
        assert sheet.height > 2 * 72


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["./nowhere"], "expected a folder, got nothing there"),
        (["./pets/cats/0.png"], "expected a folder, got a file"),
        (["pets"], "for the folder of that name say ./pets"),
        (["facs"], "did you mean faces?"),
        (["faces", "--out", "sheet.jpg"], "the name of a PNG file"),
    ],
)
def test_a_users_mistake_is_one_line_and_status_2(
    capsys: pytest.CaptureFixture[str], folder: Path, arguments: list[str], words: str
) -> None:
    status, out, err = run(capsys, "data", *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert words in err
