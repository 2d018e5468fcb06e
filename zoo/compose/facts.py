"""Catalogue facts: what is read off a component, built without memory, instead of being typed in."""

from __future__ import annotations

from typing import Any

from zoo.compose.skeleton import skeleton
from zoo.interfaces.backbone import Backbone
from zoo.interfaces.summary import count
from zoo.registry.loading import resolve_config, resolve_target
from zoo.spec.component import Component
from zoo.spec.errors import ZooError
from zoo.spec.inputs import InputSpec
from zoo.spec.options import Options, validate


def component_facts(component: Component) -> dict[str, Any]:
    """Plain data for the catalogue.

    Every component gets `options`, the JSON schema of its config class. A backbone also gets `parameters`,
    `input`, `blocks`, `taps` (the default ones) and `output` (shape for one picture); where it cannot be
    built, `refused` says why.
    """
    config = resolve_config(component)
    facts: dict[str, Any] = {}
    if config is not None:
        schema = config.model_json_schema()
        facts["options"] = {
            k: v for k, v in schema.items() if k not in ("title", "description", "additionalProperties")
        }
    if component.kind == "backbone":
        facts |= _backbone_facts(component, config)
    return facts


def _backbone_facts(component: Component, config: type[Options] | None) -> dict[str, Any]:
    options = dict(validate(config, {}, component.name)) if config else {}
    try:
        with skeleton():
            backbone: Backbone = resolve_target(component)(in_channels=3, **options)
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
    return next((weights.input for weights in component.weights.values()), None)


def _info(info: Any) -> dict[str, Any]:
    return {"name": info.name, "channels": info.channels, "reduction": info.reduction}
