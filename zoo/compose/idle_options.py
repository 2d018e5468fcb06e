"""Options that would change nothing in the composition at hand; refused, with the place where they work."""

from __future__ import annotations

from typing import Any

from zoo.compose.meta_build import on_meta_device
from zoo.compose.parts import Part, part
from zoo.compose.plan import Plan, meta_model_for
from zoo.interfaces.backbone import Backbone
from zoo.registry.loading import resolve_config
from zoo.spec.errors import OptionError, ZooError, quote, warn
from zoo.spec.hints.spoken import Spoken, Way, part_option, spoken
from zoo.spec.recipe import ORIGINAL

_MODEL, _BACKBONE = "model", "backbone"


def check_options(planned: Plan, said: Spoken | None = None, *, recorded: bool = False) -> None:
    """Refuses options that only an original head looks at, where there is another or none; and idle classes.

    Args:
        planned: of a model that is to be made; an option that has its default asks for nothing.
        said: of its section what was said just now, where the default counts too, and how the rest was said.
        recorded: whether an earlier version may have taken them, so that they are warned of.

    Raises:
        OptionError: one of them changes nothing here.
    """
    said = said or spoken()
    for inner in planned.parts.values():
        check_options(inner, Spoken(way=said.rest, rest=said.rest), recorded=recorded)
    for error in _idle_classes(planned), _idle_option(planned, said):
        if error is not None and not recorded:
            raise error
        if error is not None:
            warn(str(error))


def _idle_classes(planned: Plan) -> OptionError | None:
    classes = planned.resolved.section.classes
    if planned.resolved.body.component.kind != _MODEL or classes is None or not _ignores_classes(planned):
        return None
    expected = f"no classes: {planned.section.called} makes the same for every number of them"
    return OptionError(
        "build: classes", expected=expected, got=f"classes={quote(classes)}", hint="leave it out"
    )


def _idle_option(planned: Plan, said: Spoken) -> OptionError | None:
    section, body = planned.section, planned.resolved.body
    for option in section.options:
        # First what costs nothing
        if not (option in said.options or _chosen(body, option)) or not is_idle(planned, option):
            continue
        value = section.options[option]
        return OptionError(
            f"{section.called}: option {option}={quote(value)}",
            expected='head="original", which alone looks at it',
            got="no head" if section.head is None else f"head={quote(section.head)}",
            hint=_place(planned, option, value, said.way_of(option)),
        )
    return None


def is_idle(planned: Plan, option: str) -> bool:
    """Whether only an original head looks at an option of a section that has another head or none."""
    section, body = planned.section, planned.resolved.body
    if body.component.kind == _MODEL or section.head == ORIGINAL or option in body.part_kinds:
        return False
    return _of_original_head(body, option, planned)


def _chosen(body: Part, option: str) -> bool:
    """Whether an option has another value than it has by itself; files record those too."""
    fields = body.config.model_fields if body.config is not None else {}
    return option in fields and body.options.get(option) != fields[option].get_default(
        call_default_factory=True
    )


def _of_original_head(body: Part, option: str, planned: Plan) -> bool:
    """Whether the original head is another without the option, and the backbone the same."""
    rest = {key: value for key, value in body.recorded.items() if key != option}
    if not _chosen(body, option):  # without it nothing would differ
        rest |= _another(option, body.options.get(option))
    try:
        usual = part(_BACKBONE, {"name": body.entry.qualified, **rest})
        with on_meta_device():
            networks = [made(in_channels=planned.input_spec.network.channels) for made in (body, usual)]
            if not all(isinstance(network, Backbone) for network in networks):
                return False
            if _form(networks[0]) != _form(networks[1]):
                return False
            heads = [_form(network.original_head(2, planned.inputs)) for network in networks]
    # An option that is required, or a backbone without such a head
    except (ZooError, NotImplementedError):
        return False
    return heads[0] != heads[1]


def _another(option: str, value: Any) -> dict[str, Any]:
    """The option with another value than its default, where one follows from its type."""
    if isinstance(value, bool):
        return {option: not value}
    if isinstance(value, float):
        return {option: value / 2 or 0.25}
    return {option: value + 1} if isinstance(value, int) else {}


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


def _place(planned: Plan, option: str, value: Any, way: Way) -> str:
    head = planned.resolved.head
    config = resolve_config(head.component) if head is not None else None
    if head is not None and config is not None and option in config.model_fields:
        place = part_option(way, "head", head.component.name, option, value)
        return f"leave it out, or say it of the head: {place}"
    return "leave it out"
