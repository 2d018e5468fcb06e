"""Options that do nothing where they were said: the answer is typed as the user types."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .conftest import Zoo

IDLE = """
data = {name = "faces", per_class = 4}

[model]
name = "vgg16"
head = "binary"
input_size = 32
"""
FIT = "fit --model vgg16 --data faces"
HEAD = "leave it out, or say it of the head: "


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("build vgg16 --head binary --set options.dropout=0.3", f"{HEAD}--set head.dropout=0.3"),
        ("build vgg16 --set options.pool=mean", "a head by name: --head NAME --set head.pool=avg"),
        ("build vgg16 --head binary --set options.pool=max", "of its head binary: --set head.pool=max"),
        ("build vgg16 --head binary --set options.epochs=3", "trainer: zoo fit ... --set trainer.epochs=3"),
        ("build vgg16 --head binary --set head.width=0.5", "an option of vgg16: --set options.width=0.5"),
        ("build vgg16 --head binary --set head.classes=5", "it belongs beside: --classes 5"),
        ("build vgg16 --pool max", "--pool is an option of a head by name: --head NAME --set head.pool=max"),
        (f"{FIT} --head binary --dropout 0.5", "--dropout is an option of the head: --set head.dropout=0.5"),
        (f"{FIT} --dropout 0.5", "option of the model: --head original --set options.dropout=0.5"),
        (f"{FIT} --head original --dropout 0.5", "an option of the model: --set options.dropout=0.5"),
        (f"{FIT} --head binary --set dropout=0.5", "got dropout; say --set head.dropout=0.5"),
        (f"{FIT} --set dropout=0.5", "; say --head original --set options.dropout=0.5"),
    ],
)  # fmt: skip
def test_an_option_that_would_do_nothing_is_answered_by_words_that_work(
    zoo: Zoo, line: str, said: str
) -> None:
    status, _, err = zoo(*line.split())
    assert (status, err.count("\n")) == (2, 1)
    assert re.sub(r"; zoo \w+ --help says more$", "", err.strip()).endswith(said)


@pytest.mark.parametrize("command", ["build", "fit"])
def test_what_a_recipe_says_idly_is_mended_there_and_what_is_typed_counts_with_its_default(
    zoo: Zoo, tmp_path: Path, command: str
) -> None:
    file = tmp_path / "recipe.toml"
    file.write_text(f"{IDLE}[model.options]\ndropout = 0.3\n")
    status, _, err = zoo(command, file)
    line = f'{HEAD}head = {{name = "binary", dropout = 0.3}} in [model]'
    assert (status, err.rstrip().endswith(line)) == (2, True)
    # A default that a file has asks for nothing, one that was typed just now does
    file.write_text(f"{IDLE}[model.options]\ndropout = 0.5\n")
    assert zoo("build", file)[0] == 0
    status, _, err = zoo(command, file, "--set", "options.dropout=0.5")
    assert (status, err.rstrip().endswith(f"{HEAD}--set head.dropout=0.5")) == (2, True)
