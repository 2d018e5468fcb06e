"""A further component in a plugin that is there: its module, its options, its place in the declaration."""

from __future__ import annotations

import ast
import os
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from string import Template

from zoo.spec.disk.atomic_write import write_text
from zoo.spec.errors import SaveError, quote


def is_plugin(folder: Path, name: str) -> bool:
    """Whether a folder is the checkout of a distribution."""
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8")).get("project", {})
    except (OSError, ValueError):
        return False
    return bool(project.get("name") == name)


def text_of(source: str, words: Mapping[str, str]) -> str:
    """A template with its words filled in."""
    template = files("zoo.cli") / "templates" / f"{source}.tmpl"
    return Template(template.read_text(encoding="utf-8")).substitute(words)


def add(folder: Path, kind: str, words: Mapping[str, str]) -> list[str]:
    """Adds a component to a plugin; where anything is in its way, nothing is written.

    Args:
        folder: of the distribution.
        kind: of the component.
        words: what stands for what in the templates.

    Returns:
        The files written, below the folder.

    Raises:
        SaveError: a file of the name is there, or the declaration is not a list that can be added to.
        OSError: the folder cannot be written.
    """
    package = folder / "src" / words["package"]
    plugin = package / "plugin.py"
    new = {
        package / f"{words['config']}.py": text_of(f"{kind}/config.py", words),
        package / f"{words['module']}.py": text_of(f"{kind}/module.py", words),
    }
    for file in new:
        if os.path.lexists(file):
            hint = "choose another name with --component"
            raise SaveError(f"file {quote(str(file))}", expected="none yet", got="one that exists", hint=hint)
    # Before anything is written: this is what may be refused
    declared = _declared(plugin, text_of("common/component.py", words))
    written: list[Path] = []
    try:
        for file, text in new.items():
            # `x`: a file that has come since the look above is nobody's to overwrite
            with file.open("x", encoding="utf-8") as opened:
                written.append(file)
                opened.write(text)
        write_text(plugin, declared, newline="")  # line ends as they were
    except BaseException:
        for file in written:
            with suppress(OSError):
                file.unlink()
        raise
    return [str(file.relative_to(folder)) for file in (*new, plugin)]


def _declared(plugin: Path, component: str) -> str:
    """The text of a plugin module with one component more at the end of what its hook returns."""
    text = _read(plugin)
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        got = f"{error.msg} in line {error.lineno}"
        raise SaveError(f"file {quote(str(plugin))}", expected="Python", got=got) from None
    place, name = _end_of_list(tree), _component_name(tree)
    if place is None or name is None:
        expected = "Component imported, and a hook zoo_components with one return, of [Component(...), ...]"
        hint = "write the list out, or add the component by hand"
        raise SaveError(f"file {quote(str(plugin))}", expected=expected, got="something else", hint=hint)
    lines = text.splitlines(keepends=True)
    row, column = place
    before, after = lines[row][:column].rstrip(), lines[row][column:]
    head = "".join(lines[:row]) + before
    comma = "" if head.rstrip().endswith((",", "[")) else ","
    # The template says `Component`; the module may have it under another name
    component = component.replace("Component(", f"{name}(", 1)
    result = f"{head.rstrip()}{comma}\n{component}    {after}{''.join(lines[row + 1 :])}"
    # Raises before it is written, if putting it together went wrong
    ast.parse(result)
    return result


def _read(file: Path) -> str:
    # newline="": line ends as they are, which the author goes on with
    with file.open(encoding="utf-8", newline="") as opened:
        return opened.read()


def _end_of_list(tree: ast.Module) -> tuple[int, int] | None:
    """Line and column of the bracket that ends the hook's list; None where there is no such list."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == "zoo_components":
            # Of several returns it is not clear which list is meant
            returns = [inner for inner in ast.walk(node) if isinstance(inner, ast.Return)]
            value = returns[0].value if len(returns) == 1 else None
            if isinstance(value, ast.List):
                return (value.end_lineno or 0) - 1, (value.end_col_offset or 0) - 1
    return None


def _component_name(tree: ast.Module) -> str | None:
    """What the module calls `zoo.Component`; None where it does not import it."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "zoo":
            for alias in node.names:
                if alias.name == "Component":
                    return alias.asname or alias.name
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name == "zoo":
                    return f"{alias.asname or alias.name}.Component"
    return None
