"""Answers to lines that are not taken, or not as they are typed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from zoo.cli._flags import Flag, combined
from zoo.cli._recipe import typed_data
from zoo.runtime.data_arguments import as_dataset
from zoo.spec.arguments import misplaced
from zoo.spec.errors import DataError, OptionError, RecipeError
from zoo.spec.options import Options, validate
from zoo.spec.recipe import Recipe

from .conftest import Zoo


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("fit --data ./a --data ./b", """several sources are a list: --data '["./a", "./b"]'"""),
        ("fit --model vgg16 --model=resnet18", "--model: expected one value, got 'vgg16' and 'resnet18'"),
        ("fit --classes cat --classes dog", "say --classes cat,dog"),
        ("evaluate run ./a --split val --split train", "--split: expected one value"),
        ("data ./a ./b", """several sources are a list: '["./a", "./b"]'"""),
        ("data ./a ./b ./c ./d", """'["./a", "./b", "./c", ...]'"""),
        ("data s-000.tar s-001.tar", "shards are one word, numbers in braces"),
        ("fit --model vgg16 --data ./a --set trainer.lr=1 --set trainer.lr=2", "expected one of them"),
        ("data ./a --set target=x --set data.target=y", "expected one of them, got two values"),
        ("evaluate run ./a --set target=x --set target=y", "expected one of them, got two values"),
        (
            "augment ./a --augment flip --out b --set p=1 --set flip.p=0",
            "expected one of them, got two values",
        ),
    ],
)
def test_a_second_value_of_what_takes_one_is_not_left_aside(zoo: Zoo, line: str, says: str) -> None:
    status, _, said = zoo(*shlex.split(line))
    assert (status, said.count("\n")) == (2, 1)
    assert says in said


def test_what_takes_several_values_is_given_them_and_an_unknown_option_keeps_its_answer(zoo: Zoo) -> None:
    _, _, said = zoo(
        *shlex.split("fit --model no_such --augment flip --augment noise --quiet --quiet --data ./a")
    )
    assert "expected one" not in said
    assert "no such option" in zoo(*shlex.split("data ./a --bogus 3"))[2]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("evaluate run --data a.csv --split all", "zoo evaluate run --split all a.csv"),
        ("evaluate run --data=a.csv", "zoo evaluate run a.csv"),
        ("data --data", "zoo data DATA"),
    ],
)
def test_data_that_stand_without_a_flag_are_answered_with_the_line(zoo: Zoo, line: str, says: str) -> None:
    status, _, said = zoo(*shlex.split(line))
    assert (status, said.count("\n")) == (2, 1)
    assert f"data stand without --data: {says}" in said


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("data t.csv --set classes=a", "zoo fit: leave it out here"),
        ("data t.csv --set value_range=3", "--set model.value_range=3"),
        ("fit --model tiny_resnet --data t.csv --set data.classes=3", "it belongs beside: --classes 3"),
        ("fit --model tiny_resnet --data t.csv --set target=kind", "say --set data.target=kind"),
    ],
)
def test_an_option_in_the_wrong_place_is_answered_with_what_the_command_has(
    zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text("file,kind\na.png,cat\n")
    status, _, said = zoo(*shlex.split(line))
    assert (status, said.count("\n")) == (2, 1)
    assert says in said


def test_a_recipe_with_an_option_of_data_in_no_section_names_the_section() -> None:
    with pytest.raises(RecipeError, match=r'say data = \{path = \.\.\., target = "kind"\}'):
        Recipe.from_dict({"model": {"name": "vgg16"}, "target": "kind"})


CHAIN = {"model": {"name": "vgg16"}}
FLAG = Flag("augment", ("augment",), ["flip", "noise"])


def test_one_augmenter_of_a_chain_is_set_by_its_name() -> None:
    made = combined(CHAIN, [FLAG], ["noise.std=0.1", "flip.p=0.2"])["augment"]
    assert made == [{"name": "flip", "p": 0.2}, {"name": "noise", "std": 0.1}]
    alone = combined(CHAIN, [Flag("augment", ("augment",), "noise")], ["noise.std=0.1"])
    assert alone["augment"] == {"name": "noise", "std": 0.1}


@pytest.mark.parametrize(
    ("names", "typed", "says"),
    [
        (["flip", "noise"], "augment.p=0.5", "--set flip.p=0.5 or --set noise.p=0.5"),
        (["flip", "noise"], "augment.noise.std=0.1", "got flip, noise; --set noise.std=0.1"),
        (["flip", "noise"], "augment.std=0.1", "got flip, noise; --set noise.std=0.1"),
        (["flip", "noise"], "augment.strength=2", "none of them has it: zoo show flip"),
        (["flip", "flip"], "flip.p=0.5", "expected one augmenter of the name, got flip 2 times"),
    ],
)
def test_an_option_of_several_augmenters_is_asked_whose_it_is(
    names: list[str], typed: str, says: str
) -> None:
    with pytest.raises(RecipeError, match=re.escape(says)):
        combined(CHAIN, [Flag("augment", ("augment",), names)], [typed])


@pytest.mark.parametrize(
    ("name", "value", "python", "shell"),
    [
        (
            "class_weight",
            "balanced",
            '{"name": ..., "class_weights": "balanced"}',
            "loss.class_weights=balanced",
        ),
        ("label_smoothing", 0.1, '"label_smoothing": 0.1', "--set loss.label_smoothing=0.1"),
        ("tta", "flip", "zoo.evaluate and zoo.predict", "zoo evaluate has it: --tta flip"),
        ("validation_split", 0.2, "a column (split='...')", "a column (--set data.split=...)"),
    ],
)
def test_words_of_other_libraries_are_answered_with_zoos_in_python_and_a_shell(
    zoo: Zoo, name: str, value: object, python: str, shell: str
) -> None:
    assert python in str(misplaced(name, value, ["epochs"]))
    said = zoo("fit", "--model", "vgg16", "--data", "d", f"--{name.replace('_', '-')}", value)[2]
    assert shell in said


def test_data_as_a_table_are_answered_with_their_list_and_weights_by_name_with_theirs() -> None:
    with pytest.raises(RecipeError, match=re.escape("""say '["./a", "./b"]'""")):
        typed_data('{sources = ["./a", "./b"]}')
    with pytest.raises(OptionError, match=r"bad weights: expected a list.*in order.*: \[1, 2\]"):
        validate(Weighted, {"weights": {"cat": 1, "dog": 2}}, "loss")


class Weighted(Options):
    """Options with a list."""

    weights: tuple[float, ...] = ()


def test_columns_in_one_word_are_answered_with_the_list(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("file,red,blue\na.png,0,1\nb.png,1,0\n")
    with pytest.raises(DataError, match=r"say target=\['red', 'blue'\]"):
        as_dataset({"path": str(tmp_path / "t.csv"), "target": "red,blue"})
