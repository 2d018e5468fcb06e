import io
from collections.abc import Callable
from pathlib import Path
from unicodedata import normalize

import numpy as np
import pytest
import torch
from PIL import Image

import zoo
from zoo.inference.file_names import distinct_stems
from zoo.inference.predict import PredictionFolder, given
from zoo.inference.predictions import Predicted
from zoo.interfaces.model import Model
from zoo.interfaces.tasks import Segmentation
from zoo.spec.errors import DataError, SaveError, TrainingError

Make = Callable[..., Model]
PIXELS = np.random.default_rng(1).integers(0, 256, (16, 16, 3), dtype=np.uint8)


def test_every_form_of_one_image_gets_one_answer(make_model: Make, tmp_path: Path) -> None:
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
    assert found[4].source == "image 0"


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
        ("nowhere.png", "image nowhere.png: expected a file or folder, got nothing there"),
        ([], "expected at least one image"),
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
    with pytest.raises(DataError, match="expected images, got none"):
        zoo.predict(make_model(), tmp_path)
    with pytest.raises(TrainingError, match="a model with a head"):
        zoo.predict(make_model(head=None), PIXELS)


def test_an_open_file_is_one_image(make_model: Make, tmp_path: Path) -> None:
    model = make_model(in_channels=3)
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    (expected,) = zoo.predict(model, tmp_path / "a.png")
    with (tmp_path / "a.png").open("rb") as file:
        (found,) = zoo.predict(model, file)
    assert (found.source, found.scores) == (expected.source, expected.scores)
    memory = io.BytesIO((tmp_path / "a.png").read_bytes())
    assert zoo.predict(model, [memory])[0].source == "image 0"
    with pytest.raises(DataError, match="image: expected a readable image, got an empty file"):
        zoo.predict(model, io.BytesIO(b""))
    with (
        (tmp_path / "a.png").open("r", encoding="latin-1") as text,
        pytest.raises(DataError, match="binary mode"),
    ):
        zoo.predict(model, text)


def test_unreadable_files_are_named_or_left_out(make_model: Make, photos: Path) -> None:
    model = make_model(in_channels=3)
    (photos / "dark" / "3.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"dark/3\.png: .*got an empty file.*skip_unreadable=True"):
        zoo.predict(model, photos)
    with pytest.warns(zoo.ZooWarning, match=r"left out 1 of 28 images .*dark/3\.png \(an empty file\)"):
        found = zoo.predict(model, [photos, PIXELS], skip_unreadable=True)
    assert len(found) == 28
    assert found[-1].source == "image 28"
    with pytest.warns(zoo.ZooWarning), pytest.raises(DataError, match="an image that can be read, got none"):
        zoo.predict(model, photos / "dark" / "3.png", skip_unreadable=True)


@pytest.mark.drawn
def test_the_sheet_is_drawn_and_a_bad_name_is_said_before(
    make_model: Make, photos: Path, tmp_path: Path
) -> None:
    model = make_model(in_channels=3)
    zoo.predict(model, photos / "dark", out=tmp_path / "new" / "sheet.png")
    with Image.open(tmp_path / "new" / "sheet.png") as sheet:
        assert sheet.width > 1000
    with pytest.raises(SaveError, match=r"the name of an image, .*, got 'sheet\.gif'; say sheet\.png"):
        zoo.predict(model, PIXELS, out=tmp_path / "sheet.gif")


def test_no_made_up_name_is_that_of_another_image() -> None:
    stems = ["a", "a", "a-1", "A-1", "A", "é", "e\u0301", "b"]
    found = distinct_stems(stems)
    assert [found[i] for i in (0, 2, 5, 7)] == ["a", "a-1", "é", "b"]
    assert len({normalize("NFC", name.casefold()) for name in found}) == len(stems)


def test_masks_of_images_with_one_name_are_files_of_their_own(tmp_path: Path) -> None:
    for place in ("one/a.png", "two/a.png", "two/a-1.png"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        Image.fromarray(PIXELS).save(tmp_path / place)
    data = given([tmp_path / "one" / "a.png", tmp_path / "two" / "a.png", tmp_path / "two" / "a-1.png"])
    names = [data.name(i) for i in range(3)]
    written = PredictionFolder(tmp_path / "masks", Segmentation(), several=True, sources=names)
    for index in range(3):
        written.take(
            data.items[index], Predicted(data.name(index), "", None, {}, mask=torch.full((4, 4), index))
        )
    files = {file.name: int(np.asarray(Image.open(file))[0, 0]) for file in (tmp_path / "masks").iterdir()}
    assert files == {"a.png": 0, "a-1-2.png": 1, "a-1.png": 2}


def test_an_answer_never_takes_the_place_of_an_image_that_was_given(make_model: Make, photos: Path) -> None:
    model, image = make_model(in_channels=3), photos / "dark" / "0.png"
    before = image.read_bytes()
    with pytest.raises(SaveError, match=r"out: expected files of its own, got the image .*0\.png; say"):
        zoo.predict(model, image, out=image)
    with pytest.raises(SaveError, match=r"got the image .*0\.png"):
        PredictionFolder(photos / "dark", Segmentation(), several=False, sources=[str(image)])
    stream = PredictionFolder(photos / "dark", Segmentation(), several=True, sources=None)
    with pytest.raises(SaveError, match=r"got the image .*0\.png"):
        stream.take((str(image), image), Predicted(str(image), "", None, {}, mask=torch.zeros(4, 4)))
    assert image.read_bytes() == before


def test_the_best_classes_come_first() -> None:
    item = Predicted("a", "b", 0.5, {"a": 0.2, "b": 0.5, "c": 0.3})
    assert [*item.top(2)] == ["b", "c"]
    assert len(item.top(9)) == 3
