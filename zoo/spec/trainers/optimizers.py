"""Torch's optimizers by name, with their own options and torch's defaults; free of torch."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import Field

from zoo.spec.options import Options

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
    """An optimizer with its options; the rate and how the step is computed are the trainer's.

    Attributes:
        torch_name: class in `torch.optim`.
        matrices_only: whether it takes no parameters but matrices.
    """

    torch_name: ClassVar[str]
    matrices_only: ClassVar[bool] = False
    name: str

    @property
    def values(self) -> dict[str, Any]:
        """Arguments of torch's constructor, besides parameters and rate."""
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


EachOptimizer = (
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
    {get_args(kind.model_fields["name"].annotation)[0]: kind for kind in get_args(EachOptimizer)}
)
"""Options classes by the optimizer's name."""
