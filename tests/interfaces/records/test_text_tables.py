"""Text tables: quotes, long numbers and ends of lines within cells."""

import json
from pathlib import Path

import pytest

from zoo.data.streams.samples import _text
from zoo.interfaces.records.text_tables import TextTable, typed
from zoo.spec.errors import DataError


def cells(home: Path, text: str, name: str = "t.csv") -> dict[str, list[object]]:
    (home / name).write_text(text, encoding="utf-8", newline="")
    return dict(TextTable.read(TextTable.__new__(TextTable), home / name))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('file,y,note\n0.png,a,ok\n1.png,b,"big\n2.png,a,ok\n', "a quote that nothing closes.* line 3"),
        ('file,y\n"a\nb",c\n\n1.png,"b\n2.png,"a"\n', "text behind a closing quote.* line 5"),
        ('file\ty\n0.png\t"Hello" dog\n', "text behind a closing quote.* line 2"),
    ],
)
def test_a_quote_that_swallows_rows_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        cells(tmp_path, text)


def test_quotes_are_read_as_people_write_them(tmp_path: Path) -> None:
    text = '"file" , "y"\r\n"a ""b"" ,c" , " "\r\n5" nail,"two\nlines" '
    assert cells(tmp_path, text) == {"file": ['a "b" ,c', '5" nail'], "y": [None, "two\nlines"]}
    assert cells(tmp_path, 'a\tb\tc\n"x"\t\t"y"\n') == {"a": ["x"], "b": [None], "c": ["y"]}


def test_digits_by_the_thousand_are_a_name() -> None:
    long = "9" * 5000
    assert typed([long, "1"]) == [long, "1"]
    assert typed([long, "1.5"]) == [long, "1.5"]
    assert typed(["9" * 600]) == [int("9" * 600)]


def test_classes_of_a_stream_are_numbers_as_those_of_shards_are() -> None:
    long = b"9" * 5000
    assert [_text(raw, "data") for raw in (b"1", b"0", b"01", "\u0663".encode(), long)] == [
        1,
        0,
        "01",
        "\u0663",
        long.decode(),
    ]


def test_texts_in_json_lines_keep_their_ends_of_lines(tmp_path: Path) -> None:
    rows = [{"file": "0.png", "y": "a\u2028x"}, {"file": "1.png", "y": "b\u0085"}]
    text = "\r\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    assert cells(tmp_path, text, "t.jsonl") == {"file": ["0.png", "1.png"], "y": ["a\u2028x", "b\u0085"]}
