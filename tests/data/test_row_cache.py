"""Rows on disk: written whole, read as they were written or not at all."""

from __future__ import annotations

import errno
import json
import os
import pickle
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.small_disks import small_disk
from zoo.data.row_cache import segments, store
from zoo.data.row_cache.segments import Handles, Layout
from zoo.data.row_cache.store import RowStore
from zoo.spec.disk.locks import take
from zoo.spec.errors import SaveError, ZooWarning

COUNT = 12
LAYOUT = Layout(((3, 2), ()), torch.float32)


def expected(index: list[int], layout: Layout = LAYOUT) -> list[torch.Tensor]:
    """Rows that tell which image they are of."""
    base = torch.tensor(index)
    return [
        base.view(-1, *[1] * len(shape)).expand(-1, *shape).to(layout.dtype) + i
        for i, shape in enumerate(layout.shapes)
    ]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "rows"


def new(home: Path, key: str = "key", layout: Layout = LAYOUT) -> RowStore:
    return RowStore(home, key, layout, COUNT)


def fill(rows: RowStore, *parts: list[int]) -> RowStore:
    with rows.filling(None) as alone:
        assert alone
        for part in parts:
            with rows.writing() as writer:
                writer.add(part, expected(part, rows.layout))
    return rows


def files(home: Path) -> list[Path]:
    return sorted(home.glob("*/*.safetensors"))


def check(rows: RowStore, index: list[int], lost: list[int] | None = None) -> None:
    """All rows but the lost ones are what was written."""
    found, missing = rows.read(index)
    assert missing == (lost or [])
    for values, wanted in zip(found, expected(index, rows.layout), strict=True):
        for place in range(len(index)):
            assert place in missing or torch.equal(values[place], wanted[place])


@pytest.mark.parametrize(
    "layout",
    [LAYOUT, Layout(((3, 4, 4),), torch.uint8), Layout(((5,),), torch.float16), Layout(((),), torch.uint8)],
)
def test_rows_come_back_as_they_were_in_any_order(home: Path, layout: Layout) -> None:
    rows = new(home, layout=layout)
    assert rows.missing([5, 0]) == [5, 0]
    fill(rows, [5, 0, 3], [11])
    for one in (rows, new(home, layout=layout)):
        assert one.missing(range(6)) == [1, 2, 4]
        check(one, [3, 11, 5, 0, 3])
        check(one, [3, 1, 5], lost=[1])
    assert [values.shape[1:] for values in rows.read([0])[0]] == [*layout.shapes]
    assert {values.dtype for values in rows.read([0])[0]} == {layout.dtype}
    assert rows.read([])[1] == []


def test_a_segment_is_a_safetensors_file_that_others_read(home: Path) -> None:
    fill(new(home), [5, 0, 3])
    (file,) = files(home)
    state = load_file(file)
    assert state["index"].tolist() == [5, 0, 3]
    for i, wanted in enumerate(expected([5, 0, 3])):
        assert torch.equal(state[str(i)], wanted)


def test_segments_are_closed_by_size_and_by_time(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, clock = new(home), iter([0.0, 9.9, 10.0, 10.5, 20.4, 30.5])
    monkeypatch.setattr(store.time, "monotonic", lambda: next(clock))
    with rows.writing() as writer:
        for i in range(3):
            writer.add([i], expected([i]))
        assert rows.missing(range(4)) == [2, 3]
    assert [load_file(file)["index"].tolist() for file in files(home)] == [[0, 1], [2]]
    monkeypatch.undo()
    monkeypatch.setattr(store, "SEGMENT_BYTES", 2 * LAYOUT.row_bytes)
    with rows.writing() as writer:
        for i in range(4, 7):
            writer.add([i], expected([i]))
        assert rows.missing([4, 5, 6]) == [6]


def test_an_interrupted_filling_keeps_what_it_got(home: Path) -> None:
    rows = new(home)
    with pytest.raises(KeyboardInterrupt), rows.writing() as writer:
        writer.add([1, 2], expected([1, 2]))
        raise KeyboardInterrupt
    assert rows.missing([0, 1, 2]) == [0]


def test_a_bit_that_is_turned_over_anywhere_is_found(home: Path) -> None:
    """In header, indices, checksums and rows: a row is right or lost, and never another one."""
    fill(new(home), [5, 0, 3])
    (file,) = files(home)
    whole = file.read_bytes()
    lost = 0
    for at in range(0, len(whole), 3):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :])
        rows = new(home)
        there = [i for i in (5, 0, 3) if not rows.missing([i])]
        found, missing = rows.read(there)
        for values, wanted in zip(found, expected(there), strict=True):
            assert all(torch.equal(values[i], wanted[i]) for i in range(len(there)) if i not in missing)
        lost += len(missing) + 3 - len(there)
        rows.close()
    assert lost > len(whole) // 6


@pytest.mark.parametrize(
    ("kept", "missing"),
    [(0, [5, 0, 3]), (5, [5, 0, 3]), (100, [5, 0, 3]), (-12, [5, 0, 3]), (-8, [0, 3]), (-1, [3])],
)
def test_a_cut_segment_lacks_the_rows_behind_the_cut(home: Path, kept: int, missing: list[int]) -> None:
    fill(new(home), [5, 0, 3], [7])
    first, _ = files(home)
    first.write_bytes(first.read_bytes()[:kept])
    rows = new(home)
    assert rows.missing([5, 0, 3, 7]) == missing
    check(rows, [7])
    # Of a file that lost all its rows it is said
    words = f"damaged, .*anew: .*{first.name}"
    with pytest.warns(ZooWarning, match=words) if len(missing) > 2 else nullcontext():
        fill(rows, missing)
    check(new(home), [5, 0, 3, 7])


def test_the_newest_of_two_rows_counts_and_a_file_of_no_use_goes(home: Path) -> None:
    rows = fill(new(home), [1, 2])
    (first,) = files(home)
    content = bytearray(first.read_bytes())
    content[-1] ^= 1
    first.write_bytes(content)
    check(new(home), [1, 2], lost=[1])
    fill(rows, [2])
    assert first.exists()  # it has the other row
    check(new(home), [1, 2])
    fill(rows, [1])
    fill(rows)
    assert not first.exists()
    check(rows, [1, 2])


def test_files_of_something_else_are_ignored_and_swept(home: Path) -> None:
    """Of another key, layout or number of images, nonsense, and leftovers of a killed writer."""
    fill(new(home, "other"), [1])
    fill(new(home), [2])
    (folder,) = {file.parent for file in files(home) if file.parent.name == "key"}
    (foreign,) = (home / "other").glob("*.safetensors")
    (folder / "000007-00000000.safetensors").write_bytes(foreign.read_bytes())
    (folder / "000008-00000000.safetensors").write_bytes(b"nonsense")
    (folder / "000009-00000000.safetensors").write_bytes((1 << 40).to_bytes(8, "little") + b"{}")
    (folder / ".zoo-00000000.part").write_bytes(b"half")
    (folder / "notes.txt").write_text("of a person")
    rows = new(home)
    assert rows.missing([1, 2]) == [1]
    assert RowStore(home, "key", LAYOUT, 2).missing([1]) == [1]
    assert new(home, layout=Layout(((3, 2),), torch.float32)).missing([2]) == [2]
    with pytest.warns(ZooWarning, match="rows are made anew: .*/000007.*, .*/000008.*, .*/000009"):
        fill(rows)
    assert len(list(folder.glob("*.safetensors"))) == 1
    assert not (folder / ".zoo-00000000.part").exists()
    assert (folder / "notes.txt").exists()


def header_of(home: Path, change: Any) -> Path:
    """The only segment with another header of the same length."""
    (file,) = files(home)
    content = file.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    change(header)
    text = json.dumps(header, separators=(",", ":")).encode()
    file.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])
    return file


@pytest.mark.parametrize("rows", [-1, 0, 1 << 60, "3", None, 1.5, [3]])
def test_a_header_that_lies_about_its_rows_takes_no_memory(home: Path, rows: Any) -> None:
    fill(new(home), [1, 2])
    header_of(home, lambda header: header["index"].update(shape=[rows]))
    assert new(home).missing([1, 2]) == [1, 2]


def test_rows_that_go_while_they_are_read_are_lost_and_never_wrong(home: Path) -> None:
    """Removed or cut by a person, or by another program, after they were found."""
    rows = fill(new(home), [0, 1, 2], [3])
    first, second = files(home)
    assert rows.missing(range(4)) == []
    os.truncate(first, first.stat().st_size - 1)
    check(rows, [0, 1, 2, 3], lost=[2])
    rows.close()
    second.unlink()
    check(rows, [0, 1, 3], lost=[2])


def test_rows_written_anew_by_another_process_are_found(home: Path) -> None:
    rows = fill(new(home), [0, 1])
    check(rows, [0, 1])
    rows.close()
    files(home)[0].write_bytes(b"")
    with pytest.warns(ZooWarning, match="damaged"):
        fill(new(home), [0, 1])
    check(rows, [0, 1])


def test_more_segments_than_may_be_open_are_read(home: Path) -> None:
    rows = fill(new(home), *[[i] for i in range(COUNT)])
    rows._files = Handles(most=2)
    for _ in range(2):
        check(rows, list(range(COUNT)))
    assert len(rows._files._open) == 2


def test_a_pipe_in_the_place_of_a_segment_does_not_stop_anything(home: Path) -> None:
    fill(new(home), [0])
    os.mkfifo(files(home)[0].with_name("000009-00000000.safetensors"))
    check(fill(new(home), [1]), [0, 1])


def test_a_copy_for_a_worker_reads_as_well(home: Path) -> None:
    rows = fill(new(home), [0, 1])
    copy = pickle.loads(pickle.dumps(rows))
    check(copy, [0, 1])


def test_a_forked_worker_reads_with_the_same_handles(home: Path) -> None:
    rows = fill(new(home), list(range(COUNT)))
    check(rows, [0])
    children = []
    for child in range(3):
        if not (process := os.fork()):
            try:
                for i in range(200):
                    check(rows, [(i * 7 + child) % COUNT])
                os._exit(0)
            finally:
                os._exit(1)
        children.append(process)
    for i in range(200):
        check(rows, [i % COUNT])
    assert [os.waitpid(process, 0)[1] for process in children] == [0, 0, 0]


def test_a_second_filler_waits_says_so_and_finds_the_rows(home: Path) -> None:
    one, two, told = new(home), new(home), list[str]()

    def waits() -> None:
        told.append("waits")
        with one.writing() as writer:
            writer.add([1], expected([1]))
        first.__exit__(None, None, None)

    first = one.filling(None)
    first.__enter__()
    with two.filling(None) as alone:
        assert not alone
    with two.filling(waits) as alone:
        assert alone
        assert two.missing([1, 2]) == [2]
    assert told == ["waits"]


def test_a_filler_that_stands_still_is_not_waited_for(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo.data.row_cache.store.PATIENCE", 0.3)
    monkeypatch.setattr("zoo.data.row_cache.store._POLL", 0.05)
    one, two, began = new(home), new(home), time.monotonic()

    def busy(path: Path, wait: float = 0.0) -> Any:
        found = take(path, wait)
        if wait and time.monotonic() - began < 1.0:  # for a second it writes a row at every look
            with one.writing() as writer:
                writer.add([1], expected([1]))
        return found

    with one.filling(None), monkeypatch.context() as patch:
        patch.setattr("zoo.data.row_cache.store.take", busy)
        with (
            pytest.warns(ZooWarning, match=r"has written nothing for .* is done beside it now"),
            two.filling(lambda: None) as alone,
        ):
            assert alone and time.monotonic() - began > 1.0
            with two.writing() as writer:
                writer.add([2], expected([2]))
            check(two, [1, 2])


def test_a_disk_without_locks_is_filled_all_the_same(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, wait: float = 0.0) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    for module in ("store", "leases"):
        monkeypatch.setattr(f"zoo.data.row_cache.{module}.take", refuse)
    part = home / "key" / ".zoo-00000000.part"
    fill(new(home), [1])
    part.write_bytes(b"of one that may be writing")
    check(fill(new(home), [2]), [1, 2])
    assert part.exists()


@pytest.mark.parametrize("at", range(6))
def test_what_the_disk_refuses_is_one_line_and_what_was_there_stays(
    home: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """At any write, and at the rename; the rest is written by a later filling."""
    rows = fill(new(home), [0])
    calls = iter(range(100))

    class Full:
        def __init__(self, file: Any) -> None:
            self.file = file

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *error: object) -> None:
            self.file.close()

        def write(self, data: Any) -> None:
            if next(calls) == at:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self.file.write(data)

    real = Path.open
    monkeypatch.setattr(
        Path, "open", lambda path, *mode, **more: Full(real(path, *mode, **more)) if mode == ("wb",) else
        real(path, *mode, **more),
    )  # fmt: skip
    with pytest.raises(SaveError, match=r"cannot write rows in .*: got No space left on device; free space$"):
        fill(rows, [1])
    monkeypatch.undo()
    assert [path.name for path in rows.folder.iterdir() if "part" in path.name] == []
    assert new(home).missing([0, 1]) == [1]
    check(fill(rows, [1]), [0, 1])


def test_a_full_disk_is_an_error_and_never_a_signal(home: Path) -> None:
    layout = Layout(((100, 100),), torch.float32)
    with small_disk(home, "256k"):
        rows = new(home, layout=layout)
        with pytest.raises(SaveError, match="No space left on device; free space"):
            fill(rows, *[[i] for i in range(COUNT)])
        missing = rows.missing(range(COUNT))
        assert missing == [6, 7, 8, 9, 10, 11]
        check(rows, [0, 5])
        rows.close()


def test_layouts_say_their_bytes() -> None:
    assert LAYOUT.sizes == [24, 4]
    assert Layout(((3, 4, 4),), torch.uint8).row_bytes == 48
    assert segments.checksum([torch.zeros(2).numpy()]) == 0x6522DF69  # of eight zeros, as zlib's crc32
