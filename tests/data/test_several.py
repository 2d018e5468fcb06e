"""Several sources in one: what is taken as such, classes by name, sides by source, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.cli._recipe import typed_data
from zoo.data.as_trained import as_trained
from zoo.data.inspection.report import report
from zoo.data.objects.arrays import listed
from zoo.data.objects.several import Several, sources_of
from zoo.data.section import section_of
from zoo.data.several import Sources
from zoo.data.splits import split
from zoo.data.view import Folded, Subset
from zoo.interfaces.dataset import Dataset
from zoo.runtime.data_arguments import as_dataset, data_value
from zoo.spec.errors import AmbiguousNameError, DataError, OptionError, ZooError
from zoo.spec.recipe import Recipe

THEIRS = {"path": "theirs", "classes": {"kitten": "cat", "junk": None}}
QUIET = pytest.mark.filterwarnings("ignore::zoo.spec.errors.ZooWarning")


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Writes class folders of random images into a working folder: `written("mine", cat=2)`."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)

    def write(root: str, /, **counts: int) -> None:
        for label, count in counts.items():
            Path(root, label).mkdir(parents=True)
            for i in range(count):
                pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(Path(root, label, f"{i}.png"))

    return write


def named(labels: list[Any], seed: int = 0) -> Dataset:
    images = np.random.default_rng(seed).integers(0, 256, (len(labels), 6, 6, 3), dtype=np.uint8)
    return listed([*images], labels)


def test_classes_are_matched_by_name_mapped_and_left_out(written: Callable[..., None]) -> None:
    written("mine", cat=2, dog=1)
    written("theirs", bird=1, dog=2, junk=3, kitten=2)
    with pytest.warns(UserWarning) as told:
        data = as_dataset(["mine", THEIRS])
    assert [str(warning.message) for warning in told] == [
        "theirs: 3 images of 'junk' left out, as classes says",
        "classes of one source alone, which may be told by the source and not by the class: theirs: 'bird'",
    ]
    assert (data.labels, data.task and data.task.name) == (("bird", "cat", "dog"), "multiclass")
    told_of = [(data.name(i).split("/")[-2], data.labels[target]) for i, target in enumerate(data.targets)]
    assert told_of == [
        ("cat", "cat"), ("cat", "cat"), ("dog", "dog"),
        ("bird", "bird"), ("dog", "dog"), ("dog", "dog"), ("kitten", "cat"), ("kitten", "cat"),
    ]  # fmt: skip
    assert [data[i].target for i in range(8)] == [*data.targets]
    assert sources_of(Subset(data, [7, 0])) == ["theirs", "mine"]
    assert data.files is not None
    for i in range(8):
        with Image.open(data.files[i]) as image:
            np.testing.assert_array_equal(data[i].image, np.asarray(image))
    assert data.fingerprint not in (None, as_dataset("mine").fingerprint)


@QUIET
def test_the_number_of_all_classes_says_the_task(written: Callable[..., None]) -> None:
    written("cats", cat=2)
    written("dogs", dog=2)
    data = as_dataset(["cats", "dogs"])
    assert (data.labels, data.targets, data.task and data.task.name) == (
        ("cat", "dog"),
        [0, 0, 1, 1],
        "binary",
    )


def test_names_that_hardly_differ_are_told_with_the_table_to_write() -> None:
    with pytest.warns(UserWarning, match="if 'cat' is 'cats', say classes = {cat = 'cats'} beside theirs"):
        Several({"mine": named(["cats", "dog"]), "theirs": named(["cat", "dog"])})


@pytest.mark.parametrize(
    ("parts", "classes", "text"),
    [
        ({"a": named(["x", "y"]), "b": named(["x", "y"])}, {"b": {"z": "x"}}, "got 'z'"),
        ({"a": named(["x", "y"]), "b": named([0.5, 1.5])}, {}, "expected one task"),
        ({"a": named(["x", "y"]), "b": named([0, 1])}, {}, "classes with names in all or in none"),
        ({"a": named(["x", "y"]), "b": named(["x"])}, {"b": {"x": None}}, "images that are not left out"),
    ],
)
def test_what_does_not_fit_is_refused(parts: dict[str, Dataset], classes: dict[str, Any], text: str) -> None:
    with pytest.raises(DataError, match=text):
        Several({n: p.for_task(None) for n, p in parts.items()}, classes)


def test_the_groups_of_one_source_are_none_of_another() -> None:
    mine, theirs = named(["x", "y"]), named(["x", "y"], 1)
    mine.group_of = theirs.group_of = lambda index: "p"  # type: ignore[method-assign]
    data = Several({"mine": mine, "theirs": theirs})
    assert len({data.group_of(i) for i in range(4)}) == 2


@QUIET
def test_a_source_stays_on_one_side_where_it_is_the_group(written: Callable[..., None]) -> None:
    # The first class of each counts for it where classes are cut, and is another in one of them
    for number, (name, other) in enumerate(zip("abc", ("cat", "egg", "cat"), strict=True)):
        written(name, **{other: 3 + number, "dog": 3})
    value = {"sources": ["a", {"path": "b", "classes": {"egg": "cat"}}, "c"], "group": "source"}
    data = as_dataset(value)
    names = sources_of(data) or []
    sides = split(data, 0)
    assert sorted(len({names[i] for i in side}) for side in (sides.train, sides.val, sides.test)) == [1, 1, 1]
    # Each source is the test once
    tested = [{names[i] for i in split(Folded(data, (number, 3)), 0).test} for number in (1, 2, 3)]
    assert sorted(map(sorted, tested)) == [["a"], ["b"], ["c"]]
    with pytest.raises(DataError, match="group = source: sources: expected three or more"):
        as_dataset({"sources": ["a", "b"], "group": "source"})


@QUIET
def test_a_list_is_of_sources_and_a_tuple_of_splits(written: Callable[..., None]) -> None:
    for name in ("train", "val", "more"):
        written(name, cat=1, dog=1)
    assert isinstance(section_of(["train", "more"]).source, Sources)
    assert [as_dataset(("train", "val")).split_of(i) for i in (0, 2)] == ["train", "val"]
    with pytest.raises(AmbiguousNameError, match="a list is of sources that are mixed") as refused:
        section_of(["train", "val"])
    assert "for splits give a tuple, ('train', 'val')" in str(refused.value)
    assert isinstance(section_of({"sources": ["train", "val"]}).source, Sources)
    # Rows of a table stay what they are
    rows = [{"path": "more/cat/0.png", "label": "a"}, {"path": "more/dog/0.png", "label": "b"}]
    assert section_of(rows).source == rows
    with pytest.raises(DataError, match="a list of sources, or one of samples"):
        section_of(["more", "more/cat/0.png"])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"sources": ["a"]}, "two sources or more"),
        ({"sources": ["a", {"sources": ["b", "c"]}]}, "a list in a list"),
        ({"sources": ["a", "b"], "target": "age"}, "what is one source's own stands in its table"),
    ],
)
def test_what_is_no_list_of_sources_is_refused(value: dict[str, Any], text: str) -> None:
    with pytest.raises((DataError, OptionError), match=text):
        section_of(value)


def test_sources_are_called_by_what_tells_them_apart() -> None:
    source = section_of(["./a/photos", "./b/photos", "digits"]).source
    assert isinstance(source, Sources)
    assert [*source.parts] == ["a/photos", "b/photos", "digits"]


@QUIET
def test_recipe_command_line_and_python_say_the_same(written: Callable[..., None]) -> None:
    written("mine", cat=1, dog=1)
    written("theirs", kitten=1, dog=1, junk=1)
    typed = typed_data('["mine", {path = "theirs", classes = {kitten = "cat", junk = ""}}]')
    recorded = data_value(["mine", THEIRS])
    assert recorded == {
        "sources": ["file:mine", {"path": "file:theirs", "classes": {"kitten": "cat", "junk": ""}}]
    }
    for value in (typed, typed["sources"]):
        recipe = Recipe.from_dict({"model": {"name": "mlp"}, "data": value})
        assert data_value(recipe.data) == recorded
    assert as_dataset(recorded).fingerprint == as_dataset(typed).fingerprint
    # What was trained on says what classes mean, and the sides
    known = {**recorded, "near_duplicates": "together"}
    found = as_trained(["mine", "theirs"], known, "evaluate")
    assert data_value(found) == known
    assert data_value(as_trained(["mine", "./others/theirs", "theirs"], recorded, "evaluate")) is not None


@QUIET
def test_the_report_is_of_all_and_reads_each_file(written: Callable[..., None]) -> None:
    written("mine", cat=1, dog=1)
    written("theirs", kitten=2, dog=1, junk=1)
    found = report(as_dataset(["mine", THEIRS]), "both")
    assert (found.images, found.classes, found.formats) == (5, {"cat": 3, "dog": 2}, {"PNG": 5})
    assert found.sources == {"mine": {"cat": 1, "dog": 1}, "theirs": {"cat": 2, "dog": 1}}
    assert "THEIRS" in repr(found)


@QUIET
def test_a_model_is_trained_on_all_and_measured_by_source(written: Callable[..., None]) -> None:
    written("mine", cat=8, dog=8)
    written("theirs", kitten=8, dog=8)
    model = zoo.build("mlp", head="binary", input_size=8, classes=("cat", "dog"))
    data: Any = ["mine", {"path": "theirs", "classes": {"kitten": "cat"}}]
    zoo.fit(model, data, epochs=1, out="run", progress=False)
    found = zoo.evaluate("run", ["mine", "theirs"], split="all", progress=False)
    assert found.on.count == 32
    by_source = found.more["by_source"]
    assert {name: row["images"] for name, row in by_source.items()} == {"mine": 16, "theirs": 16}
    # Of two halves the whole is the mean
    assert np.mean([row["accuracy"] for row in by_source.values()]) == pytest.approx(
        found.metrics["accuracy"]
    )
    alone = zoo.evaluate("run", "mine", split="all", progress=False)
    assert by_source["mine"]["accuracy"] == pytest.approx(alone.metrics["accuracy"])
    assert "SOURCE" in repr(found)
    with pytest.raises(ZooError, match="kitten"):
        zoo.evaluate("run", "theirs", split="all", progress=False)


def test_the_same_image_as_two_classes_is_told_with_both_sources(written: Callable[..., None]) -> None:
    written("mine", cat=4, dog=4)
    written("theirs", cat=4, dog=4)
    Path("theirs/dog/0.png").write_bytes(Path("mine/cat/1.png").read_bytes())
    both = r"mine/cat/1.png \(of 'mine'\) and theirs/dog/0.png \(of 'theirs'\)"
    with pytest.warns(UserWarning, match=f"the same image has two labels: {both}"):
        split(as_dataset(["mine", "theirs"]))
    Path("mine/dog/0.png").write_bytes(Path("mine/cat/2.png").read_bytes())
    found = report(as_dataset(["mine", "theirs"])).findings
    (names,) = (each.names for each in found if "two labels" in each.text)
    assert names == (
        "mine/cat/1.png (of 'mine') = theirs/dog/0.png (of 'theirs')",
        "mine/cat/2.png = mine/dog/0.png",
    )
