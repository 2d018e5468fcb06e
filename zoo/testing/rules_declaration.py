"""Rules of every declaration."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch

import zoo
from zoo import GradientOptions
from zoo.compose.parts import FILLED_IN
from zoo.registry.catalogue import written_again
from zoo.registry.loading import load, resolve_config, resolve_target
from zoo.spec.errors import OptionError
from zoo.spec.kinds import BLOCKS
from zoo.spec.options import Options, validate
from zoo.testing.case import Case
from zoo.testing.instances import instance

BESIDE_A_TRAINER = ("augmenter", "loss", "metric")
"""Kinds that `zoo.fit` is given beside a trainer and its options."""


def rule_catalogue_and_hook_agree(case: Case) -> None:
    """What the catalogue lists is what the plugin's hook declares."""
    declared = load(case.entry).component
    again = written_again(case.entry.plugin.folder)
    assert declared == case.entry.component, f"{again}, and commit the file"


def rule_target_and_options_resolve(case: Case) -> None:
    """The target can be called; the options class is ours and takes the declared tiny options."""
    component = case.entry.component
    target = resolve_target(component)
    assert callable(target), f"{component.target} is {target!r}, which cannot be called"
    config = resolve_config(component)
    if config is None:
        assert not component.tiny, f"tiny names {[*component.tiny]}, and there is no config with options"
        return
    validate(config, component.tiny, component.name)


def rule_options_of_weights_are_options(case: Case) -> None:
    """What published weights say of the options that they were trained with, the options class takes."""
    component = case.entry.component
    config = resolve_config(component)
    for tag, weights in component.weights.items():
        unknown = [name for name in weights.options if config is None or name not in config.model_fields]
        step = f"name options of {component.config}"
        assert unknown == [], f"weights {tag}: options {unknown}, which {component.name} has not; {step}"
        if config is not None:
            validate(config, {**component.tiny, **weights.options}, f"weights {tag} of {component.name}")


def rule_it_can_be_made(case: Case) -> None:
    """The target makes an instance of the kind's base class from the declared tiny options."""
    component = case.entry.component
    try:
        made = instance(case)
    except Exception as error:
        if isinstance(error, AttributeError) and "Module.__init__() call" in str(error):
            text = f"{component.target}: call super().__init__() before anything is assigned"
        else:
            text = f"{component.target} cannot be made: {type(error).__name__}: {error}"
        raise AssertionError(text) from error
    if isinstance(made, torch.nn.Module):
        assert "_modules" in vars(made), f"{component.target}: its __init__ does not call super().__init__()"


def rule_former_defaults_are_options(case: Case) -> None:
    """What `former` says is an option of today, with a value that it takes: old files are read with it."""
    component = case.entry.component
    if not component.former:
        return
    config = resolve_config(component)
    known = config.model_fields if config else {}
    gone = [name for name in component.former if name not in known]
    assert gone == [], f"{component.name}: former names {gone}, which {component.config} has not"
    assert config is not None, f"{component.name}: former needs a config with options; declare one"
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
    bare = [name for name, field in fields.items() if not field.description]
    step = 'write Field(..., description="...")'
    assert bare == [], f"{case.entry.component.config}: {', '.join(bare)} without a description; {step}"


def rule_options_are_no_arguments_of_a_verb(case: Case) -> None:
    """No option is called like an argument of `zoo.build` or `zoo.fit`, which would never reach it.

    Nor, of a backbone, like the option `blocks` that all backbones have.
    """
    found = taken_by_a_verb(case)
    step = "rename them, zoo.build or zoo.fit takes arguments of these names"
    assert found == [], f"{case.entry.component.config}: {', '.join(found)}; {step}"


def taken_by_a_verb(case: Case) -> list[str]:
    """Names of the options that are called like an argument of a verb, or like the option `blocks`."""
    config = resolve_config(case.entry.component)
    taken = {name for verb in (zoo.build, zoo.fit) for name in inspect.signature(verb).parameters}
    # Beside its own arguments `zoo.fit` takes the trainer's options
    if case.entry.component.kind in BESIDE_A_TRAINER:
        taken |= {*GradientOptions.model_fields}
    taken |= {BLOCKS} if case.entry.component.kind == "backbone" else set()
    return sorted((taken - {*FILLED_IN}) & set(config.model_fields if config else ()))


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
