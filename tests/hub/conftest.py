"""Fixtures of the on-disk model and the Hub."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub import constants

import zoo
from zoo.interfaces.model import Model

from .server import HubServer, hub_server
from .writing import TOKEN, Writing

TINY: dict[str, dict[str, Any]] = {
    "mlp": {"hidden": [16, 8], "in_channels": 1, "input_size": 8},
    "small_cnn": {"channels": [4, 8], "input_size": 32},
    "tiny_resnet": {"channels": [4, 8, 8], "units": 1, "input_size": 32},
    "vgg16": {"width": 0.125, "input_size": 32},
    "resnet18": {"width": 0.125, "input_size": 32},
    "mobilenet_v2": {"width": 0.125, "input_size": 32},
    "efficientnet_lite0": {"width": 0.125, "depth": 0.5, "last": 64, "input_size": 32},
    "timm:convnext_atto": {"arguments": {"depths": [1, 1, 1, 1], "dims": [8, 16, 24, 32]}, "input_size": 32},
    "timm:swin_tiny_patch4_window7_224": {
        "arguments": {"depths": [1, 1, 1, 1], "embed_dim": 8},
        "input_size": 32,
    },
}
"""Options that make small instances, of each plugin; Swin has buffers that no file holds."""


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A Hub on the loopback that the real client talks to, with an empty cache."""
    for name in (
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "HF_TOKEN",
    ):
        monkeypatch.delenv(name, raising=False)
    with hub_server() as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", server.url + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hf-cache"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        yield server
        huggingface_hub.close_session()


@pytest.fixture
def writing(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> Writing:
    """The Hub's writing part, to a user who may."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    return Writing(hub)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The waits between retries, the client's and ours, take no time."""
    real = time.sleep
    monkeypatch.setattr("time.sleep", lambda seconds: real(min(seconds, 0.001)))


@pytest.fixture
def make() -> Callable[..., Model]:
    """A small model with labels, the same at each call."""

    def make(name: str = "tiny_resnet", **options: Any) -> Model:
        given = {"head": "multiclass", "classes": ["a", "b", "c"], "seed": 0, **options}
        # A table of sizes is for all heads
        sizes = {key: value for key, value in TINY.get(name, {}).items() if key not in given}
        return zoo.build({"name": name, **sizes}, **given)

    return make
