"""Parameters, outputs and state of a tiny component, to compare two settings of an option."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

import numpy as np
import torch
from torch import Tensor, nn

from zoo.interfaces.loss import OUTPUT, compute, total
from zoo.interfaces.tasks.choice import BY_NAME
from zoo.interfaces.tasks.target_counts import whole_numbers
from zoo.spec.errors import WeightsError, ZooError
from zoo.spec.options import Options, balanced_options, validate
from zoo.testing import rules_augmenter, rules_loss, rules_trainer
from zoo.testing.case import Case
from zoo.testing.instances import instance

_SHAPE = (4, 8, 3, 4)
_SCALES = (0.5, 2, 3)


def given(case: Case) -> list[Any]:
    """All that one can see of a tiny instance: parameters, buffers, outputs, and what training changes.

    Args:
        case: of the component, with the options to look at.
    """
    torch.manual_seed(0)
    return [*_WAYS[case.entry.component.kind](case)]


def differ(one: Any, two: Any) -> bool:
    """Whether two things that `given` gave differ in any value, shape or name."""
    if isinstance(one, Tensor) and isinstance(two, Tensor):
        return one.shape != two.shape or one.dtype != two.dtype or not torch.equal(one, two)
    if isinstance(one, np.ndarray) and isinstance(two, np.ndarray):
        return not np.array_equal(one, two)
    if isinstance(one, Mapping) and isinstance(two, Mapping):
        return {*one} != {*two} or any(differ(one[key], two[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(two, list | tuple):
        return len(one) != len(two) or any(map(differ, one, two))
    return type(one) is not type(two) or repr(one) != repr(two)


def others(config: type[Options], options: Mapping[str, Any], name: str) -> Iterator[Any]:
    """Further valid values of an option beside given ones, as its type and its value suggest them.

    Args:
        config: the options class.
        options: that are given, by name; those beside them have their defaults.
        name: of the option.
    """
    try:
        now = getattr(validate(config, options, name), name)
    except ZooError:
        return
    annotation = config.model_fields[name].annotation
    # None last but for one: where it is allowed, it turns off what the option is for
    near = _near(now)
    for value in [*_listed(annotation), *near[:1], None, *near[1:]]:
        try:
            read = getattr(validate(config, {**options, name: value}, name), name)
        except ZooError:
            continue
        # What is balanced are images, which there are none of here
        if repr(read) != repr(now) and not balanced_options(config, {name: read}):
            yield value


def _listed(annotation: Any) -> list[Any]:
    """Values that a type lists."""
    if get_origin(annotation) is Literal:
        return [*get_args(annotation)]
    if annotation is bool:
        return [True, False]
    # Unions and what is annotated; a tuple's values are no values of the tuple
    if get_origin(annotation) in {tuple, list, dict}:
        return []
    return [value for each in get_args(annotation) if not isinstance(each, str) for value in _listed(each)]


def _near(value: Any) -> list[Any]:
    """Values like one, of its type."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        # Times two and more, since channels are often rounded
        return [value * 2, value * 16, value * 4, value + 1, value // 2, value - 1]
    if isinstance(value, float):
        return [value * 2, value / 2, value + 0.25, 1 - value]
    if isinstance(value, tuple | list) and value:
        moved = zip(*(_near(each) or [each] for each in value), strict=False)
        return [list(each) for each in moved] + [[*value[:-1]], [*value, value[-1]]]
    return [1, 2, 8, 0.5, 0.1, True, [0.5, 0.5], [0.1, 0.9], [1], [2, 2]] if value is None else []


def _module(module: nn.Module) -> Iterator[Any]:
    yield {name: p.detach().clone() for name, p in module.named_parameters()}
    yield {name: buffer.clone() for name, buffer in module.named_buffers()}


def _network(module: nn.Module, *inputs: Tensor) -> Iterator[Any]:
    """Its tensors, what it answers in either mode, and what a training forward leaves in its buffers."""
    yield from _module(module)
    _wake(module)
    for training in (False, True):
        torch.manual_seed(0)
        with torch.no_grad():
            yield module.train(training)(*inputs)
    yield from _module(module)


def _wake(module: nn.Module) -> None:
    """Moves parameters that begin as zeros or ones: behind a branch that adds nothing nothing is seen."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in module.parameters():
            if p.numel() and bool((p == p.flatten()[0]).all()):
                p.add_(torch.randn(p.shape, generator=generator), alpha=0.1)


def _backbone(case: Case) -> Iterator[Any]:
    backbone = instance(case)
    yield from _network(backbone, torch.rand(2, 3, *case.size))
    yield backbone.input_spec
    yield [info.name for info in backbone.pyramid(case.size)]
    # Some options are of the classifier that was published with the network
    torch.manual_seed(0)
    try:
        head = backbone.original_head(3, backbone.block_infos(case.size)[-1:])
    except WeightsError:  # there is none
        return
    yield from _network(head, backbone.eval()(torch.rand(2, 3, *case.size)).detach())


def _head(case: Case) -> Iterator[Any]:
    head = instance(case)
    yield from _network(head, torch.rand(_SHAPE))
    yield [type(head.task), {name: repr(value) for name, value in vars(head.task).items()}]


def _model(case: Case) -> Iterator[Any]:
    model = instance(case)
    x = model.example_input()
    yield from _network(model, torch.cat([x, x.flip(-1)]))
    yield [model.input_spec, model.task and {name: repr(value) for name, value in vars(model.task).items()}]


def _loss(case: Case) -> Iterator[Any]:
    loss = instance(case)
    output, target = rules_loss.example(case.entry)
    loss.prepare(output.shape[1], 4)
    yield from _module(loss)
    generator = torch.Generator().manual_seed(0)
    draws = {name: torch.randn(6, 1, generator=generator) for name in loss.needs if name != OUTPUT}
    for position in (0.0, 1.0, 5.0):
        loss.advance(position, 10)
        for scale in _SCALES:
            outputs = {OUTPUT: output.detach() * scale, **draws}
            torch.manual_seed(0)
            value = compute(loss, outputs, target, {"image": target, "target": target})
            yield value if isinstance(value, Mapping) else total(value)
            yield loss.divisor(target)
    yield _opposed(loss)


def _opposed(loss: Any) -> Any:
    torch.manual_seed(0)
    judge = nn.Sequential(nn.Flatten(), nn.Linear(48, 1))
    real, fake = torch.rand(4, 3, 4, 4), torch.rand(4, 3, 4, 4)
    return loss.oppose(judge, real, fake)


def _augmenter(case: Case) -> Iterator[Any]:
    yield instance(case).changes_labels
    for _ in range(3):
        yield rules_augmenter.augmented(case, rules_augmenter.example_batch())
    steps = rules_augmenter.example_batch()
    steps["index"] = steps["index"] + 4
    yield rules_augmenter.augmented(case, steps)


def _trainer(case: Case) -> Iterator[Any]:
    model = rules_trainer.model_for(case)
    trainer = rules_trainer.trainer_for(case, model)
    model.train()
    logs: dict[str, Tensor] = {}
    for seed in range(3):
        torch.manual_seed(seed)
        logs = trainer.step(rules_trainer.batch_for(model, trainer))
        yield logs
    values = trainer.evaluate([rules_trainer.batch_for(model, trainer)])
    yield [values, {name: grid.columns for name, grid in trainer.draw().items()}]
    said = {name: float(value) for name, value in logs.items()}
    trainer.end_epoch(1, {"epoch": 1.0, **said, **{f"val_{name}": value for name, value in values.items()}})
    yield [trainer.rates, trainer.state_dict()]
    trainer.finish()
    yield model.state_dict()


def _dataset(case: Case) -> Iterator[Any]:
    data = instance(case)
    yield [len(data), list(data.targets), list(data.labels)]
    for index in (0, len(data) // 2, len(data) - 1):
        sample = data[index]
        yield [sample.image, sample.mask, sample.target]


def _metric(case: Case) -> Iterator[Any]:
    metric = instance(case)
    yield [metric.name, metric.higher_is_better]
    for task in (task for task in BY_NAME.values() if task.form in metric.forms):
        torch.manual_seed(0)
        output, target = task.example(4, 24)
        measure = metric.measure(task, output.shape[1])
        scored = task.scored(output)
        # As `Score` prepares targets
        target = whole_numbers(target, task.form)
        measure.update(scored, target.reshape(scored.shape) if target.numel() == scored.numel() else target)
        yield float(measure.compute())


_WAYS: Mapping[str, Callable[[Case], Iterator[Any]]] = types.MappingProxyType(
    {
        "backbone": _backbone, "head": _head, "model": _model, "loss": _loss, "augmenter": _augmenter,
        "trainer": _trainer, "dataset": _dataset, "metric": _metric,
    }
)  # fmt: skip


def of_the_plugin(config: type[Options], name: str) -> bool:
    """Whether an option is the plugin's own and none that it has from the core, whose loop uses it."""
    homes = [k.__module__ for k in inspect.getmro(config) if name in vars(k).get("__annotations__", {})]
    return not any(home.startswith("zoo.") and not home.startswith("zoo.builtin.") for home in homes)
