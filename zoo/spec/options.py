"""Options of a component: a pydantic class that is free of torch, and one-line errors for bad values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from zoo.spec.errors import OptionError, ZooError, listing, near, quote

M = TypeVar("M", bound=BaseModel)

_BRANCH = re.compile(r"str|int|float|bool|\w+\[.*\]|[a-z]+-[a-z-]+")
"""What pydantic adds to the path of a value that may be of several types."""


class Options(BaseModel):
    """Base of every component's options: frozen, and unknown names are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def validate(
    config: type[M], values: Mapping[str, Any], where: str, error: type[ZooError] = OptionError
) -> M:
    """The values as an instance of `config`.

    Args:
        config: pydantic class.
        values: by option name.
        where: whose options they are, for the message.
        error: what to raise.

    Raises:
        ZooError: of class `error`, one line on the first value that does not fit.
    """
    try:
        return config.model_validate(dict(values))
    except ValidationError as problem:
        raise one_line(problem, config, where, error) from None
    except RecursionError:
        raise error(
            f"{where}: nested too deeply", expected="a flat table", got=quote(type(values).__name__)
        ) from None


def one_line(
    problem: ValidationError, config: type[BaseModel], where: str, error: type[ZooError] = OptionError
) -> ZooError:
    """The first of pydantic's complaints as an error of ours."""
    errors = problem.errors(include_url=False)
    # Of a value that may be of several types, the type that it comes nearest to complains deepest inside.
    first = max((e for e in errors if e["loc"][:1] == errors[0]["loc"][:1]), key=lambda e: len(e["loc"]))
    path = ".".join(str(part) for part in first["loc"] if not _BRANCH.fullmatch(str(part)))
    known = sorted(config.model_fields)
    got = quote(first["input"])
    if first["type"] == "extra_forbidden":
        names = known if len(first["loc"]) == 1 else []
        return error(
            f"{where} has no option {quote(path)}",
            expected=f"options among {listing(names)}" if names else "a known option",
            got=path,
            hint=near(path, names) if names else None,
        )
    if first["type"] == "union_tag_invalid":
        tag, tags = str(first["ctx"]["tag"]), str(first["ctx"]["expected_tags"]).replace("'", "").split(", ")
        return error(f"{where}: bad {path}", expected=listing(tags), got=quote(tag), hint=near(tag, tags))
    if first["type"] == "union_tag_not_found":
        return error(f"{where}: bad {path}", expected="a name, or a table with a name", got=got)
    expected = first["msg"][:1].lower() + first["msg"][1:]
    expected = expected.removeprefix("input should be ").removeprefix("value error, ")
    if first["type"] == "missing":
        return error(f"{where} lacks {quote(path)}", expected="a value for it", got="none")
    return error(f"{where}: bad {path or 'options'}", expected=expected, got=got)
