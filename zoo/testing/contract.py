"""Contracts: the rules of each kind, and their run by pytest."""

from __future__ import annotations

import importlib
import inspect
import traceback
import warnings
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from zoo.registry.lookup import entries, find
from zoo.spec.errors import PluginError, ZooError, ZooWarning, listing
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
            found = error if rule in _OF_THE_PACKAGE else _root(case, error)
            first = causes.setdefault((case.entry.qualified, case.entry.component.kind, *_cause(found)), name)
            if first != name:
                pytest.skip(f"for the same cause as {first}: {found}")
            if found is error:
                raise
            raise found from found.__cause__

    return test_contract


def _root(case: Case, error: Exception) -> Exception:
    """The error of the first rule that all others of its kind rest on and that fails; else the one given."""
    known = rules(case.entry.component.kind)
    for name in _ROOTS:
        if name in known:
            try:
                _run(known[name], case)
            except Exception as deeper:
                return deeper
    return error


_ROOTS = ("it_can_be_made", "it_is_a_chain_of_blocks")
"""What other rules rest on: where it fails, their errors are of one cause with its own."""


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
        try:
            rule(case)
        except (AssertionError, ZooError):
            raise
        except Exception as error:
            raise AssertionError(_stray(rule, case, error)) from error


def _stray(rule: Rule, case: Case, error: Exception) -> str:
    """One line on an error that no rule has foreseen: what was looked at, and the line of the plugin's."""
    component, folder = case.entry.component, str(case.entry.plugin.folder)
    said = (inspect.getdoc(rule) or rule.__name__).partition("\n")[0].rstrip(".")
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith(folder)]
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else f"what {component.target} returns"
    got = f"{type(error).__name__}: {error}"
    return f"{component.kind} {component.name}: expected: {said}; got {got}; look at {place}"
