"""Answers to lines that are not taken, or not as they are typed."""

from __future__ import annotations

import shlex

import pytest

from .conftest import Zoo


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("fit --data ./a --data ./b", """several sources are a list: --data '["./a", "./b"]'"""),
        ("fit --model vgg16 --model=resnet18", "--model: expected one value, got 'vgg16' and 'resnet18'"),
        ("fit --classes cat --classes dog", "say --classes cat,dog"),
        ("evaluate run ./a --split val --split train", "--split: expected one value"),
        ("data ./a ./b", """several sources are a list: '["./a", "./b"]'"""),
        ("fit --model vgg16 --data ./a --set trainer.lr=1 --set trainer.lr=2", "expected one of them"),
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
