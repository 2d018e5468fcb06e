"""`hf://datasets/owner/name@revision` as data, through the real client, and what can go wrong."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from huggingface_hub import constants
from PIL import Image

import zoo
from zoo.data.splits import split
from zoo.hub.sets.choose import choose
from zoo.interfaces.dataset import Dataset
from zoo.runtime.data_arguments import as_dataset, data_value
from zoo.spec.errors import BadReferenceError, DataError, OptionError, ZooWarning

from . import server as faults
from .server import HubServer, Reply

REPO, CALLED = "datasets/me/cats", "hf://datasets/me/cats"
KINDS = ["owl", "cat", "dog"]


def png(value: int) -> bytes:
    file = io.BytesIO()
    values = np.random.default_rng(value).integers(0, 80, (8, 8, 3)) + (170 if value % 2 else 0)
    Image.fromarray(values.astype(np.uint8)).save(file, "png")
    return file.getvalue()


def parquet(numbers: range, names: list[str] | None = KINDS) -> bytes:
    """Images with class numbers, as Hugging Face writes them."""
    images = [{"bytes": png(i), "path": f"{i}.png"} for i in numbers]
    table = pa.table({"image": images, "label": [1 + i % 2 for i in numbers]})
    label = {"_type": "ClassLabel", "names": names}
    features = {"image": {"_type": "Image"}, **({"label": label} if names else {})}
    meta = {"huggingface": json.dumps({"info": {"features": features}})}
    file = io.BytesIO()
    pyarrow.parquet.write_table(table.replace_schema_metadata(meta), file)
    return file.getvalue()


PARQUET = {
    "README.md": b"---\nlicense: mit\n---\n# Cats\n",
    "data/train-00000-of-00002.parquet": parquet(range(6)),
    "data/train-00001-of-00002.parquet": parquet(range(6, 10)),
    "data/validation-00000-of-00001.parquet": parquet(range(10, 13)),
    "data/test-00000-of-00001.parquet": parquet(range(13, 16)),
}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "zoo-cache"))


def sides(data: Dataset) -> dict[str, int]:
    found = split(data)
    return {name: len(found.of(name)) for name in ("train", "val", "test")}


def test_parquet_files_are_splits_with_the_names_of_their_classes(hub: HubServer) -> None:
    hub.commit(REPO, PARQUET)
    data = as_dataset(CALLED)
    assert data.labels == tuple(KINDS)
    assert [*data.targets[3:6]] == [1, 2, 1]
    assert sides(data) == {"train": 10, "val": 3, "test": 3}
    expected = np.asarray(Image.open(io.BytesIO(png(15))))
    i = next(i for i in range(16) if np.array_equal(data[i].image, expected))
    assert data.split_of(i) == "test"


def test_images_with_metadata_are_a_table_and_other_files_are_left(hub: HubServer) -> None:
    rows = "".join(f"images/{i}.png,{'ab'[i % 2]},p{i // 2}\n" for i in range(8))
    images = {f"images/{i}.png": png(i) for i in range(8)}
    hub.commit(
        REPO, {"metadata.csv": b"file_name,kind,person\n" + rows.encode(), ".gitattributes": b"x", **images}
    )
    data = as_dataset({"name": CALLED, "target": "kind", "group": "person"})
    assert (data.labels, data.group_of(3)) == (("a", "b"), "p1")
    assert not any(".gitattributes" in line for line in hub.asked)


def test_class_folders_of_the_hub_take_options_of_folders(hub: HubServer) -> None:
    hub.commit(
        REPO, {f"train/{kind}/p{i}.png": png(i + 10 * n) for n, kind in enumerate("ab") for i in range(3)}
    )
    data = as_dataset({"path": CALLED, "group": r"p\d"})
    assert (data.labels, data.group_of(0)) == (("a", "b"), "p0")


def test_a_run_records_the_commit_that_it_read(hub: HubServer, tmp_path: Path) -> None:
    first = hub.commit(REPO, PARQUET)
    model = zoo.build({"name": "mlp", "hidden": [8]}, head="multiclass", classes=KINDS, input_size=8, seed=0)
    with pytest.warns(ZooWarning, match=r"no image is of .owl"):
        zoo.fit(model, f"{CALLED}@main", target="label", epochs=1, out=tmp_path / "run", progress=False)
    place = f"{CALLED}@{first}"
    assert model.recipe.data == {"path": place, "target": "label"}
    assert json.loads((tmp_path / "run/run.json").read_text())["data"]["path"] == place
    # What is pushed since is another data set
    hub.commit(REPO, {"data/test-00000-of-00001.parquet": parquet(range(20, 29))})
    assert len(as_dataset(place)) == 16
    assert zoo.evaluate(model, CALLED, progress=False).on.count == 9
    assert "me/cats" in (tmp_path / "run/README.md").read_text()


def test_what_was_read_once_is_read_without_the_hub(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    sha = hub.commit(REPO, PARQUET)
    as_dataset(CALLED)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert len(as_dataset(CALLED)) == 16
    assert data_value(CALLED) == f"{CALLED}@{sha}"
    with pytest.raises(DataError, match=r"data hf://datasets/me/dogs.*cannot be reached.*or give a folder"):
        as_dataset("hf://datasets/me/dogs")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (f"{CALLED}@v9", "expected a branch, tag or commit that is on the Hub, got none of that name"),
        (
            "hf://datasets/me/nobody",
            "none called datasets/me/nobody; check the name; for a private one log in",
        ),
        (
            "hf://me/cats",
            "expected a data set, got hf://me/cats, a model; a data set is called hf://datasets/me",
        ),
        ({"path": CALLED, "config": "x"}, "config: expected none, as the repository has one alone, got 'x'"),
        ({"path": CALLED, "targt": "x"}, "has no option 'targt'.*did you mean target"),
    ],
)
def test_what_is_not_there_is_told_in_a_line(hub: HubServer, value: Any, words: str) -> None:
    hub.commit(REPO, PARQUET)
    with pytest.raises((DataError, OptionError), match=words):
        as_dataset(value)


def test_gated_and_forbidden_sets_say_how_to_log_in(hub: HubServer) -> None:
    hub.commit(REPO, PARQUET)
    hub.gates[REPO] = Reply.error("GatedRepo", 403)
    with pytest.raises(DataError, match=r"a gated one; ask for access at .*/datasets/me/cats, then log in"):
        as_dataset(CALLED)
    hub.gates[REPO] = Reply(401, {"X-Error-Message": "Invalid token"}, b"")
    with pytest.raises(DataError, match="log in"):
        as_dataset(CALLED)


def test_a_file_that_does_not_arrive_whole_is_not_read(hub: HubServer) -> None:
    hub.commit(REPO, PARQUET)
    hub.fail(faults.corrupt, times=20, at="train-00000")
    with pytest.raises(DataError, match=r"train-00000-of-00002.parquet.*another content, twice"):
        as_dataset(CALLED)


def test_a_data_set_is_no_model(hub: HubServer) -> None:
    with pytest.raises(BadReferenceError):
        zoo.pull(CALLED)
    with pytest.raises(BadReferenceError, match="hf://datasets/me/cats, a data set"):
        zoo.build(CALLED)


# -- files of a repository -----------------------------------------------------------------------------

CARD = """
configs:
- config_name: small
  data_files: [{split: train, path: small/train-*}, {split: test, path: small/test-*}]
- config_name: large
  data_files: large/*
"""
SEVERAL = ["README.md", "small/train-0.parquet", "small/test-0.parquet", "large/train-0.parquet"]


def chosen(names: list[str], card: str = "", config: str | None = None) -> Any:
    return choose(names, card, tables=[".parquet", ".csv"], config=config, where="data")


def test_a_configuration_has_the_files_that_the_card_lists() -> None:
    found = chosen(SEVERAL, CARD, "small")
    assert (found.files, found.folder) == (("small/train-0.parquet", "small/test-0.parquet"), "small")
    assert chosen(SEVERAL, CARD.replace("large\n", "large\n  default: true\n", 1)).folder == "large"
    with pytest.raises(OptionError, match=r"one configuration of 'small', 'large', got 2"):
        chosen(SEVERAL, CARD)
    with pytest.raises(OptionError, match="expected one of 'small', 'large', got 'smal'; did you mean"):
        chosen(SEVERAL, CARD, "smal")


def test_tables_of_two_configurations_in_a_folder_are_refused() -> None:
    card = "configs: [{config_name: a, data_files: data/a-*}, {config_name: b, data_files: data/b-*}]"
    with pytest.raises(DataError, match=r"others beside them .data/b-train.parquet"):
        chosen(["data/a-train.parquet", "data/b-train.parquet"], card, "a")


@pytest.mark.parametrize("names", [["train.zip", "README.md"], []])
def test_a_repository_without_images_and_tables_is_refused(names: list[str]) -> None:
    with pytest.raises(DataError, match=r"images, or tables that hold them .\.csv, \.parquet.*got "):
        chosen(names)
