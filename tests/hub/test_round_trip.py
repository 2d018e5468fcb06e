"""`zoo.save` and `zoo.load`: the same model, to the last bit."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

import zoo
from zoo.compose.meta_build import meta_tensors
from zoo.hub import folder_rules
from zoo.spec.errors import ZooWarning

from .conftest import TINY


def batch(model, count=3, seed=0):
    spec = model.input_spec
    return torch.rand(count, spec.channels, *spec.size, generator=torch.Generator().manual_seed(seed))


@torch.inference_mode()
def outputs(model, counts=(1, 3)):
    model.eval()
    return [model(batch(model, count)) for count in counts]


def same(one, other):
    return all(map(torch.equal, outputs(one), outputs(other)))


def train(model, steps=2):
    """A few steps, so that batch norm's statistics have moved."""
    model.train()
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.01)
    for step in range(steps):
        optimizer.zero_grad()
        model(batch(model, 4, step)).square().mean().backward()
        optimizer.step()


def foreign(path, model):
    """The model's tensors as another tool writes them: in order, beginning 8 bytes into a line."""
    header, data = {}, b""
    for name, tensor in model.state_dict().items():
        raw = tensor.contiguous().flatten().view(torch.uint8).numpy().tobytes()
        kind = {torch.float32: "F32", torch.int64: "I64"}[tensor.dtype]
        header[name] = {
            "dtype": kind,
            "shape": list(tensor.shape),
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 64)
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


@pytest.mark.parametrize("copy", [False, True], ids=["mapped", "copied"])
@pytest.mark.parametrize("name", TINY)
def test_a_loaded_model_computes_the_same(tmp_path, make, name, copy):
    model = make(name)
    train(model)
    zoo.save(model, tmp_path / "model")
    loaded = zoo.load(tmp_path / "model", copy=copy)
    assert not loaded.training
    assert meta_tensors(loaded) == []
    assert same(loaded, model)
    for key, tensor in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], tensor)


@pytest.mark.parametrize("name", ["resnet18", "vgg16", "mobilenet_v2", "timm:convnext_atto"])
def test_so_does_one_whose_tensors_were_mapped_from_a_foreign_file(tmp_path, make, name):
    weights = foreign(tmp_path / "foreign.safetensors", make(name))
    model = make(name, weights=f"file:{weights}")
    assert any(t.data_ptr() % 64 for t in model.backbone.state_dict().values())
    expected = outputs(model)
    loaded = zoo.load(zoo.save(model, tmp_path / "model"))
    assert all(map(torch.equal, outputs(loaded), expected))
    assert all(
        t.data_ptr() % 64 == loaded.state_dict()[k].data_ptr() % 64 for k, t in model.state_dict().items()
    )
    train(model)
    train(loaded)
    assert same(loaded, model)
    assert same(zoo.load(zoo.save(loaded, tmp_path / "again")), model)


def test_saving_into_the_folder_that_a_model_is_mapped_from(tmp_path, make):
    folder = zoo.save(make(), tmp_path / "model")
    first, second = zoo.load(folder), zoo.load(folder)
    before = outputs(first)
    train(second)
    zoo.save(second, folder)
    assert all(map(torch.equal, outputs(first), before))
    assert same(zoo.load(folder), second)
    assert not same(first, second)
    zoo.save(first, folder)
    assert same(zoo.load(folder), first)


def test_training_a_mapped_model_leaves_the_file_alone(tmp_path, make):
    folder = zoo.save(make(), tmp_path / "model")
    before = (folder / "model.safetensors").read_bytes()
    train(zoo.load(folder))
    assert (folder / "model.safetensors").read_bytes() == before


def test_a_copied_model_does_not_need_the_file(tmp_path, make):
    model = make()
    folder = zoo.save(model, tmp_path / "model")
    copied = zoo.load(folder, copy=True)
    with (folder / "model.safetensors").open("r+b") as file:
        file.write(bytes((folder / "model.safetensors").stat().st_size))
    assert same(copied, model)


def test_frozen_blocks_are_frozen_again(tmp_path, make):
    with pytest.warns(ZooWarning, match="random"):
        model = make(freeze="block1-2")
    train(model)
    loaded = zoo.load(zoo.save(model, tmp_path / "model"))
    assert loaded.frozen == model.frozen == ("block1", "block2")
    loaded.train()
    assert not any(m.training for m in loaded.backbone.blocks["block1"].modules())
    assert [n for n, p in loaded.named_parameters() if p.requires_grad] == [
        n for n, p in model.named_parameters() if p.requires_grad
    ]
    loaded.unfreeze()
    assert zoo.load(zoo.save(loaded, tmp_path / "thawed")).frozen == ()


def test_freezing_after_building_is_kept(tmp_path, make):
    model = make()
    with pytest.warns(ZooWarning, match="random"):
        model.freeze("block1")
    assert zoo.load(zoo.save(model, tmp_path / "model")).frozen == ("block1",)


def test_what_belongs_to_the_model_is_kept(tmp_path, make):
    source = zoo.save(make("resnet18"), tmp_path / "source")
    model = make("resnet18", weights=str(source), classes=["cat", "dög"], in_channels=1, input_size=(48, 40))
    model.metrics = {"val": {"accuracy": 0.75}, "test": {"accuracy": 1}}
    loaded = zoo.load(zoo.save(model, tmp_path / "model"))
    assert loaded.labels == ("cat", "dög")
    assert loaded.metrics == model.metrics
    assert loaded.origin == model.origin == str(source / "model.safetensors")
    assert loaded.input_spec == model.input_spec
    assert loaded.recipe == model.recipe
    assert loaded.plugins == model.plugins
    assert loaded.task.name == model.task.name
    assert str(loaded.summary()) == str(model.summary())


def test_weights_in_a_saved_recipe_are_no_order_to_load_them(tmp_path, make):
    source = zoo.save(make(), tmp_path / "source")
    model = make(weights=f"file:{source}")
    folder = zoo.save(model, tmp_path / "model")
    for file in source.iterdir():
        file.unlink()
    assert same(zoo.load(folder), model)


def test_a_random_model_has_no_origin_after_loading(tmp_path, make):
    assert zoo.load(zoo.save(make(), tmp_path / "model")).origin is None


def test_a_feature_extractor_is_saved_too(tmp_path, make):
    model = make(head=None, classes=None)
    assert same(zoo.load(zoo.save(model, tmp_path / "model")), model)


def test_other_files_in_the_folder_stay(tmp_path, make):
    folder = zoo.save(make(), tmp_path / "model")
    (folder / "history.json").write_text("[]")
    (folder / "notes").mkdir()
    (folder / "notes" / "a.txt").write_text("mine")
    zoo.save(make(seed=1), folder)
    assert (folder / "history.json").read_text() == "[]"
    assert (folder / "notes" / "a.txt").read_text() == "mine"
    assert same(zoo.load(folder), make(seed=1))


def test_paths_are_taken_in_every_form(tmp_path, make, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    model = make()
    assert zoo.save(model, "~/a/b/model") == tmp_path / "a" / "b" / "model"
    for path in ("a/b/model", Path("a/b/model"), "file:a/b/model", "~/a/b/model"):
        assert same(zoo.load(path), model)


def test_the_file_is_what_the_config_says_it_is(tmp_path, make):
    model = make()
    folder = zoo.save(model, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    assert config["sha256"] == hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert config["format"] == 2
    assert config["plugins"] == model.plugins
    assert {p.name for p in folder.iterdir()} == {"model.safetensors", "config.json", "README.md"}
    with safe_open(folder / "model.safetensors", "pt") as file:
        assert set(file.keys()) == set(model.state_dict())
        assert file.metadata()["format"] == "pt"


def test_nothing_is_unpickled(tmp_path, make, monkeypatch):
    folder = zoo.save(make(), tmp_path / "model")

    def refuse(*_, **__):
        raise AssertionError("a pickle was read")

    for name in ("pickle.load", "pickle.loads", "pickle.Unpickler", "torch.load", "builtins.eval"):
        monkeypatch.setattr(name, refuse)
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    zoo.load(folder)


def test_who_saves_while_another_does_is_the_last(tmp_path, make, monkeypatch):
    model, folder = make("mlp"), tmp_path / "model"
    zoo.save(model, folder)
    renewed = folder_rules.renewed

    def meanwhile(*arguments):
        (folder / ".zoo-commit").mkdir(exist_ok=True)
        (folder / ".zoo-commit/model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
        return renewed(*arguments)

    monkeypatch.setattr(folder_rules, "renewed", meanwhile)
    zoo.save(model, folder)
    assert not (folder / ".zoo-commit").exists()
    assert torch.equal(zoo.load(folder).state_dict()["head.last.bias"], model.state_dict()["head.last.bias"])
