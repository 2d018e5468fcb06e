"""Tables in lines to paste are TOML."""

from __future__ import annotations

import shlex
import tomllib

from zoo.spec.hints.spoken import Spoken, data_option, speaking


def test_names_with_spaces_are_keys_in_quotes() -> None:
    table = {"background": "#000000", "class 1": "#804080", 'a"b': "#ffffff", "é": "#00ff00"}
    with speaking(Spoken(way="shell", data="")):
        _, line = shlex.split(data_option("colors", table))
    assert tomllib.loads(line) == {"colors": table}
