"""Verbs whose images several processes share give, in each, what one process gives."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import zoo
import zoo.data.reading
import zoo.inference.verify
from zoo.runtime.data_arguments import as_dataset
from zoo.runtime.team import shares
from zoo.spec.errors import DataError, SaveError, ZooWarning

from ..threads_as_processes import verbs_together

DIGITS = {"name": "digits", "per_class": 5}
ENCODER = {"name": "conv_encoder", "channels": [4]}
SHAPES = {"name": "shapes", "size": 16, "count": 9}


def saved(folder: Path, name: str, **options: Any) -> Path:
    zoo.save(zoo.build(name, seed=0, **options), folder / "model")
    return folder / "model"


def classifier(folder: Path) -> Path:
    return saved(folder, "small_cnn", head="multiclass", classes=10, in_channels=1, input_size=8)


def images(folder: Path, count: int, *, size: int = 9) -> Path:
    folder.mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 256, (count, size, size), dtype=np.uint8)
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(folder / f"{number:03}.png")
    return folder


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Any]]:
    """Calls a function in each of some processes; notes in `read` which images each has read."""
    read: list[int] = []
    real = shares.Batches

    def noted(dataset: Any, indices: Any, *args: Any, **options: Any) -> Any:
        read.extend(indices)
        return real(dataset, indices, *args, **options)

    monkeypatch.setattr(shares, "Batches", noted)

    def run(processes: int, work: Callable[[int], Any]) -> list[Any]:
        read.clear()
        return verbs_together(monkeypatch, processes, work)[0]

    run.read = read  # type: ignore[attr-defined]
    return run


def figures(found: Any) -> dict[str, Any]:
    told = found.to_dict()
    told["on"].pop("looks")
    return told  # type: ignore[no-any-return]


@pytest.mark.parametrize("processes", [2, 3, 7])
def test_an_evaluation_has_the_figures_of_one_process_to_the_last_digit(
    shared: Any, tmp_path: Path, processes: int
) -> None:
    model = classifier(tmp_path)
    options: dict[str, Any] = {"split": "all", "batch_size": 9, "device": "cpu", "metrics": ["mcc"]}
    alone = zoo.evaluate(model, DIGITS, **options)
    for found in shared(processes, lambda process: zoo.evaluate(model, DIGITS, **options)):
        assert figures(found) == figures(alone)
    assert sorted(shared.read) == list(range(50))


@pytest.mark.parametrize(
    ("name", "options", "data"),
    [
        ("small_cnn", {"head": {"name": "embedding", "dim": 4}, "in_channels": 1, "input_size": 8}, DIGITS),
        ("unet", {"encoder": {"name": "small_cnn", "channels": [4, 8]}, "classes": 4}, SHAPES),
        ("autoencoder", {"encoder": ENCODER, "in_channels": 1, "input_size": 8}, DIGITS),
    ],
)  # fmt: skip
def test_masks_vectors_and_images_are_measured_as_by_one_process(
    shared: Any, tmp_path: Path, name: str, options: dict[str, Any], data: Any
) -> None:
    model = saved(tmp_path, name, **options)
    how: dict[str, Any] = {"split": "all", "batch_size": 4, "device": "cpu"}
    if name == "autoencoder":
        how["loss"] = "mse"
    alone = zoo.evaluate(model, data, **how)
    for found in shared(2, lambda process: zoo.evaluate(model, data, **how)):
        assert figures(found) == figures(alone)


def test_an_evaluation_is_counted_and_written_once(shared: Any, tmp_path: Path) -> None:
    model = classifier(tmp_path)
    found = shared(2, lambda process: zoo.evaluate(model, DIGITS, out=tmp_path / f"out-{process}", save=True))
    assert [one.on.looks for one in found] == [1, 1]
    assert zoo.evaluate(model, DIGITS).on.looks == 2
    assert (tmp_path / "out-0/metrics.json").exists()
    assert not (tmp_path / "out-1").exists()
    assert zoo.load(model).metrics["test"] == found[0].metrics


def test_generated_images_are_made_once_and_judged_as_by_one_process(shared: Any, tmp_path: Path) -> None:
    judge = zoo.build(
        "small_cnn", channels=[2], head="multiclass", classes=10, in_channels=1, input_size=8, seed=0
    )
    zoo.save(judge, tmp_path / "judge")
    model = saved(tmp_path, "dcgan_generator", in_channels=1, input_size=8, width=4, latent=6)

    def work(process: int) -> Any:
        return zoo.evaluate(
            model, DIGITS, split="all", features=tmp_path / "judge", samples=20, batch_size=8, seed=1
        )

    alone = work(0)
    for found in shared(2, work):
        assert figures(found) == figures(alone)
    assert sorted(shared.read) == list(range(50))


@pytest.mark.parametrize(("count", "processes"), [(1, 3), (7, 2), (7, 3)])
def test_predictions_are_those_of_one_process_in_the_order_of_the_images(
    shared: Any, tmp_path: Path, count: int, processes: int
) -> None:
    model, folder = classifier(tmp_path), images(tmp_path / "images", count)
    alone = zoo.predict(model, folder, batch_size=2, device="cpu")
    for found in shared(processes, lambda process: zoo.predict(model, folder, batch_size=2, device="cpu")):
        assert list(found) == list(alone)
    assert sorted(shared.read) == list(range(count))


def test_a_stream_is_shared_as_it_comes(shared: Any, tmp_path: Path) -> None:
    model = classifier(tmp_path)
    pixels = torch.rand(11, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    alone = zoo.predict(model, pixels, batch_size=2, device="cpu")
    for processes in (2, 3, 6):
        found = shared(
            processes, lambda process: zoo.predict(model, iter(pixels), batch_size=2, device="cpu")
        )
        assert all(list(one) == list(alone) for one in found)
        assert len(shared.read) == 11


def test_masks_are_written_by_one_process_alone(shared: Any, tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "encoder": {"name": "small_cnn", "channels": [4, 8]},
        "classes": 3,
        "in_channels": 1,
    }
    model, folder = saved(tmp_path, "unet", **options), images(tmp_path / "images", 5, size=17)
    alone = zoo.predict(model, folder, batch_size=2, device="cpu", out=tmp_path / "one")
    found = shared(
        2,
        lambda process: zoo.predict(
            model, folder, batch_size=2, device="cpu", out=tmp_path / f"two-{process}"
        ),
    )
    for one in found:
        assert [item.source for item in one] == [item.source for item in alone]
        for mine, theirs in zip(one, alone, strict=True):
            assert torch.equal(mine.mask, theirs.mask)
    assert not (tmp_path / "two-1").exists()
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert sorted(path.name for path in (tmp_path / "two-0").iterdir()) == names
    for name in names:
        assert (tmp_path / "two-0" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()


def test_an_image_that_cannot_be_read_ends_all_processes_in_one_line(shared: Any, tmp_path: Path) -> None:
    model, folder = classifier(tmp_path), images(tmp_path / "images", 6)
    (folder / "003.png").write_bytes(b"no image")
    with pytest.raises(DataError) as alone:
        zoo.predict(model, folder, batch_size=2, device="cpu")
    assert "003.png" in str(alone.value)
    found = shared(2, lambda process: zoo.predict(model, folder, batch_size=2, device="cpu"))
    assert [(type(error), str(error)) for error in found] == [(DataError, str(alone.value))] * 2


def test_files_that_cannot_be_read_are_looked_for_together_and_warned_of_once(
    shared: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, folder = classifier(tmp_path), images(tmp_path / "images", 6)
    (folder / "003.png").write_bytes(b"no image")
    looked: list[Path] = []
    fault = zoo.data.reading._fault
    monkeypatch.setattr("zoo.data.reading._fault", lambda file: looked.append(file) or fault(file))
    with pytest.warns(ZooWarning, match="left out 1 of 6 images") as warned:
        found = shared(2, lambda process: zoo.predict(model, folder, skip_unreadable=True, device="cpu"))
    assert len(warned) == 1
    assert [len(one) for one in found] == [5, 5]
    assert len(looked) == 6


def test_what_cannot_be_written_ends_all_processes(shared: Any, tmp_path: Path) -> None:
    model = classifier(tmp_path)
    (tmp_path / "out").write_text("a file")
    found = shared(2, lambda process: zoo.evaluate(model, DIGITS, out=tmp_path / "out"))
    assert [type(error) for error in found] == [SaveError] * 2
    assert len({str(error) for error in found}) == 1


def test_models_of_other_weights_are_not_mixed(shared: Any) -> None:
    def work(process: int) -> Any:
        model = zoo.build("mlp", head="binary", in_channels=1, input_size=8, seed=process)
        return zoo.predict(model, torch.zeros(2, 1, 8, 8))

    for error in shared(2, work):
        with pytest.raises(
            DataError, match="predict: weights: expected one for all processes, got another in"
        ):
            raise error


def test_other_images_in_one_process_are_refused(shared: Any, tmp_path: Path) -> None:
    model, folder = classifier(tmp_path), images(tmp_path / "images", 3)
    shutil.copytree(folder, tmp_path / "other")
    found = shared(2, lambda process: zoo.predict(model, (folder, tmp_path / "other")[process]))
    assert all("predict: images: expected one for all processes" in str(error) for error in found)


def test_latents_are_those_of_one_process_and_drawn_once(shared: Any, tmp_path: Path) -> None:
    model = saved(tmp_path, "autoencoder", encoder=ENCODER, latent=2, in_channels=1, input_size=8)
    options: dict[str, Any] = {"split": "all", "batch_size": 9, "device": "cpu"}
    alone = zoo.latents(model, DIGITS, **options)
    found = shared(3, lambda process: zoo.latents(model, DIGITS, out=tmp_path / f"{process}.png", **options))
    for one in found:
        assert torch.equal(one.vectors, alone.vectors)
        assert (one.classes, one.labels, one.names, one.axes) == (
            alone.classes, alone.labels, alone.names, alone.axes,
        )  # fmt: skip
    assert sorted(shared.read) == list(range(50))
    assert [path.name for path in sorted(tmp_path.glob("*.png"))] == ["0.png"]


def test_of_two_images_to_compare_each_process_looks_at_one(
    shared: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = {"name": "embedding", "dim": 4}
    model = saved(tmp_path, "small_cnn", head=head, in_channels=1, input_size=8)
    one, other = (dataset := as_dataset(DIGITS))[0].image, dataset[20].image
    alone = zoo.verify(model, one, other, threshold=0.5)
    seen: list[Any] = []
    embedding = zoo.inference.verify._embedding
    monkeypatch.setattr(
        "zoo.inference.verify._embedding", lambda *given: seen.append(given) or embedding(*given)
    )
    for processes in (2, 3):
        seen.clear()
        found = shared(processes, lambda process: zoo.verify(model, one, other, threshold=0.5))
        assert found == [alone] * processes
        assert len(seen) == 2
