"""Contracts: the rules of each kind, and their run by pytest."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterable

from zoo.registry.lookup import entries, find
from zoo.spec.errors import PluginError, ZooWarning, listing
from zoo.spec.kinds import KINDS
from zoo.testing import rules_declaration
from zoo.testing.case import Case

Rule = Callable[[Case], None]


def rules(kind: str) -> dict[str, Rule]:
    """The rules of a kind by name; the docstring of each says what must hold."""
    found: dict[str, Rule] = {}
    for source in (rules_declaration, *map(importlib.import_module, KINDS[kind].rules)):
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


def contract(distribution: str, names: Iterable[str] | None = None) -> Callable[[Case, Rule], None]:
    """A parametrised pytest test: every component of a distribution against every rule of its kind.

    Args:
        distribution: its name, e.g. `zoo-vgg`.
        names: only these components; all where None.

    Raises:
        PluginError: the distribution is not installed, or has none of the components.
    """
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
    cases = [
        pytest.param(case, rule, id=f"{case.entry.component.kind}-{case.entry.component.name}-{name}")
        for case in map(Case, chosen)
        for name, rule in rules(case.entry.component.kind).items()
    ]

    @pytest.mark.parametrize(("case", "rule"), cases)
    def test_contract(case: Case, rule: Rule) -> None:
        _run(rule, case)

    return test_contract


def _run(rule: Rule, case: Case) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ZooWarning)  # random weights are frozen here on purpose
        rule(case)
