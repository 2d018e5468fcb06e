"""Push, and pull in a new process: the same outputs, bit for bit, for a model of each plugin."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys

import pytest
import torch

import zoo

from .conftest import TINY
from .writing import TOKEN

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the client's own

ELSEWHERE = """
import hashlib, json, sys
import torch, zoo
torch.set_num_threads(1)
for name in sys.argv[1:]:
    model = zoo.pull(name)
    spec = model.input_spec
    images = torch.rand(3, spec.channels, *spec.size, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        output = hashlib.sha256(model(images).numpy().tobytes()).hexdigest()
    state = hashlib.sha256()
    for key, tensor in sorted(model.state_dict().items()):
        state.update(key.encode() + tensor.numpy().tobytes())
    facts = [model.labels, model.frozen, model.metrics, model.origin, model.training]
    print(json.dumps([output, state.hexdigest(), *facts]))
"""
MORE = {
    "timm:vit_tiny_patch16_224": {"arguments": {"depth": 2, "embed_dim": 12}, "input_size": 32},
    "timm:densenet121": {"arguments": {"block_config": [1, 1, 1, 1], "growth_rate": 4}, "input_size": 32},
    "vgg16": {"width": 0.125, "head": "original", "classes": 3, "input_size": 32},
}


def there_and_back(hub, tmp_path, models):
    """What a new process says of models that were pushed, and what this one says."""
    expected = []
    for name, model in models.items():
        spec = model.input_spec
        images = torch.rand(3, spec.channels, *spec.size, generator=torch.Generator().manual_seed(0))
        with torch.inference_mode():
            output = hashlib.sha256(model.eval()(images).numpy().tobytes()).hexdigest()
        state = hashlib.sha256()
        for key, tensor in sorted(model.state_dict().items()):
            state.update(key.encode() + tensor.numpy().tobytes())
        facts = [list(model.labels), list(model.frozen), model.metrics, model.origin, False]
        expected.append([output, state.hexdigest(), *facts])
        zoo.push(model, name)
    variables = {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1"}
    variables |= {"HF_HOME": str(tmp_path / "home"), "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ELSEWHERE, *models],
        env={**os.environ, **variables}, capture_output=True, text=True, check=False, timeout=250,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()], expected


@pytest.fixture
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def trained(model, **facts):
    """A few steps, so that batch norm's statistics have moved, and facts beside the weights."""
    model.train()
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.01)
    for _ in range(2):
        optimizer.zero_grad()
        model(torch.rand(4, model.input_spec.channels, *model.input_spec.size)).square().mean().backward()
        optimizer.step()
    for name, value in facts.items():
        setattr(model, name, value)
    return model.eval()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::zoo.ZooWarning")  # frozen blocks with random weights
@pytest.mark.usefixtures("writing", "one_thread")
def test_one_model_of_each_plugin_and_of_further_families(hub, tmp_path, make):
    made = [(name, make(name, freeze="block1")) for name in TINY]
    made += [(f"{name}-2", make(name, freeze="block1", **options)) for name, options in MORE.items()]
    models = {
        f"me/{name.replace(':', '-')}": trained(
            model, metrics={"test": {"accuracy": 0.75}}, origin="trained on cats"
        )
        for name, model in made
    }
    found, expected = there_and_back(hub, tmp_path, models)
    assert found == expected
    assert all(row[3] == ["block1"] for row in found)
