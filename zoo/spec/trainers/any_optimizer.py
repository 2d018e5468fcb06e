"""An optimizer as trainers take it: by name, as a table of options, or validated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from zoo.spec.options import Options, validate
from zoo.spec.trainers.optimizers import OPTIMIZERS, REFUSED, EachOptimizer, OptimizerOptions


def having(option: str) -> list[str]:
    """Names of the optimizers that have an option.

    Example:
        >>> having("momentum")
        ['rmsprop', 'sgd', 'muon']
    """
    return [name for name, kind in OPTIMIZERS.items() if option in kind.model_fields]


def _named(value: Any) -> Any:
    table = {"name": value} if isinstance(value, str) else value
    name = table.get("name") if isinstance(table, Mapping) else None
    if isinstance(name, str) and (right := REFUSED.get(name.lower())):
        raise ValueError(right)
    if isinstance(table, Mapping) and "lr" in table:
        raise ValueError("lr beside the optimizer, not in its table")
    return table


AnyOptimizer = Annotated[
    Annotated[EachOptimizer, Field(discriminator="name")],
    BeforeValidator(_named),
    # All options of all optimizers would be most of what a catalogue says of a trainer.
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "object"}]}),
]
"""An optimizer by name, or a table of name and options."""


def with_options(spec: OptimizerOptions, flat: Mapping[str, Any]) -> OptimizerOptions:
    """An optimizer with options that stand beside its table, such as a trainer's `weight_decay`.

    Args:
        spec: the optimizer.
        flat: by name; None for what is not given.

    Raises:
        ValueError: the optimizer has no such option, or its table says it too.

    Example:
        >>> with_options(read_optimizer("sgd"), {"momentum": 0.9, "weight_decay": None}).values["momentum"]
        0.9
    """
    given = {name: value for name, value in flat.items() if value is not None}
    for name, value in given.items():
        if name not in type(spec).model_fields:
            *others, last = having(name)
            raise ValueError(f"{name} of {', '.join(others)} and {last}, not of {spec.name}")
        usual = type(spec).model_fields[name].default  # which a file records too
        if name in spec.model_fields_set and getattr(spec, name) not in (usual, value):
            raise ValueError(f"{name} once, in the optimizer's table or beside it")
    return spec.model_copy(update=given)


class _Holder(Options):
    optimizer: AnyOptimizer


def read_optimizer(value: Any) -> OptimizerOptions:
    """An optimizer from its name, a table, or itself.

    Raises:
        OptionError: there is none of that name, or an option does not fit.

    Example:
        >>> read_optimizer({"name": "rmsprop", "alpha": 0.9, "eps": 1e-7}).values["alpha"]
        0.9
    """
    if isinstance(value, OptimizerOptions):
        return value
    return validate(_Holder, {"optimizer": value}, "trainer").optimizer
