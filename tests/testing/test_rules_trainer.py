"""Rules of a trainer, each shown to fail on a planted breach."""

from __future__ import annotations

from typing import Any

import pytest

from zoo.registry.lookup import find
from zoo.testing import rules_trainer as rules
from zoo.testing.case import Case

TRAINER = """
import random
import numpy as np
import torch
from zoo.interfaces import Trainer


class Plain(Trainer):
    epochs, batch_size = 1, 4

    def __init__(self):
        pass

    def setup(self, model, loss, execution):
        self.model, self.loss = model, loss
        self.taken = [p for p in model.parameters() if p.requires_grad]
        self.sgd = torch.optim.SGD(self.taken, lr=0.1, momentum=0.9)
        self.count = 0

    def step(self, batch):
        self.sgd.zero_grad()
        loss = self.loss(self.model(batch["image"]), batch["target"])
        loss.backward()
        self.sgd.step()
        return {"loss": loss.detach()}

    def evaluate(self, batches):
        training = self.model.training
        self.model.eval()
        with torch.no_grad():
            values = [float(self.loss(self.model(b["image"]).detach(), b["target"])) for b in batches]
        self.model.train(training)
        return {"loss": sum(values) / len(values)}

    @property
    def optimizers(self):
        return {"sgd": self.sgd}
"""


@pytest.fixture
def plain(shelf: Any) -> Any:
    """Makes a case of a trainer in which one line has another in its place."""

    def make(line: str = "", other: str = "") -> Case:
        assert line in TRAINER
        row = {
            "kind": "trainer",
            "name": "plain",
            "target": "zoo_planted.plain:Plain",
            "summary": "A trainer.",
        }
        package = shelf.plugin("zoo-planted", rows=[row])
        (package / "plain.py").write_text(TRAINER.replace(line, other) if line else TRAINER)
        return Case(find("plain", "trainer"))

    return make


RULES = [value for name, value in vars(rules).items() if name.startswith("rule_")]


@pytest.mark.parametrize("rule", RULES)
def test_a_trainer_without_the_kit_is_fine(plain, rule):
    rule(plain())


@pytest.mark.parametrize(
    ("line", "other", "said"),
    [
        ("        self.model.eval()\n", "", r"evaluate runs in training mode \(.*block2.norm.*; use `with"),
        ("with torch.no_grad():", "if True:", r"evaluate keeps gradients \(.*block2.*; use `with self.inf"),
        ("(values) / len(values)", "(values) / 0.0 if 0 else float('nan')", "finite numbers, got loss=nan"),
        ('return {"loss": sum(values) / len(values)}', "return {}", "numbers by name, got none"),
        ("self.model.train(t", "self.model.head.fc.bias.data += 1 or (t", "got head.fc.bias moved"),
    ],
)
def test_an_evaluation_that_is_none_is_found(plain, line, other, said):
    with pytest.raises(AssertionError, match=said):
        rules.rule_evaluating_changes_nothing(plain(line, other))


@pytest.mark.parametrize(
    ("seed", "name"),
    [
        ("torch.manual_seed(0)", "torch"),
        ("np.random.seed(0)", "numpy"),
        ("random.seed(0)", "random"),
        ("torch.set_rng_state(torch.Generator().manual_seed(7).get_state())", "torch"),
    ],
)
def test_a_step_that_draws_the_same_each_time_is_found(plain, seed, name):
    with pytest.raises(AssertionError, match=rf"a global seed set \({name}\); seed nothing there"):
        rules.rule_its_draws_follow_the_run(
            plain("        self.sgd.zero_grad()", f"        {seed}\n        self.sgd.zero_grad()")
        )


@pytest.mark.parametrize(
    "draw", ["torch.rand(3)", "torch.rand(3, generator=torch.Generator().manual_seed(0))", "random.random()"]
)
def test_draws_of_the_run_and_of_an_own_generator_are_fine(plain, draw):
    rules.rule_its_draws_follow_the_run(
        plain("        self.sgd.zero_grad()", f"        {draw}\n        self.sgd.zero_grad()")
    )


@pytest.mark.parametrize(
    ("line", "other", "said"),
    [
        ('{"loss": loss.detach()}', "{}", "scalars to log by name, got none"),
        ('{"loss": loss.detach()}', "loss.detach()", "expected scalars by name, got tensor"),
        ('{"loss": loss.detach()}', '{"loss": loss.item()}', "a tensor as 'loss', got float"),
        ('{"loss": loss.detach()}', '{"loss": loss}', "'loss' without gradients"),
        ('{"loss": loss.detach()}', '{"loss": loss.detach().expand(2)}', r"a scalar as 'loss', got \[2\]"),
        ('{"loss": loss.detach()}', '{"loss": loss.detach() / 0}', "a finite 'loss', got inf"),
        ("        self.sgd.step()\n", "", "trainable tensors to move, got none moved"),
        (
            "        self.sgd.step()\n",
            "        self.sgd.step()\n        self.model.backbone.block1.conv.bias.data += 1\n",
            "frozen blocks to stay, got backbone.block1.conv.bias moved",
        ),
    ],
)
def test_a_step_that_is_none_is_found(plain, line, other, said):
    with pytest.raises(AssertionError, match=said):
        rules.rule_a_step_trains_what_is_trainable(plain(line, other))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return {}", r"expected to take what state_dict gave \(nothing\), got KeyError: 'sgd'; let both"),
        (
            "return {'sgd': torch.optim.SGD(self.taken, lr=0.1).state_dict()}",
            "expected the same step, got another",
        ),
    ],
)
def test_a_state_that_says_too_little_is_found(plain, body, said):
    more = f"    def state_dict(self):\n        {body}\n\n    @property\n    def optimizers"
    with pytest.raises(AssertionError, match=said):
        rules.rule_its_state_goes_on_where_it_was(plain("    @property\n    def optimizers", more))
