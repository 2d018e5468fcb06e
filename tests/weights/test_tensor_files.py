"""Our safetensors files, read by the safetensors library, and where tensors come to lie."""

from __future__ import annotations

import json
import os

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from zoo.spec.errors import SaveError, WeightsError
from zoo.weights.tensor_files import read, read_notes, write

TYPES = (
    torch.float64, torch.float32, torch.float16, torch.bfloat16,
    torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool,
)  # fmt: skip


def offset(tensor, place, room=4096):
    """A copy that begins `place` bytes into a 64-byte line."""
    memory = torch.empty(room, dtype=torch.uint8)
    start = (place - memory.data_ptr()) % 64
    copy = memory[start : start + tensor.nbytes].view(tensor.dtype).view(tensor.shape)
    return copy.copy_(tensor)


def state():
    torch.manual_seed(0)
    odd = {str(kind): (torch.rand(3, 5) * 9).to(kind) for kind in TYPES}
    large = torch.rand(16, 16)
    return {
        **odd,
        "0-dim": torch.tensor(7),
        "0-dim half": torch.tensor(0.5, dtype=torch.bfloat16),
        "empty": torch.empty(0, 3),
        "transposed": torch.rand(8, 4).T,
        "channels last": torch.rand(2, 3, 4, 4).to(memory_format=torch.channels_last),
        "strided": torch.rand(10, 10)[::2, 1::3],
        "expanded": torch.rand(1, 4).expand(3, 4),
        "large": large,
        "tied": large,
        "tied again": large.view(16, 16),
        "a row of it": large[3],
        "its transpose": large.T,
        "its bits": large.view(torch.int32),
        "at 8": offset(torch.rand(5), 8),
        "at 16": offset(torch.rand(64), 16),
        'a "name" with \\ and ü': torch.ones(1),
        "parameter": torch.nn.Parameter(torch.rand(3)),
    }


@pytest.fixture
def file(tmp_path):
    return tmp_path / "model.safetensors"


@pytest.mark.parametrize("copy", [False, True])
def test_what_is_read_is_what_was_written_and_lies_where_it_lay(file, copy):
    tensors = state()
    write(file, tensors)
    found = read(file, copy=copy)
    assert set(found) == set(tensors)
    for name, tensor in tensors.items():
        assert found[name].dtype == tensor.dtype, name
        assert torch.equal(found[name], tensor), name
        if tensor.numel():
            assert found[name].data_ptr() % 64 == tensor.data_ptr() % 64, name


@pytest.mark.parametrize("copy", [False, True])
def test_tied_tensors_are_written_once_and_tied_again(file, copy):
    write(file, state())
    found = read(file, copy=copy)
    assert found["tied"].data_ptr() == found["tied again"].data_ptr() == found["large"].data_ptr()
    with safe_open(file, "pt") as opened:
        assert not {"tied", "tied again"} & set(opened.keys())


def test_the_library_reads_the_file(file):
    tensors = state()
    write(file, tensors)
    found = load_file(file)
    assert set(tensors) - set(found) == {"tied", "tied again"}
    for name, tensor in found.items():
        assert tensor.dtype == tensors[name].dtype
        assert torch.equal(tensor, tensors[name])
    with safe_open(file, "pt") as opened:
        assert opened.metadata()["format"] == "pt"
        assert torch.equal(opened.get_tensor("large"), tensors["large"])
        assert torch.equal(opened.get_slice("large")[2:4], tensors["large"][2:4])


def test_reading_maps_the_file_and_copying_does_not(file):
    tensors = {"a": torch.ones(64), "b": torch.ones(3), "c": torch.ones(3)}
    tensors["tied"] = tensors["a"]
    write(file, tensors)
    mapped, copied = read(file), read(file, copy=True)
    with file.open("r+b") as opened:
        opened.seek(-file.stat().st_size, 2)
        opened.write(bytes(file.stat().st_size))
    assert not mapped["a"].any()
    assert all(tensor.all() for tensor in copied.values())


@pytest.mark.parametrize("place", [0, 4, 16, 60])
def test_wherever_most_tensors_lie(file, place):
    tensors = {f"t{i}": offset(torch.rand(16 * i), place) for i in range(1, 6)}
    write(file, tensors)
    found = read(file)
    assert {t.data_ptr() % 64 for t in found.values()} == {place}
    with safe_open(file, "pt") as opened:
        assert json.loads(opened.metadata()["places"]) == {}


def test_nothing_is_a_file_too(file):
    write(file, {})
    assert read(file) == {}


def test_a_strangers_file_is_read(file):
    tensors = {"a": torch.rand(3, 3), "b": torch.tensor(1)}
    save_file(tensors, file, {"made by": "somebody"})
    assert all(torch.equal(tensor, tensors[name]) for name, tensor in read(file).items())


NOTES = {
    "places that are no JSON": {"places": "{"},
    "places that are a list": {"places": "[1]"},
    "places that are texts": {"places": '{"a": "x"}'},
    "endless places": {"places": "[" * 100_000},
    "aliases of nothing": {"aliases": '{"b": "nothing"}'},
    "aliases of a list": {"aliases": '{"b": [1]}'},
}


@pytest.mark.parametrize("notes", NOTES.values(), ids=NOTES)
def test_notes_that_make_no_sense(file, notes):
    save_file({"a": torch.zeros(3)}, file, notes)
    with pytest.raises(WeightsError, match="cannot be read"):
        read(file)


def test_a_type_that_the_format_does_not_know(file):
    with pytest.raises(SaveError, match=r"phase \(torch.complex64\)"):
        write(file, {"phase": torch.zeros(2, dtype=torch.complex64)})
    assert not file.exists()


@pytest.mark.parametrize(("first", "second", "usual"), [(16, 8, 0), (8, 16, 4)])
def test_the_place_that_most_bytes_have_is_that_of_the_file(file, first, second, usual):
    tensors = {"a": offset(torch.rand(first), 0), "b": offset(torch.rand(second), 4)}
    write(file, tensors)
    with safe_open(file, "pt") as opened:
        moved = json.loads(opened.metadata()["places"])
    assert moved == ({"b": 4} if usual == 0 else {"a": 0})
    assert {name: t.data_ptr() % 64 for name, t in read(file).items()} == {"a": 0, "b": 4}


def test_notes_are_read_beside_those_of_the_format(file):
    write(file, {"a": torch.ones(1)}, {"mine": "yes"})
    assert read_notes(file)["mine"] == "yes"
    assert read_notes(file)["format"] == "pt"
    write(file, {})
    assert "mine" not in read_notes(file)
    for damaged in (file.with_name("none"), file.with_name("short")):
        damaged.with_name("short").write_bytes(file.read_bytes()[:9])
        with pytest.raises(WeightsError, match=r"expected a whole \.safetensors file"):
            read_notes(damaged)


def test_tensors_of_whole_lines_come_first_so_that_all_keep_their_place(file):
    tensors = {"odd": offset(torch.rand(3), 0), "whole": offset(torch.rand(32), 0), "odder": torch.zeros(0)}
    write(file, tensors)
    with safe_open(file, "pt") as opened:
        assert json.loads(opened.metadata()["places"]) == {}
    assert {t.data_ptr() % 64 for name, t in read(file).items() if name != "odder"} == {0}


def test_a_file_of_nothing_ends_with_a_line(file):
    write(file, {})
    assert file.stat().st_size % 64 == 0


@pytest.mark.parametrize("copy", [False, True])
@pytest.mark.parametrize("blanks", range(1, 8))
def test_a_header_of_any_length_is_read(file, copy, blanks):
    """Of another program's file the numbers may begin where none may begin in memory."""
    tensors = {"a": torch.rand(3, 5), "b": torch.rand(2, dtype=torch.float64), "c": torch.tensor([1, 2])}
    save_file(tensors, file)
    content = file.read_bytes()
    length = int.from_bytes(content[:8], "little")
    file.write_bytes((length + blanks).to_bytes(8, "little") + content[8 : 8 + length] + b" " * blanks)
    with file.open("ab") as opened:
        opened.write(content[8 + length :])
    found = read(file, copy=copy)
    for name, tensor in tensors.items():
        assert torch.equal(found[name], tensor)
        assert found[name].data_ptr() % tensor.element_size() == 0


def test_a_pipe_is_no_file_of_weights(tmp_path):
    os.mkfifo(tmp_path / "m.safetensors")
    with pytest.raises(WeightsError, match=r"got .* a pipe and no file"):
        read(tmp_path / "m.safetensors")
    with pytest.raises(WeightsError, match="a pipe and no file"):
        read_notes(tmp_path / "m.safetensors")


@pytest.mark.parametrize("copy", [False, True])
def test_a_flipped_bit_anywhere_in_a_file_of_ours_is_told(file, copy):
    write(file, {"a": torch.rand(2, 3), "b": torch.arange(5)}, {"note": "mine"})
    whole = file.read_bytes()
    begin = whole.index(b"zoo.crc32")
    # A bit of the key itself leaves a file without a checksum, and harms nothing
    for at in [*range(8, begin - 2), *range(begin + 12, len(whole))]:
        damaged = bytearray(whole)
        damaged[at] ^= 1 << at % 8
        file.write_bytes(damaged)
        with pytest.raises(WeightsError, match=r"expected a whole \.safetensors file"):
            read(file, copy=copy)
    file.write_bytes(whole)
    assert read_notes(file)["note"] == "mine"
    assert torch.equal(read(file)["b"], torch.arange(5))


def test_a_file_that_another_program_wrote_has_no_checksum_and_is_read(file):
    write(file, {"a": torch.rand(3)}, {"note": "mine"})
    notes = {key: text for key, text in read_notes(file).items() if key != "zoo.crc32"}
    save_file({"a": torch.ones(3)}, file, notes)
    assert torch.equal(read(file)["a"], torch.ones(3))


def test_of_a_file_whose_hash_was_checked_the_checksum_is_not(file):
    write(file, {"a": torch.zeros(4)})
    content = bytearray(file.read_bytes())
    content[-1] ^= 64
    file.write_bytes(content)
    assert read(file, verified=True)["a"][-1] != 0
    with pytest.raises(WeightsError, match="other bytes than zoo wrote"):
        read(file)
