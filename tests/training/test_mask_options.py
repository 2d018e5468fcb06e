"""Options of masks in a run: from Python, a recipe and the command line, and when the model is measured."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import zoo
from zoo.cli import group
from zoo.data.section import WithOptions
from zoo.interfaces.model import Model
from zoo.spec.errors import OptionError
from zoo.training.request import with_data_options

COLORS = {"ground": "#000000", "roof": "#ff0000"}


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """Eight images with masks in colours, in folders that nobody would guess."""
    rng = np.random.default_rng(0)
    for i in range(8):
        mask = np.zeros((16, 16, 3), np.uint8)
        mask[i : i + 6, 3:9] = (255, 0, 0)
        pixels = (rng.integers(0, 90, (16, 16, 3)) + mask // 2).astype(np.uint8)
        for folder, image in (("scans", pixels), ("truth", mask)):
            (tmp_path / "city" / folder).mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(tmp_path / "city" / folder / f"{i}{'_t' * (folder == 'truth')}.png")
    return tmp_path / "city"


def unet() -> Model:
    encoder = {"name": "unet_encoder", "widths": [4, 8]}
    return zoo.build("unet", encoder=encoder, classes=[*COLORS], input_size=16, seed=0)


def test_python_recipe_and_command_line_say_the_same(
    city: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given = {"images": "scans", "masks": "truth", "colors": COLORS}
    run = zoo.fit(unet(), "./city", **given, epochs=1, out="one", progress=False)
    assert run.model.recipe.data == {"path": "file:city", **given}
    table = zoo.fit(unet(), {"path": "./city", **given}, epochs=1, out="two", progress=False)
    assert table.history[0]["loss"] == run.history[0]["loss"]
    (tmp_path / "r.toml").write_text(
        'seed = 0\n[model]\nname = "unet"\nclasses = ["ground", "roof"]\ninput_size = 16\n'
        '[model.options]\nencoder = {name = "unet_encoder", widths = [4, 8]}\n'
        '[data]\npath = "./city"\nimages = "scans"\nmasks = "truth"\n'
        'colors = {ground = "#000000", roof = "#ff0000"}\n[trainer]\nname = "supervised"\nepochs = 1\n'
    )
    for words in (["r.toml"], ["r.toml", "--set", "data.mask_suffix=_t"]):
        result = CliRunner().invoke(
            group, ["fit", *words, "--out", f"cli{len(words)}"], catch_exceptions=False
        )
        assert result.exit_code == 0, result.output
        assert zoo.load(f"cli{len(words)}").metrics["val"]["loss"] == run.metrics["loss"]
    figures = zoo.evaluate("one", {"path": "./city", **given}, progress=False)
    assert figures.per_class["roof"]["pixels"] == run.images["test"] * 36
    words = ["images=scans", "masks=truth", 'colors={ground = "#000000", roof = "#ff0000"}']
    sets = [text for option in words for text in ("--set", option)]
    result = CliRunner().invoke(group, ["data", "./city", *sets])
    assert "images in scans/, masks in truth/, called like them and _t; classes by 2 colours" in result.output


def test_options_of_masks_are_refused_for_a_model_without_any(city: Path, tmp_path: Path) -> None:
    for label in ("a", "b"):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for i in range(6):
            Image.fromarray(np.full((8, 8, 3), 9 * i + (label == "a"), np.uint8)).save(
                tmp_path / "photos" / label / f"{i}.png"
            )
    model = zoo.build("mlp", head="binary", classes=["a", "b"], input_size=8)
    with pytest.raises(
        OptionError, match="got data that are read without masks; leave out ignore: it is of masks"
    ):
        zoo.fit(model, tmp_path / "photos", ignore=0, epochs=1)


def test_an_option_that_a_trainer_has_too_is_whose_value_it_is() -> None:
    # A share of the pixels is the trainer's of autoencoders, a name is a column's
    assert with_data_options(None, "data", {"mask": 0.3, "lr": 1.0}) == ("data", {"mask": 0.3, "lr": 1.0})
    data, rest = with_data_options(None, "data", {"mask": "outline"})
    assert (data, rest) == (WithOptions("data", {"mask": "outline"}), {})
