"""Torch's optimizers by name, with their own options and torch's defaults; free of torch."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BeforeValidator, Field, WithJsonSchema

from zoo.spec.options import Options, validate

Share = Annotated[float, Field(ge=0, lt=1)]
_Number = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Above = Annotated[float, Field(gt=0, allow_inf_nan=False)]

Betas = Annotated[
    tuple[Share, Share], Field(description="decay of the running means of gradients and of their squares")
]
Eps = Annotated[_Number, Field(description="added to what is divided by")]
Decay = Annotated[_Number, Field(description="L2 penalty, decoupled where `decoupled_weight_decay`")]
Decoupled = Annotated[bool, Field(description="take the penalty off the weights, not into the gradients")]
Momentum = Annotated[Share, Field(description="share of the last step that is added to the next")]
Nesterov = Annotated[bool, Field(description="look ahead by the momentum, as Nesterov does")]

REFUSED: Mapping[str, str] = MappingProxyType(
    {
        "lbfgs": "an optimizer that takes one gradient a step; lbfgs computes the loss several times",
        "sparseadam": "an optimizer of dense gradients; sparseadam takes sparse ones alone",
    }
)
"""Torch's optimizers that no trainer can use, and what would have been right."""


class OptimizerOptions(Options):
    """Which optimizer, with its options; the rate and how the step is computed are the trainer's.

    Attributes:
        torch_name: class in `torch.optim`.
        matrices_only: whether it takes no parameters but matrices.
    """

    torch_name: ClassVar[str]
    matrices_only: ClassVar[bool] = False
    name: str

    @property
    def values(self) -> dict[str, Any]:
        """What torch's constructor is called with, besides parameters and rate."""
        return {name: getattr(self, name) for name in type(self).model_fields if name != "name"}


class Adam(OptimizerOptions):
    """Adam (Kingma and Ba, 2015), https://arxiv.org/abs/1412.6980."""

    torch_name = "Adam"
    name: Literal["adam"] = "adam"
    betas: Betas = (0.9, 0.999)
    eps: Eps = 1e-8
    weight_decay: Decay = 0.0
    amsgrad: Annotated[bool, Field(description="divide by the largest mean of squares so far")] = False
    decoupled_weight_decay: Decoupled = False


class AdamW(OptimizerOptions):
    """AdamW (Loshchilov and Hutter, 2019), https://arxiv.org/abs/1711.05101."""

    torch_name = "AdamW"
    name: Literal["adamw"]
    betas: Betas = (0.9, 0.999)
    eps: Eps = 1e-8
    weight_decay: Decay = 0.01
    amsgrad: Annotated[bool, Field(description="divide by the largest mean of squares so far")] = False


class NAdam(OptimizerOptions):
    """NAdam (Dozat, 2016), https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ."""

    torch_name = "NAdam"
    name: Literal["nadam"]
    betas: Betas = (0.9, 0.999)
    eps: Eps = 1e-8
    weight_decay: Decay = 0.0
    momentum_decay: Annotated[_Number, Field(description="how fast the momentum reaches its value")] = 4e-3
    decoupled_weight_decay: Decoupled = False


class RAdam(OptimizerOptions):
    """RAdam (Liu et al., 2020), https://arxiv.org/abs/1908.03265."""

    torch_name = "RAdam"
    name: Literal["radam"]
    betas: Betas = (0.9, 0.999)
    eps: Eps = 1e-8
    weight_decay: Decay = 0.0
    decoupled_weight_decay: Decoupled = False


class Adamax(OptimizerOptions):
    """Adamax (Kingma and Ba, 2015, section 7), https://arxiv.org/abs/1412.6980."""

    torch_name = "Adamax"
    name: Literal["adamax"]
    betas: Betas = (0.9, 0.999)
    eps: Eps = 1e-8
    weight_decay: Decay = 0.0


class Adagrad(OptimizerOptions):
    """Adagrad (Duchi et al., 2011), https://jmlr.org/papers/v12/duchi11a.html."""

    torch_name = "Adagrad"
    name: Literal["adagrad"]
    lr_decay: Annotated[_Number, Field(description="how fast the rate falls with the steps")] = 0.0
    weight_decay: Decay = 0.0
    initial_accumulator_value: Annotated[_Number, Field(description="sum of squares to begin with")] = 0.0
    eps: Eps = 1e-10


class Adadelta(OptimizerOptions):
    """Adadelta (Zeiler, 2012), https://arxiv.org/abs/1212.5701."""

    torch_name = "Adadelta"
    name: Literal["adadelta"]
    rho: Annotated[Share, Field(description="decay of the running means")] = 0.9
    eps: Eps = 1e-6
    weight_decay: Decay = 0.0


class Adafactor(OptimizerOptions):
    """Adafactor (Shazeer and Stern, 2018), https://arxiv.org/abs/1804.04235."""

    torch_name = "Adafactor"
    name: Literal["adafactor"]
    beta2_decay: Annotated[float, Field(le=0, description="how the decay of squares falls with steps")] = -0.8
    eps: Annotated[
        tuple[_Number | None, _Number], Field(description="of squares, by default the type's, and of weights")
    ] = (None, 1e-3)
    d: Annotated[_Above, Field(ge=1, description="largest root mean square of a step")] = 1.0
    weight_decay: Decay = 0.0


class ASGD(OptimizerOptions):
    """Averaged SGD (Polyak and Juditsky, 1992), https://doi.org/10.1137/0330046."""

    torch_name = "ASGD"
    name: Literal["asgd"]
    lambd: Annotated[_Number, Field(description="decay of the rate")] = 1e-4
    alpha: Annotated[_Number, Field(description="power of the rate's decay")] = 0.75
    t0: Annotated[_Number, Field(description="step at which averaging begins")] = 1e6
    weight_decay: Decay = 0.0


class Rprop(OptimizerOptions):
    """Rprop (Riedmiller and Braun, 1993), https://doi.org/10.1109/ICNN.1993.298623."""

    torch_name = "Rprop"
    name: Literal["rprop"]
    etas: Annotated[
        tuple[Annotated[float, Field(gt=0, lt=1)], Annotated[float, Field(gt=1, allow_inf_nan=False)]],
        Field(description="what a step is multiplied with where the sign changed, and where it stayed"),
    ] = (0.5, 1.2)
    step_sizes: Annotated[tuple[_Number, _Number], Field(description="smallest and largest step")] = (
        1e-6,
        50.0,
    )


class RMSprop(OptimizerOptions):
    """RMSprop (Hinton, 2012), https://www.cs.toronto.edu/~hinton/coursera/lecture6/lec6.pdf."""

    torch_name = "RMSprop"
    name: Literal["rmsprop"]
    alpha: Annotated[Share, Field(description="decay of the running mean of squares; 0.9 in Keras")] = 0.99
    eps: Eps = 1e-8
    weight_decay: Decay = 0.0
    momentum: Momentum = 0.0
    centered: Annotated[bool, Field(description="divide by the deviation, not the root of squares")] = False


class SGD(OptimizerOptions):
    """Stochastic gradient descent (Robbins and Monro, 1951), with momentum where asked for."""

    torch_name = "SGD"
    name: Literal["sgd"]
    momentum: Momentum = 0.0
    dampening: Annotated[Share, Field(description="share of the gradient that the momentum leaves out")] = 0.0
    weight_decay: Decay = 0.0
    nesterov: Nesterov = False


class Muon(OptimizerOptions):
    """Muon (Jordan, 2024), for networks whose trained parameters are all matrices."""

    torch_name = "Muon"
    matrices_only = True
    name: Literal["muon"]
    weight_decay: Decay = 0.1
    momentum: Momentum = 0.95
    nesterov: Nesterov = True
    ns_coefficients: Annotated[
        tuple[float, float, float], Field(description="of the Newton-Schulz polynomial")
    ] = (3.4445, -4.775, 2.0315)
    eps: Eps = 1e-7
    ns_steps: Annotated[int, Field(ge=1, le=99, description="Newton-Schulz iterations")] = 5
    adjust_lr_fn: Annotated[
        Literal["original", "match_rms_adamw"] | None, Field(description="how the rate follows the shape")
    ] = None


_ALL = (
    Adam
    | AdamW
    | NAdam
    | RAdam
    | Adamax
    | Adagrad
    | Adadelta
    | Adafactor
    | ASGD
    | Rprop
    | RMSprop
    | SGD
    | Muon
)
OPTIMIZERS: Mapping[str, type[OptimizerOptions]] = MappingProxyType(
    # The one value of its `Literal` is what an optimizer is called
    {get_args(kind.model_fields["name"].annotation)[0]: kind for kind in get_args(_ALL)}
)
"""Options classes by the optimizer's name."""


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
    Annotated[_ALL, Field(discriminator="name")],
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
