import io
import pickle
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import zoo
from zoo.interfaces.model import Model
from zoo.spec.errors import DataError, OptionError, TrainingError, WeightsError

Make = Callable[..., Model]
PIXELS = np.random.default_rng(1).integers(0, 256, (16, 16, 3), dtype=np.uint8)


def encoded(pixels: np.ndarray = PIXELS) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    return file.getvalue()


def images(count: int) -> list[np.ndarray]:
    draws = np.random.default_rng(2)
    return [draws.integers(0, 256, (16, 16, 3), dtype=np.uint8) for _ in range(count)]


def test_one_image_in_any_form_is_one_answer(make_model: Make, tmp_path: Path) -> None:
    model = make_model(in_channels=3)
    (expected,) = zoo.predict(model, PIXELS)
    file = tmp_path / "a.png"
    file.write_bytes(encoded())
    tensor = torch.from_numpy(PIXELS).permute(2, 0, 1) / 255
    predictor = zoo.Predictor(model)
    with file.open("rb") as opened:
        forms = [file, str(file), encoded(), bytearray(encoded()), memoryview(encoded()), opened]
        forms += [io.BytesIO(encoded()), Image.fromarray(PIXELS), PIXELS, tensor]
        for form in forms:
            found = predictor(form)
            assert isinstance(found, zoo.Predicted)
            assert found.scores == pytest.approx(expected.scores, abs=1e-6)
    assert [item.scores for item in zoo.predict(model, encoded())] == [expected.scores]


def test_several_images_are_a_list_and_a_stream_is_a_stream(make_model: Make, photos: Path) -> None:
    model = make_model(in_channels=3)
    predictor = zoo.Predictor(model, batch_size=4)
    expected = zoo.predict(model, photos)
    assert predictor(photos) == expected
    assert isinstance(predictor(photos), zoo.Predictions)
    assert isinstance(predictor([PIXELS]), zoo.Predictions)
    assert len(predictor(torch.rand(2, 3, 16, 16))) == 2
    files = [item.source for item in expected]
    stream = predictor(path for path in files)
    assert isinstance(stream, Iterator)
    assert [(i.source, i.label) for i in stream] == [(i.source, i.label) for i in expected]
    again = zoo.predict(model, iter(files), batch_size=4)
    assert isinstance(again, zoo.Predictions)
    assert [i.source for i in again] == files
    assert [i.source for i in predictor(iter(images(6)))] == [f"image {i}" for i in range(6)]


def test_a_stream_holds_a_batch_and_leaves_gradients_and_random_numbers_alone(make_model: Make) -> None:
    predictor = zoo.Predictor(make_model(in_channels=3), batch_size=3)
    pulled = 0

    def endless() -> Iterator[torch.Tensor]:
        nonlocal pulled
        while True:
            assert torch.is_grad_enabled()
            pulled += 1
            yield torch.rand(3, 16, 16)

    stream = predictor(endless())
    assert pulled == 0
    random.seed(0)
    for expected in (3, 3, 3, 6):
        next(stream)
        assert pulled == expected
        assert torch.is_grad_enabled()


def test_what_comes_before_a_bad_image_of_a_stream_is_answered(make_model: Make) -> None:
    predictor = zoo.Predictor(make_model(in_channels=3), batch_size=8)
    for bad, words in ((b"no image", "image 2: .*another kind"), (7, "got 'int'")):
        stream = predictor(iter([PIXELS, encoded(), bad, PIXELS]))
        assert [next(stream).source, next(stream).source] == ["image 0", "image 1"]
        with pytest.raises(DataError, match=words):
            next(stream)
    skipping = zoo.Predictor(make_model(in_channels=3), skip_unreadable=True)
    with pytest.warns(zoo.ZooWarning, match=r"left out 1 of 2 images that cannot be read: image 1 \("):
        assert [i.source for i in skipping(iter([PIXELS, b"no image", encoded()]))] == ["image 0", "image 2"]
    with pytest.raises(DataError, match="another kind"):
        skipping(b"no image")


def test_it_answers_as_the_model_was_when_it_was_made(make_model: Make) -> None:
    model = make_model(in_channels=3).train()
    predictor = zoo.Predictor(model)
    before = predictor(PIXELS)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1)
    assert predictor(PIXELS).scores == before.scores
    assert model.training
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert pickle.loads(pickle.dumps(predictor))(PIXELS).scores == before.scores


def test_a_folder_is_read_once(make_model: Make, tmp_path: Path) -> None:
    model = make_model(in_channels=3, classes=("no", "yes"))
    zoo.save(model, tmp_path / "a")
    predictor = zoo.Predictor(tmp_path / "a", device="cpu")
    before = predictor(PIXELS)
    zoo.save(make_model(in_channels=3, seed=9), tmp_path / "a")
    assert predictor(PIXELS).scores == before.scores
    assert predictor.labels == ("no", "yes")
    assert repr(predictor) == f"Predictor({str(tmp_path / 'a')!r}, device='cpu')"


def test_what_cannot_answer_is_refused_when_it_is_made(make_model: Make) -> None:
    with pytest.raises(TrainingError, match="a model with a head"):
        zoo.Predictor(make_model(head=None))
    with pytest.raises(OptionError, match="expected 1 or more, got 0"):
        zoo.Predictor(make_model(), batch_size=0)
    with pytest.raises(OptionError, match="device 'nowhere'"):
        zoo.Predictor(make_model(), device="nowhere")


@pytest.mark.parametrize("source", [{"a.png"}, {"a": 1}.values(), range(3)])
def test_other_iterables_are_refused_with_the_way(make_model: Make, source: Any) -> None:
    with pytest.raises(DataError, match=r"list\(\.\.\.\) for all answers at once, iter\(\.\.\.\)"):
        zoo.Predictor(make_model(in_channels=3))(source)


def test_many_threads_get_the_answers_of_one(make_model: Make) -> None:
    predictor = zoo.Predictor(make_model(in_channels=3))
    given = images(40)
    expected = [predictor(image).scores for image in given]
    with ThreadPoolExecutor(4) as pool:
        assert [found.scores for found in pool.map(predictor, given)] == expected


def test_threads_that_predict_with_one_model_disturb_each_other_in_nothing(monkeypatch: Any) -> None:
    model = zoo.build("tiny_resnet", head="multiclass", classes=3, in_channels=3, input_size=16, seed=0)
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    (expected,) = zoo.predict(model, PIXELS)
    infer, began, ended = model.infer, threading.Barrier(2), threading.Event()

    def in_step(x: torch.Tensor) -> torch.Tensor:
        began.wait(60)
        # The second computes after the first has given the model back
        if threading.current_thread().name.endswith("_1"):
            assert ended.wait(60)
        return infer(x)

    monkeypatch.setattr(model, "infer", in_step)

    def ask(number: int) -> dict[str, float]:
        (found,) = zoo.predict(model, PIXELS)
        ended.set()
        return found.scores

    with ThreadPoolExecutor(2) as pool:
        assert [*pool.map(ask, range(2))] == [expected.scores] * 2
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def lost(model: Model) -> Model:
    """A model whose last layer gives nan."""
    with torch.no_grad():
        [*model.parameters()][-1].fill_(float("nan"))
    return model


def test_a_model_of_weights_that_are_no_numbers_gives_no_answer(make_model: Make) -> None:
    model = lost(make_model(in_channels=3))
    for ask in (lambda: zoo.predict(model, PIXELS), lambda: zoo.Predictor(model)(PIXELS)):
        with pytest.raises(
            WeightsError, match="predict: weights: expected numbers, got nan or infinite ones in"
        ):
            ask()
    generator = lost(zoo.build("dcgan_generator", in_channels=1, input_size=16, width=4, seed=0))
    with pytest.raises(WeightsError, match="sample: weights"):
        zoo.sample(generator, 2)


def test_the_image_is_named_whose_answer_is_no_number_and_those_before_it_are_answered(
    make_model: Make,
) -> None:
    model = make_model(in_channels=3)
    model.infer = lambda x: torch.where(x.mean((1, 2, 3)) > 0, 1.0, torch.nan)[:, None]  # type: ignore[method-assign]
    black = np.zeros_like(PIXELS)
    with pytest.raises(
        TrainingError, match="expected numbers, got nan for 1 of 3, image 1 first; its weights"
    ):
        zoo.predict(model, [PIXELS, black, PIXELS])
    found = zoo.Predictor(model)(iter([PIXELS, black]))
    assert next(found).source == "image 0"
    with pytest.raises(TrainingError, match="image 1 first"):
        next(found)
