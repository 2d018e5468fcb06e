"""Renewing a README that people write in too: zoo's section and front matter change, all else stays."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import yaml

from zoo.spec.disk.reading import read_text
from zoo.spec.errors import SaveError, listing, reason

BEGIN = "<!-- zoo: begin. This part is rewritten whenever the model is saved or pushed. -->"
END = "<!-- zoo: end. What stands outside of the two marks stays. -->"

OURS = (
    "library_name", "license", "license_name", "license_link", "pipeline_tag", "tags", "base_model",
    "model-index",
)  # fmt: skip
"""Keys of the front matter that are zoo's; the licence only where one is given."""

Front = tuple[tuple[str, str], ...]
"""Lines of a front matter as they were written, by their key at the left edge; comments have the key ""."""

# By the beginning of the marks alone: their words to people may be those of another version
_MARK = re.compile(r"^<!-- zoo: (begin|end)\b[^>\n]*-->[ \t]*$", re.MULTILINE)
_FENCE = re.compile(r"^ {0,3}(?:(`{3,})([^`\n]*)|(~{3,})(.*))$", re.MULTILINE)
_FRONT = re.compile(r"\A\s*---\n([\S\s]*?)\n---[ \t]*(?:\n|\Z)")  # as the Hub itself finds it
_BLANK = re.compile(r"\A(?:[ \t]*\n)+")
_COMMENTS = re.compile(r"(?:^|(?<=\n))#[^\n]*\n(?:[ \t]*\n|#[^\n]*\n)*\Z")


@dataclass(frozen=True, slots=True)
class Readme:
    """A README in its parts.

    Args:
        front: front matter.
        before: text before zoo's section.
        section: zoo's, with its marks; empty where there is none.
        after: text after it, or all text where there is no section.
    """

    front: Front
    before: str
    section: str
    after: str

    @property
    def handwritten(self) -> str:
        """The part of a README that people wrote."""
        return f"{_trimmed(self.before)}\n\n{_trimmed(self.after)}".strip("\n")

    @property
    def added(self) -> tuple[str, Front]:
        """All that people wrote: the text, and the keys of the front matter that are not zoo's."""
        return self.handwritten, tuple(piece for piece in self.front if piece[0] not in OURS)

    def __str__(self) -> str:
        front = f"---\n{_text(self.front)}---" if self.front else ""
        parts = (front, _trimmed(self.before), self.section, _trimmed(self.after))
        return "\n\n".join(part for part in parts if part) + "\n"


def read(file: Path, where: str) -> Readme | None:
    """The README in a file, in its parts; None where there is no file.

    Args:
        file: of the README.
        where: how messages call it.

    Raises:
        SaveError: it cannot be kept: it cannot be read, is no UTF-8, or its front matter is no YAML.
    """
    try:
        text = read_text(file)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        got, hint = error.strerror or str(error), "move it away, or make it a file that can be read"
    except ValueError as error:  # what it was written in cannot be told, and a guess would damage it
        got, hint = str(error), "write it in UTF-8, or move it away"
    else:
        return parse(text, where)
    raise SaveError(where, expected="a README that can be read and kept", got=got, hint=hint)


def parse(text: str, where: str) -> Readme:
    """Takes a README apart.

    Args:
        text: of the file.
        where: how messages call it.

    Raises:
        SaveError: the front matter is no YAML, or its keys cannot be kept by their lines.

    Example:
        >>> readme = parse("---\\nlanguage: [en, no]  # both\\n---\\nMine.", "README.md")
        >>> readme.front, readme.after
        ((('language', 'language: [en, no]  # both\\n'),), 'Mine.')
    """
    text = text.replace("\r\n", "\n").removeprefix("\ufeff")  # as Windows writes it
    found = _FRONT.match(text)
    front = _pieces(f"{found[1]}\n", where) if found else ()
    body = text[found.end() :] if found else text
    place = _section(body)
    if place is None:
        return Readme(front, "", "", body)
    begin, end = place
    return Readme(front, body[:begin], body[begin:end], body[end:])


def renewed(card: str, there: Readme | None) -> str:
    """The card, with what people added to the README that is there.

    Raises:
        SaveError: the front matter that is there cannot be kept beside the card's.

    Example:
        >>> there = parse("---\\nlanguage: no  # Norwegian\\ntags: [old]\\n---\\nMine.", "README.md")
        >>> new = f"---\\ntags: [zoo]\\n---\\n\\n{BEGIN}\\nNew.\\n{END}\\n"
        >>> print(renewed(new, there).replace(BEGIN, "<begin>").replace(END, "<end>"))
        ---
        tags: [zoo]
        language: no  # Norwegian
        ---
        <BLANKLINE>
        <begin>
        New.
        <end>
        <BLANKLINE>
        Mine.
        <BLANKLINE>
    """
    new = parse(card, "model card")
    if there is None:
        return str(new)
    claimed = {key for key, _ in new.front}
    written = {key for key in OURS if "license" in claimed or not key.startswith("license")}
    kept = tuple(piece for piece in there.front if piece[0] not in written)
    made = Readme(_over(new.front, kept), there.before, new.section, there.after)
    # What two READMEs have named, as anchors of YAML are, may be one name now
    if _text(parse(str(made), "README.md").front) != _text(made.front):
        raise _unkept("README.md", "an end of its front matter in the midst of it")
    return str(made)


def joined(mine: Readme | None, there: Readme | None) -> tuple[Readme | None, bool]:
    """Words of people in two READMEs, of which one goes to the place of the other.

    Args:
        mine: the one that goes there.
        there: the one of the place; where people wrote in both, its text stays.

    Returns:
        A README with what stays, and whether `mine` has another text, which is left out.
    """
    if mine is None or not mine.handwritten:
        return there, False
    if there is None or not there.handwritten:
        return replace(mine, front=_over(mine.front, there.front if there else ())), False
    return there, mine.handwritten != there.handwritten


def _over(front: Front, there: Front) -> Front:
    """Pieces of two front matters; where both have a key, the second one's."""
    keys = {key for key, _ in there if key}
    return (*(piece for piece in front if piece[0] not in keys and piece not in there), *there)


def _text(front: Front) -> str:
    return "".join(lines for _, lines in front)


def _trimmed(text: str) -> str:
    """A text without blank lines around it; the blanks that its first line begins with may make it code."""
    return _BLANK.sub("", text).rstrip()


def _section(body: str) -> tuple[int, int] | None:
    """Where zoo's section begins and ends: at two marks that are lines, and no example in a block of code."""
    fence, at = "", 0
    for begin, end in pairwise(_MARK.finditer(body)):
        if (begin[1], end[1]) != ("begin", "end"):
            continue
        fence, at = _open_fence(body[at : begin.start()], fence), begin.start()
        if not fence:
            return begin.start(), end.end()
    return None


def _open_fence(text: str, fence: str) -> str:
    """The fence of code that is open behind a text, whose beginning is in one already if any is given."""
    for line in _FENCE.finditer(text):
        marks, words = (line[1], line[2]) if line[1] else (line[3], line[4])
        if not fence:
            fence = marks
        elif marks.startswith(fence) and not words.strip():
            fence = ""
    return fence


def _pieces(front: str, where: str) -> Front:
    """A front matter cut at its keys, so that who keeps a key keeps it as it was written."""
    try:
        values = yaml.safe_load(front)
        root = yaml.compose(front, Loader=yaml.SafeLoader)
    except Exception as error:  # whatever the reader of YAML says
        raise _no_yaml(where, reason(error)) from None
    if values is None:
        return (("", front),)
    if not isinstance(values, dict):
        raise _no_yaml(where, "no keys")
    keys = [key for key, _ in root.value]
    if root.flow_style or any(key.start_mark.column or not isinstance(key.value, str) for key in keys):
        raise _unkept(where, "braces, or keys that are indented")
    pieces = tuple(_cut(front, [(key.value, key.start_mark.index) for key in keys]))
    _check_alone(pieces, values, where)
    return pieces


def _cut(front: str, keys: list[tuple[str, int]]) -> Iterator[tuple[str, str]]:
    """The pieces of a front matter, whose keys begin at these places; comments at the left edge are apart."""
    places = [("", 0), *keys, ("", len(front))]
    for (key, begin), (_, end) in pairwise(places):
        lines = front[begin:end]
        comments = _COMMENTS.search(lines) if key else None
        at = comments.start() if comments else len(lines)
        yield from ((name, text) for name, text in ((key, lines[:at]), ("", lines[at:])) if text)


def _check_alone(pieces: Front, values: dict[object, object], where: str) -> None:
    """Raises SaveError where other keys mean something else without zoo's, as an alias of YAML does."""

    def meaning(found: dict[object, object]) -> str:
        others = {key: value for key, value in found.items() if key not in OURS}
        return str(yaml.safe_dump(others, sort_keys=False))

    try:
        alone = yaml.safe_load(_text(tuple(piece for piece in pieces if piece[0] not in OURS))) or {}
        same = meaning(alone) == meaning(values)
    except Exception:  # whatever the reader of YAML says
        same = False
    if not same:
        needed = listing(key for key, _ in pieces if key in OURS)
        raise _unkept(where, f"some that need {needed}, which are written anew")


def _no_yaml(where: str, got: str) -> SaveError:
    return SaveError(where, expected="YAML between the lines of ---", got=got, hint="mend it first")


def _unkept(where: str, got: str) -> SaveError:
    expected = "front matter whose keys stand at the left edge, each by itself"
    return SaveError(where, expected=expected, got=got, hint="mend it first")
