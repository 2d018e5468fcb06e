"""Options that would change nothing in the composition at hand; refused, with the place where they work."""

from __future__ import annotations

from typing import Any

from zoo.compose.meta_build import on_meta_device
from zoo.compose.parts import Part, part
from zoo.compose.plan import Plan, meta_model_for
from zoo.interfaces.backbone import Backbone
from zoo.registry.loading import resolve_config
from zoo.spec.errors import OptionError, ZooError, quote
from zoo.spec.recipe import ORIGINAL, ModelSection

_MODEL, _BACKBONE = "model", "backbone"


def check_options(asked: ModelSection, planned: Plan) -> None:
    """Refuses options that only the original head looks at, where there is another or none; and idle classes.

    Args:
        asked: its options and classes are those that were said just now.
        planned: what was made of it.

    Raises:
        OptionError: one of them changes nothing here.
    """
    body, name = planned.resolved.body, planned.section.called
    if body.component.kind == _MODEL:
        if asked.classes is not None and _ignores_classes(planned):
            got, hint = f"classes={quote(asked.classes)}", "leave it out"
            expected = f"no classes: {name} makes the same for every number of them"
            raise OptionError("build: classes", expected=expected, got=got, hint=hint)
        return
    if asked.head == ORIGINAL:
        return
    for option, value in asked.options.items():
        if option in body.part_kinds or not _of_original_head(body, option, planned):
            continue
        got = "no head" if asked.head is None else f"head={quote(asked.head)}"
        raise OptionError(
            f"{name}: option {option}={quote(value)}",
            expected='head="original", which alone looks at it',
            got=got,
            hint=_place(planned, option, value),
        )


def _of_original_head(body: Part, option: str, planned: Plan) -> bool:
    """Whether the original head is another without the option, and the backbone the same."""
    rest = {key: value for key, value in body.recorded.items() if key != option}
    try:
        usual = part(_BACKBONE, {"name": body.entry.qualified, **rest})
        with on_meta_device():
            networks = [made(in_channels=planned.input_spec.channels) for made in (body, usual)]
            if not all(isinstance(network, Backbone) for network in networks):
                return False
            if _form(networks[0]) != _form(networks[1]):
                return False
            heads = [_form(network.original_head(2, planned.inputs)) for network in networks]
    # An option that is required, or a backbone without such a head
    except (ZooError, NotImplementedError):
        return False
    return heads[0] != heads[1]


def _form(module: Any) -> tuple[str, list[tuple[str, tuple[int, ...]]]]:
    """What is seen of a network: its modules, and the shapes of its tensors."""
    return repr(module), [(name, tuple(t.shape)) for name, t in module.state_dict().items()]


def _ignores_classes(planned: Plan) -> bool:
    """Whether the model is the same for one class more; one that cannot be made so looks at them."""
    count = planned.section.count or 1
    try:
        one, other = (meta_model_for(planned, classes) for classes in (count, count + 1))
    except (ZooError, ValueError, RuntimeError):
        return False
    return _form(one) == _form(other) and one.outputs == other.outputs


def _place(planned: Plan, option: str, value: Any) -> str:
    head = planned.resolved.head
    config = resolve_config(head.component) if head is not None else None
    if head is not None and config is not None and option in config.model_fields:
        return f'leave it out, or head={{"name": "{head.component.name}", "{option}": {value!r}}}'
    return "leave it out"
