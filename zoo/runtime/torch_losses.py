"""Losses of torch's own held against a task: what they take, tried on random outputs and targets."""

from __future__ import annotations

import copy
import inspect
import math
import warnings
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from zoo.interfaces.blocks.modes import kept_modes
from zoo.interfaces.draws import forked
from zoo.interfaces.model import Model
from zoo.interfaces.tasks import Task
from zoo.spec.errors import TrainingError, listing, reason

_TRIED = 9

_PROBABILITIES = (nn.BCELoss,)
_LOG_PROBABILITIES = (nn.NLLLoss, nn.KLDivLoss)
VALUES = (nn.MSELoss, nn.L1Loss, nn.SmoothL1Loss, nn.HuberLoss, nn.PoissonNLLLoss)
_SIGNS = (nn.SoftMarginLoss, nn.HingeEmbeddingLoss)
_SOFTMAX = (nn.CrossEntropyLoss, nn.MultiMarginLoss)

_OF_VALUES = "values"
_NO_VALUES = (
    *((kind, "one for log-probabilities") for kind in _LOG_PROBABILITIES),
    (nn.BCEWithLogitsLoss, "one for logits of labels, whose figures would be of logits"),
    (nn.MultiLabelSoftMarginLoss, "one for logits of labels, whose figures would be of logits"),
    (nn.CrossEntropyLoss, "one for logits of classes, whose figures would be of logits"),
    *((kind, "one for targets of -1 and 1") for kind in _SIGNS),
)
"""Torch's losses that give a number for values too, but of outputs that are none."""

_FORMS = ("View", "UnsafeView", "ReshapeAlias", "Squeeze", "Unsqueeze", "Clone", "ToCopy", "Alias", "Permute")
"""What the steps are called that leave values as they are."""

_LAST = {"sigmoid": ("Sigmoid", nn.BCEWithLogitsLoss), "softmax": ("Softmax", nn.CrossEntropyLoss)}
"""By the function that makes probabilities of logits: the layer that does so, and the loss with it inside."""


def is_torchs(loss: nn.Module) -> bool:
    """Whether a loss is one of torch's own; a subclass is whoever's wrote it."""
    return inspect.getmodule(type(loss)) is nn.modules.loss


def called(part: object) -> str:
    """Name of an object in a run's record: of its class, and of a loss of torch's own with its settings.

    Example:
        >>> called(nn.CrossEntropyLoss(label_smoothing=0.1)), called(nn.MSELoss()), called(nn.ReLU())
        ('CrossEntropyLoss(label_smoothing=0.1)', 'MSELoss()', 'ReLU')
    """
    name = type(part).__name__
    if not isinstance(part, nn.Module) or not is_torchs(part):
        return name
    usual = inspect.signature(type(part)).parameters
    names = [key for key in getattr(part, "__constants__", ()) if key in usual]
    said = [f"{key}={value!r}" for key in names if (value := getattr(part, key)) != usual[key].default]
    return f"{name}({', '.join(said)})"


def check_state(loss: nn.Module, kept: Mapping[str, Tensor], where: str) -> None:
    """Raises TrainingError where a loss of torch's own has other weights than a run was begun with.

    Args:
        loss: that the run is to go on with.
        kept: of the loss, as the run's checkpoint has them.
        where: who asks, for the message.
    """
    given = loss.state_dict()
    other = [
        name
        for name in dict.fromkeys([*kept, *given])
        if name not in kept or name not in given or not torch.equal(kept[name].cpu(), given[name].cpu())
    ]
    if other:
        had = "others" if all(name in kept for name in other) else "none"
        raise TrainingError(
            f"{where}: loss {type(loss).__name__}",
            expected="the weights that the run was begun with",
            got=f"{listing(other)}, where it had {had}",
            hint="give the loss as it was, or begin a new run",
        )


def fault_of(loss: nn.Module, model: Model, task: Task) -> tuple[str, str | None] | None:
    """Fault of a loss that cannot train a model for its task, and the next step where there is a better one.

    Args:
        loss: of torch's own.
        model: whose outputs it is computed of.
        task: of the model.
    """
    if getattr(loss, "reduction", "mean") == "none":
        better = f'nn.{type(loss).__name__}(reduction="mean")'
        return 'one with a number for each answer (reduction="none")', f"one number is minimised: {better}"
    if task.form == _OF_VALUES and (found := _no_values(loss)) is not None:
        return found
    reads = _reads_logits(task, model.outputs)
    if reads is not None and (found := _wrong_form(loss, model, reads)) is not None:
        return found
    return tried(loss, task, model.outputs)


def fitting(model: Model, task: Task) -> list[str]:
    """Usual losses of torch's that fit, as they are typed."""
    reads = _reads_logits(task, model.outputs)
    usual = (nn.MSELoss, nn.L1Loss) if reads is None else (_LAST[reads][1],)
    return [f"nn.{kind.__name__}()" for kind in usual if fault_of(kind(), model, task) is None]


def tried(loss: nn.Module, task: Task, outputs: int) -> tuple[str, None] | None:
    """Fault of a loss on random outputs and targets of a task: it fails, or is flat.

    Args:
        loss: a copy of it is computed.
        task: whose targets are prepared as a trainer does.
        outputs: length of the output vector.
    """
    weight = getattr(loss, "weight", None)
    # Weights of binary losses may be those of the images of a batch
    # As many images as outputs would hide that each image is compared with all
    counts = [
        _TRIED + (outputs == _TRIED),
        *([len(weight)] if isinstance(weight, Tensor) and weight.ndim else []),
    ]
    found: tuple[str, None] | None = None
    for count in counts:
        for squashed in (False, True):
            found = _tried(loss, task, outputs, count, squashed=squashed)
            if found is None:
                return None
    return found


def _tried(
    loss: nn.Module, task: Task, outputs: int, count: int, *, squashed: bool
) -> tuple[str, None] | None:
    try:
        with forked():
            torch.manual_seed(0)
            answers, raw = task.example(task.classes(outputs), count)
            target = task.target(raw, answers.shape[1])
    # A task of a plugin's whose examples are not for so many outputs
    except Exception:
        return None
    if squashed:  # images and shares lie in [0, 1]
        answers, target = answers.sigmoid(), target.sigmoid() if target.is_floating_point() else target
    answers = answers.detach().requires_grad_()
    try:
        with forked(), torch.enable_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # That of shapes which are stretched to each other, so that each image is compared with all
            warnings.filterwarnings("error", message="Using a target size")
            value = copy.deepcopy(loss).cpu()(answers, target).sum()
            value.backward()
    except Exception as error:
        return (
            f"one that fails on {_shape(answers)} outputs and {_shape(target)} targets ({reason(error)})",
            None,
        )
    flat = answers.grad is None or not bool(answers.grad.any())
    if flat and math.isfinite(float(value.detach())):
        return "one that is the same whatever the model answers", None
    return None


def _shape(x: Tensor) -> str:
    return " x ".join(["N", *map(str, x.shape[1:])])


def _reads_logits(task: Task, outputs: int) -> str | None:
    """Which function a task reads outputs by: `sigmoid`, `softmax`; None where it has none, or its own."""
    try:
        with forked():
            torch.manual_seed(0)
            answers, _ = task.example(task.classes(outputs), _TRIED)
        found = task.probabilities(answers)
    except Exception:
        return None
    if found is None or not isinstance(found, Tensor):
        return None
    if found.shape == answers.shape and torch.allclose(found, answers.softmax(dim=1)):
        return "softmax"
    one = answers.sigmoid()
    if answers.shape[1] == 1:
        one = torch.cat([1 - one, one], dim=1)
    return "sigmoid" if found.shape == one.shape and torch.allclose(found, one) else None


def _wrong_form(loss: nn.Module, model: Model, reads: str) -> tuple[str, str | None] | None:
    """What gives a number for logits all the same, but trains another thing than is measured."""
    last, kind = _LAST[reads]
    better = f"nn.{kind.__name__}()"
    # The softmax of log-probabilities are the probabilities
    if isinstance(loss, _LOG_PROBABILITIES) and (
        reads == "sigmoid" or _gives_log_probabilities(model) is False
    ):
        return "one for log-probabilities", f"outputs are logits here: use {better}, which takes them"
    if isinstance(loss, _PROBABILITIES):
        return "one for probabilities", f"outputs are logits here: leave the {last} out and use {better}"
    of_one = reads == "sigmoid" and model.outputs > 1
    others: list[tuple[tuple[type[nn.Module], ...], str]] = [
        (VALUES, "one for values"),
        (_SIGNS, "one for targets of -1 and 1, where zoo's count from 0"),
        (_SOFTMAX if of_one else (), "one for one class out of several"),
    ]
    return next(((what, None) for kinds, what in others if isinstance(loss, kinds)), None)


def _no_values(loss: nn.Module) -> tuple[str, str | None] | None:
    """What a loss takes outputs for where these are values, so that figures would be of something else."""
    if isinstance(loss, nn.PoissonNLLLoss) and loss.log_input:
        return "one for logarithms of counts, where outputs are the values themselves", None
    what = next((what for kind, what in _NO_VALUES if isinstance(loss, kind)), None)
    if what is not None and isinstance(loss, nn.BCEWithLogitsLoss):
        return what, "targets of one label are whole numbers, 0 and 1, and of several are rows of them"
    return None if what is None else (what, None)


def outputs_of(model: Model, *, tracked: bool = False) -> Tensor | None:
    """Output of a model for two random images; None where it takes none such.

    Args:
        model: is asked in evaluation mode.
        tracked: whether the output keeps the function that it came from.
    """
    spec = model.input_spec
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    try:
        with forked(), kept_modes(model), torch.set_grad_enabled(tracked):
            torch.manual_seed(0)
            x = torch.rand(2, spec.channels, *spec.size).to(device)
            # Not a leaf itself, which no module may change in place
            found = model.eval()(x.requires_grad_().clone() if tracked else x)
    except Exception:
        return None
    if not isinstance(found, Tensor) or found.ndim < 2:
        return None
    return found if tracked else found.float().cpu()


def _gives_log_probabilities(model: Model) -> bool | None:
    found = outputs_of(model)
    return None if found is None else bool((found.logsumexp(dim=1).abs() < 1e-3).all())


def squashes(model: Model, task: Task) -> str | None:
    """The end of a model that makes probabilities of logits, which its task would do once more.

    It may be a layer or a function; two outputs that lie in [0, 1] may do so by chance, so that is asked
    which function they came from. Rows of probabilities sum to 1, which logits do not.
    """
    if _reads_logits(task, model.outputs) is None:
        return None
    found = outputs_of(model, tracked=True)
    if found is None or not bool(((found >= 0) & (found <= 1)).all()):
        return None
    leaves = [part for part in model.modules() if not list(part.children())]
    # The last layer may be called in the midst
    if leaves and isinstance(leaves[-1], nn.Sigmoid | nn.Softmax | nn.Softmax2d):
        return type(leaves[-1]).__name__
    sums = found.detach().float().sum(dim=1)
    if found.shape[1] > 1 and torch.allclose(sums, torch.ones_like(sums), atol=1e-3):
        return "softmax"
    return "sigmoid" if _origin(found).startswith("SigmoidBackward") else None


def _origin(x: Tensor) -> str:
    """Name of the function that a tensor came from, seen through changes of its form."""
    step = x.grad_fn
    while step is not None and step.name().startswith(_FORMS) and step.next_functions:
        step = step.next_functions[0][0]
    return "" if step is None else step.name()
