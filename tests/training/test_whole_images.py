"""Whole images that are kept: crops of them are those of the files, to the last bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import zoo
from zoo.data.batches import Batches
from zoo.data.loader.ranged import Ranged
from zoo.data.row_cache.whole import WholeImages
from zoo.data.sources.image_folder import ImageFolder
from zoo.data.sources.mask_folders import MaskFolders
from zoo.spec.inputs import InputSpec

SPEC = InputSpec(size=(8, 10), decode="fast")
ORDER = {"batch_size": 4, "seed": 1, "shuffle": True, "crop": True}
MOST = (24 * 24 * 3, 24 * 24)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """6 images of several sizes, one smaller than a crop, and their masks of three classes."""
    rng = np.random.default_rng(0)
    for kind in ("images", "masks"):
        (tmp_path / "data" / kind).mkdir(parents=True)
    for i, size in enumerate([(20, 24), (24, 20), (24, 24), (6, 9), (12, 12), (20, 24)]):
        image, mask = (
            rng.integers(0, 256, (*size, 3), dtype=np.uint8),
            rng.integers(0, 3, size, dtype=np.uint8),
        )
        Image.fromarray(image).save(tmp_path / f"data/images/{i}.png")
        Image.fromarray(mask).save(tmp_path / f"data/masks/{i}.png")
    return tmp_path / "data"


def same(found: list[dict[str, torch.Tensor]], expected: list[dict[str, torch.Tensor]]) -> None:
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


@pytest.mark.parametrize("workers", [0, 1])
def test_crops_of_what_is_kept_are_those_of_the_files(folder, tmp_path, monkeypatch, workers):
    data = MaskFolders(folder)
    plain = [[*Batches(data, range(6), SPEC, **ORDER).epoch(n)] for n in (1, 2)]
    whole = WholeImages(data, tmp_path, {}, MOST)
    whole.fill(range(6))
    assert whole.missing(range(6)) == []
    monkeypatch.setattr(MaskFolders, "__getitem__", lambda *_: pytest.fail("a file is decoded"))
    batches = Batches(data, range(6), SPEC, pixels=whole, workers=workers, **ORDER)
    for number in (1, 2):
        same([*batches.epoch(number)], plain[number - 1])


def test_what_is_too_large_has_changed_or_is_damaged_is_decoded(folder, tmp_path):
    data = MaskFolders(folder)
    # The third is larger than a row
    whole = WholeImages(data, tmp_path, {}, (20 * 24 * 3, 20 * 24))
    data.fingerprint  # noqa: B018 - computed before the file changes
    Image.new("RGB", (12, 12), "white").save(folder / "images" / "4.png")
    whole.fill(range(6))
    assert whole.missing(range(6)) == [2, 4]
    (file,) = whole.folder.glob("*.safetensors")
    content = bytearray(file.read_bytes())
    content[-1] ^= 255  # of the facts of the last
    file.write_bytes(content)
    assert [whole.sample(i) is None for i in range(6)] == [False, False, True, False, True, True]
    same(
        [*Batches(data, range(6), SPEC, pixels=whole, **ORDER)],
        [*Batches(data, range(6), SPEC, **ORDER)],
    )


def test_each_process_decodes_its_share(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    for process, lacking in ((1, [0, 2, 4]), (0, [])):
        monkeypatch.setenv("RANK", str(process))
        whole = WholeImages(MaskFolders(folder), tmp_path, {}, MOST)
        whole.missing(range(6))
        whole.fill(range(6))
        assert whole.missing(range(6)) == lacking


def test_depths_and_channels_are_those_of_the_file(tmp_path):
    (tmp_path / "data").mkdir()
    deep = np.arange(12 * 12, dtype=np.uint16).reshape(12, 12) * 400
    Image.fromarray(deep).save(tmp_path / "data" / "deep.png")
    Image.new("RGBA", (12, 12), (1, 2, 3, 4)).save(tmp_path / "data" / "clear.png")
    data = ImageFolder(tmp_path / "data")
    whole = WholeImages(data, tmp_path, {}, (12 * 12 * 4, 0))
    whole.fill(range(2))
    whole.missing(range(2))
    for i in range(2):
        kept, read = whole.sample(i), data[i]
        assert (kept.image.dtype, kept.image.shape) == (read.image.dtype, read.image.shape)
        np.testing.assert_array_equal(kept.image, read.image)


def test_another_range_is_another_folder(folder, tmp_path):
    data = MaskFolders(folder)
    ways = [data, Ranged(data, (0, 255)), Ranged(data, (0, 99))]
    assert len({WholeImages(way, tmp_path, {}, MOST).folder for way in ways}) == 3


@pytest.mark.filterwarnings("ignore:left out of the figures")
def test_a_run_on_crops_is_the_same_with_and_without(folder, tmp_path, capsys):
    def losses(name: str, **how: object) -> list[float]:
        model = zoo.build("srresnet", scale=2, width=8, blocks=1, input_size=8, seed=0)
        run = zoo.fit(model, folder / "images", epochs=2, batch_size=4, out=tmp_path / name, **how)
        return [row["loss"] for row in run.history]

    off = losses("off", cache=False)
    assert losses("on") == off
    said = capsys.readouterr().err
    # Each row has room for 24 x 24 pixels and the facts of one image; the sixth image is a test
    assert "keeping whole images of 5 images before the first epoch, 8.7 kB in " in said
    assert losses("again", cache="pixels") == off
    assert "reusing whole images of 5 images from " in capsys.readouterr().err
