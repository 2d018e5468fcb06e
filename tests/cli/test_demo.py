"""`zoo demo`: what it prints, what it leaves, and the recipes that it takes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import zoo
from zoo.cli import main
from zoo.registry import lookup
from zoo.spec.errors import UnknownComponentError

RECIPE = """# A few faces.
data = {{name = "faces", per_class = 12}}
trainer = {{name = "supervised", epochs = 2, batch_size = 6}}

[model]
name = "tiny_resnet"
{weights}
head = "binary"
in_channels = 1
input_size = 16
"""
PRETRAINED = 'weights = "glyphs"\nfreeze = "block1-2"'
PARAMETERS = {"transferred": "131,777", "from scratch": "174,385", "trained": "174,385"}
"""Those that are trained: 131,712 of block3, or 174,608 less 288 for two colours; and 65 of the head."""


def demo(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["demo", *arguments])
    captured = capsys.readouterr()
    assert (ended.value.code or 0, captured.err) == (0, "")
    return captured.out


def table(out: str) -> dict[tuple[str, str], list[str]]:
    """Cells of the closing table by phase and network."""
    lines = out[out.index("PHASE") :].splitlines()[1:]
    rows, phase = {}, ""
    for line in lines:
        if not line.strip() or line.startswith("("):
            break
        cells = re.split(r"\s{2,}", line.strip())
        if not line.startswith(" "):
            phase, *cells = cells
        rows[phase, cells[0]] = cells[1:]
    return rows


@pytest.mark.parametrize(
    ("weights", "networks"), [(PRETRAINED, ["transferred", "from scratch"]), ("", ["trained"])]
)
def test_one_recipe_with_and_without_weights(
    weights: str,
    networks: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("few.toml").write_text(RECIPE.format(weights=weights))
    monkeypatch.setattr(lookup, "recipe_series", lambda name: (Path("few.toml"),))
    out = demo(capsys, "--out", "run", "--seeds", "1")
    rows = table(out)
    assert [network for _, network in rows] == networks
    for (phase, network), (trained, labelled, measured, score, *_) in rows.items():
        # Of 24 pictures 16 are to train and 4 to validate; the other 180 of the 200 are unseen.
        assert (phase, trained, labelled, measured) == ("few", PARAMETERS[network], "16", "180")
        assert 0 <= float(score.split()[0]) <= 1
    assert "180 unseen pictures are identical, bit for bit" in out
    for name in ("few/curves.png", "few/predictions.png", "hub/few/README.md"):
        assert (Path("run") / name).stat().st_size > 0
    for network in networks:
        history = json.loads(Path(f"run/few/{network.replace(' ', '-')}-0/history.json").read_text())
        assert len(history) > 0
    assert zoo.pull("file:run/hub/few").labels == ("no face", "face")


def test_a_series_of_recipes_is_all_that_begin_with_its_name() -> None:
    names = [file.stem for file in lookup.recipe_series("demo")]
    assert names == sorted(names)
    assert len(names) >= 2
    assert all(name.startswith("demo-") for name in names)
    assert lookup.recipe_series(names[0]) == (lookup.recipe_file(names[0]),)
    with pytest.raises(UnknownComponentError, match="no plugin ships a recipe 'dem'"):
        lookup.recipe_series("dem")


@pytest.mark.slow
def test_the_demo_shows_that_transfer_pays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    out = demo(capsys, "--out", "run")
    rows = table(out)
    phases = {phase for phase, _ in rows}
    assert len(phases) == 2
    for phase in phases:
        transferred, scratch = (
            float(rows[phase, network][3].split()[0]) for network in ("transferred", "from scratch")
        )
        assert transferred > scratch
        assert (Path("run/hub") / phase / "model.safetensors").is_file()
    assert out.count("identical, bit for bit") == len(phases)
