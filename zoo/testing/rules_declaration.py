"""Rules of every declaration."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import zoo
from zoo.compose.parts import FILLED_IN
from zoo.interfaces.blocks.chain import BLOCKS
from zoo.registry.catalogue import written_again
from zoo.registry.loading import load, resolve_config, resolve_target
from zoo.spec.errors import OptionError
from zoo.spec.options import Options, validate
from zoo.testing.case import Case


def rule_catalogue_and_hook_agree(case: Case) -> None:
    """What the catalogue lists is what the plugin's hook declares."""
    declared = load(case.entry).component
    again = written_again(case.entry.plugin.folder)
    assert declared == case.entry.component, f"{again}, and commit the file"


def rule_target_and_options_resolve(case: Case) -> None:
    """The target can be called; the options class is ours and takes the declared tiny options."""
    component = case.entry.component
    assert callable(resolve_target(component))
    config = resolve_config(component)
    if config is None:
        assert not component.tiny
        return
    assert issubclass(config, Options)
    validate(config, component.tiny, component.name)


def rule_former_defaults_are_options(case: Case) -> None:
    """What `former` says is an option of today, with a value that it takes: old files are read with it."""
    component = case.entry.component
    if not component.former:
        return
    config = resolve_config(component)
    known = config.model_fields if config else {}
    gone = [name for name in component.former if name not in known]
    assert gone == [], f"{component.name}: former names {gone}, which {component.config} has not"
    assert config is not None
    # Required options have no default that could have been another
    needed = {name: value for name, value in component.tiny.items() if known[name].is_required()}
    try:
        validate(config, {**needed, **component.former}, component.name)
    except OptionError as error:
        raise AssertionError(f"former: {error}") from None


def rule_options_are_described(case: Case) -> None:
    """Every option has a description, which the catalogue and the site show."""
    config = resolve_config(case.entry.component)
    fields = config.model_fields if config else {}
    assert [name for name, field in fields.items() if not field.description] == []


def rule_options_are_no_arguments_of_a_verb(case: Case) -> None:
    """No option is called like an argument of `zoo.build` or `zoo.fit`, which would never reach it.

    Nor, of a backbone, like the option `blocks` that all backbones have.
    """
    config = resolve_config(case.entry.component)
    taken = {name for verb in (zoo.build, zoo.fit) for name in inspect.signature(verb).parameters}
    taken |= {BLOCKS} if case.entry.component.kind == "backbone" else set()
    found = sorted((taken - {*FILLED_IN}) & set(config.model_fields if config else ()))
    assert found == [], f"{found}: rename them, zoo.build or zoo.fit takes arguments of these names"


def rule_constructor_agrees_with_the_options(case: Case) -> None:
    """What the target takes where an option is not given is what the options class says, or nothing."""
    component = case.entry.component
    config = resolve_config(component)
    if config is None:
        return
    parameters = inspect.signature(resolve_target(component)).parameters
    given = {n: p.default for n, p in parameters.items() if p.default is not p.empty}
    wrong = [name for name, value in given.items() if not _agrees(config, component.tiny, name, value)]
    assert wrong == [], f"{component.target} has other defaults than {component.config} for {wrong}"


def _agrees(config: type[Options], tiny: Mapping[str, Any], name: str, value: object) -> bool:
    """Whether an option that is not given means the value that the constructor would take."""
    if name not in config.model_fields or config.model_fields[name].is_required():
        return name not in config.model_fields
    needed = {n: v for n, v in tiny.items() if config.model_fields[n].is_required()}
    default = getattr(validate(config, needed, name), name)
    try:
        # Both through validation, which may make a tuple of a list
        said = getattr(validate(config, {**needed, name: value}, name), name)
    except OptionError:
        return False
    return bool(said == default)


def rule_declaration_is_free_of_torch(case: Case) -> None:
    """Importing the plugin module and the options class does not import torch."""
    modules = {
        case.entry.plugin.module,
        (case.entry.component.config or case.entry.plugin.module).split(":")[0],
    }
    # Asking takes a process, and many components share a module
    if modules <= _FREE_OF_TORCH:
        return
    # In a process of its own: here torch is imported already
    code = f"import sys, {', '.join(sorted(modules))}; sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=False)  # noqa: S603 - our own interpreter
    assert done.returncode == 0, f"{modules} import torch"
    _FREE_OF_TORCH.update(modules)


_FREE_OF_TORCH: set[str] = set()
