"""Renewing a README that people write in too: zoo's section and front matter change, all else stays."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from zoo.spec.errors import FormatError, reason
from zoo.weights.client import quiet

BEGIN = "<!-- zoo: begin. This part is rewritten whenever the model is saved or pushed. -->"
END = "<!-- zoo: end. What stands outside of the two marks stays. -->"

OURS = (
    "library_name", "license", "license_name", "license_link", "pipeline_tag", "tags", "base_model",
    "model-index",
)  # fmt: skip
"""Keys of the front matter that are zoo's; the licence only where one is given."""

# By the beginning of the marks alone: their words to people may be those of another version
_SECTION = re.compile(r"<!-- zoo: begin\b[^>]*-->.*?<!-- zoo: end\b[^>]*-->", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Readme:
    """A README in its parts.

    Args:
        front: front matter.
        before: text before zoo's section.
        section: zoo's, with its marks; empty where there is none.
        after: text after it, or all text where there is no section.
    """

    front: dict[str, Any]
    before: str
    section: str
    after: str

    @property
    def handwritten(self) -> str:
        """The part of a README that people wrote."""
        return f"{self.before.strip()}\n\n{self.after.strip()}".strip()

    def __str__(self) -> str:
        from huggingface_hub import CardData

        body = "\n\n".join(part for part in (self.before.strip(), self.section, self.after.strip()) if part)
        return f"---\n{CardData(**self.front).to_yaml()}\n---\n\n{body}\n"


def parse(text: str, where: str) -> Readme:
    """Takes a README apart.

    Args:
        text: of the file.
        where: how messages call it.

    Raises:
        FormatError: the front matter is no YAML.
    """
    from huggingface_hub import RepoCard

    try:
        with quiet():
            found = RepoCard(text.replace("\r\n", "\n").removeprefix("\ufeff"))  # as Windows writes it
    except Exception as error:  # whatever the reader of YAML says
        raise FormatError(
            where, expected="YAML between the lines of ---", got=reason(error), hint="mend it first"
        ) from None
    front = {key: value for key, value in vars(found.data).items() if value is not None}
    match = _SECTION.search(found.text)
    if match is None:
        return Readme(front, "", "", found.text)
    return Readme(front, found.text[: match.start()], match[0], found.text[match.end() :])


def renewed(card: str, there: Readme | None) -> str:
    """The card, with what people added to the README that is there.

    Example:
        >>> there = parse("---\\nlanguage: en\\ntags: [old]\\n---\\nMine.", "README.md")
        >>> new = f"---\\ntags: [zoo]\\n---\\n\\n{BEGIN}\\nNew.\\n{END}\\n"
        >>> print(renewed(new, there).replace(BEGIN, "<begin>").replace(END, "<end>"))
        ---
        tags:
        - zoo
        language: en
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
    bare = "license" not in new.front
    kept = {k: v for k, v in there.front.items() if k not in OURS or (k.startswith("license") and bare)}
    return str(Readme({**new.front, **kept}, there.before, new.section, there.after))
