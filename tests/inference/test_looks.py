import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import zoo
from zoo.interfaces.model import Model

Make = Callable[..., Model]


def test_looks_at_a_test_split_are_counted_by_data(make_model: Make, photos: Path, tmp_path: Path) -> None:
    model = make_model(in_channels=3)
    first, second = (zoo.evaluate(model, photos, progress=False) for _ in range(2))
    assert (first.on.looks, second.on.looks) == (1, 2)
    assert "look 2 at it" in repr(second).splitlines()[0]
    assert "look" not in repr(first).splitlines()[0]
    assert zoo.evaluate(model, photos, split="val", progress=False).on.looks == 1
    assert zoo.evaluate(make_model(in_channels=3), photos, progress=False).on.looks == 1
    zoo.save(model, tmp_path / "m")
    looks = [zoo.evaluate(tmp_path / "m", photos, progress=False).on.looks for _ in range(2)]
    assert looks == [1, 2]
    assert zoo.evaluate(tmp_path / "m", photos, seed=5, progress=False).on.looks == 1
    (tmp_path / "m" / "looks.json").write_text("[1")
    assert zoo.evaluate(tmp_path / "m", photos, progress=False).to_dict()["on"]["looks"] == 1


def test_validation_images_in_a_test_split_are_warned_of(
    make_model: Make, photos: Path, tmp_path: Path
) -> None:
    run = zoo.fit(make_model(in_channels=3), photos, epochs=1, out=tmp_path / "run", progress=False)
    zoo.evaluate(tmp_path / "run", photos, progress=False)  # as it was split
    import json

    record = json.loads((run.folder / "splits.json").read_text())
    record["train"] = []
    record["val"] += record["test"][:1]
    (run.folder / "splits.json").write_text(json.dumps(record))
    with pytest.warns(zoo.ZooWarning, match="1 of .* images of the test split were validated with, by which"):
        zoo.evaluate(tmp_path / "run", photos, progress=False)


def test_history_of_other_weights_is_not_sent(make_model: Make, photos: Path, tmp_path: Path) -> None:
    run = zoo.fit(make_model(in_channels=3), photos, epochs=1, out=tmp_path / "run", progress=False)
    zoo.push(run.folder, f"file:{tmp_path / 'first'}")
    assert (tmp_path / "first" / "history.json").exists()
    zoo.save(zoo.load(run.folder, copy=True), run.folder)  # the same weights: the history is theirs
    assert (run.folder / "history.json").exists()
    with pytest.warns(zoo.ZooWarning, match="holds a run of another model"):
        zoo.save(make_model(in_channels=3, seed=7), run.folder)
    zoo.push(run.folder, f"file:{tmp_path / 'second'}")
    sent = {file.name for file in (tmp_path / "second").iterdir()}
    assert sent == {"model.safetensors", "config.json", "README.md"}
    assert (run.folder / "history.json").exists()
    zoo.save(make_model(in_channels=3, seed=7), run.folder)  # once more: still not its history
    assert "| epoch |" not in (run.folder / "README.md").read_text()
    (tmp_path / "second").rename(tmp_path / "third")
    zoo.push(run.folder, f"file:{tmp_path / 'second'}")
    assert {file.name for file in (tmp_path / "second").iterdir()} == sent
    assert zoo.load(tmp_path / "second").metrics == {}
    shutil.rmtree(tmp_path / "second")
