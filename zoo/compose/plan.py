"""The plan of a model section: the model without memory, checked before any memory is taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from zoo.compose.chosen_inputs import read_as, usual, with_chosen
from zoo.compose.composed_model import ComposedModel
from zoo.compose.cut_backbones import check_original
from zoo.compose.heads import check_shapes, head_inputs
from zoo.compose.meta_build import on_meta_device
from zoo.compose.parts import BODIES, Part, make_part
from zoo.compose.resolve import Resolved, resolve, resolve_part
from zoo.interfaces.backbone import Backbone
from zoo.interfaces.blocks.feature_info import FeatureInfo
from zoo.interfaces.head import Head
from zoo.interfaces.model import Model
from zoo.registry.loading import guarded
from zoo.spec.display import counted
from zoo.spec.errors import OptionError, PluginError
from zoo.spec.freeze_grammar import Freeze
from zoo.spec.inputs import InputSpec
from zoo.spec.published_weights import Weights
from zoo.spec.recipe import ORIGINAL, ModelSection
from zoo.weights.fitting import Source
from zoo.weights.labels import read_labels

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Plan:
    """A model section with everything found, validated and shape-checked.

    Args:
        section: the recipe's model section, with classes resolved.
        resolved: what it refers to.
        inputs: the taps that the head takes.
        input_spec: of the weights, for the section's channels and size.
        labels: names of the classes.
        parts: plans of the models and backbones that options of the body refer to, by option.
        meta_model: the whole model on the meta device.
    """

    section: ModelSection
    resolved: Resolved
    inputs: tuple[FeatureInfo, ...]
    input_spec: InputSpec
    labels: tuple[str, ...]
    parts: Mapping[str, Plan]
    meta_model: Model

    @property
    def source(self) -> Source | None:
        """The source of the weights; None means random."""
        return self.resolved.source

    def make(self, network_of_kind: Callable[[Plan], Model]) -> Model:
        """An instance, wherever tensors are made at present.

        Args:
            inside: makes the parts that are models.
        """
        found = self.resolved
        options = _filled(found.body, self.parts, network_of_kind)
        if found.body.component.kind == "model":
            return _model(found, options, self.section.count, self.input_spec, self.labels)
        backbone = _backbone(found.body, options, found)
        backbone.input_spec = self.input_spec.network
        backbone.cut(info.name for info in self.inputs)
        head = make_head(found, self.section, backbone, self.inputs)
        return _composed(found, backbone, head, self.input_spec, self.labels)

    def whole(self) -> Backbone:
        """The backbone with all its blocks, without memory: what published weights are of."""
        found = self.resolved
        with on_meta_device():
            options = _filled(found.body, self.parts, lambda inner: inner.meta_model)
            backbone: Backbone = found.body.whole(**_given(options, found))
        backbone.input_spec = self.input_spec.network
        return backbone


def plan(section: ModelSection, *, input_spec: InputSpec | None = None, saved: bool = False) -> Plan:
    """Resolves and checks a model section.

    Args:
        section: names and options.
        input_spec: of a saved model, instead of what the plugin declares.
        saved: whether a saved model is described, so that all weights are at hand.

    Raises:
        ZooError: a name is unknown, an option does not fit, or the parts do not fit each other.
    """
    return plan_resolved(resolve(section, saved=saved), input_spec=input_spec, saved=saved)


def plan_part(kind: str, value: Any, path: str) -> Plan:
    """The plan of a model or backbone that an option refers to; see `zoo.compose.resolve.resolve_part`."""
    return plan_resolved(resolve_part(kind, value, path))


# Shapes are found by running the parts, which is code of plugins
@guarded("a part of the model raised", "zoo")
def plan_resolved(found: Resolved, *, input_spec: InputSpec | None = None, saved: bool = False) -> Plan:
    """The plan of what a section refers to, whose network is made once, without memory.

    Args:
        found: names and validated options.
        input_spec: of a saved model, instead of what the plugin declares.
        saved: whether a saved model is described, in which blocks may be frozen that are cut off today.

    Raises:
        ZooError: the parts do not fit each other.
    """
    parts = {path: plan_resolved(inner, saved=saved) for path, inner in found.parts.items()}
    with on_meta_device():
        options = _filled(found.body, parts, lambda inner: inner.meta_model)
    if found.body.component.kind == "model":
        return _plan_model(found, options, parts, input_spec, saved=saved)
    section, body = found.section, found.body
    with on_meta_device():
        backbone = _backbone(body, options, found)
    size = section.input_size or (input_spec.size if input_spec else None)
    spec = found.declared or backbone.input_spec
    if section.input_changes and input_spec is None:
        spec = spec.with_channels(section.in_channels or spec.channels).changed(section.input_changes)
    spec = read_as(section, input_spec, spec)
    spec = spec.with_channels(section.in_channels or spec.channels)
    # A network that is bound to a size has it as an option
    fixed = body.options.get("input_size")
    spec = spec.with_size(size or (tuple(fixed) if fixed else spec.size))
    # Before the head: taps are described at this size
    backbone.input_spec = spec.network
    section, labels = _classes(section, found)
    inputs = head_inputs(backbone, body, found.head)
    check_original(section, backbone, body)
    backbone.cut(info.name for info in inputs)
    with on_meta_device():
        head = make_head(found, section, backbone, inputs)
        model = _composed(found, backbone, head, spec, labels)
    check_shapes(model)
    # For what it raises: a mistake is said here, and blocks are frozen when there is a model
    if not saved:
        model.select_blocks(Freeze.parse(section.freeze))
    return Plan(section, found, inputs, spec, labels, parts, model)


def make_head(
    found: Resolved, section: ModelSection, backbone: Backbone, inputs: tuple[FeatureInfo, ...]
) -> Head | None:
    """The head alone, wherever tensors are made at present.

    Args:
        found: names the head.
        section: with classes resolved.
        backbone: whose features it takes.
        inputs: the taps that it takes.
    """
    if section.head is None:
        return None
    if found.head is None:
        return backbone.original_head(section.count or 0, inputs)
    return checked(found.head(inputs=inputs, classes=section.count), Head, found.head)


def network_of_kind(kind: str, model: Model) -> Model | Backbone:
    """The part of a model that an option of a kind is handed: its backbone, or all of it."""
    if kind != "backbone":
        return model
    assert isinstance(model, ComposedModel)  # noqa: S101 - resolve_part has looked
    # The model around it is dropped, and with it what it says of the weights
    model.backbone.origin, model.backbone.weights_hint = model.origin, model.weights_hint
    return model.backbone


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


def _filled(body: Part, parts: Mapping[str, Plan], model: Callable[[Plan], Model]) -> dict[str, Any]:
    """A body's options with parts in the place of references."""

    def use(kind: str, value: Any, path: str) -> Any:
        return (
            network_of_kind(kind, model(parts[path]))
            if kind in BODIES
            else make_part(kind, value, _meta_model_of)
        )

    return body.filled(use)


def _meta_model_of(kind: str, value: Any, path: str) -> Any:
    return network_of_kind(kind, plan_part(kind, value, path).meta_model)


def _backbone(body: Part, options: dict[str, Any], found: Resolved) -> Backbone:
    return checked(body(**_given(options, found)), Backbone, body)


def _given(options: dict[str, Any], found: Resolved) -> dict[str, Any]:
    return {"in_channels": found.channels, **options}


def _model(
    found: Resolved,
    options: dict[str, Any],
    classes: int | None,
    spec: InputSpec | None,
    labels: tuple[str, ...],
) -> Model:
    known = {"classes": classes, **_given(options, found)}
    model = checked(found.body(**known), Model, found.body)
    model.labels = labels
    if spec is not None:
        model.input_spec = spec
    return model


def _composed(
    found: Resolved, backbone: Backbone, head: Head | None, spec: InputSpec, labels: tuple[str, ...]
) -> ComposedModel:
    tags = tuple(found.body.component.weights)
    return ComposedModel(backbone, head, input_spec=spec, labels=labels, tags=tags)


def meta_model_for(planned: Plan, classes: int) -> Model:
    """A complete model without memory, as planned but for another number of classes."""
    found = planned.resolved
    with on_meta_device():
        options = _filled(found.body, planned.parts, lambda inner: inner.meta_model)
        return _model(found, options, classes, None, ())


def _plan_model(
    found: Resolved,
    options: dict[str, Any],
    parts: Mapping[str, Plan],
    input_spec: InputSpec | None,
    *,
    saved: bool,
) -> Plan:
    section = found.section
    with on_meta_device():
        model = _model(found, options, section.count, None, section.labels)
    declared = with_chosen(model, found.declared or usual(model, section), section)
    spec = read_as(section, input_spec, declared)
    spec = spec.with_channels(section.in_channels or spec.channels).with_size(section.input_size or spec.size)
    model.input_spec = spec
    if not saved:
        model.select_blocks(Freeze.parse(section.freeze))
    return Plan(section, found, (), spec, section.labels, parts, model)


def _classes(section: ModelSection, found: Resolved) -> tuple[ModelSection, tuple[str, ...]]:
    """The section with the original head's classes filled in, and the labels."""
    if section.head != ORIGINAL:
        return section, section.labels
    component = found.body.component
    published: Weights | None = found.source.published if found.source else None
    # Without weights, the classes are those of the first published set that has some
    known = published or next((w for w in component.weights.values() if w.classes), None)
    count = section.count or (known.classes if known else None)
    if count is None:
        raise OptionError(
            f"the original head needs classes, and {component.name} publishes no weights with some",
            expected="a network that has such a head, and how many classes",
            got="none", hint="choose a head by name: zoo list head",
        )  # fmt: skip
    if published and published.classes and count != published.classes:
        raise OptionError(
            f"weights {section.weights} of {component.name}",
            expected=f"{counted(published.classes, 'class', 'classes')}, as they were published with",
            got=f"classes={count}",
            hint="leave classes out, or choose a head by name",
        )
    # Published names are of use only where there are as many classes
    labels = section.labels or (read_labels(known.labels) if known and known.classes == count else ())
    return section.model_copy(update={"classes": count if not section.labels else section.classes}), labels
