"""Shards, written by webdataset's own writer."""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import fsspec
import numpy as np
import pytest
import webdataset
from zoo_readers.shards import Shards
from zoo_readers.tars import addresses, members

import zoo
from zoo.errors import DataError
from zoo.interfaces import Generation, Multiclass, Multilabel, Regression


def pixels(count: int, seed: int = 0) -> np.ndarray[Any, Any]:
    found = np.random.default_rng(seed).integers(0, 80, (count, 8, 8, 3), dtype=np.uint8)
    found[1::2] += 170
    return found


def written(home: Path, name: str, *samples: dict[str, Any], seed: int = 0) -> str:
    """A tar file of samples, each with its image as `png` where none is said."""
    path = str(home / name)
    with webdataset.TarWriter(path) as tar:
        for i, (sample, x) in enumerate(zip(samples, pixels(len(samples), seed), strict=True)):
            tar.write({"__key__": f"{name[:-4]}/{i:03d}", "png": x, **sample})
    return path


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it leaves its files open
def test_samples_are_those_that_webdataset_reads(tmp_path: Path) -> None:
    for n in range(3):
        written(tmp_path, f"part-{n:02d}.tar", *({"cls": (n + i) % 3} for i in range(4)))
    pattern = str(tmp_path / "part-{00..02}.tar")
    data = Shards(path=pattern).for_task(Multiclass())
    source = webdataset.WebDataset(pattern, shardshuffle=False).decode("rgb8")
    reference = [*source.to_tuple("__key__", "png", "cls")]
    assert len(data) == len(reference) == 12
    for i, (key, image, number) in enumerate(reference):
        assert data.name(i).endswith(f": {key}")
        assert data.targets[i] == number
        np.testing.assert_array_equal(data[i].image, image)


def test_texts_and_fields_of_json_are_columns(tmp_path: Path) -> None:
    rows = [
        {"txt": "cat|dog", "json": {"age": 1.5, "person": "p"}},
        {"txt": "", "json": {"age": 2.0, "person": "q"}},
    ]
    path = written(tmp_path, "a.tar", *rows)
    ages = Shards(path=path, target="age", group="person").for_task(Regression())
    assert (ages.targets, ages.group_of(1)) == ([1.5, 2.0], "q")
    tags = Shards(path=path, target="txt", separator="|").for_task(Multilabel())
    assert (tags.labels, tags.targets) == (("cat", "dog"), [[1, 1], [0, 0]])
    names = Shards(path=written(tmp_path, "b.tar", {"cls": "007"}, {"cls": "08"})).for_task(Multiclass())
    assert names.labels == ("007", "08")
    with pytest.warns(match="not used: 'age', 'person', 'txt'"):
        assert len(Shards(path=path).for_task(Generation())) == 2


def test_names_of_shards_say_the_splits(tmp_path: Path) -> None:
    for name in ("cats-train-0.tar", "cats-train-1.tar", "cats-val-0.tar"):
        written(tmp_path, name, {"cls": 0}, {"cls": 1})
    data = Shards(path=str(tmp_path))
    assert [data.split_of(i) for i in range(6)] == ["train"] * 4 + ["val"] * 2
    written(tmp_path, "extra.tar", {"cls": 0})
    with pytest.raises(DataError, match=r"each shard called after its split, or none, got .*extra\.tar"):
        Shards(path=str(tmp_path))


def test_a_shard_that_was_written_anew_is_read_anew(tmp_path: Path) -> None:
    for seed in range(2):
        data = Shards(path=written(tmp_path, "a.tar", {"cls": seed}, seed=seed)).for_task(Multiclass())
        np.testing.assert_array_equal(data[0].image, pixels(1, seed)[0])


def test_an_image_is_chosen_by_its_suffix(tmp_path: Path) -> None:
    x = pixels(2)
    path = written(tmp_path, "a.tar", {"left.png": x[1], "cls": 0})
    with pytest.raises(DataError, match=r"sample 'a/000' of .*expected one image, got .*say image="):
        Shards(path=path)
    data = Shards(path=path, image=".left.png").for_task(Multiclass())
    np.testing.assert_array_equal(data[0].image, x[1])
    with pytest.raises(DataError, match=r"expected a member \.right\.png, got cls, left\.png, png"):
        Shards(path=path, image="right.png")


@pytest.mark.parametrize("kept", [0.3, 0.6, "members"])
def test_a_torn_shard_is_refused(tmp_path: Path, kept: float | str) -> None:
    path = Path(written(tmp_path, "a.tar", *({"cls": i} for i in range(4))))
    whole, last = path.read_bytes(), [*members(str(path))][-1]
    # Also where a copy broke off just behind a member, which tarfile takes for whole
    end = last.start + 512 if kept == "members" else int(len(whole) * float(kept))
    path.write_bytes(whole[:end])
    with pytest.raises(
        DataError, match=r"shard .*a\.tar: expected a whole tar file, got .*fetch or write it again"
    ):
        Shards(path=str(path))


def test_what_is_no_shard_is_told(tmp_path: Path) -> None:
    path = Path(written(tmp_path, "a.tar", {"cls": 0}))
    squeezed = tmp_path / "b.tar"
    squeezed.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(DataError, match="expected a plain tar file, got a compressed one; unpack it"):
        Shards(path=str(squeezed))
    with pytest.raises(DataError, match=r"shard .*c-1\.tar: expected a tar file, got nothing there"):
        Shards(path=str(tmp_path / "c-{1..2}.tar"))
    with pytest.raises(DataError, match="expected tar files, got none"):
        Shards(path=str(tmp_path / "no-*.tar"))
    with pytest.raises(DataError, match="expected a range upwards"):
        addresses("c-{2..1}.tar", "data")
    with webdataset.TarWriter(str(path)) as tar:
        tar.write({"__key__": "x", "cls": 1})
    with pytest.raises(DataError, match=r"sample 'x' of .*expected an image \(bmp, .*got cls"):
        Shards(path=str(path))
    with webdataset.TarWriter(str(path)) as tar:
        tar.write({"__key__": "x", "png": pixels(1)[0], "json": b"[1"})
    with pytest.raises(DataError, match=r"x\.json: expected an object of JSON"):
        Shards(path=str(path))


def test_addresses_are_read_by_fsspec(tmp_path: Path) -> None:
    memory = fsspec.filesystem("memory")
    for n in (8, 9, 10):
        path = written(tmp_path, f"t{n}.tar", {"cls": 0}, {"cls": 1})
        memory.pipe(f"/shards/t-{n:02d}.tar", Path(path).read_bytes())
    data = Shards(path="memory://shards/t-{08..10}.tar").for_task(Multiclass())
    assert data.targets == [0, 1] * 3
    np.testing.assert_array_equal(data[5].image, pixels(2)[1])
    with pytest.raises(DataError, match="nothing there"):
        Shards(path="memory://shards/none.tar")
    with pytest.raises(DataError, match="a tar file that can be reached"):
        Shards(path="nowhere://shards/none.tar")


class Server(BaseHTTPRequestHandler):
    """A file server, which gives parts of files while `parts` is set, and fails once `down` is."""

    home: Path
    parts, down = True, False

    def do_GET(self) -> None:
        file = self.home / self.path.removeprefix("/")
        if self.down or not file.exists():
            self.send_error(503 if self.down else 404)
            return
        content, asked = file.read_bytes(), re.match(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        first, last = map(int, asked.groups()) if asked and self.parts else (0, len(content) - 1)
        self.send_response(206 if asked and self.parts else 200)
        if self.parts:
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
        self.send_header("Content-Length", str(len(content[first : last + 1])))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content[first : last + 1])

    do_HEAD = do_GET  # noqa: N815 - the name that the server calls

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[type[Server], str]]:
    """Its handler, and the address of two shards of four samples each."""
    for n in range(2):
        written(tmp_path, f"t-{n}.tar", *({"cls": i % 2} for i in range(4)), seed=n)

    class Handler(Server):
        home = tmp_path

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        Thread(target=running.serve_forever, daemon=True).start()
        yield Handler, f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def test_shards_of_a_server_are_read_where_they_lie(server: tuple[type[Server], str]) -> None:
    handler, address = server
    data = Shards(path=f"{address}/t-{{0..1}}.tar").for_task(Multiclass())
    assert data.targets == [0, 1] * 4
    np.testing.assert_array_equal(data[7].image, pixels(4, seed=1)[3])
    with pytest.raises(DataError, match=r"t-2\.tar: expected a tar file, got nothing there$"):
        Shards(path=f"{address}/t-{{0..2}}.tar")
    handler.down = True
    with pytest.raises(DataError, match=r"t-0\.tar: expected a tar file that can be reached, got 503"):
        Shards(path=f"{address}/t-0.tar")


def test_a_server_that_gives_no_parts_names_the_way(server: tuple[type[Server], str]) -> None:
    handler, address = server
    handler.parts = False
    with pytest.raises(
        DataError, match=r"reached in parts, got .*; simplecache::http.*t-0\.tar fetches it whole"
    ):
        Shards(path=f"{address}/t-0.tar")
    data = Shards(path=f"simplecache::{address}/t-0.tar").for_task(Multiclass())
    np.testing.assert_array_equal(data[3].image, pixels(4)[3])


def test_a_server_that_does_not_answer_is_no_missing_file() -> None:
    with pytest.raises(DataError, match="expected a tar file that can be reached, got Cannot connect"):
        Shards(path="http://127.0.0.1:9/t-0.tar")


def test_a_model_is_trained_on_shards_by_workers(tmp_path: Path) -> None:
    kinds = ["dark", "light"]
    for seed, name in enumerate(("train-0.tar", "train-1.tar", "val-0.tar")):
        written(tmp_path, name, *({"cls": kinds[i % 2]} for i in range(6)), seed=seed)
    model = zoo.build({"name": "mlp", "hidden": [8]}, head="binary", input_size=8, seed=0)
    data = str(tmp_path / "*.tar")
    run = zoo.fit(model, data, epochs=1, workers=2, out=tmp_path / "run", progress=False)
    assert run.images["train"] == 12
    assert model.labels == ("dark", "light")


def test_a_member_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "0.tar", "w") as tar:
        for name in ("1.png", "1.cls", "1.cls"):
            tar.addfile(tarfile.TarInfo(name), io.BytesIO())
    with pytest.raises(DataError, match=r"0.tar: sample '1': expected one member of each name, got two"):
        Shards(path=str(tmp_path / "0.tar"))


def test_classes_of_thousands_of_digits_are_names(tmp_path: Path) -> None:
    long = "9" * 5000
    path = written(tmp_path, "a.tar", {"txt": long}, {"txt": "-7"}, {"txt": "\u0663"})
    assert Shards(path=path).columns["txt"] == [long, -7, "\u0663"]


@pytest.mark.parametrize(("classes", "task"), [(2, "binary"), (12, "multiclass")])
def test_whole_numbers_of_cls_are_classes_where_nothing_says_the_head(
    tmp_path: Path, classes: int, task: str
) -> None:
    data = Shards(path=written(tmp_path, "a.tar", *({"cls": i % classes} for i in range(12)))).for_task(None)
    assert (data.task.name, data.labels) == (task, tuple(map(str, range(classes))))  # type: ignore[union-attr]
    assert data.targets == [i % classes for i in range(12)]
    path = written(tmp_path, "b.tar", *({"cls": i, "json": {"age": i}} for i in range(12)))
    with pytest.raises(DataError, match="column 'age': expected classes or values"):
        Shards(path=path, target="age").for_task(None)
    assert Shards(path=path, target="cls").for_task(Regression()).targets[3] == 3.0


def test_a_shard_is_no_image_to_predict(tmp_path: Path) -> None:
    path = written(tmp_path, "a.tar", {"cls": 0})
    model = zoo.build("small_cnn", head="binary", input_size=8, seed=0)
    with pytest.raises(DataError, match=r"data set \(.tar\); .*zoo.evaluate\(model, '.*a.tar'\) measures"):
        zoo.predict(model, path)


def test_a_field_that_is_called_like_a_member_is_no_member(tmp_path: Path) -> None:
    same = written(tmp_path, "same.tar", *({"cls": i, "json": {"cls": str(i), "age": i}} for i in range(2)))
    assert [*Shards(path=same).columns] == ["cls", "age", "image"]
    for turn in (1, -1):
        rows = [dict([("cls", i), ("json", {"cls": 1 - i})][::turn]) for i in range(2)]
        path = written(tmp_path, "other.tar", *rows)
        with pytest.warns(zoo.ZooWarning, match=r"cls is the member, 'cls in .json' the field, .* 0 in"):
            columns = Shards(path=path).columns
        assert (columns["cls"], columns["cls in .json"]) == ([0, 1], [1, 0])


def test_a_mark_at_the_beginning_of_a_text_is_none_of_it(tmp_path: Path) -> None:
    rows = [{"txt": mark + name} for mark, name in (("\ufeff", "a"), ("", "a"), ("\ufeff", "b"))]
    assert Shards(path=written(tmp_path, "0.tar", *rows)).columns["txt"] == ["a", "a", "b"]


def test_numbers_too_long_for_one_are_names(tmp_path: Path) -> None:
    rows = [{"cls": digits} for digits in ("9" * 5000, "1" * 640, "1")]
    assert Shards(path=written(tmp_path, "0.tar", *rows)).columns["cls"] == ["9" * 5000, "1" * 640, 1]


def test_dots_in_names_are_told(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "0.tar", "w") as tar:
        for name in ("img.v1.0.png", "img.v1.0.cls", "img.v1.1.png", "img.v1.1.cls"):
            tar.addfile(tarfile.TarInfo(name))
    with pytest.raises(DataError, match=r"write names without dots, 'img.v1.0.png' is cut at its first one"):
        Shards(path=str(tmp_path / "0.tar"))


def test_the_class_goes_before_fields_that_may_be_targets(tmp_path: Path) -> None:
    rows = [{"json": json.dumps({"tags": "a|b"}), "cls": str(i % 2)} for i in range(4)]
    with pytest.warns(zoo.ZooWarning, match="targets 'cls'; not used: 'tags'"):
        found = Shards(path=written(tmp_path, "0.tar", *rows)).for_task(None)
    assert (found.roles.target, found.labels) == (("cls",), ("0", "1"))
