"""What a model is besides its weights is kept by saving and loading."""

from __future__ import annotations

import math

import pytest
import torch

import zoo
from zoo.hub.reproduce import outputs
from zoo.spec.errors import SaveError, ShapeError, WeightsError
from zoo.spec.inputs import InputSpec


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_the_type_of_number(tmp_path, make, dtype):
    model = make("tiny_resnet").to(dtype).eval()
    loaded = zoo.load(zoo.save(model, tmp_path / "model"))
    x = torch.rand(2, 3, 32, 32).to(dtype)
    with torch.no_grad():
        assert torch.equal(loaded(x), model(x))


def test_the_licence_survives_being_saved_again(tmp_path, make):
    folder = zoo.save(make("tiny_resnet"), tmp_path / "one", licence="MIT")
    again = zoo.save(zoo.load(folder), tmp_path / "two")
    assert zoo.load(again).licence == "MIT"
    assert "license: mit" in (again / "README.md").read_text()


def test_saving_and_pushing_change_nothing_in_memory(tmp_path):
    pair = zoo.build("dcgan", in_channels=1, input_size=16, seed=0)
    part = pair.networks["generator"]
    zoo.save(pair, tmp_path / "saved", licence="MIT")
    zoo.push(pair, f"file:{tmp_path}/pushed", licence="MIT")
    assert (pair.licence, part.licence) == (None, None)
    pair.licence = "Apache-2.0"
    zoo.push(pair, f"file:{tmp_path}/part", part="generator")
    assert zoo.load(tmp_path / "part").licence == "Apache-2.0"
    assert part.licence is None


def test_a_save_that_fails_changes_nothing_in_memory(tmp_path, make):
    model = make("mlp")
    (tmp_path / "model").write_text("")
    with pytest.raises(SaveError):
        zoo.save(model, tmp_path / "model" / "inside", licence="MIT")
    assert model.licence is None


def test_outputs_for_comparing_leave_each_module_in_its_mode(make):
    model = make("mlp").train()
    model.head.eval()
    modes = [module.training for module in model.modules()]
    outputs(model, torch.rand(2, 1, 8, 8))
    assert [module.training for module in model.modules()] == modes
    with pytest.raises(ShapeError):
        outputs(model, torch.rand(2, 1))
    assert [module.training for module in model.modules()] == modes


def test_a_metric_that_is_no_number_is_left_out(tmp_path, make):
    model = make("tiny_resnet")
    model.metrics = {"val": {"accuracy": 0.5, "auroc": math.nan}}
    folder = zoo.save(model, tmp_path / "model")
    assert "NaN" not in (folder / "config.json").read_text()
    assert zoo.load(folder).metrics == {"val": {"accuracy": 0.5}}


def test_preprocessing_comes_with_weights_out_of_a_folder(tmp_path, make):
    model = make("tiny_resnet")
    model.input_spec = InputSpec(mean=(0.1,) * 3, std=(0.3,) * 3)
    folder = zoo.save(model, tmp_path / "model")
    new = make("tiny_resnet", weights=str(folder))
    assert new.input_spec.mean == (0.1,) * 3
    assert new.normalise.spec.std == (0.3,) * 3


def test_a_damaged_weight_is_never_used(tmp_path, make):
    """Whoever would use it, or save it again, hears of it: a number of other size is a number."""
    folder = zoo.save(make("mlp"), tmp_path / "m")
    file = folder / "model.safetensors"
    content = bytearray(file.read_bytes())
    content[-2] ^= 1
    file.write_bytes(content)
    for use in (
        lambda: zoo.load(folder),
        lambda: zoo.load(folder, copy=True),
        lambda: zoo.predict(folder, torch.zeros(1, 1, 4, 4)),
        lambda: zoo.push(folder, f"file:{tmp_path / 'hub'}"),
        lambda: zoo.build("mlp", head="binary", in_channels=1, weights=f"file:{folder}"),
    ):
        with pytest.raises(WeightsError, match=r"damaged"):
            use()
    assert not (tmp_path / "hub").exists()
