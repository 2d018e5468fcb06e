"""Complaints of pydantic about options, each as one line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from zoo.spec.arguments import chosen, misplaced
from zoo.spec.errors import OptionError, ZooError, did_you_mean, listing, near, quote
from zoo.spec.names import closest

_BRANCH = re.compile(r"str|int|float|bool|\w+\[.*\]|[a-z]+-[a-z-]+")
"""What pydantic adds to the path of a value that may be of several types."""

_QUOTED = re.compile(r"'([^']+)'")


def complaint(
    problem: ValidationError, config: type[BaseModel], where: str, error: type[ZooError] = OptionError
) -> ZooError:
    """The first of pydantic's complaints as an error of ours."""
    errors = problem.errors(include_url=False)
    # Of a value that may be of several types, the type that it comes nearest to complains deepest inside.
    first = max((e for e in errors if e["loc"][:1] == errors[0]["loc"][:1]), key=lambda e: len(e["loc"]))
    path = ".".join(str(part) for part in first["loc"] if not _BRANCH.fullmatch(str(part)))
    got = quote(first["input"])
    if first["type"] == "extra_forbidden":
        names = sorted(_known_at(config, first["loc"][:-1]))
        name = str(first["loc"][-1])
        close = closest(name, names)
        return error(
            f"{where} has no option {quote(path)}",
            expected=f"options among {listing(names)}" if names else "a known option",
            got=path,
            hint=misplaced(name, first["input"], names) or (did_you_mean(name, close) if close else None),
        )
    if first["type"] == "union_tag_invalid":
        # pydantic gives all tags in one text, each in quotes
        tag, tags = str(first["ctx"]["tag"]), str(first["ctx"]["expected_tags"]).replace("'", "").split(", ")
        return error(f"{where}: bad {path}", expected=listing(tags, 16), got=quote(tag), hint=near(tag, tags))
    if first["type"] == "union_tag_not_found":
        return error(f"{where}: bad {path}", expected="a name, or a table with a name", got=got)
    # pydantic's sentence, as the second half of a line of ours
    expected = first["msg"][:1].lower() + first["msg"][1:]
    expected = expected.removeprefix("input should be ").removeprefix("value error, ")
    if first["type"] == "missing":
        return error(f"{where} lacks {quote(path)}", expected="a value for it", got="none")
    hint = None
    if first["type"] == "tuple_type":
        expected = _list_like(config.model_fields.get(path))
        if isinstance(first["input"], Mapping):
            alone = ", ".join(map(quote, first["input"].values()))
            hint = (
                f"say the values alone, one for each in order, of classes as zoo data lists them: [{alone}]"
            )
    # A word for what is else a list is one of the words that may stand there
    words = first if first["type"] == "literal_error" else None
    if words is None and isinstance(first["input"], str):
        words = next(
            (e for e in errors if e["type"] == "literal_error" and e["input"] == first["input"]), None
        )
    if words is not None:
        # pydantic gives all choices in one text, each in quotes
        hint = chosen(first["input"], _QUOTED.findall(str(words["ctx"]["expected"])))
        expected = expected if words is first else f"{words['ctx']['expected']} or {expected}"
    return error(f"{where}: bad {path or 'options'}", expected=expected, got=got, hint=hint)


def _list_like(field: Any) -> str:
    """What is expected where a list is, with the default as an example."""
    usual = getattr(field, "default", None)
    return f"a list, such as {quote([*usual])}" if isinstance(usual, tuple) and usual else "a list"


def _known_at(config: type[BaseModel], path: Sequence[Any]) -> Iterable[str]:
    """Options of the table at a path in pydantic's words, in which a table's name stands for its class."""
    found = [config]
    for step in path:
        fields = [kind.model_fields[step].annotation for kind in found if step in kind.model_fields]
        if fields:
            found = [kind for field in fields for kind in _tables(field)]
        else:
            # A discriminated union is called by its tag in the path, any other by the name of its class
            tagged = [kind for kind in found if step in get_args(_annotation(kind, "name"))]
            found = tagged or [kind for kind in found if kind.__name__ == step]
    return found[0].model_fields if len(found) == 1 else []


def _annotation(config: type[BaseModel], name: str) -> Any:
    field = config.model_fields.get(name)
    return field.annotation if field is not None else None


def _tables(annotation: Any) -> Iterator[type[BaseModel]]:
    """The options classes that a value may be of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _tables(inner)
