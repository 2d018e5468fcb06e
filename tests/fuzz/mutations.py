"""Mutations of valid files: of bytes, which mostly break the form, and of values, which reach the schema."""

from __future__ import annotations

import copy
import json
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Draw = random.Random

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 3.5, -0.0, 2**31, 2**32, 2**53, 2**63 - 1, 2**63, 2**64 - 1,
    -(2**63), 2**64, 10**30, 1e308, 1e-308, 5e-324, 4096, 65536, 16777217, "", " ", "0", "None", "nan",
    "a" * 300, "\x1b[31mred", "a\nb", "a\r\nb", "\u202ereversed", "\x00", "é", "e\u0301", "\udce9",
    "<script>alert(1)</script>", "![x](y)", "`a` | b", "../../etc/passwd", "/dev/zero",
    "file:///dev/zero", "hf://a/b", "C:\\con", "con", "a:b@c", "block1-9", "block1-999999999999", "all",
    "none", "__class__", "{0.__class__}", "%s%s%s", "$(id)", [], {}, [[]], [{}], {"": {}}, [None], ["a",
    1], {"a": None}, {"name": "mlp"}, {"name": {"name": {"name": 1}}}, [1, 2], [0, 0], [3, 4, 5], [-1,
    5], [10**9, 10**9], list(range(300)), [0.5] * 3, {"channels": -1}, {str(i): i for i in range(50)},
)  # fmt: skip
"""Values that a schema may not have thought of."""

NO_TREE = 0.01
"""The part of the changed trees that are another value altogether."""


def deep(levels: int) -> Any:
    """Lists within lists."""
    found: Any = []
    for _ in range(levels):
        found = [found]
    return found


def paths(tree: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where each value of a tree stands, its own root left out."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield (*here, key)
        yield from paths(value, (*here, key))


def changed_value(tree: Any, draw: Draw) -> Any:
    """A copy of a tree in which one value or key, sometimes several, is another one.

    Half of the changes are made near the root, where a large tree has few of its values.
    """
    if draw.random() < NO_TREE:
        return copy.deepcopy(draw.choice(ODD))
    tree = copy.deepcopy(tree)
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        deepest = draw.choice((1, 3, 99, 99))
        places = [place for place in paths(tree) if len(place) <= deepest]
        if not places:
            return draw.choice(ODD)
        *before, last = draw.choice(places)
        at = tree
        for key in before:
            at = at[key]
        draw.choice(CHANGES)(at, last, draw, tree)
    return tree


def _odd(at: Any, key: Any, draw: Draw, tree: Any) -> None:
    at[key] = copy.deepcopy(draw.choice(ODD))


def _gone(at: Any, key: Any, draw: Draw, tree: Any) -> None:
    del at[key]


def _renamed(at: Any, key: Any, draw: Draw, tree: Any) -> None:
    value = at[key]
    if isinstance(at, dict):
        del at[key]
        at[draw.choice((f"{key}x", str(key)[:-1], str(key).upper(), "", "\x1b[0m", "name", "format"))] = value


def _wrapped(at: Any, key: Any, draw: Draw, tree: Any) -> None:
    value = at[key]
    at[key] = draw.choice(([value], {"name": value}, {str(key): value}, [value, value], str(value)))


def _elsewhere(at: Any, key: Any, draw: Draw, tree: Any) -> None:
    """A value from another place of the same tree."""
    value = tree
    for step in draw.choice(list(paths(tree))):
        value = value[step]
    at[key] = copy.deepcopy(value)


def _near(at: Any, key: Any, draw: Draw, tree: Any) -> None:
    """Almost the same value: other by one, by a sign, by a letter."""
    value = at[key]
    if isinstance(value, bool) or value is None:
        at[key] = not value
    elif isinstance(value, int):
        at[key] = draw.choice(
            (value + 1, value - 1, -value, value * 1000, value * 10**9, float(value), str(value))
        )
    elif isinstance(value, float):
        at[key] = draw.choice((-value, value * 1e300, value // 1, str(value)))
    elif isinstance(value, str):
        cut = draw.randrange(len(value) + 1)
        odd = draw.choice(("", "\x07", " ", ".", "/", ":", "-", "é", value))
        at[key] = value[:cut] + odd + value[cut + draw.randrange(2) :]
    elif isinstance(value, list):
        draw.shuffle(value)
        value.extend(draw.choice(([], value[:1], [None], value[:5] * 50)))
    elif isinstance(value, dict):
        value[draw.choice(("name", "extra", "", "\u202e"))] = draw.choice((None, 1, "x"))


def _nested(at: Any, key: Any, draw: Draw, tree: Any) -> None:
    at[key] = deep(draw.choice((3, 63, 64, 65, 90)))


CHANGES: tuple[Callable[[Any, Any, Draw, Any], None], ...] = (
    _odd, _odd, _odd, _near, _near, _gone, _renamed, _wrapped, _elsewhere, _nested,
)  # fmt: skip


def changed_bytes(content: bytes, draw: Draw) -> bytes:
    """A file with flipped, lost, doubled or foreign bytes."""
    for _ in range(draw.choice((1, 1, 2, 5))):
        at, size = draw.randrange(len(content) + 1), draw.choice((1, 1, 4, 30))
        before, part, after = content[:at], content[at : at + size], content[at + size :]
        content = draw.choice((
            before,
            before + draw.randbytes(size) + after,
            before + after,
            before + part * draw.choice((2, 50)) + after,
            before + draw.choice(TOKENS) + part + after,
            part + after + before,
        ))  # fmt: skip
    return content


TOKENS = (
    b"[" * 100, b"{", b"}", b'"', b"\\u0000", b"\\ud800", b"\xff\xfe", b"\xef\xbb\xbf", b"NaN", b"-Infinity",
    b"1e999", b"9" * 400, b"null", b"\n\n---\n", b"&a [*a]", b"!!python/object:os.system {}", b"\x00", b"=",
    b"[[a]]\n", b"# ",
)  # fmt: skip


def json_bytes(tree: Any) -> bytes:
    """A tree as JSON, whatever is in it."""
    return json.dumps(tree, ensure_ascii=True).encode()


def odd_file(path: Path, seed: bytes, draw: Draw) -> None:
    """Something else in the place of a file: none, a folder, a pipe, a device, or far too much of it."""
    draw.choice((
        lambda: None,
        path.mkdir,
        lambda: os.mkfifo(path),
        lambda: path.symlink_to("/dev/zero"),
        lambda: path.symlink_to(path.name),
        lambda: path.symlink_to(path.parent),
        lambda: path.write_bytes(seed + b" " * (17 << 20)),
        lambda: path.write_bytes(b"[" + b"0," * (1 << 20) + b"0]"),
        lambda: path.write_bytes(b"a = [" + b"inf," * 3 + b"]"),
        lambda: path.write_bytes(b""),
    ))()  # fmt: skip


def cleared(path: Path) -> None:
    """Removes whatever lies at a path."""
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)
