"""Models in half precision, wrapped by torch, or changed by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune

import zoo
from zoo.spec.errors import SaveError, TrainingError, ZooWarning

IMAGE = np.zeros((32, 32, 3), np.uint8)


@pytest.fixture
def model():
    return zoo.build("small_cnn", head="binary", input_size=32, seed=0)


def conv(model):
    return next(m for m in model.modules() if isinstance(m, nn.Conv2d))


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_a_half_model_is_saved_loaded_and_predicts(model, kind, tmp_path):
    exact = zoo.predict(model, IMAGE)[0].score
    model.to(kind)
    loaded = zoo.load(zoo.save(model, tmp_path / "half"))
    assert {p.dtype for p in loaded.parameters()} == {kind}
    mine, theirs = model.state_dict(), loaded.state_dict()
    assert all(torch.equal(mine[k], theirs[k]) for k in mine)
    assert zoo.predict(loaded, IMAGE)[0].score == pytest.approx(exact, abs=0.01)
    assert loaded(torch.rand(1, 3, 32, 32)).dtype is kind


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_a_half_model_is_evaluated_in_single_precision(kind):
    model = zoo.build("mlp", head="binary", in_channels=1, input_size=32, seed=0)
    data = {"name": "faces", "per_class": 8}
    exact = zoo.evaluate(model, data, split="all").metrics["loss"]
    assert zoo.evaluate(model.to(kind), data, split="all").metrics["loss"] == pytest.approx(exact, abs=0.02)


def test_another_input_spec_leaves_a_half_model_half(model):
    model.half().input_spec = model.input_spec.with_size((32, 32))
    assert model.normalise.scale.dtype is torch.float16


def test_half_weights_are_not_trained(model):
    with pytest.raises(TrainingError, match=r"expected weights in float32, got float16; model.float\(\)"):
        zoo.fit(model.half(), {"name": "faces", "per_class": 8}, epochs=1)


def test_a_wrapped_model_is_saved_with_plain_names(model, tmp_path):
    wrapped = torch.compile(nn.DataParallel(model), backend="eager")
    loaded = zoo.load(zoo.save(wrapped, tmp_path / "saved"))
    assert loaded.state_dict().keys() == model.state_dict().keys()


def test_a_wrapped_model_predicts_and_says_what_is_left_aside(model):
    with pytest.warns(ZooWarning, match=r"OptimizedModule around the model is left aside.*model.compile\(\)"):
        found = zoo.predict(torch.compile(model, backend="eager"), IMAGE)
    assert found[0].score == zoo.predict(model, IMAGE)[0].score


def test_a_predictor_of_a_wrapped_model_has_a_copy_of_its_own(model):
    with pytest.warns(ZooWarning, match="DataParallel around the model is left aside"):
        zoo.Predictor(nn.DataParallel(model))
    assert all(p.requires_grad for p in model.parameters())


def test_a_wrapped_torch_module_is_refused_by_name(tmp_path):
    net = nn.Sequential(nn.Flatten(), nn.Linear(1024, 1))
    wrapped = torch.compile(net, backend="eager")
    with pytest.raises(TrainingError, match="OptimizedModule around it; give the Sequential inside"):
        zoo.fit(wrapped, {"name": "faces", "per_class": 8}, loss=nn.BCEWithLogitsLoss(), out=tmp_path / "r")
    with pytest.raises(SaveError, match="got Sequential"):
        zoo.save(wrapped, tmp_path / "m")


CHANGES = {
    "prune.remove": lambda m: prune.l1_unstructured(conv(m), "weight", 0.5),
    "remove_parametrizations": lambda m: parametrizations.weight_norm(conv(m)),
    "spectral": lambda m: parametrizations.spectral_norm(conv(m)),
    "GELU in place of ReLU": lambda m: swap(m, nn.ReLU, nn.GELU()),
    "Linear in place of": lambda m: setattr(m, "head", nn.Linear(8, 1)),
    "Linear added": lambda m: m.add_module("aux", nn.Linear(1, 1)),
    "stride": lambda m: setattr(conv(m), "stride", (2, 2)),
}


def swap(model, kind, new):
    name = next(n for n, m in model.named_modules() if isinstance(m, kind))
    owner, _, last = name.rpartition(".")
    setattr(model.get_submodule(owner), last, new)


@pytest.mark.parametrize("said", CHANGES)
def test_a_changed_model_is_refused_before_anything_is_written(model, said, tmp_path):
    CHANGES[said](model)
    match = "remove_parametrizations" if said == "spectral" else said
    with pytest.raises(SaveError, match=rf"save: the model was changed: .*{match}"):
        zoo.save(model, tmp_path / "m")
    with pytest.raises(TrainingError, match=rf"fit: the model was changed: .*{match}"):
        zoo.fit(model, {"name": "faces", "per_class": 8}, epochs=1, out=tmp_path / "r")
    assert not [*tmp_path.iterdir()]


def test_pruning_that_was_made_permanent_is_saved(model, tmp_path):
    prune.l1_unstructured(conv(model), "weight", 0.5)
    prune.remove(conv(model), "weight")
    x = torch.rand(1, 3, 32, 32)
    assert torch.equal(zoo.load(zoo.save(model, tmp_path / "m"))(x), model(x))
