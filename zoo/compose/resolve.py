"""A model section with its names found and its options validated; nothing is made yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from zoo.compose.chosen_inputs import check_chosen, check_parts, check_reading
from zoo.compose.hints.option_homes import check_homes
from zoo.compose.parts import BODIES, FILLED_IN, Part, part, recorded
from zoo.compose.saved_models import elsewhere, from_saved
from zoo.registry.loading import load
from zoo.registry.lookup import find
from zoo.spec.errors import OptionError, listing, quote, warn
from zoo.spec.inputs import CHOSEN, InputSpec
from zoo.spec.options import RefValue
from zoo.spec.recipe import ORIGINAL, ModelSection
from zoo.spec.reference import ComponentRef
from zoo.weights.fitting import Source, locate

COLOURS = 3


@dataclass(frozen=True, slots=True)
class Resolved:
    """The components that a model section refers to.

    Args:
        section: with the channels that weights or parts are bound to.
        body: the backbone or complete model.
        head: None for the original head, for none, and for complete models.
        source: where the weights come from; None means random.
        declared: preprocessing that the section or its weights ask for, where they do.
        parts: the models and backbones that options of the body refer to, by the option's path.
        said: what a saved model says of its weights, which are at hand.
    """

    section: ModelSection
    body: Part
    head: Part | None
    source: Source | None
    declared: InputSpec | None
    parts: Mapping[str, Resolved]
    said: str | None = None

    @property
    def channels(self) -> int:
        """Channels that the network takes: those of the images, or the bands of these."""
        return _network(self.section, self.declared).in_channels or COLOURS

    @property
    def plugins(self) -> dict[str, str]:
        """Version by distribution."""
        found = self.body.source | (self.head.source if self.head else {})
        for inner in self.parts.values():
            found |= inner.plugins
        return found

    def effective(self) -> ModelSection:
        """The section as a file records it: unambiguous names, and every option with its value."""

        def use(kind: str, value: Any, path: str) -> Any:
            return self._inner(path) if kind in BODIES else recorded(kind, value)

        options = self.body.effective(use)
        values: dict[str, Any] = {}
        if self.declared is not None and self.declared.bands and self.section.input is None:
            # Weights say it that may be out of reach when the file is read
            spec = self.declared.to_dict()
            values["input"] = {name: spec[name] for name in CHOSEN if name in spec}
        filled = {name: options.pop(name, None) for name in FILLED_IN}
        said = {name: value for name, value in filled.items() if getattr(self.section, name) is None}
        if self.head is not None:
            said["head"] = {"name": self.head.entry.qualified, **self.head.effective(use)}
        values |= {**said, "name": self.body.entry.qualified, "options": options}
        return ModelSection.model_validate({**self.section.model_dump(), **values})

    def _inner(self, path: str) -> RefValue:
        """What a recipe keeps of a part: without what the model around it says, freezing too."""
        inner = self.parts[path]
        update: dict[str, Any] = {"freeze": "none", "weights": inner.said or inner.section.weights}
        if elsewhere(inner.section.weights) and inner.declared is not None:
            update["input"] = inner.declared.to_dict()  # what the weights say, when they are out of reach
        section = inner.effective()
        for name in ("in_channels", "input_size"):
            # Left out where the model around it says the same: it is handed on again when it is read
            if getattr(section, name) == getattr(self.section, name):
                update[name] = None
        return section.model_copy(update=update).to_value()


def resolve(section: ModelSection, *, saved: bool = False, inner: bool = False) -> Resolved:
    """Finds what a section refers to.

    Args:
        section: names and options.
        saved: whether a saved model is described, so that all weights are at hand.
        inner: whether it is of a part, which has no parts beside it.

    Raises:
        ZooError: a name is unknown, or an option does not fit.
    """
    ref = _component(section)
    if not inner:
        check_homes(section, ref)
    component = load(find(ref, BODIES)).component
    source = locate(component, section.weights) if section.weights else None
    ref = _trained_with(source, ref) if source is not None else ref
    declared = section.input_spec or _trained_on(source, whole=inner or section.head != ORIGINAL)
    check_chosen(section, declared, source, inner=inner)
    if section.in_channels is None and (section.input_changes.get("bands") or (declared and declared.bands)):
        # Else what the network takes would be written down as the images' own
        section = section.model_copy(update={"in_channels": declared.channels if declared else COLOURS})
    body, parts = _made(ref, section, declared, saved=saved)
    if section.in_channels is None and (channels := _channels(declared, parts)) is not None:
        section = section.model_copy(update={"in_channels": channels})
        # Once more, with the channels that only weights or parts have told
        body, parts = _made(ref, section, declared, saved=saved)
    check_parts(section, [inner.source for inner in parts.values()])
    head = None
    if section.head is not None and body.component.kind == "model":
        got = f"head={quote(section.head)}"
        raise OptionError(f"{body.component.name} is a complete model", expected="no head", got=got)
    if section.head not in (None, ORIGINAL):
        head = part("head", section.head)
    return Resolved(section, body, head, source, declared, parts)


def _trained_on(source: Source | None, *, whole: bool) -> InputSpec | None:
    """What weights bring: how much of an image is seen for the published classifier alone.

    Args:
        source: of the weights.
        whole: whether all of an image is seen, which a mask or a new task may be about.
    """
    if source is None or source.input is None:
        return None
    # What a saved model has seen is no matter of its plugin's
    return replace(source.input, crop=None) if whole or source.declared is None else source.input


def _made(
    ref: ComponentRef, section: ModelSection, declared: InputSpec | None, *, saved: bool
) -> tuple[Part, dict[str, Resolved]]:
    """The body and what its options refer to, for the channels that a network takes."""
    own = _network(section, declared)
    body = part(BODIES, ref, input_size=own.input_size, in_channels=own.in_channels)
    return body, _parts(body, own, saved=saved)


def _network(section: ModelSection, declared: InputSpec | None) -> ModelSection:
    """The section with the channels that are behind the bands."""
    bands = section.input_changes.get("bands") or (declared.bands if declared else ())
    return section.model_copy(update={"in_channels": len(bands)}) if bands else section


def resolve_part(
    kind: str,
    value: Any,
    path: str,
    *,
    outer: ModelSection | None = None,
    saved: bool = False,
) -> Resolved:
    """The component that an option refers to which is a model or backbone.

    Args:
        kind: `backbone` or `model`.
        value: a reference, or a table with the keys of a model section beside the options.
        path: name of the option, for messages.
        outer: section of the model around it, whose channels and image size it has where it says nothing.
        saved: whether a saved model is described, whose weights are at hand.

    Raises:
        ZooError: it does not fit.
    """
    usual = {"in_channels": outer.in_channels, "input_size": outer.input_size} if outer else {}
    section = ModelSection.of(value, path, **usual)
    if not saved:
        check_reading(section, path)
    said = section.weights if saved and elsewhere(section.weights) else None
    if said is not None:
        section = section.model_copy(update={"weights": None})
    found = resolve(from_saved(section, kind, recorded=saved), saved=saved, inner=True)
    if kind == "backbone" and found.body.component.kind != "backbone":
        raise OptionError(path, expected="a backbone", got=f"the model {found.section.name}")
    if kind == "backbone" and found.section.head is not None:
        got = f"a head, {quote(found.section.head)}"
        raise OptionError(path, expected="a backbone", got=got, hint="leave it out")
    return replace(found, said=said)


def _parts(body: Part, section: ModelSection, *, saved: bool) -> dict[str, Resolved]:
    found: dict[str, Resolved] = {}

    def use(kind: str, value: Any, path: str) -> Any:
        if kind in BODIES:
            found[path] = resolve_part(kind, value, path, outer=section, saved=saved)
        return value

    body.filled(use)
    return found


def _trained_with(source: Source, ref: ComponentRef) -> ComponentRef:
    """The reference with the options that its weights were trained with, where it says nothing of them."""
    wanted = source.published.options if source.published else {}
    if others := [name for name in wanted if ref.options.get(name, wanted[name]) != wanted[name]]:
        said = listing(f"{name}={quote(wanted[name])}, not {quote(ref.options[name])}" for name in others)
        warn(f"weights {source.text} were trained with {said}; what they have learnt may not hold")
    if all(name in ref.options for name in wanted):
        return ref
    return replace(ref, options={**wanted, **ref.options})


def _channels(declared: InputSpec | None, parts: Mapping[str, Resolved]) -> int | None:
    """Channels that a section does not say but its weights or the one part that differs are bound to."""
    # Colours are what everything takes by default, so three bind to nothing
    if declared is not None and declared.channels != COLOURS:
        return declared.channels
    others = {inner.section.in_channels for inner in parts.values()} - {None, COLOURS}
    return others.pop() if len(others) == 1 else None


def _component(section: ModelSection) -> ComponentRef:
    ref = section.ref
    if isinstance(ref, ComponentRef):
        return ref
    hint = f"zoo.load reads saved models: {ref}"
    raise OptionError("model.name", expected="a component by name", got=quote(str(ref)), hint=hint)
