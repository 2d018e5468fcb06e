"""Rules of the contract, each shown to fail on a planted breach."""

import ast
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from zoo.registry.lookup import find
from zoo.spec.kinds import KINDS
from zoo.testing import rules_declaration as rules
from zoo.testing.case import Case

CONFIG = """
from pydantic import Field
from zoo import Options


class NetOptions(Options):
    width: int = Field(8, description="Channels.")
    rows: tuple[int, ...] = Field((1, 2), description="A table.")
"""


@pytest.fixture
def trainer(shelf: Any) -> Any:
    """Makes a case of a trainer whose constructor and options are given as code."""

    def make(signature: str = "**options", config: str = CONFIG, **declared: Any) -> Case:
        row = {
            "kind": "trainer", "name": "net", "target": "zoo_planted.net:Net", "summary": "A net.",
            "config": "zoo_planted.config:NetOptions", **declared,
        }  # fmt: skip
        package = shelf.plugin("zoo-planted", rows=[row])
        (package / "config.py").write_text(config)
        (package / "net.py").write_text(f"class Net:\n    def __init__(self, {signature}): ...\n")
        return Case(find("net", "trainer"))

    return make


@pytest.mark.parametrize("signature", ["*, width=8, rows=(1, 2)", "*, width, rows=[1, 2]", "**options"])
def test_a_constructor_says_what_the_options_say_or_nothing(trainer, signature):
    rules.rule_constructor_agrees_with_the_options(trainer(signature))


@pytest.mark.parametrize(
    ("signature", "wrong"), [("*, width=16, rows", "width"), ("*, width, rows=None", "rows")]
)
def test_a_constructor_with_another_default_is_found(trainer, signature, wrong):
    with pytest.raises(AssertionError, match=rf"zoo_planted.config:NetOptions for \['{wrong}'\]"):
        rules.rule_constructor_agrees_with_the_options(trainer(signature))


@pytest.mark.parametrize("name", ["device", "loss", "seed", "weights", "freeze", "out"])
def test_an_option_that_a_verb_would_swallow_is_found(trainer, name):
    found = trainer(config=CONFIG.replace("width", name))
    with pytest.raises(AssertionError, match=name):
        rules.rule_options_are_no_arguments_of_a_verb(found)


@pytest.mark.parametrize("name", ["in_channels", "classes", "input_size"])
def test_what_build_fills_in_may_be_an_option(trainer, name):
    rules.rule_options_are_no_arguments_of_a_verb(trainer(config=CONFIG.replace("width", name)))


@pytest.mark.parametrize("former", [{}, {"width": 4}, {"width": 4, "rows": [3]}])
def test_former_defaults_may_be_any_that_the_options_take(trainer, former):
    rules.rule_former_defaults_are_options(trainer(former=former))


@pytest.mark.parametrize(
    ("former", "said"),
    [
        ({"widht": 4}, r"former names \['widht'\], which zoo_planted.config:NetOptions has not"),
        ({"width": "wide"}, "former: net: bad width: expected .*, got 'wide'"),
    ],
)
def test_a_former_default_that_no_old_file_could_be_read_with_is_found(trainer, former, said):
    with pytest.raises(AssertionError, match=said):
        rules.rule_former_defaults_are_options(trainer(former=former))


def test_former_defaults_are_held_beside_the_options_that_have_none(trainer):
    needing = CONFIG.replace("Field(8, ", "Field(")
    rules.rule_former_defaults_are_options(trainer(config=needing, tiny={"width": 2}, former={"rows": [3]}))


def test_no_rule_asserts_without_saying_what_was_expected():
    bare = []
    for file in sorted(Path(find_spec("zoo.testing").origin).parent.glob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        asserts = (node for node in ast.walk(tree) if isinstance(node, ast.Assert))
        bare += [f"{file.name}:{node.lineno}" for node in asserts if node.msg is None]
    assert bare == []


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_files_of_rules_under_its_own_name(kind: str) -> None:
    home = Path(find_spec("zoo.testing").origin).parent
    assert KINDS[kind].rules[0] == f"zoo.testing.rules_{kind}"
    for module in KINDS[kind].rules:
        assert module.startswith(f"zoo.testing.rules_{kind}")
        assert (home / f"{module.rpartition('.')[2]}.py").is_file()
    named = {module for each in KINDS.values() for module in each.rules}
    named |= {f"zoo.testing.rules_{what}" for what in ("declaration", "options", "package")}
    assert {f"zoo.testing.{file.stem}" for file in home.glob("rules_*.py")} == named
