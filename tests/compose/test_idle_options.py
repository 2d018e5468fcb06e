import json
from pathlib import Path

import pytest
import torch

import zoo
from zoo.spec.errors import OptionError


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        (
            "vgg16",
            {"head": "binary", "dropout": 0.3},
            r"option dropout=0\.3: .* got head='binary'; leave it out, or",
        ),
        (
            "vgg16",
            {"hidden": 64, "input_size": 64},
            'option hidden=64: expected head="original", .* got no head',
        ),
        ("efficientnet_b0", {"head": "binary", "dropout": 0.5}, "option dropout"),
        ("mobilenet_v2", {"head": "binary", "dropout": 0.5}, "option dropout"),
        ("dcgan", {"classes": 3, "input_size": 16}, "build: classes: expected no classes: .* got classes=3"),
        ("dcgan", {"classes": ["a", "b"], "input_size": 16}, "expected no classes"),
    ],
)
def test_an_option_that_does_nothing_here_is_refused(
    name: str, options: dict[str, object], words: str
) -> None:
    with pytest.raises(OptionError, match=words):
        zoo.build(name, **options)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("mlp", {"head": "binary", "dropout": 0.3, "hidden": [8], "input_size": 8}),
        ("small_cnn", {"head": "original", "classes": 2, "dropout": 0.3, "hidden": 8, "input_size": 32}),
        ("unet", {"encoder": "tiny_resnet", "classes": 3, "input_size": 32}),
        ("tiny_resnet", {"head": "multiclass", "classes": 3, "input_size": 32}),
    ],
)
def test_an_option_that_does_something_is_taken(name: str, options: dict[str, object]) -> None:
    assert zoo.build(name, **options, seed=0).outputs > 0


def test_an_option_of_a_recipe_or_a_table_counts_where_it_is_not_its_default() -> None:
    section = {"name": "vgg16", "head": "binary", "input_size": 64}
    recorded = {"model": {**section, "options": {"dropout": 0.5}}}
    assert zoo.build(recorded).frozen == ()
    for said in ({"model": {**section, "options": {"dropout": 0.3}}}, {**section, "dropout": 0.3}):
        with pytest.raises(OptionError, match=r"option dropout=0\.3: .* got head='binary'"):
            zoo.build(said)


def test_an_option_of_a_backbone_inside_a_model_counts_too() -> None:
    encoder = {"name": "vgg16", "dropout": 0.3}
    with pytest.raises(OptionError, match=r"vgg16: option dropout=0\.3: .* got no head; leave it out$"):
        zoo.build("unet", encoder=encoder, classes=2, input_size=32)


def test_a_saved_model_with_an_idle_option_is_still_read(tmp_path: Path) -> None:
    model = zoo.build("small_cnn", head="binary", input_size=16, seed=0)
    zoo.save(model, tmp_path / "model")
    file = tmp_path / "model" / "config.json"
    config = json.loads(file.read_text())
    config["recipe"]["model"]["options"]["dropout"] = 0.3
    file.write_text(json.dumps(config))
    image = torch.rand(1, 3, 16, 16)
    assert torch.equal(zoo.load(tmp_path / "model")(image), model(image))
