"""Tables of labels: read, refused, split, and trained on with each task."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.data.splits import split
from zoo.interfaces.records.records import Records
from zoo.interfaces.records.text_tables import typed
from zoo.interfaces.tasks.choice import BY_NAME
from zoo.runtime.data_arguments import as_dataset, data_value
from zoo.spec.errors import DataError, OptionError, ZooWarning

Write = Callable[..., Path]

KINDS = ["dark", "light"]


def test_a_csv_is_read_by_its_path_alone(table: Write) -> None:
    path = table([0, 1, 0.2], {"label": ["dark", "light", "dark"]})
    data = as_dataset(str(path))
    assert (data.labels, data.targets) == (("dark", "light"), [0, 1, 0])
    assert data.task is not None
    assert data.task.name == "binary"
    assert data[1].image.mean() > 200
    assert data.name(2) == str(path.parent / "images" / "2.png")
    with pytest.raises(DataError, match=r"expected a folder, or a file of .*csv"):
        as_dataset(path.with_name("images") / "0.png")


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("file;label\nimages/0.png;a\nimages/1.png;b\n", [0, 1]),
        ("\ufefffile\tlabel\nimages/0.png\ta\nimages/1.png\tb", [0, 1]),
        ('"file","label"\r\n"images/0.png","b, c"\r\n"images/1.png","a"\r\n', [1, 0]),
        ("file,label\n\nimages\\0.png,a\nimages\\1.png,b\n\n", [0, 1]),
        ("id,label\nimages/0,a\nimages/1,b\n", [0, 1]),
    ],
)
def test_a_csv_is_read_as_people_write_it(table: Write, text: str, targets: list[int]) -> None:
    path = table([0, 1], {"label": KINDS})
    path.write_text(text, encoding="utf-8")
    data = as_dataset({"path": str(path), **({"image": "id"} if text.startswith("id") else {})})
    assert data.targets == targets
    assert data[1].image.mean() > 200


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "expected a table, got an empty file"),
        ("file,label\n", "expected rows below the header, got none"),
        ("file,label\nimages/0.png,a\nimages/1.png,b,c\n", "expected 2 cells a row, got 3 in row 2"),
        ("file,file\nimages/0.png,a\n", "expected a name for each column, got 'file' twice"),
        ("a,b\nx,1\ny,2\n", "image: expected the column of images, got columns 'a', 'b'; say image="),
        ("file,u,v\nimages/0.png,a,x\nimages/1.png,b,y\n", "expected the column of what is to be learnt"),
        ("file,label\nimages/0.png,\nimages/1.png,b\n", "column 'label': expected a target in each row"),
        ("file,label\n,a\nimages/1.png,b\n", "expected an image in each row, got none in row 1"),
        ("file,label\nimages/7.png,a\nimages/1.png,b\n", r"'file': .*1 of 2 missing .*7\.png, row 1.; say"),
        ("file,label,split\nimages/0.png,a,train\nimages/1.png,b,trian\n", "got 'trian' in row 2"),
    ],
)  # fmt: skip
def test_a_csv_that_does_not_fit_is_told(table: Write, text: str, words: str) -> None:
    path = table([0, 1], {"label": KINDS})
    path.write_text(text)
    with pytest.raises((DataError, ZooWarning), match=words), pytest.MonkeyPatch.context():
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("error", ZooWarning)
            len(as_dataset(str(path)))


def test_a_csv_in_another_encoding_is_told(table: Write) -> None:
    path = table([0, 1], {"label": KINDS})
    path.write_bytes("file,label\nimages/0.png,né\n".encode("latin-1"))
    with pytest.raises(
        DataError, match=r"expected a table in UTF-8, got no UTF-8 at byte .*; save it as UTF-8"
    ):
        as_dataset(str(path))


def test_json_lines_hold_lists_and_types(table: Write) -> None:
    path = table([0, 1, 1], {"x": [1, 2, 3]}).with_suffix(".jsonl")
    rows = [{"image": f"images/{i}.png", "tags": tags} for i, tags in enumerate([["a"], ["a", "b"], []])]
    path.write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    data = as_dataset(str(path))
    assert (data.labels, data.targets) == (("a", "b"), [[1, 0], [1, 1], [0, 0]])
    path.write_text('{"image": "images/0.png", "y": 1}\n[1]\n')
    with pytest.raises(DataError, match=r"expected a JSON object in each line, got \[1\] in line 2"):
        as_dataset(str(path))
    path.write_text('{"image": "images/0.png"\n')
    with pytest.raises(DataError, match=r"expected a JSON object in each line, got .* in line 1"):
        as_dataset(str(path))


def test_cells_of_one_column_are_of_one_type() -> None:
    assert typed(["7", "", "-3"]) == [7, None, -3]
    assert typed(["007", "12"]) == ["007", "12"]
    assert typed(["1e3", ".5"]) == [1000.0, 0.5]
    assert typed(["0", "0.5"]) == [0.0, 0.5]
    assert typed(["TRUE", "false", ""]) == [True, False, None]
    assert typed(["1", "x"]) == ["1", "x"]


def test_a_folder_of_tables_alone_is_split_by_their_names(table: Write, tmp_path: Path) -> None:
    images = table([0, 1], {"label": KINDS}).parent / "images"
    home = tmp_path / "tables"
    (home / "data").mkdir(parents=True)
    rows = {"train-0-of-2": 0, "train-1-of-2": 1, "validation": 0, "unsupervised": 1}
    for name, i in rows.items():
        text = f"image,label\n{images / f'{i}.png'},{KINDS[i]}\n"
        (home / "data" / f"{name}.csv").write_text(text)
    with pytest.warns(ZooWarning, match=r"no split are left out: 'data/unsupervised.csv'"):
        data = as_dataset(home)
    assert [data.split_of(i) for i in range(len(data))] == ["train", "train", "val"]
    assert data.targets == [0, 1, 0]
    # Beside images a table may be anything
    (home / "images").mkdir()
    with pytest.raises(DataError, match="expected images, got none that can be read"):
        as_dataset(home)


def test_metadata_beside_the_images_makes_a_folder_a_table(tmp_path: Path) -> None:
    for name, light in (("train", 0), ("test", 255)):
        (tmp_path / name).mkdir()
        Image.new("L", (8, 8), light).save(tmp_path / name / "0.png")
        Image.new("L", (8, 8), 100).save(tmp_path / name / "1.png")
        (tmp_path / name / "metadata.csv").write_text("file_name,label\n0.png,a\n1.png,b\n")
    data = as_dataset(tmp_path)
    assert data.targets == [0, 1, 0, 1]
    assert [data.split_of(i) for i in range(4)] == ["test", "test", "train", "train"]
    assert data[0].image.max() == 255
    (tmp_path / "train" / "metadata.csv").write_text("file_name,kind\n0.png,a\n1.png,b\n")
    with pytest.raises(
        DataError,
        match=r"expected the columns of test.metadata.csv .*'label'.*got 'file_name', 'kind' in train",
    ):
        as_dataset(tmp_path)
    own = tmp_path / "train"
    assert as_dataset(own).targets == [0, 1]


def test_splits_groups_and_times_of_a_table_hold(table: Write) -> None:
    light = np.linspace(0, 1, 24).tolist()
    said = ["train"] * 12 + ["Validation"] * 6 + ["test"] * 6
    path = table(light, {"label": KINDS * 12, "split": said, "person": [f"p{i // 2}" for i in range(24)],
                         "day": [f"2025-01-{1 + i // 3:02d}" for i in range(24)]})  # fmt: skip
    with pytest.warns(ZooWarning, match="targets 'label'; not used: 'person', 'day'"):
        sides = split(as_dataset(str(path)), 0)
    assert (sides.train, sides.val, sides.test) == (
        tuple(range(12)),
        tuple(range(12, 18)),
        tuple(range(18, 24)),
    )
    text = path.read_text().replace("split", "side")
    path.write_text(text)
    grouped = as_dataset({"path": str(path), "target": "label", "group": "person"})
    sides = split(grouped, 0)
    people = [{grouped.group_of(i) for i in side} for side in (sides.train, sides.val, sides.test)]
    assert all(people)
    assert not (people[0] & people[1] or people[0] & people[2] or people[1] & people[2])
    timed = as_dataset({"path": str(path), "target": "label", "order": "day"})
    sides = split(timed, 0)
    # 15 % of 24 are 3.6, and a day has 3 images: two days each for test and validation
    assert (sides.test, sides.val) == (tuple(range(18, 24)), tuple(range(12, 18)))


def test_a_group_counts_where_its_last_image_does() -> None:
    images = [np.full((2, 2), i, np.uint8) for i in range(8)]
    cells = {"image": images, "label": [0, 1] * 4, "person": list("abcdefga"), "time": list(range(8))}
    from zoo.interfaces.records.roles import Roles

    data = Records(cells, roles=Roles(target=("label",), group="person", order="time")).for_task(
        None or BY_NAME["binary"]
    )
    sides = split(data, 0)
    assert {0, 7} <= {*sides.test}
    assert 6 in sides.val


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (
            ["31/12/2024", "1/1/2025"],
            "expected numbers, or dates such as 2025-12-31, got '31/12/2024' in row 1",
        )
    ],
)
def test_dates_that_do_not_sort_are_refused(table: Write, column: list[str], words: str) -> None:
    path = table([0, 1], {"label": KINDS, "day": column})
    data = as_dataset({"path": str(path), "order": "day"})
    with pytest.raises(DataError, match=words):
        data.order_of(0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target": "labl"}, "target: expected a column among .*got 'labl'; did you mean label"),
        ({"image": "pictur"}, "image: expected a column among"),
        ({"group": "patient"}, "group: expected a column among"),
        ({"split": "label"}, "column 'label': expected train, val or test in each row, got 'dark' in row 1"),
    ],
)
def test_a_column_that_is_not_there_is_told(table: Write, options: dict[str, Any], words: str) -> None:
    path = table([0, 1], {"label": KINDS})
    with pytest.raises(DataError, match=words):
        data = as_dataset({"path": str(path), "target": "label", **options})
        data.split_of(0)


def test_files_that_are_missing_or_broken_are_left_out_when_asked(table: Write) -> None:
    path = table([0, 1, 0, 1], {"label": KINDS * 2})
    (path.parent / "images" / "0.png").unlink()
    (path.parent / "images" / "1.png").write_bytes(b"none")
    with pytest.raises(DataError, match="got 1 of 4 missing"):
        as_dataset(str(path))
    with pytest.warns(ZooWarning, match="left out 2 of 4 images that cannot be read"):
        data = as_dataset(str(path), skip_unreadable=True)
    assert data.targets == [0, 1]
    with pytest.raises(OptionError, match="skip_unreadable: expected a folder of images or a table of files"):
        as_dataset({"name": "digits"}, skip_unreadable=True)


@pytest.mark.parametrize(
    ("head", "columns", "target", "labels"),
    [
        ("binary", {"kind": lambda x: KINDS[x > 0.5]}, "kind", ("dark", "light")),
        ("ordinal", {"grade": lambda x: int(3 * x)}, "grade", ("0", "1", "2")),
        ("multilabel", {"tags": lambda x: "a|b" if x > 0.6 else "b" if x > 0.3 else ""}, "tags", ("a", "b")),
        ("regression", {"years": lambda x: 40 + 20 * x}, "years", ("years",)),
    ],
)  # fmt: skip
def test_each_task_is_learnt_from_a_table(
    table: Write, tmp_path: Path, *, head: str, columns: dict[str, Any], target: str, labels: tuple[str, ...]
) -> None:
    light = np.random.default_rng(1).uniform(0, 0.99, 36).tolist()
    path = table(light, {name: [read(x) for x in light] for name, read in columns.items()})
    recipe = {"model": {"name": "mlp", "head": head, "input_size": 8}, "seed": 0}
    run = zoo.fit(recipe, path, target=target, epochs=2, out=tmp_path / "run", progress=False)
    assert run.model.labels == labels or head == "regression"
    found = zoo.evaluate(run.model, {"path": str(path), "target": target}, progress=False)
    assert found.on.data == data_value({"path": str(path), "target": target})
    longer = zoo.fit(resume=tmp_path / "run", epochs=3, progress=False)
    assert len(longer.history) == 3


def test_values_are_learnt_standardised_and_told_in_their_unit(table: Write, tmp_path: Path) -> None:
    light = np.random.default_rng(1).uniform(0, 1, 40).tolist()
    path = table(light, {"price": [1e6 * (1 + x) for x in light]})
    model = zoo.build("mlp", head="regression", input_size=8, seed=0)
    run = zoo.fit(model, path, epochs=6, lr=1e-2, out=tmp_path / "run", progress=False)
    # The loss is of standardised values, figures are in the unit
    assert run.metrics["loss"] < 1
    assert 1e3 < run.metrics["rmse"] < 3e5
    scale = model.get_submodule("head.scale")
    kept = [1e6 * (1 + light[i]) for i in split(as_dataset(path), 0).train]
    assert float(scale.mean) == pytest.approx(np.mean(kept), rel=1e-5)
    same = zoo.load(tmp_path / "run")
    image = path.parent / "images" / "0.png"
    assert zoo.predict(same, image)[0].label == zoo.predict(model, image)[0].label


def test_images_of_the_folder_that_no_row_names_are_said(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    for name in ("0.png", "1.png", "masks/0.png", "masks/1.png", "deep/2.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("L", (8, 8)).save(tmp_path / name)
    table = tmp_path / "metadata.csv"
    rows = ["file_name,label,mask", "0.png,a,masks/0.png", "./1.png,b,masks/1.png"]
    table.write_text("\n".join(rows))
    words = f"data {tmp_path}: 1 of 5 images in {tmp_path} is in no row: deep/2.png"
    with pytest.warns(ZooWarning, match=words):
        as_dataset({"path": str(tmp_path), "target": "label"})
    # Alone, it says nothing of the folder that it lies in
    recwarn.clear()
    as_dataset({"path": str(table), "target": "label"})
    table.write_text("\n".join([*rows, "deep/2.png,a,"]))
    as_dataset({"path": str(tmp_path), "target": "label"})
    assert not [*recwarn]


@pytest.mark.parametrize(
    ("column", "targets"),
    [(["dark", "light", "dark"], [0, 1, 0]), ([7, 9, 7], [0, 1, 0]), ([0.5, 1.5, 2.5], [0.5, 1.5, 2.5])],
)
def test_a_model_of_images_alone_stratifies_by_the_target_that_is_said(
    table: Write, column: list[Any], targets: list[Any]
) -> None:
    path = table([0, 1, 0.2], {"what": column})
    data = as_dataset({"path": str(path), "target": "what"}, task=BY_NAME["reconstruction"])
    assert (data.task, [*data.targets]) == (BY_NAME["reconstruction"], targets)
