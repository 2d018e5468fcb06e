"""Named fields of samples: further images and targets beside `image` and `target`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from zoo.interfaces.tasks.base import Task
from zoo.spec.errors import OptionError, quote
from zoo.spec.inputs import InputSpec

FieldKind = Literal["image"] | InputSpec | Task
"""Meaning of a field: `image` for one that is prepared as the model's own, an input spec for one that is
prepared by it, a task for targets that it reads and collates."""

Fields = Mapping[str, FieldKind]
"""Meaning of further fields by the names that samples and batches have them under."""

_OWN = ("image", "target", "mask", "index", "place", "size")


def settled_fields(model: Fields, trainer: Fields, spec: InputSpec) -> dict[str, InputSpec | Task]:
    """The fields that a model and its trainer declare.

    Args:
        model: fields of the model.
        trainer: fields of the trainer.
        spec: of the model's own images.

    Raises:
        OptionError: a field cannot be had, or the two declare it otherwise.

    Example:
        >>> from zoo.interfaces.tasks import Regression
        >>> spec = InputSpec(channels=3, size=(8, 8))
        >>> [*settled_fields({"right": "image"}, {"depth": Regression()}, spec)]
        ['right', 'depth']
    """
    found: dict[str, InputSpec | Task] = {}
    for who, fields in (("model", model), ("trainer", trainer)):
        for name, kind in fields.items():
            _check(name, kind, who)
            settled = spec if isinstance(kind, str) else kind
            if name in found and not _same(found[name], settled):
                expected, got = f"{quote(name)} as the model declares it", "another kind"
                raise OptionError(f"fields of the {who}", expected=expected, got=got)
            found[name] = settled
    return found


def _check(name: str, kind: object, who: str) -> None:
    where = f"fields of the {who}"
    if name in _OWN or not name.isidentifier():
        raise OptionError(where, expected=f"a name of its own, none of {', '.join(_OWN)}", got=quote(name))
    if kind == "image" or isinstance(kind, InputSpec):
        return
    if not isinstance(kind, Task):
        expected = "'image', an InputSpec or a task for each field"
        raise OptionError(where, expected=expected, got=f"{quote(kind)} for {quote(name)}")
    if kind.needs != "target" or kind.spatial:
        expected, got = "tasks whose targets are numbers", f"{kind.name} for {quote(name)}"
        hint = "masks and places are had of the image and target of a sample alone"
        raise OptionError(where, expected=expected, got=got, hint=hint)


def _same(one: InputSpec | Task, other: InputSpec | Task) -> bool:
    return type(one) is type(other) if isinstance(one, Task) else one == other
