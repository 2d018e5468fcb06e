"""Label errors of a run and of folds: what is asked about, by which model, and what is shown."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import zoo
from zoo.cli import main
from zoo.errors import DataError, OptionError, ZooWarning
from zoo.experiments.label_errors import label_errors
from zoo.metrics.label_errors import confident_joint

HOW: dict[str, Any] = {"epochs": 4, "lr": 0.05, "batch_size": 8, "progress": False}


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Bright and dark images, one of each in the other's folder."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for label, level in (("bright", 190), ("dark", 20)):
        Path("snaps", label).mkdir(parents=True)
        for i in range(17):
            own = level if i else 210 - level
            pixels = (own + rng.integers(0, 40, (8, 8, 3))).astype(np.uint8)
            Image.fromarray(pixels).save(Path("snaps", label, f"{i if i else 'wrong'}.png"))
    return Path("snaps")


def trained(photos: Path | dict[str, str], **more: Any) -> None:
    model = zoo.build("mlp", head="binary", classes=("bright", "dark"), input_size=8, seed=0)
    zoo.fit(model, photos if isinstance(photos, dict) else str(photos), out="run", **HOW, **more)


def test_a_run_is_asked_about_images_that_it_was_not_trained_on(photos: Path) -> None:
    trained(photos)
    sides = json.loads(Path("run/splits.json").read_text())
    held_out = {Path(item["name"]) for side in ("val", "test") for item in sides[side]}
    found = label_errors("run", str(photos), progress=False)
    assert (found.asked, found.trained_on) == (len(held_out), len(sides["train"]))
    # The same by what the model predicts of the files
    files = sorted(held_out)
    predictions = zoo.predict("run", [str(file) for file in files], progress=False)
    table = np.array([[p.scores["bright"], p.scores["dark"]] for p in predictions])
    expected = confident_joint([["bright", "dark"].index(file.parent.name) for file in files], table)
    assert found.joint.counts == expected.counts
    # All of them, those that it was trained on marked as such
    whole = label_errors("run", str(photos), trained=True, progress=False)
    assert (whole.asked, whole.trained_on) == (34, 0)
    known = {Path(item["name"]) for item in sides["train"]}
    assert whole.errors
    assert all(error.trained_on == (Path(error.name) in known) for error in whole.errors)
    # Nothing says which images a model without its run knows
    Path("run/splits.json").unlink()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(photos / "dark" / "new.png")
    with pytest.raises(DataError, match=r"expected a run with splits\.json"):
        label_errors("run", str(photos), progress=False)


def test_of_folds_each_image_is_judged_by_the_run_that_left_it_out(
    photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trained(photos, folds=3)
    (photos / "bright" / "broken.png").write_bytes((photos / "bright" / "1.png").read_bytes()[:90])
    with pytest.raises(SystemExit), pytest.warns(UserWarning, match="left out 1 of 35 images"):
        main(["data", str(photos), "--model", "run", "--html", "out/report.html", "--json"])
    said = capsys.readouterr()
    assert said.out, said.err
    found = json.loads(said.out)["label_errors"]
    assert found["asked"] == 34
    wrong = [(Path(error["name"]).name, error["given"], error["likely"]) for error in found["errors"][:2]]
    assert sorted(wrong) == [("wrong.png", "bright", "dark"), ("wrong.png", "dark", "bright")]
    page = Path("out/report.html").read_text()
    assert "Labels that are probably wrong" in page
    assert re.search(r"<b>bright</b> → <b>dark</b>", page)
    assert "broken.png: no image" in page


def test_a_model_of_other_answers_is_refused(photos: Path) -> None:
    model = zoo.build("mlp", head="multilabel", classes=("bright", "dark"), input_size=8, seed=0)
    zoo.save(model, "saved")
    with pytest.raises((OptionError, DataError)):
        label_errors("saved", str(photos), progress=False)


def test_a_table_is_looked_at_as_the_run_reads_it(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [(file, file.parent.name) for file in sorted(photos.rglob("*.png"))]
    lines = "".join(f"{file},{label},a|b\n" for file, label in rows)
    Path("snaps.csv").write_text(f"file,level,tags\n{lines}")
    trained({"path": "snaps.csv", "target": "level"})
    with pytest.raises(SystemExit) as ended:
        main(["data", "snaps.csv", "--model", "run", "--json"])
    said = capsys.readouterr()
    assert ended.value.code == 0, said.err
    found = json.loads(said.out)
    assert found["columns"]["target"] == "level"
    assert (found["classes"], found["label_errors"]["labels"]) == (
        {"bright": 17, "dark": 17},
        ["bright", "dark"],
    )
    with pytest.raises(SystemExit):
        main(["data", "snaps.csv", "--model", "run", "--as", "classes"])
    assert "expected no --model beside it" in capsys.readouterr().err


def test_errors_that_a_guessing_model_names_come_with_a_warning(photos: Path) -> None:
    trained(photos)
    model = zoo.load("run")
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
    with pytest.warns(ZooWarning, match="that the model has no longer"):
        zoo.save(model, "guessing")
    with pytest.warns(ZooWarning, match=r"finds 50\.0% of a class on average, one answer for all 50\.0%"):
        label_errors("guessing", str(photos), progress=False)
