"""`zoo predict` and `zoo evaluate`: from files, lists and standard input to tables, JSON and images."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.cli import main


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained model of three classes, and images in folders of them."""
    root = tmp_path_factory.mktemp("work")
    rng = np.random.default_rng(0)
    for label in ("cat", "cow", "dog"):
        (root / "pets" / label).mkdir(parents=True)
        for i in range(4):
            pixels = rng.integers(0, 256, (20, 20, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / "pets" / label / f"{i}.png")
    net = zoo.build("tiny_resnet", head="multiclass", classes=("cat", "cow", "dog"), input_size=16, seed=0)
    zoo.save(net, root / "model")
    return root


@pytest.fixture(autouse=True)
def here(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(model)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([*arguments])
    captured = capsys.readouterr()
    return int(ended.value.code or 0), captured.out, captured.err


def stdin(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    stream = io.BytesIO(content)
    stream.name = "<stdin>"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stream, encoding="utf-8"))


def test_an_image_on_standard_input_gets_the_answer_of_its_file(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = Path("pets/cat/0.png")
    _, out, _ = run(capsys, "predict", "model", str(file), "--json")
    (expected,) = json.loads(out)
    stdin(monkeypatch, file.read_bytes())
    status, out, err = run(capsys, "predict", "model", "-", "--json")
    assert (status, err) == (0, "")
    assert json.loads(out) == [{**expected, "source": "<stdin>"}]


def test_a_list_of_files_on_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [str(file) for file in sorted(Path("pets").rglob("*.png"))]
    stdin(monkeypatch, ("\n".join(files) + "\n\n").encode())
    status, out, _ = run(capsys, "predict", "model", "--files-from", "-", "--json")
    assert status == 0
    assert [item["source"] for item in json.loads(out)] == files


NAMED = b"caf\xe9 .png"  # of a Linux of other days, and with a blank


@pytest.fixture
def old_name() -> Iterator[str]:
    """An image whose name is no UTF-8, where the disk takes it."""
    name = os.fsdecode(NAMED)
    try:
        shutil.copy(min(Path("pets").rglob("*.png")), name)
    except OSError:
        pytest.skip("the disk takes names in UTF-8 alone")
    yield name
    Path(name).unlink()


@pytest.mark.parametrize("list_file", ["-", "list.txt"])
@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_a_list_has_names_as_the_disk_has_them(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    old_name: str,
    list_file: str,
    ending: bytes,
) -> None:
    other = min(Path("pets").rglob("*.png")).as_posix()
    content = ending.join([NAMED, b"", b" ", other.encode(), b""])
    stdin(monkeypatch, content)
    Path("list.txt").write_bytes(content)
    status, out, error = run(capsys, "predict", "model", "--files-from", list_file, "--json")
    assert (status, error) == (0, "")
    assert [item["source"] for item in json.loads(out)] == [old_name, other]


def test_a_list_that_cannot_be_read_or_has_no_end_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = run(capsys, "predict", "model", "--files-from", "nowhere.txt")
    said = "expected a list of paths that can be read, got No such file or directory"
    assert answer == (2, "", f"error: --files-from nowhere.txt: {said}\n")
    stdin(monkeypatch, bytes(1 << 20))
    status, _, error = run(capsys, "predict", "model", "--files-from", "-")
    assert status == 2
    words = "expected a path on each line, got a line of more than 32,768 characters; give the folders"
    assert error.startswith(f"error: standard input: {words}")
    monkeypatch.setattr(sys, "stdin", None)
    status, _, error = run(capsys, "predict", "model", "--files-from", "-")
    assert (status, error) == (
        2, "error: standard input: expected a list of paths that can be read, got it is closed\n"
    )  # fmt: skip


@pytest.mark.skipif(not Path("/dev/fd").is_dir(), reason="the system names no open files")
def test_a_pipe_that_the_shell_made_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "predict", "model", "pets/cat/0.png", "--json")
    (expected,) = json.loads(out)
    own, other = os.pipe()
    try:
        os.write(other, Path("pets/cat/0.png").read_bytes())
        os.close(other)
        status, out, err = run(capsys, "predict", "model", f"/dev/fd/{own}", "--json")
    finally:
        os.close(own)
    assert (status, err) == (0, "")
    assert json.loads(out) == [{**expected, "source": f"/dev/fd/{own}"}]


@pytest.mark.drawn
def test_more_classes_stand_below_the_answer_the_likelier_first(capsys: pytest.CaptureFixture[str]) -> None:
    (item,) = zoo.predict("model", "pets/cow/1.png")
    status, out, _ = run(capsys, "predict", "model", "pets/cow/1.png", "--top", "3", "--out", "sheet.png")
    header, *rows, _, last = out.splitlines()
    assert (status, header.split(), last) == (0, ["IMAGE", "LABEL", "SCORE"], "written: sheet.png")
    expected = [[label, f"{score:.1%}"] for label, score in item.top(3).items()]
    assert [row.split()[-2:] for row in rows] == expected
    assert rows[0].startswith("pets/cow/1.png")
    assert Path("sheet.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "content", "words"),
    [
        ([], b"", "no image is given"),
        (["-"], b"", "error: <stdin>: expected a readable image, got an empty file"),
        (["-"], b"hello", "got a file of another kind"),
        (["--files-from", "-"], b"", "no image is given"),
        (["--files-from", "-"], b"nowhere.png\n", "image nowhere.png: expected a file or folder"),
        (["--files-from", "nowhere.txt"], b"", "nowhere.txt"),
        (["pets", "--top", "0"], b"", "--top"),
        (["pets", "--out", "pets"], b"", "the name of an image, .png .jpg .jpeg .webp, got a folder"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    content: bytes,
    words: str,
) -> None:
    stdin(monkeypatch, content)
    status, out, err = run(capsys, "predict", "model", *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert words in err


def test_values_have_a_column_each_and_no_order(capsys: pytest.CaptureFixture[str], model: Path) -> None:
    net = zoo.build("tiny_resnet", head="regression", classes=("weight", "length"), input_size=16, seed=0)
    zoo.save(net, model / "values")
    item = zoo.predict("values", "pets/cow/1.png")[0]
    status, out, _ = run(capsys, "predict", "values", "pets/cow/1.png")
    expected = [["IMAGE", "weight", "length"], [item.source, *(f"{v:.4g}" for v in item.scores.values())]]
    assert (status, [line.split() for line in out.splitlines()]) == (0, expected)
    status, out, err = run(capsys, "predict", "values", "pets/cow/1.png", "--top", "3")
    assert (status, out) == (2, "")
    assert "--top: expected a model of classes, got one of values; leave it out" in err


def test_evaluate_shows_the_worst_mistakes_and_says_where_images_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, out, err = run(capsys, "evaluate", "model", "./pets", "--split", "all", "--out", "eval")
    assert (status, err) == (0, "")
    assert "WORST MISTAKES" in out
    assert out.endswith("figures and images: eval\n")
    figures = json.loads(Path("eval/metrics.json").read_text())
    assert figures["worst"][0]["name"] in out
    assert {file.name for file in Path("eval").iterdir()} == {"metrics.json", "confusion.png", "worst.png"}


@pytest.mark.filterwarnings("default")
def test_unreadable_files_are_left_out_on_request(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, model: Path
) -> None:
    (model / "pets" / "dog" / "bad.jpg").write_bytes(b"")
    try:
        status, _, err = run(capsys, "evaluate", "model", "./pets", "--split", "all")
        assert status == 2
        assert "dog/bad.jpg" in err
        for command in (["evaluate", "model", "./pets", "--split", "all"], ["predict", "model", "pets"]):
            status, _, err = run(capsys, *command, "--skip-unreadable")
            assert status == 0
            assert err.startswith("warning: left out 1 of 13 images that cannot be read")
    finally:
        (model / "pets" / "dog" / "bad.jpg").unlink()
