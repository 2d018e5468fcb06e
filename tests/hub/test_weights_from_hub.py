"""`zoo.build(weights=...)` from the Hub, through the real client, with everything that can go wrong."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import timm
import torch
from huggingface_hub import constants
from safetensors.torch import save as to_bytes

import zoo
from zoo.compose.plan import plan
from zoo.registry.loading import load
from zoo.registry.lookup import find
from zoo.spec.errors import WeightsError
from zoo.spec.inputs import InputSpec
from zoo.spec.published_weights import Weights
from zoo.weights.download import fetch

from . import server as faults

REPO = "timm/resnet18.tv_in1k"
FILE = "model.safetensors"


@pytest.fixture(scope="module")
def original():
    """timm's ResNet-18 with random weights and statistics."""
    torch.manual_seed(0)
    net = timm.create_model("resnet18")
    for name, buffer in net.named_buffers():
        if "running" in name:
            buffer.uniform_(0.5, 1.5)
    return net.eval()


@pytest.fixture(scope="module")
def data(original):
    return to_bytes(original.state_dict())


@pytest.fixture
def published(hub, data):
    hub.commit(REPO, {FILE: data})
    return hub


def small():
    """A file of a hundred kilobytes."""
    return to_bytes({"a": torch.arange(25_000, dtype=torch.float32)})


def source(repo="me/x", **options):
    return Weights(repo=repo, **options)


def downloads(hub):
    return [line for line in hub.asked if line.startswith("GET") and "/resolve/" in line]


@torch.inference_mode()
def test_logits_equal_those_of_timm(published, original):
    model = zoo.build("resnet18", head="original", weights="imagenet").eval()
    x = torch.rand(2, 3, 64, 64)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (model.input_spec.mean, model.input_spec.std))
    torch.testing.assert_close(model(x), original((x - mean) / std), rtol=1e-5, atol=1e-5)
    assert model.labels[0] == "tench"
    assert model.origin == "resnet18 imagenet"


def test_a_published_classifier_is_saved_with_its_publishers_crop(hub, tmp_path, monkeypatch):
    """Also while the weights are out of reach, and whatever their plugin says of them later."""
    weights = load(find("tiny_resnet", "backbone")).component.weights
    glyphs = weights["glyphs"]
    monkeypatch.setitem(weights, "glyphs", replace(glyphs, input=replace(glyphs.input, crop=0.5)))
    asked = {"head": "original", "weights": "glyphs"}
    made = {"crop": zoo.build("tiny_resnet", **asked)}
    made["whole"] = zoo.build("tiny_resnet", **asked, input={"crop": None})
    saved = {name: zoo.save(model, tmp_path / name) for name, model in made.items()}
    hub.commit("me/crop", {file.name: file.read_bytes() for file in saved["crop"].iterdir()})
    assert "cover 64 x 64 with their sides' ratio kept" in (saved["crop"] / "README.md").read_text()
    # Changed, and none that could be fetched
    later = {"input": replace(glyphs.input, crop=0.3), "repo": "me/none", "file": "x.safetensors"}
    monkeypatch.setitem(weights, "glyphs", replace(glyphs, **later))
    for name, crop, said in (("crop", 0.5, 0.5), ("whole", None, "none")):
        same = zoo.load(saved[name])
        assert (same.input_spec.crop, same.recipe.model.input) == (crop, {"crop": said})
        assert plan(same.recipe.model).input_spec.crop == crop
    assert zoo.pull("me/crop").input_spec == made["crop"].input_spec
    # As it was saved while tags brought no crop
    config = json.loads((saved["whole"] / "config.json").read_text())
    del config["recipe"]["model"]["input"]
    (saved["whole"] / "config.json").write_text(json.dumps(config))
    old = zoo.load(saved["whole"])
    assert old.input_spec == made["whole"].input_spec
    assert plan(old.recipe.model).input_spec.crop is None


def test_the_second_build_takes_the_cache_also_without_a_network(published):
    first = zoo.build("resnet18", head="original", weights="imagenet").eval()
    zoo.build("resnet18", head="original", weights="imagenet")
    assert len(downloads(published)) == 1
    published.stop()
    begun = time.monotonic()
    again = zoo.build("resnet18", head="original", weights="imagenet").eval()
    assert time.monotonic() - begun < 5
    x = torch.rand(1, 3, 64, 64)
    assert torch.equal(first(x), again(x))


def test_a_new_head_is_random_and_the_backbone_is_not(published, original):
    model = zoo.build("resnet18", head="binary", weights="imagenet", freeze="block1-4")
    assert torch.equal(model.backbone.block1.conv1.weight, original.conv1.weight)
    assert model.outputs == 1


def test_gray_images_get_the_sum_over_the_colours(published, original):
    model = zoo.build("resnet18", head="original", weights="imagenet", in_channels=1)
    assert torch.equal(model.backbone.block1.conv1.weight, original.conv1.weight.sum(1, keepdim=True))


def test_other_classes_than_those_published_are_refused_before_anything_is_fetched(published):
    with pytest.raises(zoo.ZooError, match=r"expected 1000 classes.*got classes=10"):
        zoo.build("resnet18", head="original", weights="imagenet", classes=10)
    assert published.asked == []


def test_weights_of_another_network_are_told_apart(published):
    with pytest.raises(
        WeightsError, match=r"do not fit ResNet: expected its 216 tensors .*96 missing: block2.unit3"
    ):
        zoo.build("resnet34", weights=f"hf://{REPO}@main")
    with pytest.raises(WeightsError, match=r"of another shape: block1.conv1.weight \(64, 3, 7, 7\)"):
        zoo.build("resnet18", width=0.125, weights=f"hf://{REPO}")


def test_a_repository_by_reference_at_a_commit(hub):
    old, new = (timm.create_model("resnet18", num_classes=5) for _ in range(2))
    commit = hub.commit("me/x", {FILE: to_bytes(old.state_dict())})
    hub.commit("me/x", {FILE: to_bytes(new.state_dict())})
    for reference, net in (("hf://me/x", new), (f"hf://me/x@{commit}", old)):
        model = zoo.build("resnet18", head="original", classes=5, weights=reference)
        assert torch.equal(model.head.fc.weight, net.fc.weight)
        assert model.origin == reference


def test_a_model_that_zoo_saved_as_weights(hub, tmp_path, make):
    saved = make("tiny_resnet", classes=["a", "b", "c"])
    folder = zoo.save(saved, tmp_path / "model")
    hub.commit("me/cats", {p.name: p.read_bytes() for p in folder.iterdir()})
    saved.input_spec = InputSpec(mean=(0.1,) * 3, std=(0.3,) * 3, size=(40, 40))
    hub.commit("me/cats", {p.name: p.read_bytes() for p in zoo.save(saved, folder).iterdir()})
    model = make("tiny_resnet", classes=["x", "y"], weights="hf://me/cats")
    assert (model.input_spec.mean, model.input_spec.std) == ((0.1,) * 3, (0.3,) * 3)
    assert model.outputs == 2
    for name, tensor in saved.backbone.state_dict().items():
        assert torch.equal(model.backbone.state_dict()[name], tensor)


def test_a_hub_that_cannot_be_reached_is_said_soon_with_the_ways_out(hub):
    hub.stop()
    begun = time.monotonic()
    with pytest.raises(
        WeightsError, match=r'cannot be reached.*HF_HOME.*weights="file:PATH".*leave weights out'
    ):
        zoo.build("resnet18", weights="imagenet")
    assert time.monotonic() - begun < 5


def test_the_clients_own_offline_mode(published, monkeypatch):
    fetch("x", source(REPO))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    fetch("x", source(REPO))
    with pytest.raises(WeightsError, match="cannot be reached"):
        fetch("x", source("me/other"))


def test_what_is_not_on_the_hub(published):
    for repo, options, said in (
        ("me/nothing", {}, r"a repository on the Hub that you may read, got none called me/nothing; check"),
        (REPO, {"revision": "v9"}, r"a branch, tag or commit that is on the Hub, got none of that name; see"),
        (REPO, {"file": "other.safetensors"}, r"a file that is on the Hub, got none of that name; see"),
        ("me/a..b", {}, r"owner/name of letters, digits, - _ and \., got 'me/a\.\.b'"),
    ):
        with pytest.raises(WeightsError, match=f"expected {said}"):
            fetch("x", source(repo, **options))


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "announced by the Hub"])
def test_a_corrupt_download_of_the_right_size_is_fetched_once_more(hub, declared):
    hub.commit("me/x", {FILE: small()})
    hub.fail(faults.corrupt)
    weights = source(sha256=hashlib.sha256(small()).hexdigest() if declared else None)
    assert fetch("x", weights).read_bytes() == small()
    assert len(downloads(hub)) == 2
    assert fetch("x", weights).read_bytes() == small()
    assert len(downloads(hub)) == 2


def test_a_file_that_stays_corrupt_is_refused_each_time(hub):
    hub.commit("me/x", {FILE: small()})
    hub.fail(faults.corrupt, times=4)
    for count in (2, 3):
        with pytest.raises(
            WeightsError, match=r"expected sha256 [0-9a-f]{12}\.\.\., got another content, twice"
        ):
            fetch("x", source())
        assert len(downloads(hub)) == count
    hub.stop()
    with pytest.raises(WeightsError, match="cannot be reached"):
        fetch("x", source())


def test_another_content_than_the_plugin_declares_is_refused(hub):
    hub.commit("me/x", {FILE: small()})
    with pytest.raises(WeightsError, match=r"expected sha256 000000000000\.\.\., got another content, twice"):
        fetch("x", source(sha256="0" * 64))


def test_a_cached_file_that_was_changed_is_fetched_again(hub):
    hub.commit("me/x", {FILE: small()})
    path = fetch("x", source())
    path.resolve().write_bytes(small()[:-1] + b"x")
    assert fetch("x", source()).read_bytes() == small()


def test_the_hash_is_taken_once(hub, monkeypatch):
    hub.commit("me/x", {FILE: small()})
    fetch("x", source())
    monkeypatch.setattr(hashlib, "file_digest", lambda *_: pytest.fail("hashed again"))
    fetch("x", source())


PASSING = {"a short body": faults.short, "a reset connection": faults.reset}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_a_fault_that_passes_is_not_noticed(hub, impatient, fault):
    hub.commit("me/x", {FILE: small()})
    hub.fail(fault, times=2)
    assert fetch("x", source()).read_bytes() == small()


GONE = "cannot be reached: expected the Hub or a cached copy"
LASTING = {
    "a short body": (faults.short, "GET", GONE),
    "a reset connection": (faults.reset, "GET", GONE),
    "an internal error": (faults.broken, "GET", "expected an answer, got 500 internal error; the trouble"),
    "a reset connection at the first question": (faults.reset, "HEAD", GONE),
    "an internal error at the first question": (faults.broken, "HEAD", "an answer, got 500 Internal Server"),
}


@pytest.mark.parametrize(("fault", "method", "words"), LASTING.values(), ids=LASTING)
def test_a_fault_that_lasts_is_one_line(hub, impatient, fault, method, words):
    hub.commit("me/x", {FILE: small()})
    hub.fail(fault, method, times=99)
    with pytest.raises(WeightsError, match=words) as caught:
        fetch("x", source())
    assert "\n" not in str(caught.value)


def test_a_cached_copy_helps_over_a_hub_that_is_broken(hub, impatient):
    hub.commit("me/x", {FILE: small()})
    fetch("x", source())
    hub.fail(faults.broken, "HEAD", times=99)
    assert fetch("x", source()).read_bytes() == small()


def test_a_page_in_the_place_of_weights_is_refused(hub):
    hub.commit("me/x", {FILE: b"<html>Please log in</html>"})
    with pytest.raises(WeightsError, match="cannot be read"):
        zoo.build("resnet18", weights="hf://me/x")


NOISE = """
import logging
from zoo.weights.download import fetch
from zoo.spec.published_weights import Weights
path = fetch("x", Weights(repo="me/x"))
print(path.stat().st_size, logging.getLogger("huggingface_hub").level == logging.WARNING)
"""


def test_the_clients_retries_do_not_clutter_the_screen(hub, tmp_path):
    hub.commit("me/x", {FILE: small()})
    hub.fail(faults.broken, "HEAD", times=2)
    hub.fail(faults.short)
    variables = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home"), "HF_HUB_DISABLE_XET": "1"}
    done = subprocess.run(
        [sys.executable, "-c", NOISE],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{len(small())} True\n", "")
    assert [line.split()[0] for line in hub.asked if "/resolve/" in line] == ["HEAD"] * 3 + ["GET"] * 2


@pytest.mark.parametrize("level", [logging.INFO, logging.WARNING, logging.CRITICAL])
def test_the_clients_own_level_of_logging_is_as_before(hub, level, request):
    logger = logging.getLogger("huggingface_hub")
    request.addfinalizer(lambda before=logger.level: logger.setLevel(before))
    logger.setLevel(level)
    hub.commit("me/x", {FILE: small()})
    fetch("x", source())
    with pytest.raises(WeightsError):
        fetch("x", source("me/nothing"))
    assert logger.level == level


def test_more_logging_is_given_to_who_asks_for_it(hub, impatient, caplog):
    caplog.set_level(logging.INFO, "huggingface_hub")
    hub.commit("me/x", {FILE: small()})
    hub.fail(faults.short)
    fetch("x", source())
    assert "Trying to resume download" in caplog.text


def test_the_cache_is_the_hubs_own(published):
    path = fetch("x", source(REPO))
    assert path.is_relative_to(Path(constants.HF_HUB_CACHE))
    assert path.name == FILE
