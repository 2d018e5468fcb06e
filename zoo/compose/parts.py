"""From a reference to an instance, and which part is taken where a recipe names none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zoo.interfaces.model import Model
from zoo.registry.loading import load, resolve_config, resolve_target
from zoo.registry.lookup import Entry, entries, find
from zoo.spec.arguments import misplaced
from zoo.spec.component import Component
from zoo.spec.errors import OptionError, RecipeError, UnknownComponentError, quote
from zoo.spec.options import Options, RefValue, Use, handed_on, part_kinds, validate, with_parts
from zoo.spec.reference import GRAMMAR, ComponentRef, parse_reference

CORE = "zoo-core"
DEFAULT_TAG = "default"


@dataclass(frozen=True, slots=True)
class Part:
    """A component with validated options, ready to be called.

    Args:
        entry: where it was found.
        component: as its plugin declares it.
        options: validated, by name; other components in them are references.
        config: class of the options.
    """

    entry: Entry
    component: Component
    options: dict[str, Any]
    config: type[Options] | None

    def __call__(self, **extra: Any) -> Any:
        """An instance; `extra` are what its kind's contract adds to the options, and made options."""
        return resolve_target(self.component)(**{**self.options, **extra})

    def filled(self, use: Use) -> dict[str, Any]:
        """The options with other components in the place of references.

        Args:
            use: makes one, from its kind, its reference and the path of the option.
        """
        return with_parts(self.config, self.options, use)

    @property
    def part_kinds(self) -> dict[str, str]:
        """The options that refer to one other component, and its kind."""
        return part_kinds(self.config)

    @property
    def source(self) -> dict[str, str]:
        """Version by distribution."""
        return {self.entry.plugin.distribution: self.entry.plugin.version}


def part(kind: str | tuple[str, ...], reference: object, **given: Any) -> Part:
    """Finds a component and validates its options.

    Args:
        kind: one kind, or several that may hold the name.
        reference: a name, or a table with options.
        **given: values that the caller knows, taken where the component has an option of that name.

    Raises:
        UnknownComponentError: no plugin has it.
        OptionError: an option is unknown, does not fit, or says something else than `given`.
    """
    ref = parse_reference(reference)
    if not isinstance(ref, ComponentRef):
        raise RecipeError(f"reference to a {kind}", expected=f"a component; {GRAMMAR}", got=quote(str(ref)))
    entry = find(ref, kind)
    component = load(entry).component
    where = f"{component.kind} {component.name}"
    config = resolve_config(component)
    options = dict(ref.options)
    _check_misplaced(where, options, component, config)
    if config is None:
        if options:
            raise OptionError(f"{where} has no options", expected="none", got=", ".join(options))
        return Part(entry, component, {}, None)
    for name, value in given.items():
        if value is None or name not in config.model_fields:
            continue
        chosen = options.get(name, value)
        if (tuple(chosen) if isinstance(chosen, list) else chosen) != value:
            raise OptionError(
                f"{where}: two values for {name}", expected=quote(value), got=quote(options[name])
            )
        options[name] = value
    return Part(entry, component, handed_on(config, dict(validate(config, options, where)), where), config)


def _check_misplaced(
    where: str, options: Mapping[str, Any], component: Component, config: type[Options] | None
) -> None:
    """Raises OptionError for an argument of a verb among a component's options."""
    known = config.model_fields if config is not None else ()
    for name in (name for name in options if name not in known):
        hint = misplaced(name, options[name], known, [*component.weights])
        if hint is not None:
            raise OptionError(f"{where} has no option {quote(name)}", hint=hint)


def default(kind: str, model: Model) -> RefValue:
    """The component taken for a model where the recipe names none.

    The model's own `defaults` go first. A plugin tags a component `default`, for one task or, without a
    task, for any. The one of the distribution that the model's parts come from goes before the core's own;
    others never count, so that installing a plugin changes nothing for other plugins' models.

    Raises:
        UnknownComponentError: there is none for the model's task.
    """
    if kind in model.defaults:
        return model.defaults[kind]
    task = model.task.name if model.task else None
    fitting = [
        entry
        for entry in entries(kind)
        if DEFAULT_TAG in entry.component.tags and entry.component.task in (None, task)
    ]
    for sources in (set(model.plugins) - {CORE}, {CORE}):
        found = [entry for entry in fitting if entry.plugin.distribution in sources]
        if found:
            found.sort(key=lambda entry: entry.component.task is None)
            return found[0].qualified
    raise UnknownComponentError(f"no default {kind} for task {task}", hint=f"name a {kind}")
