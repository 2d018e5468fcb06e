"""The child's side of asking a plugin: runs in its own process, so that nothing it does can hurt a listing.

Reads a question as JSON from standard input, imports the one plugin, and writes what its hooks declare
as JSON to the place where standard output was. Whatever the plugin prints goes nowhere.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.spec.component import Component


def main() -> None:
    """Answers the one question on standard input."""
    out = os.dup(1)
    question = json.load(sys.stdin)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    sys.path[:] = question["path"]
    answer = _answer(question["module"], question["distribution"])
    with os.fdopen(out, "w", encoding="utf-8") as file:
        json.dump(answer, file)
        file.flush()
        os._exit(0)  # a plugin's threads and exit handlers have had their say


def _answer(module: str, distribution: str) -> dict[str, Any]:
    from zoo.registry.loading import declare  # once the path is that of who asks
    from zoo.spec.errors import ZooError  # as above

    try:
        declared = declare(module, distribution)
        answer: dict[str, Any] = {"components": [_row(component) for component in declared.components]}
        if declared.namespace is not None:
            bare = declared.namespace.bare
            answer |= {
                "namespace": declared.namespace.name,
                "bare": bare if isinstance(bare, bool) else list(bare),
                "formerly": list(declared.namespace.formerly),
            }
        # Here, where what cannot be written is still an answer: the default of an option may be any object
        json.dumps(answer)
    except ZooError as error:
        return {"error": str(error).removeprefix(f"plugin {distribution}").lstrip(": ")}
    except BaseException as error:  # what a plugin may raise beside exceptions
        return {"error": f"{type(error).__name__}: {error}"}
    return answer


def _row(component: Component) -> dict[str, Any]:
    """The component as plain data, with the one fact that is had without torch: the schema of its options."""
    from zoo.registry.loading import resolve_config  # as above

    row = component.to_dict()
    with contextlib.suppress(Exception):  # options that do not import are reported when they are used
        config = resolve_config(component)
        if config is not None:
            row["facts"] = {"options": config.model_json_schema()}
    return row
