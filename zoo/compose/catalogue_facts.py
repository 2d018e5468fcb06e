"""Catalogue facts: what is read off a component, built without memory, instead of being typed in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from zoo.compose.meta_build import on_meta_device
from zoo.compose.plan import plan
from zoo.interfaces.backbone import Backbone
from zoo.interfaces.blocks.summary import count
from zoo.registry.loading import resolve_config, resolve_target
from zoo.registry.lookup import entries
from zoo.spec.component import Component
from zoo.spec.errors import OptionError, ZooError
from zoo.spec.inputs import InputSpec
from zoo.spec.options import Options, validate
from zoo.spec.recipe import ModelSection

CLASSES = 2
"""For the figures of a model that asks for a number of classes."""


def component_facts(component: Component) -> dict[str, Any]:
    """Facts about a component, as plain data for the catalogue.

    Every component gets `options`, the JSON schema of its config class. A backbone also gets `parameters`,
    `input`, `blocks`, `taps` (the default ones) and `output` (shape for one image), a complete model
    `parameters`, `input`, `networks` and, where it asks for them, the number of `classes` that was taken;
    where it cannot be built, `refused` says why. A metric gets `forms` of answers that it fits, and
    `higher_is_better`.
    """
    config = resolve_config(component)
    facts: dict[str, Any] = {}
    if config is not None:
        schema = config.model_json_schema()
        # Without what pydantic says of the class, and `false`, which all options have in common
        facts["options"] = {
            k: v for k, v in schema.items() if k not in ("title", "description", "additionalProperties")
        }
    if component.kind == "backbone":
        facts |= _backbone_facts(component, config)
    elif component.kind == "model":
        facts |= _model_facts(component)
    elif component.kind == "metric":
        metric = resolve_target(component)
        facts |= {"forms": [*getattr(metric, "forms", ())]}
        facts |= {"higher_is_better": getattr(metric, "higher_is_better", None)}
    return facts


def _model_facts(component: Component) -> dict[str, Any]:
    # A plan starts from a reference, which only an installed component has
    same = (component.name, component.target)
    name = next(
        (e.qualified for e in entries("model") if (e.component.name, e.component.target) == same), None
    )
    if name is None:
        return {}
    asked: dict[str, Any] = {}
    try:
        try:
            model = plan(ModelSection(name=name)).meta_model
        except OptionError:  # perhaps it asks for a number of classes
            asked = {"classes": CLASSES}
            model = plan(ModelSection(name=name, **asked)).meta_model
    except ZooError as error:
        return {"refused": str(error)}
    return {
        "parameters": count(model)[0],
        "input": model.input_spec.to_dict(),
        "networks": [{"name": n, "parameters": count(net)[0]} for n, net in model.networks.items()],
        **asked,
    }


def _backbone_facts(component: Component, config: type[Options] | None) -> dict[str, Any]:
    options = dict(validate(config, {}, component.name)) if config else {}
    try:
        with on_meta_device():
            backbone: Backbone = resolve_target(component)(in_channels=3, **options)
        # Shapes at the size that the published weights expect, which may be another than the class's own
        spec = _published_input(component) or backbone.input_spec
        infos = backbone.block_infos(spec.size)
        taps = backbone.pyramid(spec.size)
    except ZooError as error:
        return {"refused": str(error)}
    last = infos[-1]
    return {
        "parameters": count(backbone)[0],
        "input": spec.to_dict(),
        "blocks": [
            {**_info(info), "parameters": count(block)[0]}
            for info, block in zip(infos, backbone.blocks.values(), strict=True)
        ],
        "taps": [_info(info) for info in taps],
        "output": {"layout": last.layout, "shape": last.shape},
    }


def _published_input(component: Component) -> InputSpec | None:
    """What the first published weights expect, but for their crop, which only their own classifier has."""
    return next((replace(weights.input, crop=None) for weights in component.weights.values()), None)


def _info(info: Any) -> dict[str, Any]:
    return {"name": info.name, "channels": info.channels, "reduction": info.reduction}
