"""`zoo demo`: what it prints, what it leaves, and the recipes that it takes."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

import zoo
from zoo.cli import main
from zoo.registry import hints, lookup, reset
from zoo.registry.plugins import discovery
from zoo.registry.plugins.installed import installed
from zoo.spec.errors import UnknownComponentError

DATA = '{name = "faces", per_class = 12}'
RECIPE = """# A few faces, {about}.
data = {data}
trainer = {{name = "supervised", epochs = 2, batch_size = 6}}

[model]
name = "tiny_resnet"
{weights}
head = "binary"
in_channels = 1
input_size = 16
"""
PRETRAINED = 'weights = "glyphs"\nfreeze = "block1-2"'
NAMING = """# Letters that nobody labelled for it.
data = {name = "glyphs", per_class = 3, size = 32, classes = ["A", "B"]}

[model]
name = "tiny_resnet"
weights = "glyphs"
head = "original"
"""
PARAMETERS = {"transferred": "131,777", "from scratch": "174,385"}
"""Those that are trained: 131,712 of block3, or 174,608 less 288 for two colours; and 65 of the head."""


@pytest.fixture
def series(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in; the recipes that are written there are the series `few`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(lookup, "recipe_series", lambda name: tuple(sorted(Path().glob("few-*.toml"))))
    return tmp_path


def demo(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    """What `zoo demo` prints, or its one line of complaint."""
    with pytest.raises(SystemExit) as ended:
        main(["demo", *arguments])
    captured = capsys.readouterr()
    assert (ended.value.code or 0) == status, captured.err
    assert status or captured.err == ""
    return captured.out if status == 0 else captured.err


def table(out: str) -> dict[str, list[str]]:
    """Cells of the closing table by phase."""
    lines = out[out.index("PHASE") :].splitlines()[1:]
    rows = {}
    for line in lines:
        if line.startswith("("):
            break
        phase, *cells = re.split(r"\s{2,}", line.strip())
        rows[phase] = cells
    return rows


def test_phases_are_set_side_by_side_and_the_best_is_pushed(
    series: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("few-1-from-scratch.toml").write_text(RECIPE.format(about="from scratch", weights="", data=DATA))
    Path("few-2-transferred.toml").write_text(
        RECIPE.format(about="after letters", weights=PRETRAINED, data=DATA)
    )
    Path("few-3-letters.toml").write_text(NAMING)
    out = demo(capsys, "few", "--out", "run")
    rows = table(out)
    assert {phase: cells[1] for phase, cells in rows.items()} == PARAMETERS
    # Of 24 images 16 are to train and 4 to validate; the other 180 of the 200 are unseen.
    assert "accuracy on 4 validation images and on 180 that no phase saw; trained on 16; one seed" in out
    validation = {phase: float(cells[2]) for phase, cells in rows.items()}
    best = max(validation, key=lambda phase: validation[phase])  # the first of equals
    assert f"pushed to file:run/hub/{best.replace(' ', '-')}, pulled" in out
    assert "180 unseen images are identical, bit for bit" in out
    assert zoo.pull(f"file:run/hub/{best.replace(' ', '-')}").labels == ("no face", "face")
    for phase, cells in rows.items():
        folder = Path("run") / phase.replace(" ", "-")
        history = json.loads((folder / "history.json").read_text())
        assert len(history) == 2
        best_epoch = min(history, key=lambda row: row["val_loss"])
        assert cells[2] == f"{best_epoch['val_accuracy']:.3f}"
    for name in ("curves.png", "predictions.png", "letters.png"):
        assert (Path("run") / name).stat().st_size > 0
    assert len(re.findall(r"glyphs\[\d+\] \([AB], [\w ]+\): ", out)) == 6


def test_the_score_is_that_of_the_images_that_no_phase_saw(
    series: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = '{name = "materials", size = 32, per_class = 2, classes = ["brick", "grass"]}'
    recipe = RECIPE.format(about="from scratch", weights="", data=data)
    Path("few-1-one.toml").write_text(recipe)
    out = demo(capsys, "few", "--out", "run")
    # These data make their own splits: the training patches that were not drawn lie beside those that were.
    assert "accuracy on 48 validation images and on 48 that no phase saw; trained on 4" in out
    figures = zoo.evaluate(
        "run/one", {"name": "materials", "size": 32, "per_class": 2, "classes": ["brick", "grass"]}
    )
    assert f"{figures.metrics['accuracy']:.3f}" == table(out)["one"][3]


def test_phases_on_other_data_are_refused(series: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("few-1-one.toml").write_text(RECIPE.format(about="some", weights="", data=DATA))
    Path("few-2-two.toml").write_text(
        RECIPE.format(about="others", weights="", data='{name = "faces", per_class = 9}')
    )
    assert re.search(r"two: data: expected the data of one, .*12.* got .*9", demo(capsys, "few", status=2))
    assert not Path("runs").exists() or not any(Path("runs").glob("*/*"))


def test_a_series_that_trains_nothing_is_refused(series: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("few-1-letters.toml").write_text(NAMING)
    assert "demo few: expected a recipe that is trained, got none" in demo(capsys, "few", status=2)


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
    scores = {phase: float(cells[3]) for phase, cells in table(out).items()}
    assert [*scores] == ["from scratch", "augmented", "imagenet features", "fine tuned"]
    assert min(scores["imagenet features"], scores["fine tuned"]) > scores["from scratch"] + 0.1
    assert re.search(r"chelsea\.png: tiger cat \d\d%", out)
    assert "identical, bit for bit" in out


@pytest.mark.slow
def test_the_small_demo_shows_that_letters_help_with_faces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = table(demo(capsys, "small", "--out", "run"))
    assert float(rows["transferred"][3]) > float(rows["from scratch"][3])


def test_all_plugins_that_the_recipes_lack_are_named_before_any_work(
    series: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, augment in enumerate(("", 'augment = "flip"\n'), 1):
        text = RECIPE.format(about="as they are", data=DATA, weights="")
        (series / f"few-{number}.toml").write_text(augment + text)
    lacking = {"zoo-augment", "zoo-datasets"}
    left = [item for item in installed() if item.distribution not in lacking]
    for module in (discovery, hints):
        monkeypatch.setattr(module, "installed", lambda: left)
    reset()
    said = demo(capsys, "few", "--out", "run", status=2)
    assert "demo 'few': expected the plugins of its recipes, got none that has 'faces', 'flip'; " in said
    names, command = said.split("; ")[1].split(": pip install ")
    assert names == "zoo-datasets, zoo-augment"
    assert [Path(place).name for place in command.split()] == ["zoo-datasets", "zoo-augment"]
    assert said.count("\n") == 1
    assert not (series / "run").exists()


def test_a_plugin_that_is_merely_disabled_is_not_to_be_installed(
    series: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = 'augment = "flip"\n' + RECIPE.format(about="as they are", data=DATA, weights="")
    (series / "few-1.toml").write_text(text)
    monkeypatch.setenv("ZOO_DISABLED_PLUGINS", "zoo-augment")
    said = demo(capsys, "few", "--out", "run", status=2)
    assert "got none that has 'flip'; zoo-augment: ZOO_PLUGINS or ZOO_DISABLED_PLUGINS excludes it" in said
    assert "pip" not in said


def test_a_demo_without_matplotlib_is_an_error_before_any_work(
    series: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (series / "few-1.toml").write_text(RECIPE.format(about="as they are", data=DATA, weights=""))
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert "expected the package matplotlib, got none; zoo-core: pip install" in demo(capsys, "few", status=2)
    assert [path.name for path in series.iterdir()] == ["few-1.toml"]


def test_a_series_of_a_plugin_that_is_not_installed_says_all_that_it_needs_at_once(
    series: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(name: str) -> tuple[Path, ...]:
        raise UnknownComponentError("no plugin ships it")

    monkeypatch.setattr(lookup, "recipe_series", none)
    monkeypatch.setattr("zoo.experiments.requirements.version_of", lambda package: None)
    lacking = {"zoo-augment", "zoo-datasets", "zoo-efficientnet"}
    left = [item for item in installed() if item.distribution not in lacking]
    for module in (discovery, hints):
        monkeypatch.setattr(module, "installed", lambda: left)
    reset()
    try:
        said = demo(capsys, "demo", status=2)
    finally:
        # The registry of all plugins again, for the tests that follow
        monkeypatch.undo()
        reset()
    assert "demo 'demo': expected the plugins of its recipes, got none that has " in said
    names, command = said.split("; ")[1].split(": pip install ")
    assert {*names.split(", ")} == lacking
    assert "zoo-efficientnet[imagenet]'" in command
