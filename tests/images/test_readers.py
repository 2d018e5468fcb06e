"""Files that Pillow does not read: arrays of numpy, and what readers of plugins are for."""

import io
import os
import sys
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

import zoo
from zoo.images import readers
from zoo.images.decode import decode, decode_counted, is_image
from zoo.images.readers import array

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (RNG.integers(0, 256, (6, 5, 7), dtype=np.uint8), None),
        (RNG.random((6, 5), dtype=np.float32), None),
        (RNG.random((6, 5, 2)), None),
        (np.array([[0, 257, 65535]], np.uint16), np.array([[0, 257 / 65535, 1]], np.float32)),
        (np.asfortranarray(RNG.integers(0, 256, (6, 5, 3), dtype=np.uint8)), None),
    ],
)
def test_an_array_is_read_as_it_was_saved(tmp_path, given, expected):
    np.save(tmp_path / "a.npy", given)
    expected = given if expected is None else expected
    for source in (tmp_path / "a.npy", io.BytesIO((tmp_path / "a.npy").read_bytes())):
        found = decode(source)
        assert found.ndim == 3
        assert found.dtype == (np.uint8 if given.dtype == np.uint8 else np.float32)
        assert np.allclose(found.reshape(expected.shape), expected, atol=1e-7)


def test_uint16_is_read_as_a_png_of_16_bits(tmp_path):
    deep = RNG.integers(0, 65536, (9, 8), dtype=np.uint16)
    np.save(tmp_path / "a.npy", deep)
    Image.fromarray(deep).save(tmp_path / "a.png")
    assert np.array_equal(decode(tmp_path / "a.npy"), decode(tmp_path / "a.png"))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (np.zeros((2, 3, 4, 5)), "expected H x W or H x W x C, got 2 x 3 x 4 x 5"),
        (np.zeros(()), "got one value"),
        (np.array([[0, 40000]], np.int32), r"value_range=\(0, 65535\)\) with the white of all images$"),
        (np.array([[-3, 4]], np.int16), r"the same for all images; of this one they are .*=\(-3, 4\)\)"),
        (np.zeros((4, 4), dtype=[("a", "f4")]), "expected H x W or H x W x C"),
    ],
)
def test_what_is_no_image_is_refused(tmp_path, given, words):
    np.save(tmp_path / "a.npy", given)
    with pytest.raises(zoo.ZooError, match=words) as caught:
        decode(tmp_path / "a.npy")
    assert str(caught.value).count("\n") == 0


def test_nothing_is_unpickled(tmp_path):
    class Bomb:
        def __reduce__(self):
            return sys.exit, ("unpickled",)

    np.save(tmp_path / "a.npy", np.array([[Bomb()]], dtype=object), allow_pickle=True)
    with pytest.raises(zoo.ZooError, match="got 1 x 1 of object"):
        decode(tmp_path / "a.npy")


@pytest.mark.parametrize(
    ("content", "words"), [(b"", "a.npy"), (b"\x93NUMPY\x01\x00", "a.npy"), (b"x" * 99, "a.npy")]
)
def test_a_broken_array_is_named(tmp_path, content, words):
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(zoo.ZooError, match=words):
        decode_counted(tmp_path / "a.npy")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes there")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.npy")
    with pytest.raises(zoo.ZooError, match=r"a.npy.*expected an image file"):
        array(tmp_path / "a.npy", "a.npy")


def test_a_cut_array_is_named(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((40, 40), np.uint8))
    (tmp_path / "a.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:900])
    with pytest.raises(zoo.ZooError, match="expected a whole array of numpy"):
        decode(tmp_path / "a.npy")


def test_a_huge_one_is_refused_before_it_is_read(tmp_path):
    # A header alone, which promises 10 TB
    with (tmp_path / "a.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "|u1", "fortran_order": False, "shape": (10_000_000, 1_000_000)}
        )
    with pytest.raises(zoo.ZooError, match="expected at most 178,956,970 pixels, got 10,000,000,000,000"):
        decode(tmp_path / "a.npy")
    assert Image.MAX_IMAGE_PIXELS is not None


def test_a_folder_of_arrays_is_trained_on_and_predicted(tmp_path):
    for k, label in enumerate("ab"):
        (tmp_path / "data" / label).mkdir(parents=True)
        for i in range(8):
            bands = (RNG.integers(0, 60, (24, 24, 5)) + 150 * k).astype(np.uint8)
            np.save(tmp_path / "data" / label / f"{i}.npy", bands)
    model = zoo.build("mlp", head="binary", in_channels=5, input_size=24, seed=0)
    run = zoo.fit(model, tmp_path / "data", epochs=2, out=tmp_path / "run", progress=False)
    file = tmp_path / "data" / "b" / "0.npy"
    by_file, by_bytes, by_array = (
        zoo.predict(run.model, given)[0].score for given in (file, file.read_bytes(), np.load(file))
    )
    assert by_file == by_bytes == by_array


class Point:
    """An entry point of a plugin's reader, which counts how often it is loaded."""

    name, value, dist = ".tif", "zoo_example.tiff:read", None

    def __init__(self, result):
        self.result, self.loaded = result, 0

    def load(self):
        self.loaded += 1
        if isinstance(self.result, Exception):
            raise self.result
        return lambda source, where: self.result


@pytest.fixture
def offer(monkeypatch):
    def offer(*points):
        monkeypatch.setattr(readers, "offered", lambda: {point.name: point for point in points})
        readers._loaded.cache_clear()
        return points[0]

    yield offer
    readers._loaded.cache_clear()


def test_a_reader_gets_what_pillow_would_lose_and_nothing_else(tmp_path, offer):
    cv2 = pytest.importorskip("cv2")
    deep = RNG.integers(0, 65536, (9, 8, 3), dtype=np.uint16)
    cv2.imwrite(str(tmp_path / "deep.tif"), deep)
    Image.fromarray(np.zeros((9, 8, 3), np.uint8)).save(tmp_path / "flat.tif")
    point = offer(Point(deep))
    assert decode(tmp_path / "flat.tif").dtype == np.uint8
    assert point.loaded == 0
    assert np.allclose(decode(tmp_path / "deep.tif"), deep / 65535, atol=1e-7)


def test_another_suffix_belongs_to_its_reader_and_is_found_in_folders(tmp_path, offer):
    point = Point(np.full((4, 4), 7, np.uint8))
    point.name = ".dcm"
    offer(point)
    for label in "ab":
        (tmp_path / label).mkdir()
        (tmp_path / label / "1.dcm").write_bytes(label.encode())
    from zoo.data.sources.class_folders import ClassFolders

    data = ClassFolders(tmp_path)
    assert len(data) == 2
    assert torch.from_numpy(data[0].image).unique().tolist() == [7]


def test_a_reader_that_cannot_be_had_is_named(tmp_path, offer):
    point = offer(Point(ImportError("No module named 'tifffile'")))
    point.name = ".scan"
    offer(point)
    (tmp_path / "a.scan").write_bytes(b"x")
    with pytest.raises(
        zoo.ZooError, match=r"reader of \.scan files, zoo_example\.tiff:read.*No module named 'tifffile'"
    ):
        decode(tmp_path / "a.scan")


@pytest.mark.parametrize(
    ("said", "there"),
    [
        ("ZOO_DISABLED_PLUGINS=zoo_readers", False),
        ("ZOO_PLUGINS=zoo-vgg", False),
        ("ZOO_PLUGINS=zoo-vgg,zoo-readers", True),
    ],
)
def test_a_reader_of_a_plugin_that_takes_no_part_is_not_asked(tmp_path, offer, monkeypatch, said, there):
    point = Point(np.full((4, 4), 7, np.uint8))
    point.name, point.dist = ".scan", SimpleNamespace(name="Zoo-Readers")
    offer(point)
    monkeypatch.setenv(*said.split("="))
    (tmp_path / "a.scan").write_bytes(b"x")
    assert is_image(tmp_path / "a.scan") == there
    with nullcontext() if there else pytest.raises(zoo.ZooError, match="a file of another kind"):
        assert decode(tmp_path / "a.scan").max() == 7
