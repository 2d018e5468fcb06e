"""What torch wraps around models and parts, and weights of several types: taken off, or refused by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

import zoo
from zoo.interfaces.blocks.number_types import mixed_types
from zoo.interfaces.model import Model
from zoo.spec.errors import SaveError, TrainingError, ZooError

DATA = {"name": "faces", "per_class": 8}
IMAGE = np.zeros((16, 16, 1), np.uint8)
SIDE = 25


@pytest.fixture
def group(tmp_path: Path) -> Iterator[None]:
    distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/group", rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


def built(name: str = "small_cnn") -> Model:
    return zoo.build(name, head="binary", in_channels=1, input_size=16, seed=0)


def uses(make: Callable[[], Any], folder: Path) -> dict[str, Callable[[], Any]]:
    options: dict[str, Any] = {"epochs": 1, "progress": False, "out": folder / "run"}
    return {
        "fit": lambda: zoo.fit(make(), DATA, **options),
        "evaluate": lambda: zoo.evaluate(make(), DATA, progress=False),
        "predict": lambda: zoo.predict(make(), IMAGE),
        "Predictor": lambda: zoo.Predictor(make())(IMAGE),
        "save": lambda: zoo.save(make(), folder / "saved"),
        "push": lambda: zoo.push(make(), f"file:{folder / 'pushed'}"),
    }


WRAPPERS: dict[str, Callable[[nn.Module], nn.Module]] = {
    "DistributedDataParallel": DistributedDataParallel,
    "DataParallel": nn.DataParallel,
    "OptimizedModule": lambda net: torch.compile(net, backend="eager"),  # type: ignore[dict-item]
    "AveragedModel": torch.optim.swa_utils.AveragedModel,
}


@pytest.mark.parametrize("verb", ["fit", "evaluate", "predict", "Predictor", "save", "push"])
@pytest.mark.parametrize("kind", WRAPPERS)
def test_what_is_around_a_model_is_taken_off(group: None, kind: str, verb: str, tmp_path: Path) -> None:
    model = built()
    names = [*model.state_dict()]
    use = uses(lambda: WRAPPERS[kind](model), tmp_path)[verb]
    if verb in ("save", "push"):  # nothing is computed, so that nothing is left aside
        use()
        where = tmp_path / ("saved" if verb == "save" else "pushed")
        assert [*zoo.pull(f"file:{where}").state_dict()] == names
    else:
        with pytest.warns(zoo.ZooWarning, match=f"the {kind} around the model is left aside"):
            use()
    if verb == "fit":
        assert [*zoo.load(tmp_path / "run").state_dict()] == names


@pytest.mark.parametrize("part", ["backbone", "head"])
@pytest.mark.parametrize("kind", WRAPPERS)
def test_what_is_around_a_part_is_named_with_the_step_that_takes_it_off(
    group: None, kind: str, part: str, tmp_path: Path
) -> None:
    model = built()
    setattr(model, part, WRAPPERS[kind](getattr(model, part)))
    words = f"got {kind} around model.{part}; model.{part} = model.{part}."
    for use in uses(lambda: model, tmp_path).values():
        with pytest.raises((TrainingError, SaveError), match=re.escape(words)) as caught:
            use()
    assert not [path for path in tmp_path.iterdir() if path.name != "group"]
    exec(str(caught.value).partition("; ")[2].partition(";")[0], {"model": model})  # as it is told
    assert zoo.predict(model, IMAGE)[0].label


def test_a_part_of_a_part_is_found(group: None) -> None:
    model = zoo.build("dcgan", in_channels=1, input_size=16, seed=0, **GAN)
    model.discriminator.backbone = nn.DataParallel(model.discriminator.backbone)
    with pytest.raises(TrainingError, match=r"around model\.discriminator\.backbone"):
        zoo.sample(model, 1)


GAN: dict[str, Any] = {
    "generator": {"name": "dcgan_generator", "width": 8, "latent": 4},
    "discriminator": {"name": "dcgan_discriminator", "channels": [8, 16], "head": "binary"},
}


def net(change: Callable[[nn.Sequential], Any]) -> nn.Sequential:
    made = nn.Sequential(nn.Flatten(), nn.Linear(SIDE * SIDE, 4), nn.ReLU(), nn.Linear(4, 1))
    change(made)
    return made


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m[1].half(), "got float16 in 1.weight, float32 in 3.weight; model.float()"),
        (lambda m: m[3].bfloat16(), "got float32 in 1.weight, bfloat16 in 3.weight; model.float()"),
        (
            lambda m: m[1].double(),
            "got float64 in 1.weight, float32 in 3.weight; module.float() makes them so",
        ),
        (lambda m: m.double(), "got float64 in 1.weight; module.float() makes them so"),
    ],
)
def test_a_torch_module_with_other_weights_than_images_is_refused_with_their_names(
    change: Callable[[nn.Sequential], Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match=re.escape(words)):
        zoo.fit(net(change), DATA, loss=nn.BCEWithLogitsLoss(), out=tmp_path / "run")
    assert not any(tmp_path.iterdir())


class Knows(nn.Module):
    """A module that sees to its own types."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(SIDE * SIDE, 4).double(), nn.Linear(4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.first(x.flatten(1).double()).float())


def test_a_torch_module_that_sees_to_its_types_is_used_and_another_one_is_not(tmp_path: Path) -> None:
    options: dict[str, Any] = {"epochs": 1, "progress": False, "loss": nn.BCEWithLogitsLoss()}
    run = zoo.fit(Knows(), DATA, out=tmp_path / "knows", **options)
    image = np.zeros((SIDE, SIDE, 1), np.uint8)
    assert zoo.predict(run.model, image)[0].label
    plain = zoo.fit(net(lambda m: None), DATA, out=tmp_path / "plain", **options)
    loaded: Any = zoo.load(plain.folder, module=net(lambda m: None))
    loaded.module[3].double()
    for use in (
        lambda: zoo.predict(loaded, image),
        lambda: zoo.Predictor(loaded),
        lambda: zoo.evaluate(loaded, DATA),
    ):
        with pytest.raises(TrainingError, match=r"got float32 in 1\.weight, float64 in 3\.weight"):
            use()


def test_norms_in_half_precision_amid_others_are_refused_and_the_reverse_computes(tmp_path: Path) -> None:
    def norms(model: Model) -> list[nn.Module]:
        return [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]

    model = built("tiny_resnet")
    for norm in norms(model):
        norm.half()
    for use in uses(lambda: model, tmp_path).values():
        with pytest.raises(ZooError, match=r"float32 in .*conv1.weight, float16 in .*bn1.weight"):
            use()
    model = built("tiny_resnet").half()
    for norm in norms(model):
        norm.float()
    assert mixed_types(model) is None
    assert zoo.predict(model, IMAGE)[0].label
    assert mixed_types(nn.BatchNorm1d(2).double()) is None
