"""Weights by plain address: fetched once, verified by the digits of their name, and those of torchvision."""

from __future__ import annotations

import hashlib
import io
import re
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
import torchvision
from huggingface_hub import constants
from safetensors.torch import save
from torch import nn

import zoo
from zoo.registry import find
from zoo.registry.loading import load
from zoo.spec.errors import DeclarationError, OptionError, WeightsError, ZooWarning
from zoo.spec.published_weights import Weights, WeightsSource
from zoo.weights import addresses
from zoo.weights.fitting import tagged

STATE = {"a.weight": torch.arange(12.0).view(3, 4), "b": torch.rand(5, 5)}


class Server:
    """A web server of this machine.

    Args:
        address: of its folder.
        files: contents by name.
    """

    def __init__(self, port):
        self.address, self.files = f"http://127.0.0.1:{port}/models", {}
        self.asked, self.short, self.moved, self.lies = [], 0, None, None

    def publish(self, content, name="net", digits=8, suffix="pth"):
        """Puts a file there as torchvision names it; returns its declaration."""
        file = f"{name}-{hashlib.sha256(content).hexdigest()[:digits]}.{suffix}"
        self.files[file] = content
        return Weights(address=self.address, file=file)


@pytest.fixture
def server():
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            found = server.files.get(Path(self.path).name)
            server.asked.append(self.path)
            if server.moved:
                self.send_response(302)
                self.send_header("Location", server.moved)
                self.end_headers()
                return
            self.send_response(200 if found else 404)
            self.send_header("Content-Length", str(server.lies or len(found or b"")))
            self.end_headers()
            self.wfile.write((found or b"")[: len(found or b"") - server.short])

        def log_message(self, *_):
            pass

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server = Server(web.server_port)
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    web.shutdown()
    thread.join()
    web.server_close()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "cache" / "weights"


def pickled(state=STATE):
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def read(weights):
    return tagged("net tag", weights).read()


def same(found, wanted=STATE):
    return found.keys() == wanted.keys() and all(torch.equal(found[k], wanted[k]) for k in wanted)


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_a_file_is_fetched_once_and_kept_as_safetensors(server, cache, suffix):
    weights = server.publish(pickled() if suffix == "pth" else save(STATE), suffix=suffix)
    first = {name: tensor.clone() for name, tensor in read(weights).items()}
    assert [path.name for path in cache.iterdir()] == [weights.file.replace(".pth", ".safetensors")]
    server.files.clear()
    assert same(first)
    assert same(read(weights))
    assert len(server.asked) == 1


def test_a_file_of_another_content_is_refused_and_nothing_of_it_kept(server, cache):
    weights = server.publish(pickled())
    server.files[weights.file] = pickled({"a": torch.ones(2)})
    with pytest.raises(
        WeightsError, match=rf"expected sha256 {weights.digits}\.\.\., got .* put .* into .*torch"
    ):
        read(weights)
    assert [*cache.iterdir()] == []


def test_a_safetensors_of_another_content_is_refused_too(server, cache):
    weights = server.publish(save(STATE), suffix="safetensors")
    server.files[weights.file] = save({"a": torch.ones(2)})
    with pytest.raises(WeightsError, match="nothing of it was used"):
        read(weights)
    assert [*cache.iterdir()] == []


def test_code_in_a_pickle_that_has_its_digits_is_not_run(server, tmp_path):
    class Bad:
        def __reduce__(self):
            return open, (str(tmp_path / "run"), "w")

    with pytest.raises(WeightsError, match="expected a state dict"):
        read(server.publish(pickled(Bad())))
    assert not (tmp_path / "run").exists()


def test_a_file_that_does_not_arrive_whole_is_no_file(server, cache):
    weights = server.publish(pickled())
    server.short = 10
    with pytest.raises(
        WeightsError, match=r"cannot be reached: expected http.*net-.*\.pth, got .*IncompleteRead|bytes"
    ):
        read(weights)
    assert [*cache.iterdir()] == []


def test_a_file_that_is_too_large_is_refused_before_and_while_it_arrives(server, monkeypatch):
    weights = server.publish(pickled())
    monkeypatch.setattr(addresses, "MOST_BYTES", 100)
    with pytest.raises(WeightsError, match="at most 100 bytes"):
        read(weights)
    monkeypatch.setattr(addresses, "MOST_BYTES", 4 << 30)
    server.lies = 5 << 30
    with pytest.raises(WeightsError, match=r"at most 4,294,967,296 bytes, got 5,368,709,120"):
        read(weights)


def test_a_file_that_the_server_does_not_have_says_how_to_bring_it(server):
    weights = server.publish(pickled())
    server.files.clear()
    with pytest.raises(WeightsError, match=r"got status 404; .*put net-\w+\.pth into .*checkpoints"):
        read(weights)


def test_without_a_network_the_ways_out_are_said_in_one_line(server, monkeypatch):
    weights = replace(server.publish(pickled()), address="http://127.0.0.1:9/models")
    with pytest.raises(
        WeightsError, match=r"go online, put net-\w+\.pth into .*checkpoints, or leave"
    ) as error:
        read(weights)
    assert "\n" not in str(error.value)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError, match="offline mode"):
        read(server.publish(pickled()))
    assert server.asked == []


def test_what_torch_hub_has_fetched_is_taken_where_it_is_the_same(server, tmp_path):
    weights = server.publish(pickled())
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    (folder / weights.file).write_bytes(pickled({"other": torch.ones(1)}))
    assert same(read(weights))
    assert len(server.asked) == 1
    other = server.publish(pickled({"c": torch.ones(3)}))
    (folder / other.file).write_bytes(server.files.pop(other.file))
    assert same(read(other), {"c": torch.ones(3)})
    assert len(server.asked) == 1
    assert (folder / other.file).exists()


def test_a_cache_that_cannot_be_written_keeps_nothing_and_costs_nothing_else(server, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "file" / "below"))
    weights = server.publish(pickled())
    assert same(read(weights))
    assert same(read(weights))
    assert len(server.asked) == 2


def test_no_server_leads_from_an_encrypted_address_to_a_plain_one():
    request = addresses.Request("https://example.org/a.pth")
    with pytest.raises(OSError, match="not encrypted"):
        addresses._Safe().redirect_request(request, None, 302, "Found", {}, "http://example.org/a.pth")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"address": "http://example.org/models"}, "https://host/folder"),
        ({"address": "https://user@example.org"}, "https://host/folder"),
        ({"address": "https://example.org/models?x=1"}, "https://host/folder"),
        ({"address": "file:///etc"}, "https://host/folder"),
        ({"file": "a/net-01234567.pth"}, "a name"),
        ({"file": "net.pth"}, "the hash of the file"),
        ({"file": "net-0123.pth"}, "the hash of the file"),
        ({"repo": "a/b"}, "none beside a repository or package"),
    ],
)
def test_a_declaration_without_a_safe_address_and_a_hash_is_refused(wrong, words):
    with pytest.raises(DeclarationError, match=words):
        WeightsSource(**{"address": "https://example.org/models", "file": "net-01234567.pth", **wrong})


def randomised(model):
    """A network as after training: nothing of it is 0 or 1."""
    torch.manual_seed(0)
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point():
            low, high = (0.5, 1.5) if name.endswith(("running_var", "bn.weight")) else (-0.05, 0.05)
            tensor.uniform_(low, high)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight.data.uniform_(0.5, 1.5)
    return model.eval()


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("resnet18", "imagenet1k_v1"),
        ("mobilenet_v2", "imagenet1k_v2"),
        ("mobilenet_v3_small", "imagenet1k_v1"),
        ("efficientnet_b0", "imagenet1k_v1"),
        pytest.param("resnet50", "imagenet1k_v2", marks=pytest.mark.slow),
        pytest.param("vgg11_bn", "imagenet1k_v1", marks=pytest.mark.slow),
        pytest.param("vgg16", "imagenet1k_v1", marks=pytest.mark.slow),
        pytest.param("mobilenet_v3_large", "imagenet1k_v2", marks=pytest.mark.slow),
        pytest.param("efficientnet_b5", "imagenet1k_v1", marks=pytest.mark.slow),
    ],
)
def test_a_model_with_torchvisions_weights_answers_as_torchvisions(name, tag, server, monkeypatch):
    theirs = randomised(torchvision.models.get_model(name))
    published = load(find(name, "backbone")).component.weights
    served = server.publish(pickled(theirs.state_dict()), name)
    monkeypatch.setitem(published, tag, replace(published[tag], address=served.address, file=served.file))
    model = zoo.build(name, head="original", weights=tag).eval()
    steps = torchvision.models.get_model_weights(name)[tag.upper()].transforms()
    assert model.labels == tuple(torchvision.models.get_model_weights(name)[tag.upper()].meta["categories"])
    x = torch.rand(2, 3, 96, 75)
    mean, std = torch.tensor(steps.mean)[:, None, None], torch.tensor(steps.std)[:, None, None]
    with torch.inference_mode():
        torch.testing.assert_close(model(x), theirs((x - mean) / std), rtol=1e-3, atol=1e-4)
    assert model.weights_licences == {}


def test_options_that_weights_were_trained_with_are_taken_and_others_are_warned_of(server, monkeypatch):
    theirs = randomised(torchvision.models.get_model("mobilenet_v3_small"))
    published = load(find("mobilenet_v3_small", "backbone")).component.weights
    served = server.publish(pickled(theirs.state_dict()))
    tag = replace(published["imagenet1k_v1"], address=served.address, file=served.file)
    monkeypatch.setitem(published, "imagenet1k_v1", tag)
    model = zoo.build("mobilenet_v3_small", weights="imagenet1k_v1")
    assert model.recipe.model.options["bn_eps"] == 1e-3
    assert zoo.build("mobilenet_v3_small").recipe.model.options["bn_eps"] == 1e-5
    with pytest.warns(ZooWarning, match=r"trained with bn_eps=0\.001, not 1e-05"):
        other = zoo.build("mobilenet_v3_small", weights="imagenet1k_v1", bn_eps=1e-5)
    assert other.recipe.model.options["bn_eps"] == 1e-5


def test_another_number_of_classes_is_refused_before_anything_is_fetched(server, monkeypatch):
    with pytest.raises(OptionError, match="1000 classes, as they were published with"):
        zoo.build("resnet18", head="original", classes=10, weights="imagenet1k_v1")


def test_tags_are_found_by_torchvisions_own_spelling():
    with pytest.raises(WeightsError, match="did you mean imagenet1k_v1"):
        zoo.build("resnet18", weights="IMAGENET1K_V1")


def test_a_checkpoint_may_name_its_hash_in_full(server):
    weights = replace(server.publish(pickled()), sha256=hashlib.sha256(pickled()).hexdigest())
    assert re.fullmatch("[0-9a-f]{64}", weights.digits)
    assert same(read(weights))
