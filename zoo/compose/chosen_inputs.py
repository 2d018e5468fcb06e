"""Input specs that somebody chose for a network, held against its weights."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from typing import Any

from zoo.interfaces.model import Model
from zoo.interfaces.normalise import Normalise
from zoo.spec.arguments import misplaced
from zoo.spec.errors import OptionError, listing, quote
from zoo.spec.inputs import WHOLE, InputSpec
from zoo.spec.recipe import ORIGINAL, ModelSection
from zoo.weights.fitting import Source

READING = ("decode", "value_range", "pages")
"""Fields of a section that say how files are read."""


def check_chosen(
    section: ModelSection, declared: InputSpec | None, source: Source | None, *, inner: bool
) -> None:
    """Raises OptionError where weights, or the model around a part, say another input than was chosen.

    Args:
        section: names the input.
        declared: by the weights, where they say it.
        source: of the weights.
        inner: whether it is the section of a part.
    """
    changes = section.input_changes
    if not changes:
        return
    if inner:
        hint = "say input of the model around it"
        raise OptionError(
            f"{section.called}: input", expected="none, of a part", got=quote(changes), hint=hint
        )
    # How much of an image is seen is no matter of what was learnt
    changes = _learnt(changes)
    if source is None or declared is None or not changes or declared.changed(changes) == declared:
        return
    fields = declared.to_dict()
    own = listing(f"{name} {fields.get(name, 'none')}" for name in changes)
    hint = "leave input out: the weights bring theirs; without weights it is yours to choose"
    expected = f"what {source.text} was trained with, {own}"
    raise OptionError("input", expected=expected, got=quote(changes), hint=hint)


def check_reading(section: ModelSection, path: str) -> None:
    """Raises OptionError where a part says how files are read, which the model around it does.

    Args:
        section: of the part, as it was given.
        path: name of the option that it stands in.
    """
    for name in READING:
        if (value := getattr(section, name)) is not None:
            hint = misplaced(name, value, ())
            raise OptionError(f"{path}: {name}", expected="none, of a part", got=quote(value), hint=hint)


def check_parts(section: ModelSection, sources: Sequence[Source | None]) -> None:
    """Raises OptionError where an input was chosen, and a part has weights that were trained with another."""
    found = next((source for source in sources if source is not None and source.input is not None), None)
    if (changes := _learnt(section.input_changes)) and found is not None:
        hint = "leave input out: the weights bring theirs"
        expected = f"what {found.text} was trained with"
        raise OptionError("input", expected=expected, got=quote(changes), hint=hint)


def _learnt(changes: Mapping[str, Any]) -> dict[str, Any]:
    """What of an input weights are bound to."""
    return {name: value for name, value in changes.items() if name != "crop"}


def with_chosen(model: Model, spec: InputSpec, section: ModelSection) -> InputSpec:
    """The input spec of a model with what was chosen of it.

    Raises:
        OptionError: the model has no normalisation that would follow it, or gives images of its own channels.
        DeclarationError: a value does not fit.
    """
    changes = section.input_changes
    if not changes:
        return spec
    if _learnt(changes) and not any(isinstance(part, Normalise) for part in model.children()):
        got = f"one that does not normalise, and input={changes}"
        raise OptionError(section.called, expected="a model that takes input", got=got, hint="leave it out")
    task = model.task
    if changes.get("bands") and task is not None and task.answers == "image":
        hint = "leave bands out: images are learnt as they are"
        expected = "channels that can be turned back into an image"
        raise OptionError(f"{section.called}: input", expected=expected, got="bands", hint=hint)
    return spec.changed(changes)


def as_seen(section: ModelSection, spec: InputSpec, tags: Container[str]) -> dict[str, Any] | None:
    """The `input` that a file records: with the crop that a tag brings, which its plugin may change one day.

    Args:
        section: of the model.
        spec: that the model has.
        tags: that its plugin declares.
    """
    said = section.input is not None and ("channels" in section.input or "crop" in section.input)
    if said or section.head != ORIGINAL or section.weights not in tags:
        return section.input
    return {**(section.input or {}), "crop": spec.crop or WHOLE}


def usual(model: Model, section: ModelSection) -> InputSpec:
    """The spec that a complete model has by itself, for the channels of the images."""
    return model.input_spec.with_channels(section.in_channels or model.input_spec.channels)


def read_as(section: ModelSection, saved: InputSpec | None, declared: InputSpec) -> InputSpec:
    """The input spec of a saved model as it is, else the declared one, read as the section says."""
    asked: dict[str, Any] = {name: getattr(section, name) for name in READING}
    return saved or replace(declared, **{name: value for name, value in asked.items() if value is not None})
