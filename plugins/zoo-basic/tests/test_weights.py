"""The weights that the package ships, and the script that they come from."""

import hashlib
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from zoo_basic.plugin import GLYPHS
from zoo_datasets.glyphs import FONTS, LETTERS

import zoo

FILE = resources.files("zoo_basic") / GLYPHS.file.removeprefix("zoo_basic/")
SCRIPT = Path(__file__).parents[1] / "scripts" / "pretrain_tiny_resnet.py"
FEW = {"name": "glyphs", "per_class": len(FONTS)}


def test_the_file_is_the_declared_one_and_small() -> None:
    content = FILE.read_bytes()
    assert len(content) < 1 << 20
    assert hashlib.sha256(content).hexdigest() == GLYPHS.sha256


def test_its_tensors_have_the_backbones_names_and_the_heads() -> None:
    state = load_file(str(FILE))
    backbone = zoo.build("tiny_resnet", in_channels=1, input_size=32).backbone
    own = {name for name in state if not name.startswith("head.")}
    assert own == set(backbone.state_dict())
    assert {name: tuple(state[name].shape) for name in set(state) - own} == {
        "head.fc.weight": (40, 64),
        "head.fc.bias": (40,),
    }


def test_letters_in_fonts_never_seen_are_read() -> None:
    model = zoo.build("tiny_resnet", weights="glyphs", head="original")
    assert model.labels == tuple(LETTERS)
    assert model.input_spec.channels == 1
    figures = zoo.evaluate(model, FEW, split="test", seed=0)
    assert figures.on.count == 160  # the four cuts of STIX, 40 letters
    assert figures.metrics["accuracy"] > 0.6  # by chance 0.025


def test_the_backbone_goes_below_a_new_head_frozen_by_name() -> None:
    model = zoo.build(
        "tiny_resnet", weights="glyphs", in_channels=1, input_size=32, head="binary", freeze="block1-2"
    )
    state = load_file(str(FILE))
    for name, tensor in model.backbone.state_dict().items():
        assert torch.equal(tensor, state[name])
    trained = {name.split(".")[0] for name, p in model.backbone.named_parameters() if p.requires_grad}
    assert trained == {"block3"}
    assert model(torch.rand(2, 1, 32, 32)).shape == (2, 1)


def test_colour_images_of_three_equal_channels_give_the_same_features() -> None:
    gray = zoo.build("tiny_resnet", weights="glyphs", input_size=32).eval()
    colour = zoo.build("tiny_resnet", weights="glyphs", in_channels=3, input_size=32).eval()
    images = torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(colour(images.expand(-1, 3, -1, -1)), gray(images), rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_the_script_runs_and_writes_such_a_file_again(tmp_path: Path) -> None:
    outputs = []
    for name in ("a.safetensors", "b.safetensors"):
        command = [sys.executable, str(SCRIPT), str(tmp_path / name), "--epochs", "1", "--per-class", "10"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert "accuracy in unseen fonts: val " in done.stdout
        outputs.append((tmp_path / name).read_bytes())
    assert outputs[0] == outputs[1]
    assert hashlib.sha256(outputs[0]).hexdigest() in done.stdout
    again, shipped = load_file(str(tmp_path / "a.safetensors")), load_file(str(FILE))
    assert {k: v.shape for k, v in again.items()} == {k: v.shape for k, v in shipped.items()}
