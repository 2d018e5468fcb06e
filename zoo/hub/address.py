"""Addresses of `push` and `pull`: the Hub's plain `owner/name`, `hf://owner/name`, or a folder."""

from __future__ import annotations

import os
import re

from zoo.registry.references import path_or_place
from zoo.spec.errors import BadReferenceError, quote
from zoo.spec.reference import HubRef, PathLike, PathRef, parse_reference

EXPECTED = '"owner/name", "hf://owner/name@revision" or "file:folder"'

# No leading dot: `./cats` and `../cats` are folders
_PLAIN = re.compile(r"[\w\-][\w.\-]*/[\w.\-]+(?:@[\w.\-/]+)?")


def parse_place(value: PathLike, revision: str | None = None) -> HubRef | PathRef:
    """Reads what `push` and `pull` take.

    Args:
        value: `owner/name` with or without `hf://` before and `@revision` behind, `file:folder`, a folder
            that is there by its bare name, or a path that cannot be taken for the Hub's: with a leading `.`,
            `/` or `~`, or a path object.
        revision: the same as behind `@`.

    Raises:
        BadReferenceError: it is something else, or names two revisions.

    Example:
        >>> parse_place("me/cats@v1")
        HubRef(repo='me/cats', revision='v1')
        >>> parse_place("file:me/cats"), parse_place("./cats")
        (PathRef(path='me/cats'), PathRef(path='./cats'))
    """
    if isinstance(value, os.PathLike):
        found: object = PathRef(os.fspath(value))
    elif not isinstance(value, str):
        raise BadReferenceError("where to", expected=EXPECTED, got=quote(value))
    else:
        text = value.strip()
        found = path_or_place(f"hf://{text}" if _PLAIN.fullmatch(text) else text)
        found = parse_reference(found)
    if not isinstance(found, HubRef | PathRef):
        raise BadReferenceError(
            "where to",
            expected=EXPECTED,
            got=quote(value),
            hint=f'for the folder of that name say "file:{value}"',
        )
    if revision is None:
        return found
    if isinstance(found, PathRef):
        raise BadReferenceError(f"folder {found.path}", expected="no revision", got=quote(revision))
    if found.revision not in (None, revision):
        raise BadReferenceError(str(found), expected="one revision", got=f"{quote(revision)} beside it")
    return HubRef(found.repo, revision)
