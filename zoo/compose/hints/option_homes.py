"""Options that were given to a part of a model which has none of the name, while another part has it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from zoo.compose.parts import BODIES, has_blocks
from zoo.registry.defaults import default_entry
from zoo.registry.loading import load, resolve_config
from zoo.registry.lookup import entries, find
from zoo.registry.snapshot import Entry
from zoo.spec.arguments import BUILD, ELSEWHERE, FIT, VALUES, misplaced
from zoo.spec.errors import OptionError, ZooError, quote
from zoo.spec.hints.spoken import own_option, part_option, spoken, trainer_option
from zoo.spec.kinds import BLOCKS
from zoo.spec.options import Options, part_kinds, validate
from zoo.spec.recipe import ORIGINAL, ModelSection
from zoo.spec.reference import ComponentRef, parse_reference

_HEAD, _TRAINER = "head", "trainer"

Place = tuple[str, str, Entry]
"""What refers to a part, empty for the body itself; the part's name, empty where none is given; the part."""


def check_homes(section: ModelSection, ref: ComponentRef) -> None:
    """Raises OptionError for an option of the body or the head that only another part has.

    Args:
        section: of the model.
        ref: its body, with its options.
    """
    body = find(ref, BODIES)
    head = _component(section.head) if section.head not in (None, ORIGINAL) else None
    _check(body, ref.options, lambda: _beside_body(section, body, head))
    if head is not None:
        _check(find(head, _HEAD), head.options, lambda: [("", "", body)])


def _check(entry: Entry, options: Mapping[str, Any], others: Callable[[], Iterable[Place]]) -> None:
    for name, value in options.items():
        if _has(entry, name) or _is_argument(entry, name, value):
            continue
        own, component = ELSEWHERE.get(name, name), entry.component
        place = next((place for place in others() if _has(place[2], own)), None)
        if place is not None:
            said = f"zoo calls it {own}," if own != name else "it is"
            hint = f"{said} {_place(*place, own, value)}"
            raise OptionError(f"{component.kind} {component.name} has no option {quote(name)}", hint=hint)


def _place(key: str, called: str, entry: Entry, option: str, value: Any) -> str:
    """An option of another part in words, and how it is said there."""
    way = spoken().way_of(option)
    config = resolve_config(load(entry).component)
    try:
        # Of `blocks` no options class knows
        validate(config or Options, {} if option == BLOCKS else {option: value}, "")
    except OptionError:
        value = VALUES.get(str(value), "...")
    if key == _TRAINER:
        return f"an option of the trainer: {trainer_option(way, option, value)}"
    if not key:
        return f"an option of {entry.component.name}: {own_option(way, option, value)}"
    if called:
        return f"an option of its {key} {called}: {part_option(way, key, called, option, value)}"
    before = f"--{key} NAME " if way == "shell" else ""
    return f"an option of a {key} by name: {before}{part_option(way, key, 'NAME', option, value)}"


def _beside_body(section: ModelSection, body: Entry, head: ComponentRef | None) -> Iterator[Place]:
    """Where else an option of the body may belong."""
    task = body.component.task
    if head is not None:
        found = find(head, _HEAD)
        task = found.component.task
        yield _HEAD, head.name, found
    elif body.component.kind != "model":
        yield from ((_HEAD, "", entry) for entry in entries(_HEAD))
    config = resolve_config(load(body).component)
    given = {name: field.default for name, field in config.model_fields.items()} if config is not None else {}
    for key, kind in part_kinds(config).items():
        reference = _component(section.options.get(key, given[key]))
        if reference is not None and kind in BODIES:
            yield key, reference.name, find(reference, BODIES)
    trainer = default_entry(_TRAINER, task, [body.plugin.distribution])
    if trainer is not None:
        yield _TRAINER, "", trainer


def _component(value: Any) -> ComponentRef | None:
    try:
        ref = parse_reference(value) if isinstance(value, str | Mapping) else None
    except ZooError:
        return None
    return ref if isinstance(ref, ComponentRef) else None


def _has(entry: Entry, name: str) -> bool:
    component = load(entry).component
    config = resolve_config(component)
    own = config is not None and name in config.model_fields
    return own or (name == BLOCKS and has_blocks(component, config))


def _is_argument(entry: Entry, name: str, value: Any) -> bool:
    """Whether it is an argument of a verb, which `zoo.compose.parts` answers."""
    config = resolve_config(load(entry).component)
    known = [*config.model_fields] if config is not None else []
    return ELSEWHERE.get(name, name) in {*known, *BUILD, *FIT} and misplaced(name, value, known) is not None
