"""What our plugins declare of published weights is what their publishers say."""

from __future__ import annotations

import re

import pytest
import timm
import torchvision

from zoo.images.framing import covered
from zoo.registry.lookup import entries
from zoo.weights.labels import read_labels

WEIGHTS = [
    pytest.param(entry.component.name, tag, weights, id=f"{entry.component.name}-{tag}")
    for entry in entries("backbone")
    if entry.plugin.distribution in ("zoo-efficientnet", "zoo-mobilenet", "zoo-resnet", "zoo-vgg")
    for tag, weights in entry.component.weights.items()
    if weights.address is None
]
OWN = [
    pytest.param(entry.component.name, tag, weights, id=f"{entry.component.name}-{tag}")
    for entry in entries("backbone")
    for tag, weights in entry.component.weights.items()
    if weights.address
]
"""What torchvision publishes by address."""
VERSIONS = {"imagenet": "IMAGENET1K_V1", "tv2": "IMAGENET1K_V2"}


@pytest.mark.parametrize(("name", "tag", "weights"), WEIGHTS)
def test_preprocessing_classes_and_licence_are_timms(name, tag, weights):
    repo = weights.repo or weights.fallbacks[0].repo
    cfg, spec = timm.get_pretrained_cfg(repo.removeprefix("timm/")), weights.input
    assert (spec.mean, spec.std, spec.interpolation) == (cfg.mean, cfg.std, cfg.interpolation)
    assert spec.size in (cfg.input_size[1:], (cfg.test_input_size or cfg.input_size)[1:])
    share = cfg.crop_pct if spec.size == cfg.input_size[1:] else cfg.test_crop_pct
    assert (cfg.crop_mode, covered(spec)) == ("center", tuple(int(side / share) for side in spec.size))
    assert (weights.classes, weights.licence.lower()) == (cfg.num_classes, cfg.license)


@pytest.mark.parametrize(("name", "tag", "weights"), [p for p in WEIGHTS if p.values[2].metrics])
def test_metrics_are_torchvisions(name, tag, weights):
    versions = torchvision.models.get_model_weights(name)
    figures = versions[VERSIONS[tag]].meta["_metrics"]["ImageNet-1K"]
    assert list(weights.metrics.values()) == [figures["acc@1"], figures["acc@5"]]


@pytest.mark.parametrize(("name", "tag", "weights"), OWN)
def test_weights_by_address_are_those_of_torchvisions_table(name, tag, weights):
    theirs = torchvision.models.get_model_weights(name)[tag.upper()]
    figures, steps, spec = theirs.meta["_metrics"]["ImageNet-1K"], theirs.transforms(), weights.input
    assert weights.place == theirs.url
    assert weights.digits == re.search(r"-([a-f0-9]*)\.", theirs.url)[1]  # as torch.hub reads it off
    assert [*read_labels(weights.labels)] == theirs.meta["categories"]
    assert (weights.classes, weights.licence) == (len(theirs.meta["categories"]), theirs.meta.get("license"))
    assert [*weights.metrics.values()] == [figures["acc@1"], figures["acc@5"]]
    assert [[*spec.size], [*spec.mean], [*spec.std]] == [steps.crop_size * 2, steps.mean, steps.std]
    assert [*covered(spec)] == steps.resize_size * 2
    assert (spec.interpolation, steps.antialias, spec.range) == (steps.interpolation.value, True, (0.0, 1.0))


def test_every_set_that_torchvision_publishes_of_our_networks_has_its_tag():
    ours = {weights.place for _, _, weights in (p.values for p in OWN)}
    names = {e.component.name for e in entries("backbone") if e.plugin.distribution != "zoo-timm"}
    published = [
        weights.url
        for name in torchvision.models.list_models(torchvision.models)
        if name in names
        for weights in torchvision.models.get_model_weights(name)
        if weights.meta["categories"]  # not VGG16's features alone, in a range of their own
    ]
    assert {*published} == ours
