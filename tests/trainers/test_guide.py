"""The trainers of the guide do what their papers say."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import zoo
from zoo.builtin.losses import CrossEntropy
from zoo.compose.instantiate import make
from zoo.interfaces.execution import Execution

PAGE = Path(__file__).parents[2] / "docs/guide/write-a-trainer.md"
BATCH = {
    "image": torch.rand(6, 1, 4, 4, generator=torch.Generator().manual_seed(0)),
    "target": torch.arange(6) % 3,
    "index": torch.arange(6),
}


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """The classes of the page; tests/test_docs.py runs the rest."""
    space: dict[str, Any] = {"__name__": "guide"}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL):
        exec(block.split("\nmodel = ")[0].split("\n\nmodel = ")[0], space)
    return space


def trained(kind: Any, **options: Any) -> tuple[zoo.Model, zoo.Model]:
    """A model after a step of plain gradient descent at rate 1, and as it was."""
    model = zoo.build(
        "mlp", hidden=[5], head="multiclass", in_channels=1, input_size=4, classes=3, seed=0
    ).train()
    before = copy.deepcopy(model)
    trainer = kind(optimizer="sgd", lr=1.0, **options)
    trainer.setup(model, CrossEntropy(), Execution())
    trainer.step(BATCH)
    return model, before


def gradients(model: nn.Module) -> list[torch.Tensor]:
    loss = nn.functional.cross_entropy(model(BATCH["image"]), BATCH["target"])
    return [*torch.autograd.grad(loss, list(model.parameters()))]


def test_a_sharpness_aware_step_takes_the_gradient_at_the_neighbour(page: dict[str, Any]) -> None:
    model, before = trained(page["SharpnessAware"], rho=0.3)
    neighbour, own = copy.deepcopy(before), gradients(before)
    norm = torch.cat([g.flatten() for g in own]).norm()
    with torch.no_grad():
        torch._foreach_add_([*neighbour.parameters()], [0.3 * g / norm for g in own])
    for p, old, g in zip(model.parameters(), before.parameters(), gradients(neighbour), strict=True):
        torch.testing.assert_close(p, old - g)
    assert not torch.allclose(gradients(neighbour)[0], own[0], rtol=1e-2)


def test_parts_of_a_batch_give_the_same_step(page: dict[str, Any]) -> None:
    whole, cut = (trained(page["SharpnessAware"], rho=0.3, micro_batch_size=n)[0] for n in (None, 2))
    for one, two in zip(whole.parameters(), cut.parameters(), strict=True):
        torch.testing.assert_close(one, two)


def test_centralised_gradients_have_no_mean(page: dict[str, Any]) -> None:
    model, before = trained(page["Centralised"])
    for p, old, g in zip(model.parameters(), before.parameters(), gradients(before), strict=True):
        mean = g.mean(dim=tuple(range(1, g.ndim)), keepdim=True) if g.ndim > 1 else 0
        torch.testing.assert_close(p, old - (g - mean))


@pytest.mark.parametrize("name", ["SharpnessAware", "Centralised"])
def test_the_trainers_of_the_page_measure_what_a_user_asks_for(page: dict[str, Any], name: str) -> None:
    trainer = page[name](metrics=("recall",))
    trainer.metrics = (make("metric", "recall"),)  # as `zoo.fit` settles them
    model = zoo.build("mlp", hidden=[5], head="multiclass", in_channels=1, input_size=4, classes=3, seed=0)
    trainer.setup(model, CrossEntropy(), Execution())
    assert "recall" in trainer.evaluate([BATCH])


def test_the_trainers_of_the_page_go_on_from_what_frozen_blocks_returned(page: dict[str, Any]) -> None:
    kind = page["SharpnessAware"]
    assert kind.takes_prefix
    options = {"in_channels": 1, "input_size": 16, "classes": 3, "seed": 0}
    models = [zoo.build("small_cnn", head="multiclass", **options) for _ in range(2)]
    for model in models:
        model.origin = "trained elsewhere"
        model.freeze("all")
    image = torch.rand(6, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    others = {name: value for name, value in BATCH.items() if name != "image"}
    with torch.no_grad():
        kept = models[1].eval().run_prefix(image)
    batches = ({**others, "image": image}, {**others, **{f"prefix.{i}": x for i, x in enumerate(kept)}})
    for model, batch in zip(models, batches, strict=True):
        trainer = kind(optimizer="sgd", lr=1.0)
        trainer.setup(model.train(), CrossEntropy(), Execution())
        trainer.step(batch)
    for one, two in zip(*(model.parameters() for model in models), strict=True):
        torch.testing.assert_close(one, two)
