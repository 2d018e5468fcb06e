"""Fused kernels are recorded in a run, and a resumed run goes on by those that it was begun with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import zoo
from zoo.builtin.losses import CrossEntropy
from zoo.builtin.supervised import Supervised
from zoo.interfaces.execution import Execution
from zoo.interfaces.model import Model
from zoo.trainers import Optimizer
from zoo.training.record.checkpoint import read_checkpoint

Make = Callable[..., Model]
FACES = {"name": "faces", "per_class": 12}
OLD = Path(__file__).parents[1] / "compatibility/0.1/runs"


def groups(folder: Path) -> list[dict[str, Any]]:
    """The parameter groups in a run's last checkpoint."""
    (state,) = read_checkpoint(folder / "checkpoint.safetensors")["trainer"]["optimizers"].values()
    found: list[dict[str, Any]] = state["optimizer"]["param_groups"]
    return found


def test_a_run_says_that_it_uses_them_and_has_one_group_a_rate(make_model: Make, tmp_path: Path) -> None:
    run = zoo.fit(make_model(), FACES, epochs=1, out=tmp_path / "run")
    assert json.loads((run.folder / "run.json").read_text())["kernels"] == "fused"
    assert [group["fused"] for group in groups(run.folder)] == [True]
    zoo.fit(resume=run.folder, epochs=2)
    assert [group["fused"] for group in groups(run.folder)] == [True]


def test_a_run_of_version_0_1_goes_on_without_them_and_with_its_groups(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(OLD / "killed_masks", folder)
    zoo.fit(resume=folder, progress=False)
    assert [group["fused"] for group in groups(folder)] == [None] * 3
    assert "kernels" not in json.loads((folder / "run.json").read_text())


def ends(
    name: str, options: dict[str, Any], size: int, dtype: torch.dtype, *, count: int = 100
) -> list[torch.Tensor]:
    """Parameters after steps on random images, by fused kernels and by the others."""
    found = []
    for fused in (True, False):
        model = zoo.build(name, head="multiclass", classes=10, seed=0, **options).to(dtype).train()
        trainer = Supervised(clip_norm=1.0, schedule="cosine", epochs=1)
        trainer.setup(model, CrossEntropy(), Execution(count, fused=fused))
        assert trainer.optimizer.fused is fused
        shape, generator = (size, model.input_spec.channels, *model.input_spec.size), torch.Generator()
        generator.manual_seed(0)
        for _ in range(count):
            image = torch.rand(shape, generator=generator, dtype=dtype)
            target = torch.randint(10, (size,), generator=generator)
            trainer.step({"image": image, "target": target, "index": torch.arange(size)})
        found.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    return found


def test_an_mlp_ends_alike_after_a_hundred_steps() -> None:
    options = {"hidden": [128, 64], "in_channels": 1, "input_size": 28}
    torch.testing.assert_close(*ends("mlp", options, 32, torch.float32), rtol=0, atol=1e-6)


@pytest.mark.slow
def test_resnet18_ends_alike_after_a_hundred_steps() -> None:
    """In double precision: in single precision, four images a batch norm drive any two roundings apart."""
    torch.testing.assert_close(*ends("resnet18", {"input_size": 64}, 4, torch.float64), rtol=0, atol=1e-6)


def test_resnet18_ends_alike_after_a_hundred_steps_of_the_same_gradients() -> None:
    found = []
    for fused in (True, False):
        model = zoo.build("resnet18", width=0.25, head="multiclass", classes=10, seed=0)
        parameters = [*model.parameters()]
        optimizer = Optimizer({"all": parameters}, lr=1e-3, execution=Execution(fused=fused))
        generator = torch.Generator().manual_seed(0)
        for _ in range(100):
            for p in parameters:
                p.grad = torch.randn(p.shape, generator=generator)
            optimizer.step()
        found.append(torch.cat([p.detach().flatten() for p in parameters]))
    torch.testing.assert_close(*found, rtol=0, atol=1e-6)
