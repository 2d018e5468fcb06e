"""What our plugins declare of published weights is what their publishers say."""

from __future__ import annotations

import pytest
import timm
import torchvision

from zoo.registry.lookup import entries

WEIGHTS = [
    pytest.param(entry.component.name, tag, weights, id=f"{entry.component.name}-{tag}")
    for entry in entries("backbone")
    if entry.plugin.distribution in ("zoo-mobilenet", "zoo-resnet", "zoo-vgg")
    for tag, weights in entry.component.weights.items()
]
VERSIONS = {"imagenet": "IMAGENET1K_V1", "tv2": "IMAGENET1K_V2"}


@pytest.mark.parametrize(("name", "tag", "weights"), WEIGHTS)
def test_preprocessing_classes_and_licence_are_timms(name, tag, weights):
    cfg = timm.get_pretrained_cfg(weights.repo.removeprefix("timm/"))
    spec = weights.input
    assert (spec.mean, spec.std, spec.interpolation) == (cfg.mean, cfg.std, cfg.interpolation)
    assert spec.size in (cfg.input_size[1:], (cfg.test_input_size or cfg.input_size)[1:])
    assert (weights.classes, weights.licence.lower()) == (cfg.num_classes, cfg.license)


@pytest.mark.parametrize(("name", "tag", "weights"), [p for p in WEIGHTS if p.values[2].metrics])
def test_metrics_are_torchvisions(name, tag, weights):
    versions = torchvision.models.get_model_weights(name)
    figures = versions[VERSIONS[tag]].meta["_metrics"]["ImageNet-1K"]
    assert list(weights.metrics.values()) == [figures["acc@1"], figures["acc@5"]]
