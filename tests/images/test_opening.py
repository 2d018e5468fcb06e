"""Opening of image files: regular ones alone, of the formats that zoo reads, with sides of bounded length."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFile, features

from zoo.data.masks import read_mask
from zoo.images import opening
from zoo.images.decode import decode
from zoo.images.header import depth
from zoo.images.opening import may_begin, open_image, orientation
from zoo.inference.augment import as_tensor
from zoo.inference.given_images import given
from zoo.spec.errors import DataError

POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n"
WRITTEN = ("MPO", "AVIF", "JPEG2000", "DIB", "ICO", "PCX", "DDS", "SGI")
"""Of the other formats those that Pillow can write."""
UNIX = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[Path]:
    """A named pipe from which who waits at it gets an image."""
    path = tmp_path / "cat.png"
    os.mkfifo(path)
    content = io.BytesIO()
    Image.new("L", (4, 4)).save(content, "PNG")

    def give() -> None:
        with suppress(OSError), path.open("wb") as file:
            file.write(content.getvalue())

    thread = threading.Thread(target=give, daemon=True)
    thread.start()
    yield path
    # Lets go of the thread, for which nobody has come, whenever it gets there
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    thread.join()
    os.close(reader)


@UNIX
@pytest.mark.parametrize("read", [decode, read_mask, open_image, as_tensor])
def test_a_pipe_is_refused_and_not_waited_for(pipe: Path, read: Callable[[Path], Any]) -> None:
    with pytest.raises(
        DataError, match="expected an image file, got a pipe and no file; write what it gives"
    ):
        read(pipe)


@UNIX
def test_nobody_waits_at_a_pipe_for_the_depth_of_an_image(pipe: Path) -> None:
    assert depth(pipe) is None
    # Who waited got the image, and this would be there no more
    with pipe.open("rb") as file:
        assert file.read(4) == b"\x89PNG"


@UNIX
def test_a_device_is_no_image() -> None:
    with pytest.raises(DataError, match="image /dev/zero: expected an image file, got a device and no file"):
        decode("/dev/zero")


@pytest.mark.parametrize(("read", "what"), [(decode, "image"), (read_mask, "mask")])
def test_postscript_is_no_image_whatever_it_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[[Path], Any], what: str
) -> None:
    gs = tmp_path / "gs"
    gs.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    gs.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "cat.png").write_bytes(POSTSCRIPT)
    with pytest.raises(DataError, match=rf"{what} .*: expected a readable image, got .*(another|identify)"):
        read(tmp_path / "cat.png")
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize("name", [*opening.USUAL, *WRITTEN])
def test_what_people_have_is_read_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    codec = {"JPEG2000": "jpg_2000", "WEBP": "webp", "AVIF": "avif"}.get(name)
    if codec and not features.check(codec):
        pytest.skip(f"this Pillow has no {name}")
    content = io.BytesIO()
    Image.new("RGB", (16, 16), (200, 100, 50)).save(content, name)
    (tmp_path / "cat.data").write_bytes(content.getvalue())
    assert decode(tmp_path / "cat.data").shape[:2] == (16, 16)
    assert np.allclose(decode(tmp_path / "cat.data")[8, 8, :3], (200, 100, 50), atol=4)
    assert may_begin(content.getvalue())


def test_a_side_that_is_too_long_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "MOST_SIDE", 20)
    for size in ((21, 1), (1, 21), (20, 20)):
        Image.new("L", size).save(tmp_path / f"{size[0]}.png")
    for name in ("21", "1"):
        with pytest.raises(
            DataError, match="expected sides of at most 20 pixels, got 21; cut it into pieces"
        ):
            decode(tmp_path / f"{name}.png")
    assert decode(tmp_path / "20.png").shape == (20, 20, 1)


class Endless(io.RawIOBase):
    """A file without an end, which begins as is said."""

    def __init__(self, begin: bytes) -> None:
        self.begin, self.given = begin, 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        assert size >= 0
        piece = self.begin.ljust(size, b"\0") if not self.given else bytes(size)
        self.given += size
        return piece


def test_an_open_file_that_never_ends_is_left_where_it_cannot_be_an_image_or_is_too_large(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("zoo.inference.asking.open_files.MOST_BYTES", 8 << 20)
    file = Endless(b"")
    with pytest.raises(DataError, match="a file of another kind"):
        given(file, values=None)[0]
    assert file.given <= 2 << 20
    file = Endless(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(DataError, match="got one of more than 8,388,608 bytes; make the image smaller"):
        given(file, values=None)
    assert file.given <= 10 << 20


def test_an_image_that_comes_byte_by_byte_is_read_to_its_end() -> None:
    content = io.BytesIO()
    Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).save(content, "PNG")

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or 1, 1))

    assert (given(Slow(content.getvalue()), values=None)[0].image[..., 0].ravel() == np.arange(256)).all()


@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize("number", [None, 6])
def test_the_orientation_is_read_without_the_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, number: int | None
) -> None:
    file, exif = tmp_path / f"image.{suffix}", Image.Exif()
    if number is not None:
        exif[0x0112] = number
    Image.new("RGB", (3, 2)).save(file, exif=exif)
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda *_: pytest.fail("decoded"))
    with open_image(file) as image:
        assert orientation(image) == (number or 1)


def test_an_orientation_behind_the_pixels_of_a_png_is_found(tmp_path: Path) -> None:
    file, exif = tmp_path / "image.png", Image.Exif()
    exif[0x0112] = 8
    Image.new("RGB", (3, 2)).save(file, exif=exif)
    content = file.read_bytes()
    begin = content.index(b"eXIf") - 4
    end = begin + 12 + int.from_bytes(content[begin : begin + 4], "big")
    last = content.rindex(b"IEND") - 4
    file.write_bytes(content[:begin] + content[end:last] + content[begin:end] + content[last:])
    with open_image(file) as image:
        assert "exif" not in image.info
        assert orientation(image) == 8
        assert image.getpixel((0, 0)) == (0, 0, 0)
