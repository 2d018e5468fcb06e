"""The rule that keeps the doors: what changes is said, what breaks raises the version of the interfaces."""

from __future__ import annotations

import importlib.util
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from zoo.spec.component import API

ROOT = Path(__file__).parents[1]
_SPEC = importlib.util.spec_from_file_location("doors", ROOT / "checks" / "doors.py")
assert _SPEC is not None
assert _SPEC.loader is not None
doors: Any = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(doors)

NAME = "stranger_door"
BEFORE = """
from __future__ import annotations
from dataclasses import dataclass, field
import zoo
__all__ = ["CHANNELS", "Base", "Net", "Of", "train"]
CHANNELS = (1, 3)
class Base: ...
class Net(Base):
    width: int = 8
    def __init__(self, depth: int) -> None: ...
    def forward(self, x: list[int], *, scale: float = 1.0) -> int: return 0
    @property
    def size(self) -> int: return 0
class Of(zoo.Options):
    rate: float = 0.1
    steps: int
@dataclass
class _Hidden:
    number: int = 0
def train(net: Net, epochs: int = 3, *, seed: int | None = None) -> None: ...
"""


@pytest.fixture
def offered(request: pytest.FixtureRequest) -> Any:
    """What a door offers, whose code is given."""

    def of(code: str) -> dict[str, str]:
        module = types.ModuleType(NAME)
        sys.modules[NAME] = module
        exec(compile(code, NAME, "exec", dont_inherit=True), vars(module))
        return doors.doors([NAME])

    request.addfinalizer(lambda: sys.modules.pop(NAME, None))
    request.getfixturevalue("monkeypatch").setattr(doors, "DOORS", (NAME,))
    return of


def breaches(
    old: dict[str, str], new: dict[str, str], changelog: str = "", *, raised: bool = False
) -> list[str]:
    return [*doors.breaches(old, new, raised=raised, changelog=changelog)]


def test_what_changed_since_the_doors_were_written_down_keeps_the_rule() -> None:
    old, api = doors.read((ROOT / doors.SNAPSHOT).read_text())
    changelog = doors.newest((ROOT / "CHANGELOG.md").read_text())
    assert breaches(old, doors.doors(), changelog, raised=api < API) == []


def test_names_signatures_and_defaults_of_all_doors_are_written_down() -> None:
    found, _ = doors.read((ROOT / doors.SNAPSHOT).read_text())
    assert {name.rpartition(".")[0] for name in found} >= {*doors.DOORS}
    for name in ("build", "fit", "list", "Component", "interfaces.Head.forward", "ZooError.__init__"):
        assert f"zoo.{name}" in found
    assert found["zoo.GradientOptions.lr"] == ": Rate = 0.001"
    assert found["zoo.interfaces.Model"] == "is zoo.Model"
    assert "batch_size: int = 64" in found["zoo.predict"]


def test_what_is_written_down_is_read_again(offered: Any) -> None:
    found = offered(BEFORE)
    assert found == {
        f"{NAME}.CHANNELS": "= (1, 3)",
        f"{NAME}.Base": "class ()",
        f"{NAME}.Net": "class (Base)",
        f"{NAME}.Net.__init__": "def (self, depth: int) -> None",
        f"{NAME}.Net.forward": "def (self, x: list[int], *, scale: float = 1.0) -> int",
        f"{NAME}.Net.size": "property int",
        f"{NAME}.Net.width": ": int = 8",
        f"{NAME}.Of": "class (Options, BaseModel)",
        f"{NAME}.Of.rate": ": float = 0.1",
        f"{NAME}.Of.steps": ": int",
        f"{NAME}.train": "def (net: Net, epochs: int = 3, *, seed: int | None = None) -> None",
    }
    assert doors.read(doors.written(found, 7)) == (found, 7)


SPOKEN = "epochs rounds net out scale"
"""Parameters that the cases change."""

BREAKING = {
    "a name is gone": ('"train"]', "]", "train is gone"),
    "a method is gone": ("def forward", "def _forward", "Net.forward is gone"),
    "a parameter is called otherwise": ("epochs: int", "rounds: int", "train epochs: parameter was removed"),
    "a parameter changes its place": ("net: Net, epochs: int = 3", "epochs: int, net: Net", "moved"),
    "a parameter has to be given by name": ("epochs: int = 3, *, ", "*, epochs: int = 3, ", "train epochs: "),
    "a parameter has to be given": (
        "epochs: int = 3",
        "epochs: int",
        "train epochs: parameter is now required",
    ),
    "a new parameter has to be given": (
        "seed: int | None = None",
        "seed: int | None = None, out: str",
        "required",
    ),
    "a default is another": ("scale: float = 1.0", "scale: float = 2.0", "default was changed"),
    "an option's default is another": (
        "rate: float = 0.1",
        "rate: float = 0.2",
        "Of.rate was 0.1 where nothing",
    ),
    "an option has to be given": (
        "rate: float = 0.1",
        "rate: float",
        "Of.rate was 0.1 where nothing was said, is to be",
    ),
    "a constant is another": ("CHANNELS = (1, 3)", "CHANNELS = (1, 4)", r"CHANNELS was = \(1, 3\), is"),
    "a class is no subclass any more": ("class Net(Base)", "class Net", "Net is no Base any more"),
    "a property is a method now": ("    @property\n", "", "Net.size was property int, is def"),
    "a class is a function now": ("class Base: ...", "def Base(): ...", r"Base was class \(\), is def"),
}


@pytest.mark.parametrize("case", BREAKING)
def test_what_breaks_who_imports_it_needs_a_higher_version_and_words(offered: Any, case: str) -> None:
    text, instead, said = BREAKING[case]
    old = offered(BEFORE)
    code = BEFORE.replace(text, instead, 1)
    assert code != BEFORE
    new = offered(code.replace("(Base)", "") if "def Base" in code else code)
    found = breaches(old, new)
    (broken,) = [
        line
        for line in found
        if line.endswith("raise API in zoo/spec/component.py, or leave it as it was")
        and doors.re.search(said, line)
    ]
    assert broken.startswith(NAME)
    assert any("say in the changelog's newest section" in line for line in found)
    assert all("changelog" in line for line in breaches(old, new, raised=True))
    told = "- " + " ".join(f"`{word}`" for name in {**old, **new} for word in (name, SPOKEN))
    assert breaches(old, new, told, raised=True) == []


HARMLESS = {
    "a new name": ('"train"]', '"train", "test"]\ntest = "x"', ("test",)),
    "a new parameter with a default": ("*, seed", "*, out: str = '.', seed", ("train", "out")),
    "a new method": ("    @property", "    def more(self) -> int: ...\n    @property", ("more",)),
    "an option need not be given any more": ("steps: int", "steps: int = 1", ("steps",)),
    "an annotation is wider": ("net: Net,", "net: Net | str,", ("train", "net")),
}


@pytest.mark.parametrize("case", HARMLESS)
def test_what_breaks_nobody_needs_words_alone(offered: Any, case: str) -> None:
    text, instead, words = HARMLESS[case]
    old, new = offered(BEFORE), offered(BEFORE.replace(text, instead, 1))
    (line,) = breaches(old, new)
    assert line.endswith(
        f"say in the changelog's newest section what changed, with {', '.join(words)} in backticks"
    )
    assert breaches(old, new, f"- Something: `{'` and `'.join(words)}`.\n") == []
    # Each word in an entry of its own is about something else
    assert breaches(old, new, "".join(f"- {word}s and `x{word}`.\n" for word in words)) == [line]


def test_of_a_new_class_its_name_is_enough(offered: Any) -> None:
    old = offered(BEFORE.replace('"Net", ', ""))
    (line,) = breaches(old, offered(BEFORE))
    assert line.startswith(f"{NAME}.Net: say")


def test_the_newest_section_of_the_changelog_is_the_first() -> None:
    assert doors.newest("# Changelog\n\n## 0.2\n\n- new\n\n## 0.1\n\n- old\n") == "0.2\n\n- new\n\n"
