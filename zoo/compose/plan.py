"""What a model section comes to, checked before any memory is taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from torch import Tensor, nn

from zoo.compose.labels import read_labels
from zoo.compose.model import ComposedModel
from zoo.compose.nested import BODIES, filled, plan_parts
from zoo.compose.parts import Part, part
from zoo.compose.skeleton import skeleton
from zoo.compose.weights import Source, locate
from zoo.interfaces.backbone import Backbone
from zoo.interfaces.features import FeatureInfo
from zoo.interfaces.head import Head
from zoo.interfaces.hollow import run_hollow
from zoo.interfaces.model import Model
from zoo.registry.loading import resolve_target
from zoo.spec.component import Weights
from zoo.spec.errors import OptionError, PluginError, ShapeError, listing, quote
from zoo.spec.freeze import Freeze
from zoo.spec.inputs import InputSpec
from zoo.spec.recipe import ORIGINAL, ModelSection
from zoo.spec.reference import ComponentRef

COLOURS = 3
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Plan:
    """A model section with everything found, validated and shape-checked.

    Args:
        section: the recipe's model section, with classes resolved.
        body: the backbone or complete model.
        head: the head component; None for the original head, for none, and for complete models.
        inputs: the taps that the head takes.
        input_spec: of the weights, for the section's channels and size.
        labels: names of the classes.
        source: where the weights come from; None means random.
        parts: plans of the models and backbones that options of the body refer to, by option.
        skeleton: the whole model on the meta device.
    """

    section: ModelSection
    body: Part
    head: Part | None
    inputs: tuple[FeatureInfo, ...]
    input_spec: InputSpec
    labels: tuple[str, ...]
    source: Source | None
    parts: Mapping[str, Plan]
    skeleton: Model

    @property
    def plugins(self) -> dict[str, str]:
        """Version by distribution."""
        found = self.body.source | (self.head.source if self.head else {})
        for inner in self.parts.values():
            found |= inner.plugins
        return found

    def make(self, inside: Callable[[Plan], Model]) -> Model:
        """An instance, wherever tensors are made at present.

        Args:
            inside: makes the parts that are models.
        """
        return self._assembled(filled(self.body, self.parts, inside))

    def _assembled(self, options: dict[str, Any]) -> Model:
        if self.body.component.kind != "backbone":
            return _model(self.body, options, self.section, self.input_spec, self.labels)
        backbone = _backbone(self.body, options, self.section)
        backbone.input_spec = self.input_spec
        head = self.make_head(backbone)
        tags = tuple(self.body.component.weights)
        return ComposedModel(backbone, head, input_spec=self.input_spec, labels=self.labels, tags=tags)

    def make_head(self, backbone: Backbone) -> Head | None:
        """The head alone."""
        if self.section.head is None:
            return None
        if self.head is None:
            return backbone.original_head(self.section.count or 0, self.inputs)
        return checked(self.head(inputs=self.inputs, classes=self.section.count), Head, self.head)


def plan(section: ModelSection, *, input_spec: InputSpec | None = None, saved: bool = False) -> Plan:
    """Resolves and checks a model section.

    Args:
        section: names and options.
        input_spec: of a saved model, instead of what the plugin declares.
        saved: whether a saved model is described, so that all weights are at hand.

    Raises:
        ZooError: a name is unknown, an option does not fit, or the parts do not fit each other.
    """
    body = part(BODIES, _reference(section), input_size=section.input_size, in_channels=section.in_channels)
    source = locate(body.component, section.weights) if section.weights else None
    published = source.published if source else None
    declared = section.input_spec or (source.input if source else None)
    if declared and section.in_channels is None and declared.channels != COLOURS:
        section = section.model_copy(update={"in_channels": declared.channels})
    size = section.input_size or (input_spec.size if input_spec else None)
    parts, section = plan_parts(body, section, saved=saved)
    channels = {inner.input_spec.channels for inner in parts.values()} - {COLOURS}
    if section.in_channels is None and len(channels) == 1:  # those of a part that says so, for all parts
        section = section.model_copy(update={"in_channels": channels.pop()})
        parts, section = plan_parts(body, section, saved=saved)
    hollow = filled(body, parts, lambda inner: inner.skeleton)
    if body.component.kind == "model":
        spec = input_spec or declared
        return _plan_model(section, body, hollow=hollow, source=source, parts=parts, input_spec=spec)
    with skeleton():
        backbone = _backbone(body, hollow, section)
    spec = input_spec or declared or backbone.input_spec
    spec = spec.with_channels(section.in_channels or spec.channels)
    fixed = body.options.get("input_size")
    spec = spec.with_size(size or (tuple(fixed) if fixed else spec.size))
    backbone.input_spec = spec
    section, labels = _classes(section, body, published)
    head, inputs = _head(section, body, backbone)
    nothing = Model(task=None, input_spec=spec)
    draft = Plan(section, body, head, inputs, spec, labels, source, parts, nothing)
    with skeleton():
        model = draft._assembled(hollow)
    _check_shapes(model)
    Freeze.parse(section.freeze).select({"": backbone.block_names})
    return replace(draft, skeleton=model)


def _reference(section: ModelSection) -> ComponentRef:
    ref = section.ref
    if not isinstance(ref, ComponentRef):
        raise OptionError(
            "model.name",
            expected="a component by name",
            got=quote(str(ref)),
            hint=f"zoo.load reads saved models: {ref}",
        )
    return ref


def _backbone(body: Part, options: dict[str, Any], section: ModelSection) -> Backbone:
    return checked(_called(body, {"in_channels": section.in_channels or COLOURS, **options}), Backbone, body)


def _model(
    body: Part,
    options: dict[str, Any],
    section: ModelSection,
    spec: InputSpec | None,
    labels: tuple[str, ...],
) -> Model:
    known = {"classes": section.count, "in_channels": section.in_channels or COLOURS}
    model = checked(_called(body, {**known, **options}), Model, body)
    model.labels = labels
    if spec is not None:
        model.input_spec = spec
    return model


def _called(body: Part, options: dict[str, Any]) -> object:
    try:
        return body(**options)
    except TypeError as error:
        raise PluginError(
            f"{body.component.name} of {body.entry.plugin.distribution} cannot be made",
            expected="a target that takes its declared options",
            got=str(error),
        ) from error


def checked(instance: object, kind: type[T], source: Part) -> T:
    """The instance, if it is of the kind's contract.

    Raises:
        PluginError: it is not.
    """
    if not isinstance(instance, kind):
        raise PluginError(
            f"{source.component.name} of {source.entry.plugin.distribution}",
            expected=f"a zoo {kind.__name__}",
            got=type(instance).__name__,
        )
    return instance


def _plan_model(
    section: ModelSection,
    body: Part,
    *,
    hollow: dict[str, Any],
    source: Source | None,
    parts: Mapping[str, Plan],
    input_spec: InputSpec | None,
) -> Plan:
    if section.head is not None:
        raise OptionError(
            f"{body.component.name} is a complete model",
            expected="no head",
            got=f"head={quote(section.head)}",
        )
    with skeleton():
        model = _model(body, hollow, section, None, section.labels)
    spec = input_spec or model.input_spec
    spec = spec.with_channels(section.in_channels or spec.channels).with_size(section.input_size or spec.size)
    model.input_spec = spec
    Freeze.parse(section.freeze).select(model.freeze_paths)
    return Plan(section, body, None, (), spec, section.labels, source, parts, model)


def _classes(
    section: ModelSection, body: Part, published: Weights | None
) -> tuple[ModelSection, tuple[str, ...]]:
    """The section with the original head's classes filled in, and the labels."""
    if section.head != ORIGINAL:
        return section, section.labels
    known = published or next((w for w in body.component.weights.values() if w.classes), None)
    count = section.count or (known.classes if known else None)
    if count is None:
        raise OptionError(
            "the original head needs classes", expected="classes=<number or labels>", got="none"
        )
    if published and published.classes and count != published.classes:
        raise OptionError(
            f"weights {section.weights} of {body.component.name}",
            expected=f"{published.classes} classes, as they were published with",
            got=f"classes={count}",
            hint="leave classes out, or choose a head by name",
        )
    labels = section.labels or (read_labels(known.labels) if known and known.classes == count else ())
    return section.model_copy(update={"classes": count if not section.labels else section.classes}), labels


def _head(
    section: ModelSection, body: Part, backbone: Backbone
) -> tuple[Part | None, tuple[FeatureInfo, ...]]:
    """The head component (None for the original and for none) and the taps that it takes."""
    size = backbone.input_spec.size
    infos = {info.name: info for info in backbone.block_infos(size)}
    last = (infos[backbone.block_names[-1]],)
    if section.head is None or section.head == ORIGINAL:
        return None, last
    head = part("head", section.head)
    names = resolve_target(head.component).tap_names(head.options)
    if not names:
        return head, last
    infos |= backbone.describe(size)
    unknown = [name for name in names if name not in infos]
    if unknown:
        raise ShapeError(
            f"head {head.component.name}: no tap {listing(unknown)} in {body.component.name}",
            expected=f"blocks {backbone.block_names[0]} to {backbone.block_names[-1]}, or steps inside them",
            got=listing(names),
            hint=f"the default taps are {listing(info.name for info in backbone.pyramid(size))}",
        )
    return head, tuple(infos[name] for name in names)


class _Result(nn.Module):
    """Calls a head and keeps the shape of what it returns."""

    def __init__(self, head: Head) -> None:
        super().__init__()
        self.head = head
        self.shape: tuple[int, ...] = ()

    def forward(self, *features: Tensor) -> None:
        self.shape = tuple(self.head(*features).shape)


def _check_shapes(model: Model) -> None:
    """Runs the head on features of the described shapes."""
    if not isinstance(model, ComposedModel) or model.head is None:
        return
    height, width = model.input_spec.size
    result = _Result(model.head)
    try:
        run_hollow(result, [_axes(info) for info in model.head.inputs])
    except (RuntimeError, ValueError, IndexError) as error:
        raise ShapeError(
            f"the head does not fit the backbone at {height}x{width}",
            expected="a head for " + listing(f"{i.name} {i.shape}" for i in model.head.inputs),
            got=str(error).splitlines()[0],
        ) from error
    if result.shape[1:] != (model.head.outputs,):
        got = " x ".join(map(str, ("N", *result.shape[1:])))
        raise PluginError("head", expected=f"N x {model.head.outputs}", got=got)


def _axes(info: FeatureInfo) -> tuple[int, ...]:
    height, width = info.size or (1, 1)
    return {
        "NCHW": (info.channels, height, width),
        "NHWC": (height, width, info.channels),
        "NLC": (info.prefix + height * width, info.channels),
        "NC": (info.channels,),
    }[info.layout]
