from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import zoo
from zoo.interfaces.model import Model
from zoo.spec.errors import DataError, TrainingError

Make = Callable[..., Model]
PIXELS = np.random.default_rng(1).integers(0, 256, (16, 16, 3), dtype=np.uint8)


def test_every_form_of_one_picture_gets_one_answer(make_model: Make, tmp_path: Path) -> None:
    model = make_model(in_channels=3, classes=("no", "yes"))
    file = tmp_path / "a.png"
    Image.fromarray(PIXELS).save(file)
    tensor = torch.from_numpy(PIXELS).permute(2, 0, 1) / 255
    forms = [
        file,
        str(file),
        tmp_path,
        [file],
        Image.fromarray(PIXELS),
        PIXELS,
        tensor,
        tensor[None],
        [tensor],
    ]
    found = [zoo.predict(model, form)[0] for form in forms]
    assert len({item.label for item in found}) == 1
    with torch.no_grad():
        expected = float(model.eval()(tensor[None]).sigmoid())
    for item in found:
        assert item.scores["yes"] == pytest.approx(expected, abs=1e-6)
        assert item.scores["no"] == pytest.approx(1 - expected, abs=1e-6)
        assert item.score == max(item.scores.values())
    assert [item.source for item in found[:4]] == [str(file)] * 4
    assert found[4].source == "picture 0"


def test_answers_come_in_the_order_asked_for_with_any_batch_and_workers(
    make_model: Make, photos: Path
) -> None:
    model = make_model(in_channels=3)
    files = sorted(photos.rglob("*.png"), reverse=True)
    found = zoo.predict(model, files, batch_size=5, workers=2)
    assert [item.source for item in found] == [str(file) for file in files]
    alone = zoo.predict(model, files, batch_size=1)
    assert [i.label for i in alone] == [i.label for i in found]
    np.testing.assert_allclose([i.score for i in alone], [i.score for i in found], atol=1e-6)


def test_the_mode_of_each_module_is_restored(make_model: Make) -> None:
    model = make_model(in_channels=3).train()
    model.head.eval()
    zoo.predict(model, PIXELS)
    assert model.training
    assert model.backbone.training
    assert not model.head.training


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("nowhere.png", "picture nowhere.png: expected a file or folder, got nothing there"),
        ([], "expected at least one picture"),
        (7, "got 'int'"),
        (torch.rand(2, 3), "expected a tensor C x H x W, got 2 x 3"),
        (torch.rand(3, 4, 4) * 255, "values in .0, 1."),
        (torch.rand(5, 4, 4), "expected 3 channels, got 5"),
    ],
)
def test_bad_sources_are_one_line(make_model: Make, source: object, words: str) -> None:
    with pytest.raises(DataError, match=words):
        zoo.predict(make_model(in_channels=3), source)


def test_an_empty_folder_and_a_model_without_head_are_said(make_model: Make, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected pictures, got none"):
        zoo.predict(make_model(), tmp_path)
    with pytest.raises(TrainingError, match="a model with a head"):
        zoo.predict(make_model(head=None), PIXELS)
