import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import pytest
import torch
from torch import Tensor

import zoo
from zoo.data.batches import Batches
from zoo.data.sources.torch_dataset import TorchData
from zoo.interfaces.blocks.frozen_prefix import PREFIX
from zoo.interfaces.head import Head
from zoo.interfaces.model import Model
from zoo.interfaces.tasks import Segmentation
from zoo.registry.plugins.installed import Installed, installed
from zoo.runtime.data_arguments import as_dataset
from zoo.spec.errors import OptionError
from zoo.training.feature_cache import CachedBatches, FeatureCache, limit_bytes
from zoo.training.run import Run

Make = Callable[..., Model]
FACES = {"name": "faces", "per_class": 12}
SHORT: dict[str, Any] = {"epochs": 3, "batch_size": 6, "lr": 0.01}

pytestmark = pytest.mark.filterwarnings("ignore:frozen blocks:zoo.ZooWarning")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("zoo.training.feature_cache.cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache" / "features"


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each fill computed."""
    seen: list[int] = []
    fill = FeatureCache.fill

    def counting(self: FeatureCache, batches: Any, step: Any) -> None:
        seen.append(len(batches.order.indices))
        fill(self, batches, step)

    monkeypatch.setattr(FeatureCache, "fill", counting)
    return seen


def losses(run: Run) -> list[float]:
    return [row[name] for row in run.history for name in ("loss", "val_loss")]


@pytest.mark.parametrize("freeze", ["block1", "block1-2", "all"])
@pytest.mark.parametrize("taps", [(), ("block1", "block3")])
def test_the_losses_are_those_without_the_cache(
    make_model: Make, tmp_path: Path, computed, freeze, taps
) -> None:
    def model() -> Model:
        return make_model(freeze=freeze, head={"name": "binary", "taps": list(taps), "dropout": 0.2})

    plain = zoo.fit(model(), FACES, out=tmp_path / "plain", cache=False, **SHORT)
    assert computed == []
    cached = zoo.fit(model(), FACES, out=tmp_path / "cached", cache=True, **SHORT)
    assert computed == [20]
    assert losses(cached) == pytest.approx(losses(plain), rel=1e-5)
    again = zoo.fit(model(), FACES, out=tmp_path / "again", **SHORT)
    assert computed == [20]
    assert losses(again) == losses(cached)
    assert "20 images" in cached.cache
    assert cached.cache in str(cached)


@pytest.mark.parametrize("pool", ["avg", "max", "avgmax"])
@pytest.mark.parametrize("taps", [(), ("block2", "block3")])
def test_pooled_rows_give_what_the_maps_give(make_model: Make, tmp_path: Path, pool, taps) -> None:
    """To the last bit, as each row of the mean or maximum follows from its own map alone."""
    head = {"name": "binary", "pool": pool, "taps": list(taps)}
    pooled = zoo.fit(make_model(freeze="all", head=head), FACES, out=tmp_path / "pooled", **SHORT)
    model = make_model(freeze="all", head=head)
    model.head.pooling = ""
    maps = zoo.fit(model, FACES, out=tmp_path / "maps", **SHORT)
    assert f"({pool} pooled)" in pooled.cache
    assert "pooled)" not in maps.cache
    assert losses(pooled) == losses(maps)


def test_each_pooling_has_rows_of_its_own(make_model: Make) -> None:
    def folder(pool: str) -> Path:
        model = make_model(freeze="all", head={"name": "binary", "pool": pool})
        return FeatureCache(model, as_dataset(FACES), torch.device("cpu")).folder

    assert len({folder(pool) for pool in ("avg", "max", "flatten")}) == 3


def test_each_change_computes_anew(make_model: Make, tmp_path: Path, computed, home: Path) -> None:
    """Weights, frozen range, component options, preprocessing and data are all part of the key."""
    models = [
        make_model(freeze="block1-2"),
        make_model(freeze="block1"),
        make_model(freeze="block1-2", seed=1),
        make_model(freeze="block1-2", units=1),
        make_model(freeze="block1-2", input_size=20),
        make_model(freeze="block1-2", in_channels=3),
    ]
    for i, model in enumerate(models):
        zoo.fit(model, FACES, out=tmp_path / str(i), **{**SHORT, "epochs": 1})
    zoo.fit(models[0], {"name": "faces", "per_class": 11}, out=tmp_path / "data", **{**SHORT, "epochs": 1})
    assert len(computed) == len(list(home.iterdir())) == 7
    spec = models[0].input_spec
    models[0].normalise.scale *= 2
    zoo.fit(models[0], FACES, out=tmp_path / "normalise", **{**SHORT, "epochs": 1})
    assert models[0].input_spec == spec
    assert len(computed) == 8


@pytest.mark.parametrize(
    "change",
    [
        "weights",
        "buffers",
        "blocks",
        "data",
        "preprocessing",
        "plugin",
        "decoder",
        "library",
        "data's plugin",
        "processor",
        "nothing",
    ],
)
def test_the_key_has_all_that_decides_the_rows(make_model: Make, monkeypatch, change: str) -> None:
    def key(**data: int) -> str:
        return FeatureCache(model, as_dataset({**FACES, **data}), torch.device("cpu")).folder.name

    def newer() -> list[Installed]:
        return [replace(item, version="9") for item in installed()]

    model = make_model(freeze="block1-2")
    before = key()
    with torch.no_grad():
        if change == "weights":
            next(model.backbone.block2.parameters()).flatten()[0] += 1e-3
        elif change == "buffers":
            next(model.backbone.block2.buffers()).flatten()[0] += 1e-3
        elif change == "blocks":
            model.unfreeze("block2")
        elif change == "preprocessing":
            model.normalise.offset += 0.1
        elif change == "plugin":
            monkeypatch.setitem(model.plugins, "zoo-basic", "9")
        elif change == "decoder":
            monkeypatch.setattr(PIL, "__version__", "0.0.1")
        elif change == "library":
            monkeypatch.setattr(np, "__version__", "0.0.1")
        elif change == "data's plugin":
            monkeypatch.setattr("zoo.training.feature_cache.installed", newer)
        elif change == "processor":
            monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "another")
    after = key(per_class=11) if change == "data" else key()
    assert (after == before) is (change == "nothing")


def test_another_head_or_split_reuses_what_is_there(make_model: Make, tmp_path: Path, computed) -> None:
    zoo.fit(make_model(freeze="block1-2"), FACES, out=tmp_path / "0", **SHORT)
    other = make_model(freeze="block1-2", head={"name": "binary", "hidden": [4]})
    zoo.fit(other, FACES, out=tmp_path / "1", **SHORT)
    assert computed == [20]
    zoo.fit(make_model(freeze="block1-2"), FACES, out=tmp_path / "2", seed=5, **SHORT)
    assert len(computed) == 2
    assert 0 < computed[1] <= 4  # those that were test images with the other seed


def test_augmented_images_are_read_and_validation_images_are_not(
    make_model: Make, tmp_path: Path, computed
) -> None:
    plain = zoo.fit(
        make_model(freeze="all"), FACES, out=tmp_path / "p", augment="noise", cache=False, **SHORT
    )
    cached = zoo.fit(make_model(freeze="all"), FACES, out=tmp_path / "c", augment="noise", **SHORT)
    assert computed == [4]
    assert losses(cached) == pytest.approx(losses(plain), rel=1e-5)


def test_data_without_a_fingerprint_are_not_kept_and_that_is_said(
    make_model: Make, tmp_path: Path, home
) -> None:
    rng = np.random.default_rng(0)
    data = TorchData([(rng.random((16, 16, 1), dtype=np.float32), i % 2) for i in range(20)])
    with pytest.warns(zoo.ZooWarning, match="anew each epoch: data TorchData have no fingerprint"):
        zoo.fit(make_model(freeze="all"), data, out=tmp_path / "run", **SHORT)
    with pytest.raises(OptionError, match=r"cache=True: .* no fingerprint"):
        zoo.fit(make_model(freeze="all"), data, out=tmp_path / "no", cache=True, **SHORT)
    assert not home.exists()
    assert not (tmp_path / "no").exists()


def test_features_of_arrays_are_kept(make_model: Make, tmp_path: Path, home) -> None:
    data = np.random.default_rng(0).random((20, 16, 16, 1), dtype=np.float32), np.arange(20) % 2
    zoo.fit(make_model(freeze="all"), data, out=tmp_path / "run", cache=True, **SHORT)
    assert [*home.rglob("*")]


def test_without_a_frozen_beginning_there_is_nothing_to_keep(make_model: Make, tmp_path: Path, home) -> None:
    zoo.fit(make_model(), FACES, out=tmp_path / "run", **SHORT)
    assert not home.exists()
    with pytest.raises(OptionError, match="none frozen at the model's beginning"):
        zoo.fit(make_model(), FACES, out=tmp_path / "no", cache=True, **SHORT)


def segments(home: Path) -> list[Path]:
    """Files of rows, in the order in which they were written."""
    return sorted(home.glob("*/*.safetensors"))


def overwrite(file: Path, at: int, length: int) -> None:
    """Bytes of nothing but ones, which as numbers are NaN."""
    content = bytearray(file.read_bytes())
    content[at : at + length] = b"\xff" * length
    file.write_bytes(content)


def test_a_cut_or_damaged_cache_is_computed_again(
    make_model: Make, tmp_path: Path, computed, home: Path
) -> None:
    def trained(name: str) -> Run:
        model = make_model(freeze="all", head={"name": "binary", "pool": "flatten"})
        return zoo.fit(model, FACES, out=tmp_path / name, **SHORT)

    first = trained("0")
    (file,) = segments(home)
    file.write_bytes(file.read_bytes()[:-4])
    second = trained("1")
    file.write_bytes(b"nonsense")
    with pytest.warns(zoo.ZooWarning, match=f"damaged, .*{file.name}"):
        third = trained("2")
    assert computed == [20, 1, 19]
    # Of no use any more
    assert file not in segments(home)
    overwrite(segments(home)[-1], -3000, 2000)
    with pytest.warns(
        zoo.ZooWarning, match="1 row of block3 in .* are damaged or gone, and are computed anew"
    ):
        fourth = trained("3")
    fifth = trained("4")  # without a warning: they were written anew
    assert losses(first) == losses(second) == losses(third) == losses(fourth) == losses(fifth)
    assert computed == [20, 1, 19]


def test_rows_that_go_in_the_middle_of_a_run_are_computed_anew(
    make_model: Make, tmp_path: Path, home
) -> None:
    """A person removes them, or another program."""
    plain = zoo.fit(make_model(freeze="all"), FACES, out=tmp_path / "0", **SHORT)
    prefix, folders = FeatureCache.missing, []

    def removing(self: FeatureCache, indices: Any) -> list[int]:
        found = prefix(self, indices)
        if not found:
            folders.append(self.folder)
            shutil.rmtree(self.folder)
        return found

    with pytest.MonkeyPatch.context() as patch, pytest.warns(zoo.ZooWarning, match="damaged or gone"):
        patch.setattr(FeatureCache, "missing", removing)
        again = zoo.fit(make_model(freeze="all"), FACES, out=tmp_path / "1", **SHORT)
    assert len(folders) == 1
    assert losses(again) == losses(plain)


def test_an_interrupted_filling_goes_on_where_it_was(
    make_model: Make, tmp_path: Path, monkeypatch, computed
) -> None:
    prefix, calls = type(make_model()).run_prefix, iter(range(100))

    def failing(self: Model, x: torch.Tensor) -> Any:
        if next(calls) == 3:
            raise KeyboardInterrupt
        return prefix(self, x)

    monkeypatch.setattr(type(make_model()), "run_prefix", failing)
    monkeypatch.setattr("zoo.training.feature_cache._MOST_IMAGES", 6)
    with pytest.raises(KeyboardInterrupt):
        zoo.fit(make_model(freeze="all"), FACES, out=tmp_path / "0", **SHORT)
    monkeypatch.setattr(type(make_model()), "run_prefix", prefix)
    zoo.fit(make_model(freeze="all"), FACES, out=tmp_path / "1", **SHORT)
    assert computed == [20, 8]


@pytest.mark.parametrize("freeze", ["block1", "all"])
def test_rows_are_the_same_whatever_batches_filled_them(
    make_model: Make, tmp_path: Path, monkeypatch, freeze: str
) -> None:
    """Bit for bit: batches of a run, rows filled by runs on other parts, a row alone."""
    model = make_model(freeze=freeze)
    rows = []
    for name, parts in (("a", [range(24)]), ("b", [range(7), range(24)]), ("c", [[5], [23, 0], range(24)])):
        monkeypatch.setattr("zoo.training.feature_cache.cache_folder", lambda name=name: tmp_path / name)
        features = FeatureCache(model, as_dataset(FACES), torch.device("cpu"))
        for part in parts:
            fill(features, features.missing(part))
        rows.append(features.read(range(24))[0])
    assert torch.equal(rows[0], rows[1])
    assert torch.equal(rows[0], rows[2])


def test_large_images_come_in_small_batches(make_model: Make, monkeypatch) -> None:
    def size(pixels: int) -> int:
        model = make_model(freeze="block1", input_size=pixels)
        return FeatureCache(model, as_dataset(FACES), torch.device("cpu")).batch_size

    assert size(224) == 32
    monkeypatch.setattr("zoo.training.feature_cache._MOST_PIXELS", 32 * 16 * 16)
    assert [size(pixels) for pixels in (8, 16, 32, 100)] == [32, 32, 8, 1]


def test_the_batch_size_of_a_run_changes_no_row(make_model: Make, tmp_path: Path, computed, home) -> None:
    for size in (3, 20):
        zoo.fit(make_model(freeze="all"), FACES, out=tmp_path / str(size), **{**SHORT, "batch_size": size})
    assert computed == [20]
    contents = {file.read_bytes() for file in segments(home)}
    shutil.rmtree(home)
    zoo.fit(make_model(freeze="all"), FACES, out=tmp_path / "last", **{**SHORT, "batch_size": 20})
    assert {file.read_bytes() for file in segments(home)} == contents


def test_the_disk_it_will_take_is_said_and_a_lack_of_it_too(
    make_model: Make, tmp_path: Path, monkeypatch, capsys, home: Path
) -> None:
    zoo.fit(make_model(freeze="all"), FACES, out=tmp_path / "run", progress=True, **SHORT)
    said = " ".join(capsys.readouterr().err.split())
    assert "computing block3 (avg pooled) of 20 images once, 5.1 kB in" in said  # 20 x 64 numbers of 4 bytes
    monkeypatch.setenv("ZOO_FEATURE_CACHE_GB", "0.000001")
    with pytest.warns(zoo.ZooWarning, match=r"5.1 kB are needed and ZOO_FEATURE_CACHE_GB allows 1.0 kB"):
        zoo.fit(make_model(freeze="all", seed=3), FACES, out=tmp_path / "full", **SHORT)


def test_a_trainer_that_needs_images_gets_them(make_model: Make, tmp_path: Path, monkeypatch) -> None:
    from zoo.builtin.supervised import Supervised

    monkeypatch.setattr(Supervised, "takes_prefix", False)
    with pytest.warns(zoo.ZooWarning, match="trainer Supervised does not take cached features"):
        zoo.fit(make_model(freeze="all"), FACES, out=tmp_path / "run", **SHORT)


class MaskHead(Head):
    """A class for each pixel, from the last map."""

    def __init__(self, old: Head) -> None:
        super().__init__(task=Segmentation(), inputs=old.inputs, outputs=4)
        self.classify = torch.nn.Conv2d(old.inputs[0].channels, 4, 1)

    def forward(self, *features: Tensor) -> Tensor:
        return torch.nn.functional.interpolate(self.classify(features[0]), size=32)


def test_masks_are_read_with_their_images_and_that_is_said(
    make_model: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No head of ours has masks for answers, so that one is put in by hand
    for place in ("training.setup", "hub.folder"):
        monkeypatch.setattr(f"zoo.{place}.check_as_built", lambda *_: None)
    model = make_model(head="multiclass", classes=4, in_channels=3, input_size=32, freeze="block1-2")
    model.head = MaskHead(model.head)
    model.task = model.head.task
    data = {"name": "shapes", "size": 32, "count": 20}
    short = {"epochs": 1, "batch_size": 8, "lr": 0.01}
    words = "targets of task segmentation are read with their images"
    with pytest.raises(OptionError, match=words):
        zoo.fit(model, data, out=tmp_path / "kept", cache=True, **short)
    with pytest.warns(zoo.ZooWarning, match=words):
        assert zoo.fit(model, data, out=tmp_path / "read", **short).cache == ""


def leaky(model: Model) -> None:
    for module in list(model.backbone.block1.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, torch.nn.ReLU):
                setattr(module, name, torch.nn.LeakyReLU(0.5))


def other_eps(model: Model) -> None:
    for module in model.backbone.block1.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eps = 0.5


@pytest.mark.parametrize("change", [leaky, other_eps])
def test_a_frozen_block_changed_by_hand_has_features_of_its_own(make_model, tmp_path, change) -> None:
    keys = set()
    for changed in (False, True):
        model = make_model(freeze="block1")
        if changed:
            change(model)
        keys.add(FeatureCache(model, as_dataset(FACES), torch.device("cpu")).folder.name)
    assert len(keys) == 2


def test_features_behind_a_hook_are_not_kept(make_model, tmp_path) -> None:
    model = make_model(freeze="block1")
    model.backbone.block1.register_forward_hook(lambda module, inputs, output: None)  # looks on
    with pytest.raises(OptionError, match="block1 has forward hooks"):
        zoo.fit(model, FACES, epochs=1, cache=True, out=tmp_path / "run")


def test_twenty_gigabytes_may_be_kept_where_nothing_is_said(monkeypatch) -> None:
    monkeypatch.delenv("ZOO_FEATURE_CACHE_GB", raising=False)
    assert limit_bytes() == 20_000_000_000
    monkeypatch.setenv("ZOO_FEATURE_CACHE_GB", "0.5")
    assert limit_bytes() == 500_000_000
    monkeypatch.setenv("ZOO_FEATURE_CACHE_GB", "1e300")  # a number, if no disk's
    assert limit_bytes() == 10**18


@pytest.mark.parametrize("given", ["nan", "inf", "-inf", "1e400", "-1", "much"])
def test_a_limit_that_is_no_number_of_gigabytes_is_one_line(
    make_model: Make, tmp_path: Path, monkeypatch, given: str
) -> None:
    """Told in any case, also where all rows are there."""
    run: dict[str, Any] = {**SHORT, "epochs": 1, "cache": True}
    zoo.fit(make_model(freeze="all"), FACES, out=tmp_path / "0", **run)
    monkeypatch.setenv("ZOO_FEATURE_CACHE_GB", given)
    words = f"^ZOO_FEATURE_CACHE_GB: expected a number of gigabytes from 0, got '{given}'"
    with pytest.raises(OptionError, match=words):
        zoo.fit(make_model(freeze="all"), FACES, out=tmp_path / "1", **run)


def cache(make_model: Make) -> FeatureCache:
    return FeatureCache(make_model(freeze="block1-2"), as_dataset(FACES), torch.device("cpu"))


def fill(features: FeatureCache, indices: Sequence[int], step: Callable[[], None] = lambda: None) -> None:
    batches = Batches(features.dataset, indices, spec=features.model.input_spec, batch_size=2, task=None)
    features.fill(batches, step)


def test_rows_are_what_the_frozen_blocks_give_each_image(make_model: Make) -> None:
    features = cache(make_model)
    steps: list[int] = []
    assert features.missing([3, 0, 5]) == [3, 0, 5]
    fill(features, [5, 0, 3], lambda: steps.append(1))
    assert len(steps) == 2
    assert features.missing(range(6)) == [1, 2, 4]
    model = features.model
    (batch,) = Batches(features.dataset, [0, 5], spec=model.input_spec, batch_size=9, task=None).epoch()
    with torch.no_grad():
        expected = model.run_prefix(batch["image"])
    found = features.read([0, 5])
    assert len(found) == len(expected) == 1
    assert torch.allclose(found[0], expected[0], atol=1e-6)
    assert features.row_bytes == expected[0][0].numel() * 4
    fill(features, [1, 2])  # beside those that are there
    assert features.missing(range(6)) == [4]
    assert torch.equal(features.read([0, 5])[0], found[0])


def test_asking_what_is_there_counts_as_use(make_model: Make) -> None:
    features = cache(make_model)
    fill(features, [0])
    os.utime(features.folder, (1, 1))
    features.missing([0])
    assert features.folder.stat().st_mtime > 1


def test_cached_batches_are_in_the_order_that_the_images_would_have_had(make_model: Make) -> None:
    features = cache(make_model)
    indices = list(range(6))
    fill(features, indices)
    order: dict[str, Any] = {"batch_size": 2, "shuffle": True, "seed": 3}
    images = Batches(features.dataset, indices, spec=features.model.input_spec, task=None, **order)
    batches = CachedBatches(features, indices, lambda: images, **order)
    for epoch, skip in ((0, 0), (1, 0), (1, 2)):
        found, wanted = list(batches.epoch(epoch, skip)), list(images.epoch(epoch, skip))
        assert [b["index"].tolist() for b in found] == [b["index"].tolist() for b in wanted]
        for one in found:
            places = one["index"].tolist()
            assert torch.equal(one[f"{PREFIX}0"], features.read(places)[0])
            assert one["target"].tolist() == [features.dataset.targets[i] for i in places]
    first = [b["index"].tolist() for b in batches.epoch()]
    assert first == [b["index"].tolist() for b in images.epoch(0, 0)]


def test_images_follow_from_the_step_at_which_a_frozen_block_changed(make_model: Make) -> None:
    features = cache(make_model)
    indices = list(range(6))
    fill(features, indices)
    made: list[Batches] = []

    def images() -> Batches:
        made.append(
            Batches(features.dataset, indices, spec=features.model.input_spec, batch_size=2, task=None)
        )
        return made[-1]

    batches = CachedBatches(features, indices, images, batch_size=2)
    epoch = batches.epoch(0)
    assert "image" not in next(epoch)
    assert features.fresh
    with torch.no_grad():
        next(features.model.backbone.block1.parameters()).add_(1.0)
    rest = list(epoch)
    assert [b["index"].tolist() for b in rest] == [[2, 3], [4, 5]]
    assert all("image" in batch for batch in rest)
    assert not features.fresh
    assert [b["index"].tolist() for b in batches.epoch(1, 1)] == [[2, 3], [4, 5]]
    assert len(made) == 1


def test_values_put_back_as_they_were_leave_the_rows_fresh(make_model: Make) -> None:
    features = cache(make_model)
    weight = next(features.model.backbone.block1.parameters())
    with torch.no_grad():
        weight.copy_(weight.clone())
    assert features.fresh
    features.model.unfreeze("block2")
    assert not features.fresh
    features.model.freeze("block1-2")
    assert not features.fresh  # in between they may have learnt
