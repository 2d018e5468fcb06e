"""Options of a component: a pydantic class that is free of torch, and one-line errors for bad values."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, ValidationError
from pydantic_core import CoreSchema

from zoo.spec.errors import OptionError, ZooError, quote
from zoo.spec.hints.complaints import complaint

M = TypeVar("M", bound=BaseModel)

RefValue = str | dict[str, Any]
"""A reference in a recipe: a name, a file, a repository, or a table with options."""

Use = Callable[[str, Any, str], Any]
"""Makes a part: of a kind, from a reference, at a path of options."""


class Options(BaseModel):
    """Base of every component's options: frozen, and unknown names are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def continued(cls, before: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
        """Recorded options with newly given ones, which go before them.

        A subclass in which one option completes another lets the new one win there too.
        """
        return {**before, **given}

    def effective(self) -> Self:
        """The options as a file records them, so that reading them gives the same values again.

        A subclass in which one option completes another puts the whole into one of them here.
        """
        return self


@dataclass(frozen=True, slots=True)
class PartOf:
    """Marks an option that refers to another component; the constructor is handed the part itself.

    Args:
        kind: `backbone`, `model` (a complete one, or a backbone with its head), `loss`, `augmenter`, ...

    Example:
        >>> from typing import Annotated
        >>> from pydantic import create_model
        >>> encoder = (Annotated[RefValue, PartOf("backbone")], "resnet18")
        >>> UNetOptions = create_model("UNetOptions", __base__=Options, encoder=encoder)
        >>> with_parts(UNetOptions, {"encoder": "vgg16"}, lambda kind, ref, path: f"the {kind} {ref}")
        {'encoder': 'the backbone vgg16'}
    """

    kind: str

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """The catalogue says which kind it is."""
        return {**handler(schema), "part": self.kind}


BALANCED = "balanced"
"""Value of an option that is filled in from the training images."""


@dataclass(frozen=True, slots=True)
class Balanced:
    """Marks an option of a loss that may be `"balanced"`: `fit` fills in numbers from the training images.

    Args:
        pair: whether it is the weight of the second of two classes against the first; else the option is a
            weight a class.
    """

    pair: bool = False


def balanced_options(config: type[BaseModel] | None, values: Mapping[str, Any]) -> dict[str, Balanced]:
    """The options that are to be filled in from the training images.

    Args:
        config: the options class.
        values: by option name.

    Example:
        >>> from typing import Annotated
        >>> from pydantic import create_model
        >>> weight = (Annotated[float | str, Balanced(pair=True)], 1.0)
        >>> config = create_model("LossOptions", __base__=Options, weight=weight)
        >>> balanced_options(config, {"weight": "balanced"})
        {'weight': Balanced(pair=True)}
    """
    fields = config.model_fields if config is not None else {}
    marks = {name: mark for name, f in fields.items() for mark in f.metadata if isinstance(mark, Balanced)}
    return {name: mark for name, mark in marks.items() if values.get(name) == BALANCED}


@dataclass(frozen=True, slots=True)
class ForPart:
    """Marks an option of a model that is handed on to one of its parts; the constructor never sees it.

    Args:
        part: the option that refers to the part, which has an option of the same name.

    Example:
        >>> from typing import Annotated
        >>> from pydantic import create_model
        >>> generator = (Annotated[RefValue, PartOf("model")], "srresnet")
        >>> scale = (Annotated[int | None, ForPart("generator")], None)
        >>> PairOptions = create_model("PairOptions", __base__=Options, generator=generator, scale=scale)
        >>> handed_on(PairOptions, {"generator": "srresnet", "scale": 2}, "model pair")
        {'generator': {'name': 'srresnet', 'scale': 2}}
    """

    part: str


def handed_on(config: type[BaseModel], values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Validated options with those for a part in the part's own table.

    Args:
        config: the options class.
        values: by option name.
        where: whose options they are, for the message.

    Raises:
        OptionError: the part's table says another value.
    """
    result = dict(values)
    for name, field in config.model_fields.items():
        mark = next((item for item in field.metadata if isinstance(item, ForPart)), None)
        if mark is None:
            continue
        value, reference = result.pop(name), result[mark.part]
        if value is None:
            continue
        table = dict(reference) if isinstance(reference, Mapping) else {"name": reference}
        inner = table.get("options")
        # The part's table may say it flat or under `options`; where it says nothing, it agrees
        said = table.get(name, inner.get(name, value) if isinstance(inner, Mapping) else value)
        if said != value:
            raise OptionError(
                f"{where}: two values for {name}", expected=f"{quote(value)}, as the {where} says",
                got=f"{quote(said)} of its {mark.part}", hint="say it once",
            )  # fmt: skip
        result[mark.part] = {**table, name: value}
    return result


def part_kinds(config: type[BaseModel] | None) -> dict[str, str]:
    """The options that refer to one component, and its kind."""
    fields = config.model_fields if config is not None else {}
    marks = {name: next(_marks(field.metadata), None) for name, field in fields.items()}
    return {name: mark.kind for name, mark in marks.items() if mark is not None}


def with_parts(config: type[BaseModel] | None, values: Mapping[str, Any], use: Use) -> dict[str, Any]:
    """Validated options with parts in the place of references.

    Args:
        config: the options class.
        values: by option name; tables inside may hold references too.
        use: makes a part.
    """
    kinds = part_kinds(config)
    return {name: _filled(value, kinds.get(name), use, name) for name, value in values.items()}


def _filled(value: Any, kind: str | None, use: Use, path: str) -> Any:
    if type(value) in (list, tuple):  # no named tuples
        items = [_filled(item, kind, use, f"{path}.{i}") for i, item in enumerate(value)]
        # The same object where no part was in it: `changed` below compares by identity
        return value if all(map(operator.is_, items, value)) else type(value)(items)
    if kind is not None:
        return use(kind, value, path) if isinstance(value, str | Mapping) else value  # a part that is made
    if isinstance(value, BaseModel):
        kinds = part_kinds(type(value))
        inside = {name: _filled(item, kinds.get(name), use, f"{path}.{name}") for name, item in value}
        # A copy takes all that it is updated with as given by the user.
        changed = {name: item for name, item in inside.items() if item is not getattr(value, name)}
        return value.model_copy(update=changed)
    if isinstance(value, dict):
        return {name: _filled(item, None, use, f"{path}.{name}") for name, item in value.items()}
    return value


def _marks(metadata: list[Any]) -> Iterator[PartOf]:
    return (item for item in metadata if isinstance(item, PartOf))


def validate(
    config: type[M], values: Mapping[str, Any], where: str, error: type[ZooError] = OptionError
) -> M:
    """The values as an instance of `config`.

    Args:
        config: pydantic class.
        values: by option name.
        where: whose options they are, for the message.
        error: what to raise.

    Raises:
        ZooError: of class `error`, one line on the first value that does not fit.
    """
    try:
        return config.model_validate(dict(values))
    except ValidationError as problem:
        raise complaint(problem, config, where, error) from None
    except RecursionError:  # a stranger's file may nest tables without end
        raise error(
            f"{where}: nested too deeply", expected="a flat table", got=quote(type(values).__name__)
        ) from None
