"""Declarations and references: what is refused, and what comes back as it was."""

from __future__ import annotations

from typing import Any

import pytest

from zoo.spec.component import API, Component, Namespace
from zoo.spec.errors import BadReferenceError, DeclarationError, RecipeError, ZooError
from zoo.spec.inputs import InputSpec
from zoo.spec.published_weights import Weights, WeightsSource
from zoo.spec.recipe import ModelSection, Recipe
from zoo.spec.reference import parse_reference
from zoo.spec.trainers.options import GradientOptions, MeasuredOptions
from zoo.spec.trainers.schedule import read_schedule

SHA = "0" * 64
HUB = WeightsSource(repo="owner/name")
PACKAGE = WeightsSource(package="net", file="net/net.safetensors", sha256=SHA)
SHIPPED = WeightsSource(file="net/net.safetensors", sha256=SHA)


def source(origin: WeightsSource, **more: Any) -> dict[str, Any]:
    return {**origin.to_dict(), **more}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kind": "bakbone"}, "bad kind: expected one of backbone.*got 'bakbone'; did you mean backbone"),
        ({"license": "mit"}, "component 'net': unknown field: .*got license; did you mean licence"),
        ({"kind": ""}, "bad kind: expected a text"),
        ({"name": " "}, "bad name: expected a text"),
        ({"name": "a net"}, "bad name: expected letters"),
        ({"name": 3}, "bad name: expected a text"),
        ({"target": "pkg.net"}, "bad target: expected package.module:Class"),
        ({"summary": "two\nlines"}, "bad summary: expected one line"),
        ({"config": "pkg"}, "bad config: expected package.module:Class"),
        ({"config": 3}, "bad config"),
        ({"paper": 3}, "bad paper: expected a text or None"),
        ({"licence": 3}, "bad licence"),
        ({"task": 3}, "bad task"),
        ({"api": 0}, "bad api: expected a positive integer, got 0"),
        ({"api": -1}, "bad api"),
        ({"api": "1"}, "bad api"),
        ({"api": 1.5}, "bad api"),
        ({"tags": ["a"]}, "bad tags: expected a tuple of texts"),
        ({"tags": ("a", 3)}, "bad tags"),
        ({"weights": ["a"]}, "bad weights: expected Weights by tag"),
        ({"weights": {"a": "b"}}, "bad weights"),
        ({"tiny": 3}, "bad tiny: expected options by name"),
        ({"former": ()}, "bad former"),
    ],
)
def test_a_declaration_that_does_not_fit_says_which_field(fields, words):
    good = {"kind": "backbone", "name": "net", "target": "pkg.net:Net", "summary": "A net."}
    assert Component(**good).api == API
    with pytest.raises(DeclarationError, match=words):
        Component(**{**good, **fields})


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"nme": "x"}, "unknown field: .*got nme; did you mean name"),
        ({"kind": "backbone"}, "component: bad name: expected a value, got none; say name="),
        (
            {"kind": "head", "name": "net", "target": "a:B"},
            "component 'net': bad summary: expected a value, got none; say summary=...",
        ),
        ({"weights": 3}, "the fields of Component"),
    ],
)
def test_a_declaration_from_plain_data_is_checked(data, words):
    with pytest.raises(DeclarationError, match=words):
        Component.from_dict(data)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (source(HUB, file="net.zip"), "bad file: expected a .safetensors, or a pickle"),
        (source(HUB, repo="owner"), "bad repo: expected owner/name"),
        (source(HUB, repo="/name"), "bad repo"),
        (source(HUB, repo="a/b/c"), "bad repo"),
        (source(HUB, package="net"), "bad package: expected none beside a repository"),
        (source(HUB, file="net.pth"), "bad sha256"),
        (source(HUB, sha256="abc"), "bad sha256"),
        (source(HUB, install="net"), "bad install"),
        (source(PACKAGE, file="net.safetensors"), "bad file: expected package/path/to/file"),
        (source(PACKAGE, package="net-"), "bad package: expected the name"),
        (source(PACKAGE, install="a\nb"), "bad install"),
        (source(PACKAGE, sha256=None), "bad sha256"),
        (source(SHIPPED, sha256=None), "bad sha256"),
        (source(SHIPPED, install="net"), "bad install"),
    ],
)
def test_a_source_of_weights_that_does_not_fit_says_which_field(fields, words):
    with pytest.raises(DeclarationError, match=words):
        WeightsSource(**fields)


@pytest.mark.parametrize(
    ("declare", "words"),
    [
        (lambda: Component("head"), "component: bad field: expected fields by name, got 'head'; say kind="),
        (lambda: Component(kind="head", target="a:B", summary="A."), "component: bad name: expected a value"),
        (lambda: Weights(repo=3), "bad repo: expected a text or None, got 3"),
        (lambda: Weights(repo="a/b", options=["depth"]), "bad options: expected values by name"),
        (lambda: Weights(repo="a/b", file=3), "weights of a/b: bad file: expected a text, got 3"),
        (lambda: Weights(repo="a/b", revison="x"), "weights of a/b: unknown field.*did you mean revision"),
        (lambda: Weights(repo="a/b", classes="ten"), "bad classes: expected a positive integer or None"),
        (lambda: Weights(repo="a/b", labels=["a"]), "bad labels: expected a tuple of texts"),
        (lambda: Weights(repo="a/b", input={}), "bad input: expected an InputSpec"),
        (lambda: Weights(repo="a/b", metrics=3), "bad metrics: expected figures by name"),
        (lambda: Weights(repo="a/b", licence=3), "bad licence"),
        (Namespace, "namespace: bad name: expected a value"),
        (lambda: Namespace(name="a", bear=True), "namespace 'a': unknown field.*did you mean bare"),
        (lambda: Namespace(name="a", bare=["b"]), "bad bare: expected True, False or a tuple of names"),
        (lambda: InputSpec(size=224), "input spec: bad size: expected a tuple of numbers, got 224"),
        (lambda: InputSpec(mean="abc"), "bad mean: expected a tuple of numbers"),
        (lambda: InputSpec(channels="3"), "bad channels: expected a whole number"),
        (lambda: InputSpec(channel=3), "input spec: unknown field.*did you mean channels"),
    ],
)
def test_every_mistake_in_a_declaration_is_one_of_ours(declare, words):
    with pytest.raises(DeclarationError, match=words):
        declare()


def test_what_is_tried_after_a_source_that_never_fails_would_never_be_tried():
    given = PACKAGE.to_dict()
    assert Weights(**given, fallbacks=(PACKAGE, HUB)).sources[1:] == (PACKAGE, HUB)
    for first, rest in ((PACKAGE, (HUB, PACKAGE)), (SHIPPED, (HUB,)), (HUB, (PACKAGE,))):
        with pytest.raises(DeclarationError, match="sources after packages alone"):
            Weights(**first.to_dict(), fallbacks=rest)
    for wrong in ([HUB], (HUB, "owner/name")):
        with pytest.raises(DeclarationError, match="a tuple of WeightsSource"):
            Weights(**given, fallbacks=wrong)


def test_weights_come_back_from_plain_data_and_say_where_they_are():
    weights = Weights(
        **PACKAGE.to_dict(), classes=2, labels=("a", "b"), metrics={"top-1": 71.5}, fallbacks=(HUB,),
        input=InputSpec(channels=1, mean=(0.5,), std=(0.5,)),
    )  # fmt: skip
    again = Weights.from_dict(weights.to_dict())
    assert again == weights
    assert (again.labels, again.input.mean, again.fallbacks) == (("a", "b"), (0.5,), (HUB,))
    assert Weights.from_dict({"repo": "a/b", "labels": "imagenet-1k"}).labels == "imagenet-1k"
    assert [item.place for item in (HUB, PACKAGE, SHIPPED)] == ["owner/name", "package net", "package net"]
    assert WeightsSource(repo="a/b", file="x.pt", sha256=SHA).pickled
    assert not HUB.pickled


def test_a_namespace_claims_what_it_says():
    assert Namespace(name="a").claims("net")
    assert not Namespace(name="a", bare=False).claims("net")
    assert [Namespace(name="a", bare=("net",)).claims(name) for name in ("net", "other")] == [True, False]
    with pytest.raises(DeclarationError, match="bad name"):
        Namespace(name="A")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"channels": 0, "mean": (), "std": ()}, "bad channels: expected a whole number from 1 to 4,096"),
        ({"size": (3, 0)}, "bad size: expected two whole"),
        ({"size": (3,)}, "bad size"),
        ({"range": (1, 1)}, "bad range: expected two rising"),
        ({"range": (0, 1, 2)}, "bad range"),
        ({"mean": (0.5,)}, "bad mean: expected 3 numbers"),
        ({"std": (1, 1)}, "bad std: expected 3 positive"),
        ({"std": (1, 1, 0)}, "bad std"),
        ({"interpolation": "cubic"}, "bad interpolation"),
    ],
)
def test_an_input_spec_that_does_not_fit_says_which_field(fields, words):
    with pytest.raises(DeclarationError, match=words):
        InputSpec(**fields)
    assert InputSpec(size=(1, 1)).size == (1, 1)


def test_an_input_spec_follows_the_channels_and_comes_back_from_plain_data():
    spec = InputSpec(mean=(0.25, 0.5, 0.75), std=(1, 2, 3))
    assert spec.with_channels(3) is spec
    assert (spec.with_channels(1).mean, spec.with_channels(1).std) == ((0.5,), (2,))
    assert spec.with_channels(5).std == (1, 2, 3, 1, 2)
    assert spec.with_size((7, 8)).size == (7, 8)
    assert InputSpec.from_dict(spec.to_dict()) == spec
    with pytest.raises(DeclarationError, match=r"input spec: unknown field: .*did you mean channels"):
        InputSpec.from_dict({"chanels": 3})


@pytest.mark.parametrize(
    ("text", "form", "again"),
    [
        ("net", "ComponentRef", "net"),
        (" pkg:net ", "ComponentRef", "pkg:net"),
        ("hf://a/b", "HubRef", "hf://a/b"),
        ("hf://a/b@v1", "HubRef", "hf://a/b@v1"),
        ("file:net", "PathRef", "file:net"),
        ("a/b", "PathRef", "file:a/b"),
        ("a\\b", "PathRef", "file:a\\b"),
        ("~", "PathRef", "file:~"),
        (".", "PathRef", "file:."),
        ({"name": "a/b"}, "PathRef", "file:a/b"),
    ],
)
def test_every_form_of_a_reference_is_told_and_said_again(text, form, again):
    ref = parse_reference(text)
    assert (type(ref).__name__, str(ref)) == (form, again)
    assert parse_reference(ref) is ref


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("", "reference: expected"), (3, "reference: expected"), ("a:b:c", "reference: expected"),
        ("file:", "expected file:path"), ("hf://a", "expected hf://owner/name"),
        ({"nme": "x"}, "names no component"), ({"name": "a/b", "k": 1}, "options beside a file"),
    ],
)  # fmt: skip
def test_what_follows_no_form_is_refused(value, words):
    with pytest.raises(BadReferenceError, match=words):
        parse_reference(value)


def test_options_of_a_reference_stand_in_its_table():
    ref = parse_reference({"name": "pkg:net", "k": 1})
    assert ref.to_value() == {"name": "pkg:net", "k": 1}
    assert parse_reference("net").to_value() == "net"


@pytest.mark.parametrize(
    ("given", "kept"), [("150", (150, 150)), (150, (150, 150)), ([150, 200], (150, 200)), (None, None)]
)
def test_a_size_is_a_number_or_two(given, kept):
    assert ModelSection(name="net", input_size=given).input_size == kept


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"input_size": True}, "150, or 150 and 200"),
        ({"input_size": [1, 2, 3]}, "150, or 150 and 200"),
        ({"input_size": "big"}, "150, or 150 and 200"),
        ({"weights": " "}, "a tag, a file"),
        ({"weights": True}, "a tag, a file"),
        ({"classes": ["a", "a"]}, "each label once"),
        ({"input": {"channels": 0}}, "bad channels"),
        ({"name": {"name": "net", "k": 1}}, "a name, its options in model.options"),
    ],
)
def test_a_section_that_does_not_fit_says_why(fields, words):
    with pytest.raises(ZooError, match=words):
        Recipe.from_dict({"model": {"name": "net", **fields}})


def test_a_section_says_what_it_was_given_and_nothing_empty():
    section = ModelSection(name="net", classes=["a", "b"], input={"channels": 1, "mean": [0.5], "std": [0.5]})
    assert (section.count, section.labels) == (2, ("a", "b"))
    assert section.input_spec == InputSpec(channels=1, mean=(0.5,), std=(0.5,))
    assert (ModelSection(name="net").input_spec, ModelSection(name="net").input) == (None, None)
    assert (ModelSection(name="net", classes=3).count, ModelSection(name="net", classes=3).labels) == (3, ())
    assert ModelSection(name="net").lean() == {"name": "net"}
    assert ModelSection(name="net", options={"k": 1}, freeze="all").to_value() == {
        "name": "net", "freeze": "all", "k": 1,
    }  # fmt: skip
    assert ModelSection.of({"name": "net", "head": "own"}, "part", head="usual", classes=None).head == "own"
    assert ModelSection.of("net", "part", head="usual").head == "usual"
    with pytest.raises(RecipeError, match="part"):
        ModelSection.of({"options": 3}, "part")
    both = ModelSection.split({"name": "net", "k": 1, "options": {"k": 2, "j": 3}})
    assert both == {"name": "net", "options": {"k": 1, "j": 3}}


@pytest.mark.parametrize("value", [3, "x", None])
def test_a_recipe_that_is_no_table_is_refused(value):
    with pytest.raises(RecipeError, match="a table with a model section"):
        Recipe.from_dict(value)


def test_a_recipe_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(RecipeError, match=r"none\.toml: expected a readable file, got No such file"):
        Recipe.from_file(tmp_path / "none.toml")


class Measures:
    def measure(self):
        """A figure."""


class Computes:
    def compute(self):
        """A figure."""


def test_metrics_are_names_tables_or_objects_that_can_be_measured_with():
    fine = ["recall", {"name": "recall"}, Measures(), Computes()]
    assert MeasuredOptions(metrics=fine).metrics == tuple(fine)
    assert MeasuredOptions(metrics="recall").metrics == ("recall",)
    with pytest.raises(ValueError, match="metrics by name"):
        MeasuredOptions(metrics=[object()])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"optimizer": {"name": "sgd", "lr": 0.1}}, "lr beside the optimizer"),
        ({"momentum": 0.9}, "momentum of rmsprop, sgd and muon, not of adam"),
        ({"optimizer": {"name": "sgd", "momentum": 0.5}, "momentum": 0.9}, "momentum once"),
        ({"early_stopping": 0}, "patience"),
        ({"early_stopping": {"patience": 1, "min_delta": -1}}, "min_delta"),
    ],
)
def test_options_of_a_trainer_that_do_not_go_together_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        GradientOptions(**options)


def test_options_beside_the_optimizer_complete_its_table():
    both = GradientOptions(optimizer={"name": "sgd", "momentum": 0.9}, momentum=0.9)
    assert both.settled_optimizer.values["momentum"] == 0.9
    usual = GradientOptions(optimizer={"name": "sgd", "momentum": 0.0}, momentum=0.9)
    assert usual.settled_optimizer.values["momentum"] == 0.9
    assert GradientOptions(early_stopping=3).early_stopping.patience == 3
    before = {"optimizer": {"name": "sgd"}, "momentum": 0.9, "lr": 0.1}
    assert GradientOptions.continued(before, {"optimizer": "adam"}) == {"optimizer": "adam", "lr": 0.1}
    assert GradientOptions.continued(before, {"optimizer": "adam", "momentum": 0.1})["momentum"] == 0.1


def test_a_schedule_after_its_end_stays_there_and_one_without_length_is_at_its_end():
    linear = read_schedule({"name": "linear", "end": 0.25})
    assert [linear.factor(done, 4) for done in (0, 2, 4, 9)] == [1, 0.625, 0.25, 0.25]
    assert linear.factor(0, 0) == 0.25
    late = read_schedule({"name": "linear", "warmup": 5})
    assert (late.factor(2.5, 5), late.factor(5, 5), late.factor(6, 3)) == (0.5, 0.0, 0.0)
    stepped = read_schedule({"name": "step", "every": 2, "by": 0.5})
    assert [stepped.factor(done, 9) for done in (0, 1.9, 2 - 1e-12, 2, 4)] == [1, 1, 0.5, 0.5, 0.25]
    cycle = read_schedule({"name": "one-cycle", "start": 0.2, "end": 0.1, "peak": 0.5})
    assert [round(cycle.factor(done, 8), 6) for done in (0, 2, 4, 6, 8)] == [0.2, 0.6, 1.0, 0.55, 0.1]


def test_which_schedules_move_the_rate_and_which_stretch():
    moves = {name: read_schedule(name).moves for name in ("constant", "linear", "plateau")}
    assert moves == {"constant": False, "linear": True, "plateau": False}
    assert read_schedule({"name": "constant", "warmup": 1}).moves
    stretch = [name for name in ("constant", "linear", "cosine", "one-cycle", "plateau", "exponential")
               if read_schedule(name).stretches]  # fmt: skip
    assert stretch == ["linear", "cosine", "one-cycle"]
    assert read_schedule({"name": "plateau", "least": 0.1}).min_lr == 0.1
    with pytest.raises(ZooError, match="least"):
        read_schedule({"name": "plateau", "least": 0.1, "min_lr": 0.2})


def test_a_recipe_is_read_from_toml_and_from_json(tmp_path):
    for name, text in (("a.toml", 'model = {name = "net"}'), ("a.json", '{"model": {"name": "net"}}')):
        (tmp_path / name).write_text(text)
        assert Recipe.from_file(tmp_path / name).model.name == "net"


@pytest.mark.parametrize("formerly", ["core", ("augment",), ("A b",), (1,)])
def test_old_namespaces_are_a_tuple_of_other_names(formerly):
    with pytest.raises(DeclarationError, match="bad formerly: expected a tuple of other namespaces"):
        Namespace(name="augment", formerly=formerly)
