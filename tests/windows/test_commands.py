"""Commands where Windows' refusals hold, one after the other, as somebody uses them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from zoo.cli import main
from zoo.registry import lookup

pytestmark = [pytest.mark.usefixtures("windows"), pytest.mark.slow]

FEW = """# A few faces.
data = {name = "faces", per_class = 12}
trainer = {name = "supervised", epochs = 1, batch_size = 6}

[model]
name = "tiny_resnet"
head = "binary"
in_channels = 1
input_size = 16
"""


@pytest.fixture
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Runs `zoo ...` in an empty folder, and gives what it printed."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def run(*words: object) -> str:
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        told = capsys.readouterr()
        assert not ended.value.code, told.err
        return told.out

    return run


def test_a_model_is_trained_measured_used_pushed_and_pulled(zoo, photos):
    model = ("--model", "tiny_resnet", "--head", "binary", "--input-size", 16)
    zoo("fit", *model, "--data", photos, "--epochs", 1, "--out", "run", "--quiet")
    zoo("evaluate", "run", photos, "--split", "val", "--out", "figures")
    told = json.loads(zoo("predict", "run", photos, "--json"))
    zoo("push", "run", "file:shelf")
    zoo("push", "run", "file:shelf")  # over itself
    zoo("pull", "file:shelf", "--out", "pulled")
    assert json.loads(zoo("predict", "pulled", photos, "--json")) == told
    zoo("fit", "--resume", "run", "--epochs", 2, "--quiet")
    assert [row["epoch"] for row in json.loads(Path("run/history.json").read_text(encoding="utf-8"))] == [
        1,
        2,
    ]


def test_new_images_are_drawn_and_laid_out(zoo):
    options = ("--input-size", 16, "--set", "model.options.variational=true")
    model = ("--model", "autoencoder", "--in-channels", 1, *options)
    zoo("fit", *model, "--data", "digits", "--epochs", 1, "--out", "run", "--quiet")
    zoo("sample", "run", "--out", "sheet.png")
    zoo("latents", "run", "digits", "--out", "latents.png")
    assert Path("sheet.png").stat().st_size and Path("latents.png").stat().st_size


def test_a_demo_goes_through(zoo, monkeypatch):
    Path("few.toml").write_text(FEW, encoding="utf-8")
    monkeypatch.setattr(lookup, "recipe_series", lambda name: (Path("few.toml"),))
    assert "PHASE" in zoo("demo", "few", "--out", "out")
