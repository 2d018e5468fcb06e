"""Contracts: the rules of each kind, and their run by pytest."""

from __future__ import annotations

import importlib
import traceback
import warnings
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from zoo.registry.lookup import entries, find
from zoo.spec.errors import PluginError, ZooWarning, listing
from zoo.spec.kinds import KINDS
from zoo.testing import rules_declaration, rules_options, rules_package
from zoo.testing.case import Case

Rule = Callable[[Case], None]


def rules(kind: str) -> dict[str, Rule]:
    """The rules of a kind by name; the docstring of each says what must hold."""
    found: dict[str, Rule] = {}
    own = map(importlib.import_module, KINDS[kind].rules)
    for source in (rules_declaration, rules_package, *own, rules_options):
        for name in vars(source):
            if name.startswith("rule_"):
                found[name.removeprefix("rule_")] = getattr(source, name)
    return found


def check(reference: str, kind: str | None = None) -> None:
    """Runs all rules of a component's kind against its tiny instance.

    Raises:
        AssertionError: a rule does not hold.
        ZooError: the component cannot be found or made.
    """
    case = Case(find(reference, kind))
    for rule in rules(case.entry.component.kind).values():
        _run(rule, case)


def contract(
    distribution: str, names: Iterable[str] | None = None, *, silent: Mapping[str, str] = MappingProxyType({})
) -> Callable[[Case, Rule], None]:
    """A parametrised pytest test: every component of a distribution against every rule of its kind.

    Args:
        distribution: its name, e.g. `zoo-vgg`.
        names: only these components; all where None.
        silent: options that rightly change neither parameters nor outputs nor state, each with the reason;
            `option` of every component, `name.option` of one.

    Raises:
        PluginError: the distribution is not installed, or has none of the components.
    """
    # Only a test needs it; `check` does without
    import pytest

    wanted = None if names is None else set(names)
    found = [e for e in entries() if e.plugin.distribution == distribution]
    chosen = [e for e in found if wanted is None or e.component.name in wanted]
    missing = sorted((wanted or set()) - {e.component.name for e in chosen})
    if not chosen or missing:
        raise PluginError(
            f"contract of {distribution}",
            expected=f"components {listing(missing)}" if missing else "an installed plugin",
            got=listing(e.component.name for e in found),
            hint="pip install it and look at: zoo plugins",
        )
    seen: set[Rule] = set()
    cases = []
    for case in (Case(entry, silent) for entry in chosen):
        for name, rule in rules(case.entry.component.kind).items():
            # What a package imports is asked once, and not again for each component
            if rule not in seen:
                cases.append(
                    pytest.param(
                        case, rule, id=f"{case.entry.component.kind}-{case.entry.component.name}-{name}"
                    )
                )
            seen |= {rule} & _OF_THE_PACKAGE
    causes: dict[tuple[str, ...], str] = {}

    @pytest.mark.parametrize(("case", "rule"), cases)
    def test_contract(case: Case, rule: Rule) -> None:
        try:
            _run(rule, case)
        except Exception as error:
            name = rule.__name__.removeprefix("rule_")
            first = causes.setdefault((case.entry.qualified, case.entry.component.kind, *_cause(error)), name)
            if first == name:
                raise
            pytest.skip(f"for the same cause as {first}: {error}")

    return test_contract


def _cause(error: BaseException) -> tuple[str, str, str]:
    """What an error comes from: its root's kind and text, and the line that raised it."""
    while error.__cause__ is not None:
        error = error.__cause__
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return type(error).__name__, str(error), place


_OF_THE_PACKAGE: frozenset[Rule] = frozenset(
    value for name, value in vars(rules_package).items() if name.startswith("rule_")
)


def _run(rule: Rule, case: Case) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ZooWarning)  # random weights are frozen here on purpose
        rule(case)
