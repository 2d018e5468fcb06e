"""Plugins made with `zoo new`, or by following the guide alone, are listed, keep their contract and train."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.cli.new import KINDS

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs/guide/write-a-plugin.md"
FITS = {
    "backbone": "--model mine --head multiclass",
    "head": "--model small_cnn --head mine",
    "model": "--model mine --data ./cells",
    "loss": "--model small_cnn --head multiclass --set loss=mine",
    "augmenter": "--model small_cnn --head multiclass --set augment=mine",
    "trainer": "--model small_cnn --head multiclass --set trainer.name=mine",
    "metric": "--model small_cnn --head multiclass --metric mine",
    "dataset": "--model small_cnn --head binary --set data.name=mine --set data.per_class=8",
}
SHORT = "--set trainer.epochs=1 --out run"


def new(folder: Path, *words: str) -> None:
    command = [sys.executable, "-c", "from zoo.cli import main; main()", "new", *words]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def draw_cells(folder: Path) -> None:
    """Images with masks: bright squares on noise."""
    random = np.random.default_rng(0)
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for i in range(12):
        image, mask = random.integers(0, 128, (32, 32, 3), np.uint8), np.zeros((32, 32), np.uint8)
        mask[i : i + 9, 8:20] = 1
        image[mask == 1] += 100
        Image.fromarray(image).save(folder / f"images/{i}.png")
        Image.fromarray(mask).save(folder / f"masks/{i}.png")


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_what_zoo_new_writes_is_listed_sound_and_trains(kind, tmp_path, place):
    new(tmp_path, "zoo-mine", "--kind", kind)
    mine = place(tmp_path / "zoo-mine")
    rows = json.loads(mine.zoo("list", kind, "--json"))
    assert ("mine", "zoo-mine") in {(row["name"], row["distribution"]) for row in rows}
    passed = re.search(r"(\d+) passed", mine.tests())
    assert passed
    assert int(passed[1]) > 4
    data = "" if kind in ("dataset", "model") else " --set data.name=digits --set data.per_class=6"
    draw_cells(tmp_path / "cells")
    run = json.loads(mine.zoo("fit", *shlex.split(f"{FITS[kind]}{data} {SHORT} --json")))
    assert run["epochs"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_what_zoo_new_writes_has_no_lint_and_fits_the_types(kind, tmp_path):
    new(tmp_path, "zoo-mine", "--kind", kind)
    tools = Path(sys.executable).parent
    rules = ["--isolated", "--line-length", "110"]
    for command in (
        ["ruff", "check", *rules, "--select", "E,F,W,I,UP,B,A,C4,SIM,RET,RUF", "zoo-mine"],
        ["ruff", "format", *rules, "--check", "zoo-mine"],
        ["mypy", "--strict", "--cache-dir", str(ROOT / ".mypy_cache"), "zoo-mine/src"],
    ):
        done = subprocess.run(
            [tools / command[0], *command[1:]], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout


def pages_files() -> dict[str, str]:
    """The files that the guide shows: the titles of its blocks are their names."""
    titled = r'^```\w+ title="([^"]+\.\w+)"\n(.*?)^```$'
    return dict(re.findall(titled, GUIDE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL))


def shell_lines(start: str) -> list[str]:
    """The guide's command lines that begin so."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith(start)]


@pytest.mark.slow
def test_following_the_guide_alone_makes_a_plugin_that_is_listed_sound_and_trains(tmp_path, place):
    made, *_ = shell_lines("zoo new")  # the others are in the section on further kinds
    new(tmp_path, *shlex.split(made)[2:])
    project = tmp_path / shlex.split(made)[2]
    assert project.is_dir()
    for name, text in pages_files().items():
        # As the guide says, without the lines for later. The folders are there: `zoo new` made them.
        kept = [line for line in text.splitlines(keepends=True) if "KEYPOINTS" not in line]
        (project / name).write_text("".join(kept), encoding="utf-8")
    theirs = place(project)
    for line in [*shell_lines("zoo list"), *shell_lines("zoo show"), *shell_lines("zoo build")]:
        assert "nin" in theirs.zoo(*shlex.split(line)[1:])
    theirs.tests()
    theirs.zoo("catalogue", str(project))
    assert (project / "src/zoo_example/catalogue.json").is_file()
    (fit,) = shell_lines("zoo fit")
    assert "epochs=5" in fit
    line = fit.replace("epochs=5", "epochs=1").replace("per_class=40", "per_class=6") + " --json"
    assert json.loads(theirs.zoo(*shlex.split(line)[1:]))["epochs"] == 1
