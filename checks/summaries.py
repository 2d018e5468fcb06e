"""Summary lines that say what a thing is or does, by their first words; riddles are refused."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from sizes import modules

_QUESTION = "a question's beginning: say what the thing is, `Result of a run.` and not `What a run came to.`"
_FRAGMENT = "a noun is missing before it: `The seed of all draws.` and not `Of all draws.`"
_POINTER = "a reader has not seen what it points at: name it, `Targets, of which there are none.`"

RIDDLES: Mapping[str, str] = {
    **dict.fromkeys(("How", "What", "When", "Where", "Which", "Why"), _QUESTION),
    **dict.fromkeys(
        ("After", "As", "At", "Besides", "By", "For", "From", "In", "Inside", "Of", "On", "With", "Without"),
        _FRAGMENT,
    ),
    **dict.fromkeys(
        ("Both", "Everything", "Its", "Nothing", "So", "Some", "Something", "That", "There", "They", "This",
         "Those", "Whatever"), _POINTER,
    ),
}  # fmt: skip
"""First words that no summary of a public name or of a module begins with, and why."""


def riddles(root: Path) -> list[str]:
    """Summary lines of public names and of modules that are no noun phrase and no imperative.

    What a rule of `zoo.testing` says is a sentence on the component, since the rule's failure shows it.
    """
    found = []
    for file in modules(root):
        for line, name, text in _summaries(ast.parse(file.read_text(encoding="utf-8"))):
            word = text.split(maxsplit=1)[0].strip("`,:;.") if text.split() else ""
            if word in RIDDLES and not name.startswith("rule_"):
                found.append(f"{file.relative_to(root).as_posix()}:{line}: {name}: {word}: {RIDDLES[word]}")
    return found


def _summaries(tree: ast.Module) -> Iterator[tuple[int, str, str]]:
    """Line, name and docstring of a module and of its public classes, functions and methods."""
    if text := ast.get_docstring(tree):
        yield 1, "module", text
    waiting: list[ast.stmt] = [*tree.body]
    while waiting:
        node = waiting.pop(0)
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if node.name.startswith("_"):
            continue
        if text := ast.get_docstring(node):
            yield node.lineno, node.name, text
        if isinstance(node, ast.ClassDef):
            waiting += node.body
