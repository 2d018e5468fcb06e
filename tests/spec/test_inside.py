"""Options inside of options: parts for references, what is handed on, and where a mistake lies."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import pytest
from pydantic import Field

from zoo.spec.arguments import misplaced
from zoo.spec.disk.atomic_write import write_text
from zoo.spec.display import html_table, table
from zoo.spec.errors import DeclarationError, FreezeError, OptionError, ZooError
from zoo.spec.freeze_grammar import Freeze
from zoo.spec.options import ForPart, Options, PartOf, RefValue, handed_on, part_kinds, validate, with_parts
from zoo.spec.published_weights import Weights
from zoo.spec.recipe import ModelSection, Recipe
from zoo.spec.trainers.schedule import read_schedule


class Inner(Options):
    """A table inside, with a part and a number."""

    loss: Annotated[RefValue, PartOf("loss")] = "mse"
    weight: float = 1.0


class Outer(Options):
    """Options with parts at every depth."""

    encoder: Annotated[RefValue, PartOf("backbone")] = "vgg16"
    losses: Annotated[list[Any], PartOf("loss")] = Field(default_factory=list)
    inner: Inner = Inner()
    table: dict[str, Any] = Field(default_factory=dict)
    plain: str = "text"


class Pair(NamedTuple):
    one: str
    two: str


def made(kind: str, ref: Any, path: str) -> str:
    return f"<{kind} {ref} at {path}>"


def test_references_become_parts_wherever_they_stand_and_nothing_else_does() -> None:
    options = Outer(
        losses=["l1", {"name": "l2"}, 3], inner=Inner(loss="bce", weight=2.0), table={"a": Inner(), "b": "x"}
    )
    found = with_parts(Outer, dict(options), made)
    assert found["encoder"] == "<backbone vgg16 at encoder>"
    assert found["losses"] == ["<loss l1 at losses.0>", "<loss {'name': 'l2'} at losses.1>", 3]
    assert (found["inner"].loss, found["inner"].weight) == ("<loss bce at inner.loss>", 2.0)
    assert found["table"]["a"].loss == "<loss mse at table.a.loss>"
    assert (found["table"]["b"], found["plain"]) == ("x", "text")
    assert options.inner.loss == "bce"
    assert part_kinds(Outer) == {"encoder": "backbone", "losses": "loss"}
    assert part_kinds(None) == {}
    assert with_parts(None, {"a": "b"}, made) == {"a": "b"}


def test_what_holds_no_reference_stays_the_very_object() -> None:
    numbers, pair = [1, 2], Pair("a", "b")
    found = with_parts(Outer, {"losses": numbers, "table": pair, "plain": ("x",)}, made)
    assert found["losses"] is numbers
    assert found["table"] is pair
    assert found["plain"] == ("x",)
    assert with_parts(Outer, {"losses": ("l1",)}, made)["losses"] == ("<loss l1 at losses.0>",)


def test_only_options_that_became_parts_count_as_given() -> None:
    found = with_parts(Outer, {"inner": Inner(weight=2.0)}, made)["inner"]
    assert found.model_fields_set == {"weight", "loss"}
    untouched = with_parts(Outer, {"inner": Inner(loss="x")}, lambda kind, ref, path: ref)["inner"]
    assert untouched.model_fields_set == {"loss"}


class Handing(Options):
    """An option for a part."""

    net: Annotated[RefValue, PartOf("model")] = "srresnet"
    scale: Annotated[int | None, ForPart("net")] = None


@pytest.mark.parametrize(
    ("net", "scale", "expected"),
    [
        ("a", None, "a"),
        ("a", 2, {"name": "a", "scale": 2}),
        ({"name": "a"}, 2, {"name": "a", "scale": 2}),
        ({"name": "a", "scale": 2}, 2, {"name": "a", "scale": 2}),
        ({"name": "a", "options": {"scale": 2}}, 2, {"name": "a", "options": {"scale": 2}, "scale": 2}),
        ({"name": "a", "options": {"deep": 1}}, 2, {"name": "a", "options": {"deep": 1}, "scale": 2}),
        ({"name": "a", "options": {"scale": 3}}, None, {"name": "a", "options": {"scale": 3}}),
    ],
)
def test_an_option_is_handed_on_to_the_parts_table(net: Any, scale: int | None, expected: Any) -> None:
    assert handed_on(Handing, {"net": net, "scale": scale}, "model pair") == {"net": expected}


@pytest.mark.parametrize("net", [{"name": "a", "scale": 3}, {"name": "a", "options": {"scale": 3}}])
def test_two_values_of_one_option_are_refused(net: Mapping[str, Any]) -> None:
    words = "model pair: two values for scale: expected 2, as the model pair says, got 3 of its net; say it"
    with pytest.raises(OptionError, match=words):
        handed_on(Handing, {"net": net, "scale": 2}, "model pair")


class Red(Options):
    name: Literal["red"]
    shade: int = 0


class Blue(Options):
    name: Literal["blue"]
    depth: int = 0


class Coloured(Options):
    """A table of either kind, and one that is not told by its name."""

    colour: Annotated[Red | Blue, Field(discriminator="name")] = Red(name="red")
    either: Inner | int = 0
    size: int | list[int] = 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"colour": {"name": "red", "depth": 1}}, "has no option 'colour.red.depth': expected options among"),
        (
            {"colour": {"name": "blue", "dept": 1}},
            "expected options among depth, name, got .*did you mean depth",
        ),
        ({"colour": {"name": "green"}}, "bad colour: expected red, blue, got 'green'"),
        ({"colour": {}}, "bad colour: expected a name, or a table with a name"),
        ({"either": {"wight": 1}}, "expected options among loss, weight, got either.*did you mean weight"),
        (
            {"colours": 1},
            "has no option 'colours'.*among colour, either, size, got colours; did you mean col",
        ),
        ({"size": [1, "x"]}, r"bad size\.1: expected a valid integer"),
    ],
)
def test_a_mistake_is_told_where_it_lies_with_what_there_is(given: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        validate(Coloured, given, "thing x")


def test_a_missing_value_is_told_as_one_and_the_errors_class_is_the_callers() -> None:
    with pytest.raises(DeclarationError, match="thing x lacks 'name': expected a value for it, got none"):
        validate(Red, {}, "thing x", DeclarationError)
    assert Options.continued({"a": 1, "b": 2}, {"b": 3}) == {"a": 1, "b": 3}
    inner = Inner()
    assert inner.effective() is inner
    with pytest.raises(ValueError, match="frozen"):
        inner.weight = 2.0


# -- schedules -----------------------------------------------------------------------------------------


def test_a_run_of_one_epoch_goes_through_its_schedule_too() -> None:
    linear = read_schedule("linear")
    assert [linear.factor(done, 1) for done in (0, 0.25, 1)] == [1, 0.75, 0]
    half = read_schedule({"name": "linear", "warmup": 0.5})
    assert [half.factor(done, 1) for done in (0.25, 0.5, 0.75, 1)] == [0.5, 1, 0.5, 0]
    cosine = read_schedule({"name": "cosine", "end": 0.5})
    assert [round(cosine.factor(done, 2), 9) for done in (0, 1, 2)] == [1, 0.75, 0.5]
    assert read_schedule({"name": "exponential", "by": 0.5}).factor(3, 9) == 0.125
    assert read_schedule(linear) is linear
    assert read_schedule("constant").factor(3, 9) == 1
    assert not read_schedule({"name": "plateau"}).moves


# -- freezing, weights, sections -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "hint"),
    [(0, None), (-1, None), (1, '"block1"'), (3, '"block1-3"'), (True, '"all"'), ("Blocks 2-4", '"block2-4"'),
     ("block 2", '"block2"'), ("1 2 3", None)],
)  # fmt: skip
def test_a_wrong_freeze_spec_is_told_with_the_one_that_may_be_meant(spec: Any, hint: str | None) -> None:
    with pytest.raises(FreezeError) as error:
        Freeze.parse(spec)
    assert (f"did you mean {hint}?" in str(error.value)) == (hint is not None)
    assert ("did you mean" in str(error.value)) == (hint is not None)


def test_weights_are_checked_as_every_source_is() -> None:
    with pytest.raises(DeclarationError, match="bad file"):
        Weights(file="net.txt", repo="owner/name")
    with pytest.raises(DeclarationError, match="bad sha256"):
        Weights(file="net.pth", repo="owner/name")


@pytest.mark.parametrize("weights", [3, "", "  ", ["a"], True])
def test_weights_of_a_section_are_a_text_or_nothing(weights: Any) -> None:
    assert Recipe.from_dict({"model": {"name": "x", "weights": "a"}}).model.weights == "a"
    assert ModelSection(name="x", weights=None).weights is None
    with pytest.raises(
        ZooError, match=r"bad model\.weights: expected a tag, a file, a folder or hf://owner/n"
    ):
        Recipe.from_dict({"model": {"name": "x", "weights": weights}})


@pytest.mark.parametrize(
    ("size", "kept"), [("150", (150, 150)), (150, (150, 150)), ([150, 200], (150, 200)), (None, None)]
)
def test_a_size_may_be_said_as_one_number(size: Any, kept: Any) -> None:
    assert ModelSection(name="x", input_size=size).input_size == kept
    for wrong in (True, [1, 2, 3], "150x200", 1.5):
        with pytest.raises(ValueError, match="150, or 150 and 200 for height and width"):
            ModelSection(name="x", input_size=wrong)


def test_labels_are_said_once_each() -> None:
    assert ModelSection(name="x", classes=("a", "b")).classes == ("a", "b")
    with pytest.raises(ValueError, match="each label once"):
        ModelSection(name="x", classes=("a", "b", "a"))


# -- words and files -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "known", "words"),
    [
        ("weigths", 1, [], "did you mean weights, an argument of zoo.build?"),
        ("precison", 1, [], "did you mean precision, an argument of zoo.fit?"),
        ("precison", 1, ["precisions"], None),
        ("weight", 1, ["weight"], None),
        ("xyzzy", 1, [], None),
        ("seed", 3, [], "it belongs beside: zoo.build(..., seed=3), in a recipe seed"),
        ("data", 3, [], "zoo.fit(model, data) takes it"),
        ("criterion", 3, [], "zoo calls it loss: zoo.fit(model, data, loss=...)"),
        (
            "pretrained",
            False,
            [],
            "zoo calls it weights: zoo.build(..., weights=None), in a recipe model.weig",
        ),
        ("head", "x" * 38, [], f"beside: zoo.build(..., head={'x' * 38!r}), in a recipe model.head"),
        ("head", "x" * 39, [], "it belongs beside: zoo.build(..., head=...), in a recipe model.head"),
    ],
)
def test_an_argument_in_another_place_is_shown_there(
    name: str, value: Any, known: list[str], words: str | None
) -> None:
    found = misplaced(name, value, known)
    if words is None:
        assert found is None
    else:
        assert found is not None
        assert words in found


def test_columns_are_aligned_and_lines_have_no_end_of_blanks() -> None:
    rows = [["a", 1, "x"], ["bb", 22, ""]]
    assert table(rows, ["N", "NUMBER", "LAST"], right=[1], indent=" ").splitlines() == [
        " N   NUMBER  LAST", " a        1  x", " bb      22",
    ]  # fmt: skip
    assert html_table(rows, ["N", "NUMBER", "LAST"], right=[1]).count("text-align:right") == 3


def test_a_file_that_is_forced_to_disk_is_closed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: set[int] = set()
    real_open, real_close = os.open, os.close
    monkeypatch.setattr(os, "open", lambda *a, **k: opened.add(handle := real_open(*a, **k)) or handle)
    monkeypatch.setattr(os, "close", lambda handle: opened.discard(handle) or real_close(handle))
    write_text(tmp_path / "a.txt", "text")
    monkeypatch.undo()
    assert (tmp_path / "a.txt").read_text() == "text"
    for handle in opened:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(handle)
