"""The pixel cache: rows are what reading gives, to the last bit, and stand in no run's way."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageFile

import zoo
from zoo.data.batches import Batches
from zoo.data.label_mapping import by_name
from zoo.data.row_cache.pixels import PixelCache
from zoo.data.sources.class_folders import ClassFolders
from zoo.data.sources.mask_folders import MaskFolders
from zoo.images import decode
from zoo.spec.inputs import InputSpec
from zoo.training.engine import Engine

SPEC = InputSpec(size=(8, 10), decode="fast")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of 6 JPEG files of two sizes."""
    rng = np.random.default_rng(0)
    for label, level in (("cat", 30), ("dog", 150)):
        (tmp_path / "data" / label).mkdir(parents=True)
        for i in range(6):
            image = (level + rng.integers(0, 90, (40 + 24 * (i % 2), 50, 3))).astype(np.uint8)
            Image.fromarray(image).save(tmp_path / "data" / label / f"{i}.jpg")
    return tmp_path / "data"


def cache_of(data: ClassFolders, home: Path, spec: InputSpec = SPEC) -> PixelCache:
    dtype = torch.uint8 if spec.decode == "fast" else torch.float32
    return PixelCache(data, spec, home, dtype, {})


def gone(*args: object) -> None:
    raise AssertionError("a file is decoded")


def fit(folder: Path, out: Path, **how: object) -> zoo.Run:
    model = zoo.build("mlp", head="binary", in_channels=3, input_size=8, seed=0)
    return zoo.fit(model, folder, **{"out": out, "batch_size": 4, "progress": False, "epochs": 3, **how})


@pytest.mark.parametrize("way", ["fast", "exact"])
@pytest.mark.parametrize("workers", [0, 2])
def test_kept_batches_are_those_that_are_read(folder, tmp_path, monkeypatch, way, workers):
    spec = SPEC.with_decode(way)
    data = ClassFolders(folder)
    order = {"batch_size": 5, "seed": 1, "shuffle": True, "places": True}
    plain = [[*Batches(data, range(12), spec, **order).epoch(n)] for n in (1, 2, 3)]
    batches = Batches(
        data, range(12), spec, pixels=cache_of(data, tmp_path / "rows", spec), workers=workers, **order
    )
    first = [*batches.epoch(1)]
    # From the second epoch on no file is looked at, here or in a new run
    monkeypatch.setattr(decode, "read", gone)
    later = [*batches.epoch(2)]
    again = [
        *Batches(data, range(12), spec, pixels=cache_of(data, tmp_path / "rows", spec), **order).epoch(3)
    ]
    for found, expected in zip([first, later, again], plain, strict=True):
        for ours, theirs in zip(found, expected, strict=True):
            assert ours.keys() == theirs.keys()
            assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


@pytest.fixture
def masked(tmp_path: Path) -> Path:
    """6 images of two sizes, and their masks of three classes."""
    rng = np.random.default_rng(0)
    for kind in ("images", "masks"):
        (tmp_path / "masked" / kind).mkdir(parents=True)
    for i in range(6):
        size = (20 + 4 * (i % 2), 24)
        Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8)).save(
            tmp_path / f"masked/images/{i}.png"
        )
        Image.fromarray(rng.integers(0, 3, size, dtype=np.uint8)).save(tmp_path / f"masked/masks/{i}.png")
    (tmp_path / "masked" / "classes.txt").write_text("sky\nsea\nland\n")
    return tmp_path / "masked"


@pytest.mark.parametrize("way", ["fast", "exact"])
def test_masks_are_kept_beside_their_images(masked, tmp_path, monkeypatch, way):
    spec, data = SPEC.with_decode(way), MaskFolders(masked)
    order = {"batch_size": 4, "seed": 1, "shuffle": True}
    plain = [[*Batches(data, range(6), spec, **order).epoch(n)] for n in (1, 2)]
    batches = Batches(data, range(6), spec, pixels=cache_of(data, tmp_path / "rows", spec), **order)
    first = [*batches.epoch(1)]
    monkeypatch.setattr(MaskFolders, "__getitem__", gone)
    for found, expected in zip([first, [*batches.epoch(2)]], plain, strict=True):
        for ours, theirs in zip(found, expected, strict=True):
            assert ours.keys() == theirs.keys()
            assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
            assert ours["mask"].dtype == torch.int64


def test_a_mask_that_changes_before_it_is_read_is_not_kept(masked, tmp_path):
    data = MaskFolders(masked)
    rows = cache_of(data, tmp_path)
    Image.new("L", (24, 20), 2).save(masked / "masks" / "4.png")
    [*Batches(data, range(6), SPEC, pixels=rows, batch_size=4)]
    assert rows.missing(range(6)) == [4]


def test_classes_in_another_order_are_other_masks(masked, tmp_path):
    data = MaskFolders(masked)
    turned = by_name(data, ("land", "sea", "sky"), data.task, "test")
    assert cache_of(turned, tmp_path).folder != cache_of(data, tmp_path).folder


def test_two_processes_fill_one_cache_with_a_share_each(folder, tmp_path, monkeypatch):
    data, order = ClassFolders(folder), {"batch_size": 4, "seed": 1, "shuffle": True}
    plain = [[*Batches(data, range(12), SPEC, **order, part=(p, 2)).epoch(2)] for p in (0, 1)]
    both = [
        Batches(data, range(12), SPEC, pixels=cache_of(data, tmp_path), **order, part=(p, 2)) for p in (0, 1)
    ]
    monkeypatch.setenv("WORLD_SIZE", "2")
    # The second one begins and ends while the first is in the midst of its epoch
    monkeypatch.setenv("RANK", "0")
    first = both[0].epoch(1)
    next(first)
    monkeypatch.setenv("RANK", "1")
    shares = [len([*both[1].epoch(1)])]
    monkeypatch.setenv("RANK", "0")
    shares.append(1 + len([*first]))
    assert shares == [3, 3]
    monkeypatch.setattr(decode, "read", gone)
    for process, batches in enumerate(both):
        for ours, theirs in zip(batches.epoch(2), plain[process], strict=True):
            assert torch.equal(ours["image"], theirs["image"])


def test_bytes_are_kept_as_bytes(folder, tmp_path):
    data = ClassFolders(folder)
    rows = cache_of(data, tmp_path)
    [*Batches(data, range(12), SPEC, pixels=rows, batch_size=4)]
    assert rows.row_bytes == 3 * 8 * 10 + 8
    taken = sum(file.stat().st_size for file in rows.folder.glob("*.safetensors"))
    assert taken < 12 * (rows.row_bytes + 12) + 1000


@pytest.mark.parametrize("what", ["size", "channels", "interpolation", "decode"])
def test_another_way_of_reading_is_another_folder(folder, tmp_path, what):
    data = ClassFolders(folder)
    other = {
        "size": SPEC.with_size((8, 9)),
        "channels": SPEC.with_channels(1),
        "interpolation": InputSpec(size=(8, 10), decode="fast", interpolation="bicubic"),
        "decode": SPEC.with_decode("exact"),
        "value_range": replace(SPEC, value_range=(0, 255)),
    }[what]
    dtype = torch.float32
    assert (
        PixelCache(data, SPEC, tmp_path, dtype, {}).folder
        != PixelCache(data, other, tmp_path, dtype, {}).folder
    )
    normalised = InputSpec(size=(8, 10), decode="fast", mean=(0.0,) * 3, std=(1.0,) * 3)
    assert (
        PixelCache(data, normalised, tmp_path, dtype, {}).folder
        == PixelCache(data, SPEC, tmp_path, dtype, {}).folder
    )


def test_other_contents_are_another_folder(folder, tmp_path):
    before = cache_of(ClassFolders(folder), tmp_path).folder
    shutil.copy(folder / "cat" / "1.jpg", folder / "cat" / "0.jpg")
    assert cache_of(ClassFolders(folder), tmp_path).folder != before


def test_a_file_that_changes_before_it_is_read_is_not_kept(folder, tmp_path):
    data = ClassFolders(folder)
    rows = cache_of(data, tmp_path)
    Image.new("RGB", (20, 20), "white").save(folder / "cat" / "3.jpg")
    [*Batches(data, range(12), SPEC, pixels=rows, batch_size=4)]
    assert rows.missing(range(12)) == [3]


def test_damaged_rows_are_read_again(folder, tmp_path):
    data = ClassFolders(folder)
    rows = cache_of(data, tmp_path)
    expected = [*Batches(data, range(12), SPEC, pixels=rows, batch_size=12)]
    (file,) = rows.folder.glob("*.safetensors")
    content = bytearray(file.read_bytes())
    content[-2000] ^= 255
    file.write_bytes(content)
    with pytest.warns(zoo.ZooWarning, match="damaged or gone"):
        found = [*Batches(data, range(12), SPEC, pixels=cache_of(data, tmp_path), batch_size=12)]
    assert torch.equal(found[0]["image"], expected[0]["image"])


def test_what_a_trainer_does_to_a_batch_is_not_kept(folder, tmp_path):
    exact = SPEC.with_decode("exact")
    data = ClassFolders(folder)
    expected = [batch["image"] for batch in Batches(data, range(12), exact, batch_size=4)]
    batches = Batches(data, range(12), exact, pixels=cache_of(data, tmp_path, exact), batch_size=4)
    for batch in batches:
        batch["image"].zero_()
    for batch, images in zip(batches, expected, strict=True):
        assert torch.equal(batch["image"], images)


class TestFit:
    def test_a_run_is_the_same_with_and_without_it(self, folder, tmp_path):
        off = fit(folder, tmp_path / "off", cache=False)
        assert not (tmp_path / "cache" / "pixels").exists()
        on = fit(folder, tmp_path / "on")
        assert [*(tmp_path / "cache" / "pixels").glob("*/*.safetensors")]
        again = fit(folder, tmp_path / "again", cache="pixels", augment="flip", workers=1)
        plain = fit(folder, tmp_path / "plain", cache=False, augment="flip")
        for one, other in ((off, on), (again, plain)):
            tensors = zip(one.model.state_dict().values(), other.model.state_dict().values(), strict=True)
            assert all(torch.equal(a, b) for a, b in tensors)

    def test_so_is_one_with_masks(self, masked, tmp_path):
        model = zoo.build("unet", encoder="small_cnn", classes=3, input_size=8, seed=0)
        how = {"epochs": 2, "batch_size": 4, "progress": False}
        off = zoo.fit(model, masked, cache=False, out=tmp_path / "off", **how)
        again = zoo.build("unet", encoder="small_cnn", classes=3, input_size=8, seed=0)
        on = zoo.fit(again, masked, cache="pixels", out=tmp_path / "on", **how)
        assert [*(tmp_path / "cache" / "pixels").glob("*/*.safetensors")]
        assert [row["loss"] for row in on.history] == [row["loss"] for row in off.history]

    @pytest.mark.parametrize("skips", [False, True])
    @pytest.mark.parametrize("masks", [False, True])
    def test_no_image_is_decoded_twice_before_the_first_batch(
        self, folder, masked, tmp_path, monkeypatch, *, skips, masks
    ):
        decoded: Counter[str] = Counter()
        load = ImageFile.ImageFile.load

        def counted(image: ImageFile.ImageFile) -> object:
            decoded[str(image.filename)] += bool(image.tile)
            return load(image)

        def begin(engine: Engine) -> None:
            raise InterruptedError

        model = zoo.build("unet", encoder="small_cnn", classes=3, input_size=8) if masks else None
        monkeypatch.setattr(ImageFile.ImageFile, "load", counted)
        monkeypatch.setattr(Engine, "run", begin)
        with pytest.raises(InterruptedError):
            if model is None:
                fit(folder, tmp_path / "run", skip_unreadable=skips)
            else:
                zoo.fit(model, masked, out=tmp_path / "run", epochs=3, skip_unreadable=skips, progress=False)
        assert set(decoded.values()) <= {0, 1}
        # Masks for their classes, images to see whether they can be read
        assert sum(decoded.values()) == (6 if masks else 0) + (6 if masks else 12) * skips

    def test_it_says_before_what_it_takes(self, folder, tmp_path, capsys):
        fit(folder, tmp_path / "a", progress=True)
        # 10 images of 3 x 8 x 8 bytes, with height and width of their sources
        assert "keeping pixels of 10 images from the first epoch on, 2.0 kB in " in capsys.readouterr().err
        fit(folder, tmp_path / "b", progress=True)
        assert "reusing pixels of 10 images from " in capsys.readouterr().err

    def test_one_epoch_keeps_nothing(self, folder, tmp_path):
        fit(folder, tmp_path / "a", epochs=1)
        assert not (tmp_path / "cache" / "pixels").exists()

    @pytest.mark.parametrize("data", ["digits", {"name": "faces", "per_class": 8}])
    def test_what_is_no_file_is_refused_where_it_was_asked_for(self, tmp_path, data):
        classes = 10 if data == "digits" else None
        head = "multiclass" if data == "digits" else "binary"
        model = zoo.build("mlp", head=head, classes=classes, in_channels=1, input_size=8)
        with pytest.raises(zoo.ZooError, match=r"cache='pixels'.*data that are no files"):
            zoo.fit(model, data, out=tmp_path / "run", epochs=2, cache="pixels", progress=False)

    def test_too_little_room_is_said_and_no_obstacle(self, folder, tmp_path, monkeypatch, capsys):
        monkeypatch.setenv("ZOO_PIXEL_CACHE_GB", "0.000001")
        fit(folder, tmp_path / "a", progress=True)
        assert (
            "pixels are not kept: 2.0 kB are needed and ZOO_PIXEL_CACHE_GB allows 1.0 kB"
            in capsys.readouterr().err
        )
        with pytest.raises(zoo.ZooError, match="ZOO_PIXEL_CACHE_GB allows"):
            fit(folder, tmp_path / "b", cache="pixels")

    def test_a_cache_folder_that_cannot_be_had_is_said(self, folder, tmp_path, monkeypatch, capsys):
        (tmp_path / "file").write_text("no folder")
        monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "file"))
        fit(folder, tmp_path / "a", progress=True)
        assert "pixels are not kept: cannot write pixels in " in capsys.readouterr().err

    def test_another_word_is_refused(self, folder, tmp_path):
        with pytest.raises(zoo.ZooError, match="expected True, False, None or 'pixels', got 'files'"):
            fit(folder, tmp_path / "a", cache="files")
