"""Names of components in the text of a module, which is read and not run."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

_MAKER = "Component"


def declared_names(text: str) -> set[str]:
    """Names that declarations in a module say in so many words; tags, weights and summaries are none.

    Args:
        text: of the module.

    Raises:
        SyntaxError: it is no Python.

    Example:
        >>> sorted(declared_names("Component(name='net', tags=('cnn',))"))
        ['net']
    """
    tree = ast.parse(text)
    return set(_names(tree, _helpers(tree)))


def _helpers(tree: ast.Module) -> dict[str, tuple[int, str]]:
    """Functions that make a component, each with the place and name of the parameter that names it."""
    found = {}
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        parameters = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
        for call in ast.walk(function):
            given = _keyword(call, "name") if isinstance(call, ast.Call) and _called(call) == _MAKER else None
            if isinstance(given, ast.Name) and given.id in parameters:
                found[function.name] = (parameters.index(given.id), given.id)
    return found


def _names(tree: ast.Module, helpers: Mapping[str, tuple[int, str]]) -> Iterator[str]:
    for node in ast.walk(tree):
        given: ast.expr | None = None
        if isinstance(node, ast.Call) and _called(node) == _MAKER:
            given = _keyword(node, "name")
        elif isinstance(node, ast.Call) and _called(node) in helpers:
            place, name = helpers[_called(node)]
            given = node.args[place] if place < len(node.args) else _keyword(node, name)
        elif isinstance(node, ast.Dict):  # handed over as keywords
            keys = [key.value if isinstance(key, ast.Constant) else None for key in node.keys]
            given = node.values[keys.index("name")] if {"kind", "name"} <= {*keys} else None
        if isinstance(given, ast.Constant) and isinstance(given.value, str):
            yield given.value


def _called(call: ast.Call) -> str:
    return getattr(call.func, "id", getattr(call.func, "attr", ""))


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((one.value for one in call.keywords if one.arg == name), None)
