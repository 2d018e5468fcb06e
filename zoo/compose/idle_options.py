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


def check_options(planned: Plan, said: ModelSection | None = None) -> None:
    """Refuses options that only an original head looks at, where there is another or none; and idle classes.

    Args:
        planned: of a model that is to be made anew; an option that has its default asks for nothing.
        said: of its section what was said just now; there the default counts too.

    Raises:
        OptionError: one of them changes nothing here.
    """
    section, body = planned.section, planned.resolved.body
    for inner in planned.parts.values():
        check_options(inner)
    if body.component.kind == _MODEL:
        classes = planned.resolved.section.classes
        if classes is not None and _ignores_classes(planned):
            got, hint = f"classes={quote(classes)}", "leave it out"
            expected = f"no classes: {section.called} makes the same for every number of them"
            raise OptionError("build: classes", expected=expected, got=got, hint=hint)
        return
    if section.head == ORIGINAL:
        return
    spoken = said.options if said is not None else {}
    for option, value in section.options.items():
        if option in body.part_kinds or not (option in spoken or _chosen(body, option)):
            continue
        if not _of_original_head(body, option, planned):
            continue
        got = "no head" if section.head is None else f"head={quote(section.head)}"
        raise OptionError(
            f"{section.called}: option {option}={quote(value)}",
            expected='head="original", which alone looks at it',
            got=got,
            hint=_place(planned, option, value),
        )


def _chosen(body: Part, option: str) -> bool:
    """Whether an option has another value than it has by itself; files record those too."""
    fields = body.config.model_fields if body.config is not None else {}
    return option in fields and body.options.get(option) != fields[option].get_default(
        call_default_factory=True
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
