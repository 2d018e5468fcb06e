"""Models in half precision, wrapped by torch, or changed by hand."""

from __future__ import annotations

import warnings
from pathlib import Path

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


class Lora(nn.Module):
    """A linear layer with an adapter of low rank beside it."""

    def __init__(self, base):
        super().__init__()
        self.base = base
        self.lora_a, self.lora_b = nn.Linear(base.in_features, 2), nn.Linear(2, base.out_features)

    def forward(self, x):
        return self.base(x) + self.lora_b(self.lora_a(x))


def test_a_model_with_adapters_is_refused_and_told_to_merge_them(model, tmp_path):
    name = next(n for n, m in model.named_modules() if isinstance(m, nn.Linear))
    swap(model, nn.Linear, Lora(model.get_submodule(name)))
    with pytest.raises(SaveError, match=r"Lora in place of Linear; merge them into the layers first"):
        zoo.save(model, tmp_path / "m")
    assert not [*tmp_path.iterdir()]


def test_synchronised_batch_norm_goes_back_into_a_model_of_names(tmp_path):
    model = zoo.build("tiny_resnet", head="binary", input_size=32, seed=0)
    x = torch.rand(2, 3, 32, 32)
    expected = model(x)
    changed = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    with pytest.raises(SaveError, match=r"SyncBatchNorm in place of .*new\.load_state_dict\(model"):
        zoo.save(changed, tmp_path / "m")
    new = zoo.build("tiny_resnet", head="binary", input_size=32, seed=1)
    new.load_state_dict(changed.state_dict())
    assert torch.equal(zoo.load(zoo.save(new, tmp_path / "m"))(x), expected)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_a_half_model_compares_images(kind):
    model = zoo.build("mlp", head={"name": "embedding", "dim": 8}, in_channels=1, input_size=25, seed=0)
    image, other = torch.rand(1, 25, 25), torch.rand(1, 25, 25)
    exact = zoo.verify(model, image, other, threshold=0.5).similarity
    model.to(kind)
    assert zoo.verify(model, image, other, threshold=0.5).similarity == pytest.approx(exact, abs=0.02)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_a_half_model_has_latents(kind):
    model = zoo.build("autoencoder", in_channels=1, input_size=32, seed=0)
    exact = zoo.latents(model, {"name": "faces", "per_class": 8}, split="all").vectors
    found = zoo.latents(model.to(kind), {"name": "faces", "per_class": 8}, split="all").vectors
    assert found.dtype is torch.float32
    assert torch.allclose(found, exact, atol=0.05)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
@pytest.mark.filterwarnings("ignore:.*few for the Frechet")
def test_half_models_are_measured_as_generators_and_as_features(kind):
    model = zoo.build("dcgan_generator", in_channels=1, input_size=32, width=8, seed=0)
    features = zoo.build("mlp", head="binary", in_channels=1, input_size=32, seed=0)
    data, options = {"name": "faces", "per_class": 8}, {"split": "all", "samples": 8, "seed": 0}
    exact = zoo.evaluate(model, data, features=features, **options).metrics
    found = zoo.evaluate(model.to(kind), data, features=features.to(kind), **options).metrics
    assert found["frechet"] == pytest.approx(exact["frechet"], rel=0.1, abs=0.05)


def test_a_saved_model_in_half_precision_is_widened_by_the_call_that_is_told(tmp_path: Path) -> None:
    model = zoo.build("small_cnn", head="multiclass", classes=10, in_channels=1, input_size=8, seed=0)
    folder = zoo.save(model.half(), tmp_path / "half")
    with pytest.raises(zoo.ZooError) as error:
        zoo.fit(str(folder), "digits", epochs=1)
    assert f"zoo.fit(zoo.load('{folder}').float(), ...) widens them" in str(error.value)


def test_weights_of_two_types_are_refused_by_all_that_would_use_them(tmp_path: Path) -> None:
    model = zoo.build("small_cnn", head="multiclass", classes=10, in_channels=1, input_size=8, seed=0)
    model.backbone.half()
    words = r"expected weights of one type, got float16 in backbone\.block1\.conv\.weight, float32 in head\."
    for use in (
        lambda: zoo.save(model, tmp_path / "mixed"),
        lambda: zoo.predict(model, torch.zeros(1, 1, 8, 8)),
        lambda: zoo.Predictor(model),
        lambda: zoo.evaluate(model, "digits"),
        lambda: zoo.fit(model, "digits", out=tmp_path / "run"),
    ):
        with pytest.raises(zoo.ZooError, match=words):
            use()
    assert not any(tmp_path.iterdir())
    model.float()
    assert zoo.predict(model, torch.zeros(1, 1, 8, 8))[0].label


def test_a_file_of_weights_is_no_model(tmp_path: Path) -> None:
    folder = zoo.save(zoo.build("small_cnn", input_size=8), tmp_path / "model")
    with pytest.raises(zoo.ZooError, match=r'zoo\.build\(NAME, weights="file:.*model\.safetensors"\)'):
        zoo.load(folder / "model.safetensors")
    torch.save({}, tmp_path / "w.pth")
    with pytest.raises(zoo.ZooError, match=r"zoo convert .*w\.pth --to NAME makes a file for weights= of it"):
        zoo.load(tmp_path / "w.pth")


def patched(model):
    old = model.head.forward
    model.head.forward = lambda *features: old(*features) * 3


LOST = {
    "head: a forward hook": lambda m: m.head.register_forward_hook(lambda part, given, out: out * 3),
    "conv: a forward pre-hook": lambda m: conv(m).register_forward_pre_hook(lambda part, given: given[0] * 2),
    "the model: a forward hook": lambda m: m.register_forward_hook(lambda part, given, out: out + 1),
    "head: a patched forward": patched,
}


@pytest.mark.parametrize("said", LOST)
def test_hooks_that_change_answers_are_refused_since_no_file_keeps_them(model, said, tmp_path):
    LOST[said](model)
    x = torch.rand(2, 3, 32, 32)
    before = model(x)
    with pytest.raises(SaveError, match=f"{said}.*handle.remove"):
        zoo.save(model, tmp_path / "m")
    with pytest.raises(TrainingError, match=said):
        zoo.fit(model, {"name": "faces", "per_class": 8}, epochs=1)
    assert torch.equal(model(x), before)  # they are still there
    assert not (tmp_path / "m").exists()


def test_hooks_that_only_look_on_are_left_behind(model, tmp_path):
    seen = []
    model.head.register_forward_hook(lambda part, given, out: seen.append(out.shape))
    prune.l1_unstructured(model.head.last, "weight", amount=0.5)
    prune.remove(model.head.last, "weight")
    zoo.load(zoo.save(model, tmp_path / "m"))
    assert seen


def test_a_quantised_model_is_told_to_be_quantised_anew(model, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        small = torch.ao.quantization.quantize_dynamic(model, {nn.Linear})
    with pytest.raises(SaveError, match=r"quantized.*quantise what zoo\.load gives"):
        zoo.save(small, tmp_path / "m")
