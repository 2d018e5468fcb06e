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


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ({"pool": "max"}, r'has no option .pool.; .* a head by name: head=\{"name": "NAME", "pool": "max"\}'),
        ({"pool": "cls", "head": "binary"}, r'head binary: head=\{"name": "binary", "pool": "token"\}$'),
        ({"pooling": "avg", "head": "binary"}, "zoo calls it pool, an option of its head binary: head="),
        ({"hidden": [8], "head": "original"}, "of a head by name: head="),
        ({"lr": 0.1, "head": "binary"}, r"it is an option of the trainer: zoo.fit\(model, data, lr=0.1\)$"),
        ({"head": {"name": "binary", "width": 0.5}}, r"of resnet18: zoo.build\(..., width=0.5\)$"),
        ({"head": {"name": "binary", "classes": 3}}, r"it belongs beside: zoo.build\(..., classes=3\)"),
        ({"lairs": [1], "head": "binary"}, "did you mean layers"),
    ],
)  # fmt: skip
def test_an_option_of_another_part_is_answered_by_where_it_works(said: dict[str, object], line: str) -> None:
    with pytest.raises(OptionError, match=line):
        zoo.build("resnet18", **said)


def test_an_option_of_a_part_of_a_complete_model_is_answered_too() -> None:
    line = (
        r'unet has no option .width.; .* its encoder resnet18: encoder=\{"name": "resnet18", "width": 0.5\}$'
    )
    with pytest.raises(OptionError, match=line):
        zoo.build("unet", encoder="resnet18", classes=2, width=0.5)
    # Inside of a model a backbone has no head whose option it could be
    with pytest.raises(OptionError, match="backbone resnet18 has no option 'pool': expected options among"):
        zoo.build("unet", encoder={"name": "resnet18", "pool": "avg"}, classes=2)


def test_what_a_recipe_says_is_mended_in_its_own_words() -> None:
    recipe = {"model": {"name": "vgg16", "head": "binary", "options": {"dropout": 0.3}}}
    with pytest.raises(
        OptionError, match=r'of the head: head = \{name = "binary", dropout = 0.3\} in \[model\]$'
    ):
        zoo.build(recipe)
