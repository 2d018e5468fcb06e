"""Bounded reading: what is no file, too large, too deep or no number is one line and nothing is taken in."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from zoo.spec.disk import reading
from zoo.spec.disk.reading import (
    bounded,
    check_regular,
    parse_json,
    read_bytes,
    read_json,
    read_text,
    read_toml,
)  # fmt: skip


def test_what_is_no_file_is_named_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as own:
        own.bind(str(tmp_path / "s"))
        for name, kind in (("pipe", "a pipe"), ("zero", "a device"), ("s", "a socket"), (".", "a folder")):
            for read in (check_regular, read_bytes):
                with pytest.raises(OSError, match=f"{kind} and no file"):
                    read(tmp_path / name)


def test_a_pipe_that_takes_the_place_of_a_file_is_not_waited_for(tmp_path: Path, monkeypatch: Any) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(reading, "check_regular", lambda path: 0)
    with pytest.raises(OSError, match="a pipe and no file"):
        read_bytes(tmp_path / "pipe")


def test_a_file_is_read_up_to_its_ceiling(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 10)
    assert read_bytes(tmp_path / "a", most=10) == b"x" * 10
    with pytest.raises(OSError, match="10 bytes, more than 9"):
        read_bytes(tmp_path / "a", most=9)


def test_a_file_that_grows_while_it_is_read_has_the_same_ceiling(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "a").write_bytes(b"x" * 10)
    monkeypatch.setattr(reading, "_size", lambda found, path: 0)
    with pytest.raises(OSError, match="10 bytes, more than 9"):
        read_bytes(tmp_path / "a", most=9)


def test_text_is_utf_8_with_or_without_a_mark(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes("\ufeffé".encode())
    assert read_text(tmp_path / "a") == "é"
    (tmp_path / "a").write_bytes(b"abc\xe9")
    with pytest.raises(ValueError, match="no UTF-8 at byte 3"):
        read_text(tmp_path / "a")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 100_000, "nested deeper than 64"),
        ("[" * 65 + "]" * 65, "nested deeper than 64"),
        ('{"a":' * 65 + "1" + "}" * 65, "nested deeper than 64"),
        ("1e999", "no finite number: 1e999"),
        ("NaN", "no number: NaN"),
        ("-Infinity", "no number: -Infinity"),
        ("9" * 400, f"a number too large: {'9' * 20}..."),
        (str(2**64), "a whole number of 65 bits"),
        ("[1,", "no JSON from line 1 column 4 on"),
        ('{"a": 1,\n "b" 2}', "no JSON from line 2 column 6 on"),
        (" \n", "nothing"),
    ],
)
def test_json_of_no_shape_that_zoo_writes_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_json(text)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 100


def test_json_and_toml_within_bounds_are_read(tmp_path: Path) -> None:
    data = {"a": [1, 2.5, None, True, "x"], "b": {"c": -(2**64) + 1}, "seed": 2**64 - 1}
    (tmp_path / "a.json").write_text(json.dumps(data))
    assert read_json(tmp_path / "a.json") == data
    assert parse_json("[" * 63 + "]" * 63) is not None
    (tmp_path / "a.toml").write_text("a = [1, 2.5]\n[b]\nc = 'x'\n")
    assert read_toml(tmp_path / "a.toml") == {"a": [1, 2.5], "b": {"c": "x"}}


@pytest.mark.parametrize(
    "text", ["a = nan", "a = inf", f"a = {2**65}", f"a = {'[' * 70}{']' * 70}", "a = " + "[" * 9999, "a ="]
)
def test_toml_of_no_shape_that_zoo_reads_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(ValueError):
        read_toml(tmp_path / "a.toml")


def test_very_many_values_are_refused(monkeypatch: Any) -> None:
    monkeypatch.setattr(reading, "MOST_VALUES", 5)
    assert bounded([[1, 2], [3]]) == [[1, 2], [3]]
    with pytest.raises(ValueError, match="more than 5 values"):
        bounded([[1, 2], [3, 4]])
