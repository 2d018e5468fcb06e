from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from zoo.data.batches import Batches
from zoo.data.sources.class_folders import ClassFolders
from zoo.data.sources.torch_dataset import TorchData
from zoo.interfaces.augmenter import check_batch
from zoo.interfaces.draws import draws, mix
from zoo.spec.errors import DataError, OptionError
from zoo.spec.inputs import InputSpec

Make = Callable[..., Path]
SPEC = InputSpec(size=(5, 4))


def batches(root: Path, **options: int) -> Batches:
    data = ClassFolders(root)
    return Batches(data, range(len(data)), SPEC, **{"batch_size": 4, **options})


def orders(source: Batches, *epochs: int) -> list[list[int]]:
    return [[i for batch in source.epoch(e) for i in batch["index"].tolist()] for e in epochs]


def test_a_batch_is_what_the_contract_says(make: Make) -> None:
    first, *_, last = batches(make({"a": 5, "b": 5}))
    check_batch(first)
    assert first["image"].shape == (4, 3, 5, 4)
    assert first["image"].dtype == torch.float32
    assert 0 <= float(first["image"].min()) < float(first["image"].max()) <= 1
    assert (first["target"].tolist(), first["index"].tolist()) == ([0] * 4, [0, 1, 2, 3])
    assert len(last["image"]) == 2


def test_the_order_follows_from_seed_and_epoch_alone(make: Make) -> None:
    root = make({"a": 10, "b": 10})
    source = batches(root, shuffle=True, seed=1)
    one, two = orders(source, 1, 2)
    assert sorted(one) == sorted(two) == list(range(20))
    assert one != two
    assert orders(source, 2, 1) == [two, one]
    assert orders(batches(root, shuffle=True, seed=1), 2) == [two]
    assert orders(batches(root, shuffle=True, seed=2), 2) != [two]


def test_workers_change_nothing(make: Make) -> None:
    root = make({"a": 7, "b": 6})
    alone, helped = (batches(root, shuffle=True, seed=5, workers=n) for n in (0, 2))
    for epoch in (1, 2):
        for one, two in zip(alone.epoch(epoch), helped.epoch(epoch), strict=True):
            assert all(torch.equal(one[key], two[key]) for key in ("image", "target", "index"))


def test_reading_leaves_the_global_random_state_alone(make: Make) -> None:
    source, before = batches(make({"a": 3, "b": 3}), shuffle=True), torch.get_rng_state()
    list(source)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("count", "joined", "sizes"),
    [(9, True, [4, 5]), (9, False, [4, 4, 1]), (10, True, [4, 4, 2]), (1, True, [1])],
)
def test_a_single_last_image_joins_the_batch_before(
    make: Make, count: int, joined: bool, sizes: list[int]
) -> None:
    data = ClassFolders(make({"a": 5, "b": 5}))
    source = Batches(data, range(count), SPEC, batch_size=4, least=2 if joined else 1)
    assert [len(batch["image"]) for batch in source] == sizes
    assert len(source) == len(sizes)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_broken_file_is_named_in_one_line_whoever_reads_it(make: Make, workers: int) -> None:
    root = make({"a": 3, "b": 3})
    (root / "b" / "1.png").write_bytes((root / "b" / "1.png").read_bytes()[:60])
    with pytest.raises(DataError, match=r"b/1\.png: expected a readable image") as caught:
        list(batches(root, workers=workers))
    assert "\n" not in str(caught.value)


def test_numbers_out_of_range_are_refused(make: Make) -> None:
    data = ClassFolders(make({"a": 1, "b": 1}))
    with pytest.raises(DataError, match="at least one image"):
        Batches(data, [], SPEC, batch_size=1)
    with pytest.raises(OptionError, match="batch_size"):
        Batches(data, [0], SPEC, batch_size=0)
    with pytest.raises(OptionError, match="workers"):
        Batches(data, [0], SPEC, batch_size=1, workers=-1)


def test_draws_are_a_function_of_seed_epoch_and_index() -> None:
    def first(seed: int, epoch: int, index: int) -> float:
        return float(torch.rand(1, generator=draws(seed, epoch, [3, index])[1]))

    assert first(0, 1, 2) == first(0, 1, 2)
    assert len({first(0, 1, 2), first(1, 1, 2), first(0, 2, 2), first(0, 1, 4)}) == 4
    assert 0 <= mix("a", -1) < 2**63


class Pairs:
    classes = ("no", "yes")

    def __init__(self, *items: object) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> object:
        return self.items[index]


def test_torch_data_sets_of_every_image_type_are_read() -> None:
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    tensor = torch.from_numpy(pixels).permute(2, 0, 1) / 255
    data = TorchData(Pairs((Image.fromarray(pixels), 0), (pixels, np.int64(1)), (tensor, torch.tensor(1))))
    assert data.targets == [0, 1, 1]
    assert data.labels == ("no", "yes")
    (batch,) = Batches(data, range(3), InputSpec(size=(4, 4)), batch_size=3)
    torch.testing.assert_close(batch["image"][0], batch["image"][2])


def test_torch_items_that_are_no_pair_are_named() -> None:
    with pytest.raises(DataError, match=r"Pairs\[1\]: expected a pair"):
        TorchData(Pairs((np.zeros((2, 2), np.uint8), 0), 7))
    with pytest.raises(DataError, match="expected samples, got none"):
        TorchData(Pairs())
