"""The contract of a complete model."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch

from zoo.hub.folder import load, save
from zoo.testing.case import Case
from zoo.testing.tiny_models import built


def rule_it_runs_and_is_saved_whole(case: Case) -> None:
    """A forward works on an image of the input spec, and a saved copy computes the same."""
    model = built(case.entry).eval()
    x = model.example_input()
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        save(model, Path(folder) / "model")
        assert torch.equal(load(Path(folder) / "model")(x), model(x))


def rule_sampling_repeats(case: Case) -> None:
    """Where it generates, one seed gives one set of images in [0, 1], two give two."""
    model = built(case.entry).eval()
    if model.task is not None and model.task.generates:
        one, same, other = (model.sample(3, seed=seed) for seed in (0, 0, 1))
        assert one.shape == (3, model.input_spec.channels, *model.input_spec.size)
        assert 0 <= float(one.min()) <= float(one.max()) <= 1
        assert torch.equal(one, same)
        assert not torch.equal(one, other)


def rule_networks_hold_every_parameter(case: Case) -> None:
    """Each parameter belongs to one of the networks that the model names."""
    model = built(case.entry)
    inside = {id(p) for network in model.networks.values() for p in network.parameters()}
    assert inside == {id(p) for p in model.parameters()}
