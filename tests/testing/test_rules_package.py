"""What a plugin imports, what its contract says of one cause, and its messages: planted breaches."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

from zoo.registry.lookup import find
from zoo.testing import contract, rules_declaration, rules_loss, rules_package
from zoo.testing.case import Case

ROW = {
    "kind": "loss", "name": "soft", "target": "zoo_planted.soft:SoftLoss", "summary": "A loss.",
    "task": "multiclass",
}  # fmt: skip
LOSS = """
import torch
from zoo.interfaces import Loss


class SoftLoss(Loss):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Linear(1, 1)

    def forward(self, output, target):
        wanted = torch.nn.functional.one_hot(target, output.shape[1])
        return (output.softmax(1) - wanted).square().mean()
"""


@pytest.fixture
def planted(shelf: Any) -> Any:
    """Makes a plugin of two losses with one file changed or added; returns its package."""

    def make(file: str = "soft.py", text: str = LOSS, front: bool = False, **more: Any) -> Any:
        package = shelf.plugin("zoo-planted", rows=[{**ROW, **more}, {**ROW, "name": "softer", **more}])
        (package / "soft.py").write_text(LOSS)
        old = (package / file).read_text() if front and (package / file).exists() else ""
        (package / file).write_text(text + old)
        return package

    return make


def outcome() -> tuple[Counter[str], list[str]]:
    """Numbers of tests of the planted plugin's contract by outcome, and what the failures say."""
    test = contract("zoo-planted")
    found, said = Counter(), []
    for parameters in test.pytestmark[0].args[1]:
        try:
            test(*parameters.values)
        except pytest.skip.Exception:
            found["skipped"] += 1
        except Exception as error:
            found["failed"] += 1
            said.append(f"{parameters.id}: {error}")
        else:
            found["passed"] += 1
    return found, said


def test_a_sound_plugin_passes_and_asks_of_its_package_once(planted):
    planted()
    found, said = outcome()
    assert (said, found["skipped"]) == ([], 0)
    names = [parameters.id for parameters in contract("zoo-planted").pytestmark[0].args[1]]
    assert len([name for name in names if "imports_go_through_the_doors" in name]) == 1


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("from zoo.compose.build import build", "zoo.compose.build.build"),
        ("import zoo.spec.errors", "zoo.spec.errors"),
        ("from zoo import compose", "zoo.compose"),
        ("from zoo.interfaces.backbone import Backbone", "zoo.interfaces.backbone.Backbone"),
        ("from zoo.interfaces import _private", "zoo.interfaces._private"),
        ("def f():\n    from zoo.training import fit", "zoo.training.fit"),
    ],
)
def test_an_import_around_the_doors_is_found_without_importing(planted, line, name):
    planted("deep.py", f"raise SystemExit\n{line}\n")
    where = rf"zoo_planted/deep.py:\d imports {re.escape(name)}: behind the doors"
    with pytest.raises(AssertionError, match=where):
        rules_package.rule_imports_go_through_the_doors(Case(find("soft", "loss")))


def test_the_doors_and_other_packages_are_no_breach(planted):
    planted(
        "fine.py",
        "import torch, zoo\nfrom zoo import Options, list\nfrom zoo.errors import quote\nfrom . import a\n",
    )
    rules_package.rule_imports_go_through_the_doors(Case(find("soft", "loss")))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("import torch\n", 1),
        ("import zoo\nfrom zoo.interfaces import Loss\n", 2),
        ("from zoo_planted import soft\n", 2),
    ],
)
def test_the_line_that_imports_torch_is_named(planted, text, line):
    package = planted("plugin.py", text, front=True)
    file = "soft.py" if "soft" in text else "plugin.py"
    with pytest.raises(AssertionError, match=f"^{re.escape(str(package / file))}:{line}: .* imports torch; "):
        rules_package.rule_declarations_are_free_of_torch(Case(find("soft", "loss")))


def test_a_module_that_does_not_import_is_not_blamed_for_torch(planted):
    planted("config.py", "import nothing_there\n", config="zoo_planted.config:SoftOptions")
    with pytest.raises(AssertionError, match=r"cannot be imported: ModuleNotFoundError: .*nothing_there"):
        rules_package.rule_declarations_are_free_of_torch(Case(find("soft", "loss")))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("        super().__init__()\n", "", r"SoftLoss: call super\(\).__init__\(\) before"),
        (
            "        super().__init__()\n        self.weight = torch.nn.Linear(1, 1)",
            "        self.power = 2",
            r"its __init__ does not call super\(\)",
        ),
        (
            ".square().mean()",
            ".square().mean(1)",
            r"forward: expected a scalar, got 1 axes; return the mean",
        ),
        ("class SoftLoss", "raise ValueError('boom')\nclass SoftLoss", "raised ValueError: boom"),
        ("def __init__(self)", "def __init__(self, *, needed)", "needed"),
        ("        wanted =", "        raise ValueError('boom')\n        wanted =", "boom"),
    ],
)
def test_one_cause_is_one_failure_of_each_component(planted, old, new, said):
    planted(text=LOSS.replace(old, new))
    found, failures = outcome()
    assert found["failed"] == 2, failures
    assert found["skipped"] >= 2
    assert all(re.search(said, failure) for failure in failures), failures


AUGMENTER = """
from zoo.interfaces import Augmenter


class Dim(Augmenter):
    def forward(self, batch, draws):
        return LAST
"""
BACKBONE = """
import torch
from torch import nn
from zoo import InputSpec
from zoo.interfaces import Backbone, Block


class Net(Backbone):
    def __init__(self, *, in_channels=3):
        super().__init__([Block(conv=nn.Conv2d(in_channels, 4, 3))], input_spec=InputSpec(size=(16, 16)))
        self.scale = nn.Parameter(torch.ones(1))
"""


@pytest.mark.parametrize(
    ("kind", "text", "last", "said"),
    [
        ("augmenter", AUGMENTER, "{'image': batch['image']}", "mask, target, index, got image; return"),
        ("augmenter", AUGMENTER, "batch['image']", "mask, target, index, got Tensor; return"),
        ("augmenter", AUGMENTER, "batch['pixels']", "KeyError: 'pixels'; look at .*/planted.py:7"),
        ("backbone", BACKBONE, "", "Net: expected all tensors in blocks, got scale outside; make it a step"),
    ],
)  # fmt: skip
def test_one_cause_is_one_line_of_any_kind(shelf, kind, text, last, said):
    target = "zoo_planted.planted:Dim" if kind == "augmenter" else "zoo_planted.planted:Net"
    row = {"kind": kind, "name": "planted", "target": target, "summary": "Planted."}
    (shelf.plugin("zoo-planted", rows=[row]) / "planted.py").write_text(text.replace("LAST", last))
    found, failures = outcome()
    assert found["failed"] == 1, failures
    assert re.search(said, failures[0]), failures


def test_a_loss_that_no_gradient_goes_through_says_so(planted):
    planted(text=LOSS.replace(".square().mean()", ".square().mean().detach()"))
    with pytest.raises(AssertionError, match="expected a loss with gradients, got one without; compute with"):
        rules_loss.rule_it_is_a_finite_scalar_with_gradients(Case(find("soft", "loss")))


def test_an_option_called_like_one_of_a_verb_is_not_told_to_be_used(planted):
    config = """
from pydantic import Field
from zoo import Options


class SoftOptions(Options):
    epochs: int = Field(2, description="Of the warm-up.")
"""
    text = LOSS.replace("def __init__(self)", "def __init__(self, *, epochs=2)")
    (planted("soft.py", text, config="zoo_planted.config:SoftOptions") / "config.py").write_text(config)
    found, failures = outcome()
    assert found["failed"] == 2, failures
    assert all("epochs; rename" in failure for failure in failures), failures


def test_an_option_without_a_description_is_named_with_the_next_step(planted):
    config = "from zoo import Options\n\n\nclass SoftOptions(Options):\n    power: int = 2\n"
    planted("config.py", config, config="zoo_planted.config:SoftOptions")
    with pytest.raises(AssertionError, match="SoftOptions: power without a description; write Field"):
        rules_declaration.rule_options_are_described(Case(find("soft", "loss")))


def test_an_option_of_a_loss_called_like_one_of_the_trainer_is_found(planted):
    config = "from zoo import Options\n\n\nclass SoftOptions(Options):\n    epochs: int = 2\n"
    planted("config.py", config, config="zoo_planted.config:SoftOptions")
    with pytest.raises(AssertionError, match="SoftOptions: epochs; rename"):
        rules_declaration.rule_options_are_no_arguments_of_a_verb(Case(find("soft", "loss")))
