"""Sets of Hugging Face as data, made by its own library."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Array3D, ClassLabel, DatasetDict, Features, List, Value
from datasets import Dataset as Set
from datasets import Image as ImageFeature
from PIL import Image

import zoo
from zoo.data.resolve import resolve
from zoo.data.section import WithOptions
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.tasks.choice import BY_NAME
from zoo.spec.errors import DataError

NAMES = ["owl", "cat", "dog"]


def unasked(ref: object) -> Any:
    raise AssertionError(ref)


def taken(value: Any, task: str | None = None, **options: Any) -> Dataset:
    return resolve(WithOptions(value, options), unasked, task=BY_NAME.get(task or ""))


def pixels(count: int = 6) -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)


def made(cells: list[Any] | None = None, feature: Any = None, images: list[Any] | None = None) -> Set:
    """Images with a column of targets."""
    kinds = [1, 2, 1, 2, 1, 2] if cells is None else cells
    images = images or [Image.fromarray(x) for x in pixels(len(kinds))]
    features = {"image": ImageFeature(), "kind": feature or ClassLabel(names=NAMES)}
    return Set.from_dict({"image": images, "kind": kinds}, features=Features(features))


def test_classes_are_those_of_the_feature_and_images_are_decoded_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = made()
    # Decoded by zoo, never by the library
    monkeypatch.delattr(ImageFeature, "decode_example")
    monkeypatch.setattr(ImageFeature, "decode_example", None, raising=False)
    data = taken(source, "multiclass")
    assert (data.labels, data.targets) == (tuple(NAMES), [1, 2, 1, 2, 1, 2])
    for i, x in enumerate(pixels()):
        np.testing.assert_array_equal(data[i].image, x)


@pytest.mark.parametrize(
    ("cells", "feature", "task", "labels", "targets"),
    [
        (["b", "a"], Value("string"), "binary", ("a", "b"), [1, 0]),
        ([[0, 2], [2]], List(ClassLabel(names=NAMES)), "multilabel", ("dog", "owl"), [[1, 1], [1, 0]]),
        ([["a"], []], List(Value("string")), "multilabel", ("a",), [[1], [0]]),
        ([1.5, 2.0], Value("float32"), "regression", ("kind",), [1.5, 2.0]),
    ],
)
def test_targets_are_read_by_their_feature(
    cells: list[Any], feature: Any, task: str, labels: tuple[str, ...], targets: list[Any]
) -> None:
    data = taken(made(cells, feature), task)
    assert (data.labels, data.targets) == (labels, targets)


def test_a_class_that_nobody_knows_is_told_by_its_row() -> None:
    with pytest.raises(DataError, match="column 'kind': expected a target in each row, got 1 empty"):
        assert taken(made([1, -1, 2]), "multiclass").targets


def test_rows_and_columns_that_were_chosen_are_those_that_are_read() -> None:
    source = made().shuffle(seed=3).select([4, 0, 2]).with_format("torch", columns=["image", "kind"])
    data = taken(source, "multiclass")
    plain = source.with_format(None)
    assert data.targets == plain["kind"]
    for i in range(3):
        np.testing.assert_array_equal(data[i].image, np.asarray(plain[i]["image"]))
    with pytest.raises(DataError, match="image"):
        taken(made().with_format(columns=["kind"]), "multiclass")


def test_images_beside_the_table_are_files(tmp_path: Path) -> None:
    files = [tmp_path / f"{i}.png" for i in range(6)]
    for file, x in zip(files, pixels(), strict=True):
        Image.fromarray(x).save(file)
    data = taken(made(images=[*map(str, files)]), "multiclass")
    assert data.files == files
    np.testing.assert_array_equal(data[5].image, pixels()[5])


def test_arrays_are_images_too() -> None:
    features = Features({"image": Array3D((8, 8, 3), "uint8"), "kind": ClassLabel(names=NAMES)})
    data = taken(Set.from_dict({"image": pixels(2), "kind": [0, 1]}, features=features), "multiclass")
    np.testing.assert_array_equal(data[1].image, pixels(2)[1])


def test_the_fingerprint_follows_the_content() -> None:
    first, again = made(), made()
    assert taken(first, "multiclass").fingerprint == taken(again, "multiclass").fingerprint
    other = made([1, 2, 1, 2, 1, 1])
    assert taken(other, "multiclass").fingerprint != taken(first, "multiclass").fingerprint


def test_what_a_function_makes_of_samples_is_refused() -> None:
    with pytest.raises(DataError, match=r"what with_transform makes of them; give data.with_format\(None\)"):
        taken(made().with_transform(lambda rows: rows), "multiclass")


def test_splits_of_other_names_are_refused() -> None:
    parts = DatasetDict({"train": made(), "unsupervised": made()})
    with pytest.raises(DataError, match="expected splits train, val and test, got 'unsupervised'"):
        taken(parts, "multiclass")


def test_a_model_is_trained_on_splits_by_their_names(tmp_path: Path) -> None:
    light = [Image.fromarray(x // 3 + np.uint8(i % 2 * 170)) for i, x in enumerate(pixels(16))]
    whole = made([1, 2] * 8, images=light)
    parts = DatasetDict({
        "train": whole.select(range(10)), "validation": whole.select(range(10, 13)),
        "test": whole.select(range(13, 16)),
    })  # fmt: skip
    model = zoo.build({"name": "mlp", "hidden": [8]}, head="multiclass", classes=NAMES, input_size=8, seed=0)
    with pytest.warns(match="no image"):
        zoo.fit(model, parts, target="kind", epochs=1, out=tmp_path / "run", progress=False)
    found = zoo.evaluate(model, parts, progress=False)
    assert found.on.count == 3
    assert torch.isfinite(torch.tensor(found.metrics["loss"]))
