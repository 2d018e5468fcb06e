"""The rule that every option does something."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from zoo.compose.parts import FILLED_IN
from zoo.registry.loading import resolve_config
from zoo.spec.errors import ZooError
from zoo.spec.options import ForPart, Options, part_kinds
from zoo.testing.case import Case
from zoo.testing.effects import differ, given, of_the_plugin, others
from zoo.testing.instances import with_options
from zoo.testing.rules_declaration import taken_by_a_verb

_MOST = 6
"""Values of an option that are tried."""
_PAIRED = 2
"""Values of another option that it is tried beside."""


def rule_options_do_something(case: Case) -> None:
    """Each option of the plugin's own changes parameters, outputs or state, alone or beside another option.

    An option that rightly changes none of these is told to `contract` as `silent`, with the reason.
    """
    config = resolve_config(case.entry.component)
    if config is None:
        return
    parts, seen, found = part_kinds(config), _Seen(case), []
    # Which another rule names, with another cure
    renamed = taken_by_a_verb(case)
    for name, field in config.model_fields.items():
        elsewhere = name in parts or any(isinstance(mark, ForPart) for mark in field.metadata)
        told = name in case.silent or f"{case.entry.component.name}.{name}" in case.silent
        if elsewhere or told or name in FILLED_IN or name in renamed or not of_the_plugin(config, name):
            continue
        if not _shows(seen, config, name):
            found.append(name)
    where = f"{case.entry.component.config}: {', '.join(found)}"
    verb, them = ("changes", "it") if len(found) == 1 else ("change", "them")
    step = (
        f"use {them} or take {them} out; what rightly does nothing here: contract(..., silent={{name: why}})"
    )
    assert found == [], f"{where} {verb} neither parameters nor outputs nor state; {step}"


class _Seen:
    """What one sees of a component's instances, made once for each setting of its options."""

    def __init__(self, case: Case) -> None:
        self.case, self._found = case, dict[str, list[Any] | ZooError]()

    def of(self, options: Mapping[str, Any]) -> list[Any]:
        """See `given`.

        Raises:
            ZooError: the options are refused together.
        """
        key = repr(sorted(options.items()))
        if key not in self._found:
            try:
                self._found[key] = given(with_options(self.case, options))
            except ZooError as error:
                self._found[key] = error
        found = self._found[key]
        if isinstance(found, ZooError):
            raise found
        return found


def _shows(seen: _Seen, config: type[Options], name: str) -> bool:
    """Whether an option that has another value at all changes anything, alone or beside one other."""
    base = dict(seen.case.tiny)
    tried = False
    for around in _surroundings(config, base, name):
        values = [*islice(others(config, around, name), _MOST)]
        if not values:
            continue
        try:
            usual = seen.of(around)
        except ZooError:
            if around == base:
                raise
            continue  # options that are refused together
        for value in values:
            tried = True
            if _changes(seen, {**around, name: value}, usual):
                return True
    return not tried


def _changes(seen: _Seen, options: Mapping[str, Any], usual: list[Any]) -> bool:
    try:
        return differ(usual, seen.of(options))
    except ZooError:  # it is read, and refused
        return True


def _surroundings(config: type[Options], base: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """The tiny options, then those with one other option changed, then those with all others that may be."""
    yield base
    changed = base
    for other in config.model_fields:
        if other != name:
            yield from ({**base, other: value} for value in islice(others(config, base, other), _PAIRED))
            changed = {**changed, **dict(zip([other], others(config, changed, other), strict=False))}
    yield changed
