"""What is frozen stays as it is, for every backbone: trained, saved, loaded, trained on, in two processes."""

from __future__ import annotations

import copy
import subprocess
import sys
import warnings
from typing import Any

import pytest
import torch

import zoo
from zoo.compose.meta_build import seeded
from zoo.registry.lookup import entries
from zoo.spec.errors import ZooWarning
from zoo.testing.case import Case, randomise_statistics
from zoo.testing.rules_backbone import train_a_little

OURS = ("zoo-basic", "zoo-efficientnet", "zoo-mobilenet", "zoo-resnet", "zoo-vgg")
FROM_TIMM = ("densenet121", "convnext_tiny", "vit_tiny_patch16_224", "swin_tiny_patch4_window7_224")
CASES = [
    Case(e)
    for e in entries("backbone")
    if e.plugin.distribution in OURS
    or (e.plugin.distribution == "zoo-timm" and e.component.name in FROM_TIMM)
]


def sizes(case: Case) -> dict[str, Any]:
    """The tiny instance, without what only its original head looks at."""
    return {
        key: value
        for key, value in case.reference.items()
        if key != "hidden" or case.entry.component.name == "mlp"
    }


def half_frozen(case: Case) -> zoo.Model:
    names = case.backbone().block_names
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ZooWarning)
        half = f"block1-{max(len(names) // 2, 1)}"
        model = zoo.build(sizes(case), head="binary", freeze=half, input_size=case.size, seed=0)
    with seeded(0):
        randomise_statistics(model)
    return model


def frozen_tensors(model: zoo.Model) -> dict[str, torch.Tensor]:
    return {
        f"{name}.{key}": value.clone()
        for name in model.frozen
        for key, value in model.backbone.blocks[name].state_dict().items()
    }


def same(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[k], two[k]) for k in one)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.entry.component.name)
def test_no_frozen_tensor_moves(case, tmp_path):
    model = half_frozen(case)
    before, x = frozen_tensors(model), case.images(4)
    assert before
    train_a_little(model, x)
    zoo.save(model, tmp_path / "model")
    for version in (model, copy.deepcopy(model), zoo.load(tmp_path / "model")):
        version.train()
        train_a_little(version, x)
        assert same(frozen_tensors(version), before)
        assert len(version.frozen) == len(model.frozen)


WORKER = """
import sys, warnings
import torch
from torch.nn.parallel import DistributedDataParallel
warnings.simplefilter("ignore")
torch.set_num_threads(1)
sys.path.insert(0, sys.argv[2])
import test_frozen as t
rank = int(sys.argv[1])
torch.distributed.init_process_group("gloo", init_method=f"file://{sys.argv[3]}", rank=rank, world_size=2)
failed = []
for case in t.CASES:
    if case.entry.plugin.distribution == "zoo-timm":
        continue
    model = t.half_frozen(case)
    before = t.frozen_tensors(model)
    wrapped = DistributedDataParallel(model)
    t.train_a_little(wrapped, case.images(4, seed=rank))
    wrapped.train()
    trainable = torch.cat([p.detach().flatten() for p in model.parameters() if p.requires_grad])
    other = trainable.clone()
    torch.distributed.broadcast(other, 0)
    if not t.same(t.frozen_tensors(model), before) or not torch.equal(trainable, other):
        failed.append(case.entry.component.name)
torch.distributed.destroy_process_group()
sys.exit(f"moved or out of step: {failed}" if failed else 0)
"""


@pytest.mark.slow
def test_no_frozen_tensor_moves_in_two_processes(tmp_path):
    here = __file__.rpartition("/")[0]
    arguments = [here, str(tmp_path / "meeting-point")]
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(rank), *arguments], stderr=subprocess.PIPE, text=True
        )
        for rank in range(2)
    ]
    ends = [worker.communicate(timeout=280)[1] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], ends
