"""Parts of a model by reference: their instances, their values in a recipe, and their defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from pydantic_core import to_jsonable_python

from zoo.interfaces.backbone import Backbone
from zoo.interfaces.blocks.chain import kept_to, last_kept, near_cuts
from zoo.interfaces.model import Model
from zoo.registry.defaults import default_entry
from zoo.registry.loading import guarded, load, resolve_config, resolve_target
from zoo.registry.lookup import find
from zoo.registry.snapshot import Entry
from zoo.spec.arguments import BUILD, FIT, misplaced
from zoo.spec.component import Component
from zoo.spec.errors import (
    OptionError,
    PluginError,
    RecipeError,
    ShapeError,
    UnknownComponentError,
    did_you_mean,
    listing,
    quote,
)
from zoo.spec.kinds import BLOCKS, KINDS
from zoo.spec.names import closest
from zoo.spec.options import Options, RefValue, Use, handed_on, part_kinds, validate, with_parts
from zoo.spec.reference import GRAMMAR, ComponentRef, parse_reference

_MOST_LAYERS = 1024
_MOST_UNITS = 1 << 24

BODIES = ("backbone", "model")
"""Kinds of what a model section names."""

FILLED_IN = ("in_channels", "classes", "input_size")
"""What a model section says, and hands on to a component that has an option of the name."""


@dataclass(frozen=True, slots=True)
class Part:
    """A component with validated options, ready to be called.

    Args:
        entry: where it was found.
        component: as its plugin declares it.
        options: validated, by name; other components in them are references.
        config: class of the options.
        recorded: the options as a file records them.
        blocks: of a backbone, the option `blocks` where it was given.
    """

    entry: Entry
    component: Component
    options: dict[str, Any]
    config: type[Options] | None
    recorded: Mapping[str, Any]
    blocks: str | None = None

    def __call__(self, **extra: Any) -> Any:
        """An instance; a backbone with the blocks that are asked for.

        Args:
            **extra: what its kind's contract adds to the options, and made options.

        Raises:
            PluginError: the target does not take what its plugin declares.
            OptionError: the backbone has not so many blocks.
        """
        made = self.whole(**extra)
        if self.blocks is None or not isinstance(made, Backbone):
            return made
        where = self.component.name
        tap = last_kept(self.blocks, where)
        try:
            return made.cut([tap])
        except ShapeError:
            expected = f"blocks up to {quote(kept_to(made.block_names[-1]))}, or a step inside one"
            problem, got, hint = f"{where}: bad {BLOCKS}", quote(self.blocks), near_cuts(made, tap)
            raise OptionError(problem, expected=expected, got=got, hint=hint) from None

    def whole(self, **extra: Any) -> Any:
        """An instance, of a backbone with all its blocks.

        Args:
            **extra: what its kind's contract adds to the options, and made options.

        Raises:
            PluginError: the target does not take what its plugin declares, or would end the process.
        """
        target, options = resolve_target(self.component), {**self.options, **extra}
        whose = f"{self.component.kind} {quote(self.component.name)} of {self.entry.plugin.distribution}"
        try:
            with guarded(f"{whose}: {self.component.target} raised", self.component.target.partition(":")[0]):
                return target(**options)
        except TypeError as error:  # as of an argument that the target does not have
            raise PluginError(
                f"{self.component.name} of {self.entry.plugin.distribution} cannot be made",
                expected="a target that takes its declared options",
                got=str(error),
            ) from error

    def filled(self, use: Use) -> dict[str, Any]:
        """The options with other components in the place of references.

        Args:
            use: makes one, from its kind, its reference and the path of the option.
        """
        return with_parts(self.config, self.options, use)

    def effective(self, use: Use) -> dict[str, Any]:
        """Every option with the value that it has, as plain data.

        Args:
            use: gives what stands for another component, from its kind, its reference and the option's path.
        """
        values = with_parts(self.config, self.recorded, use)
        return cast("dict[str, Any]", to_jsonable_python(values))

    @property
    def part_kinds(self) -> dict[str, str]:
        """The options that refer to one other component, and its kind."""
        return part_kinds(self.config)

    @property
    def source(self) -> dict[str, str]:
        """Version by distribution."""
        return {self.entry.plugin.distribution: self.entry.plugin.version}


def part(kind: str | tuple[str, ...], reference: object, *, former: bool = False, **given: Any) -> Part:
    """Finds a component and validates its options.

    Args:
        kind: one kind, or several that may hold the name.
        reference: a name, or a table with options.
        former: whether what is not said has the default of version 0.1.
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
    options = {**(component.former if former else {}), **ref.options}
    blocks = None
    if has_blocks(component, config) and (said := options.pop(BLOCKS, None)) is not None:
        blocks = kept_to(last_kept(said, where))
    cut = {BLOCKS: blocks} if blocks else {}
    _check_misplaced(where, options, component, config)
    if config is None:
        if options:
            raise OptionError(f"{where} has no options", expected="none", got=", ".join(options))
        return Part(entry, component, {}, None, cut, blocks)
    for name, value in given.items():
        if value is None or name not in config.model_fields:
            continue
        chosen = options.get(name, value)
        # A size is a list in files, and a tuple in a section
        if (tuple(chosen) if isinstance(chosen, list) else chosen) != value:
            raise OptionError(
                f"{where}: two values for {name}", expected=quote(value), got=quote(options[name])
            )
        options[name] = value
    if component.kind in (*BODIES, "head"):
        _check_sizes(options, where)
    # Validators are code of the plugin's
    with guarded(f"{where} of {entry.plugin.distribution}: its options raised", config.__module__):
        found = validate(config, options, where)
        # What the constructor gets, and what a file records; see `Options.effective`
        own, effective = (handed_on(config, dict(values), where) for values in (found, found.effective()))
    return Part(entry, component, own, config, {**effective, **cut}, blocks)


def _check_sizes(options: Mapping[str, Any], where: str) -> None:
    """Raises OptionError for more layers or units than anyone trains; each takes time or memory to make."""
    for name, value in options.items():
        several = value if isinstance(value, list | tuple) else (value,)
        if len(several) > _MOST_LAYERS:
            expected = f"at most {_MOST_LAYERS:,} values"
            raise OptionError(f"{where}: bad {name}", expected=expected, got=f"{len(several):,}")
        if large := [number for number in several if type(number) is int and abs(number) > _MOST_UNITS]:
            expected = f"at most {_MOST_UNITS:,}"
            raise OptionError(f"{where}: bad {name}", expected=expected, got=f"{large[0]:,}")


def has_blocks(component: Component, config: type[Options] | None) -> bool:
    """Whether a component has the option `blocks` of backbones, and none of its own that is called so."""
    return component.kind == "backbone" and (config is None or BLOCKS not in config.model_fields)


def make_part(kind: str, reference: object, body: Use, **extra: Any) -> Any:
    """An instance of a component, with those that its options refer to.

    Args:
        kind: of the component.
        reference: a name, or a table with options.
        body: makes a backbone or model among them, from its kind, its reference and the path of the option.
        **extra: arguments that the kind's contract adds to the options.
    """
    found = part(kind, reference)

    def use(kind: str, value: Any, path: str) -> Any:
        return body(kind, value, path) if kind in BODIES else make_part(kind, value, body)

    return found(**{**found.filled(use), **extra})


def recorded(kind: str, reference: object, *, former: bool = False, body: Use | None = None) -> RefValue:
    """A component's value in a recipe: its unambiguous name, and every option with its value.

    Args:
        kind: of the component.
        reference: a name, or a table with options.
        former: whether what is not said has the default of version 0.1.
        body: gives what stands for a model or backbone that an option refers to; itself where None.

    Example:
        >>> recorded("head", {"name": "binary", "dropout": 0.5})["activation"]
        'relu'
    """
    found = part(kind, reference, former=former)

    def use(kind: str, value: Any, path: str) -> Any:
        if kind not in BODIES:
            return recorded(kind, value, former=former, body=body)
        return value if body is None else body(kind, value, path)

    options = found.effective(use)
    return {"name": found.entry.qualified, **options} if options else found.entry.qualified


def _check_misplaced(
    where: str, options: Mapping[str, Any], component: Component, config: type[Options] | None
) -> None:
    """Raises OptionError for an argument of a verb among a component's options."""
    known = [*config.model_fields] if config is not None else []
    wrong = [name for name in options if name not in known]
    # A metric takes no part in building or training: an argument of these is no way out for its options.
    if KINDS[component.kind].argument not in (*BUILD, *FIT, "model"):
        if wrong and known:
            close = closest(wrong[0], known)
            raise OptionError(
                f"{where} has no option {quote(wrong[0])}",
                expected=f"options among {listing(sorted(known))}",
                got=wrong[0],
                hint=did_you_mean(wrong[0], close) if close else None,
            )
        return
    for name in wrong:
        hint = misplaced(name, options[name], known, [*component.weights])
        if hint is not None:
            raise OptionError(f"{where} has no option {quote(name)}", hint=hint)


def default(kind: str, model: Model) -> RefValue:
    """The component taken for a model where the recipe names none.

    The model's own `defaults` go first, then what `zoo.registry.defaults.default_entry` finds.

    Raises:
        UnknownComponentError: there is none for the model's task.
    """
    if kind in model.defaults:
        return model.defaults[kind]
    task = model.task.name if model.task else None
    if (entry := default_entry(kind, task, model.plugins)) is not None:
        return entry.qualified
    raise UnknownComponentError(f"no default {kind} for task {task}", hint=f"name a {kind}")
