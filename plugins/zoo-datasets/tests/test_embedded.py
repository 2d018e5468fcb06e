import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits
from zoo_datasets.embedded import Digits, Faces
from zoo_datasets.glyphs import Glyphs

from zoo.spec.errors import DataError, OptionError


def test_digits_are_scikit_learns_on_the_scale_of_bytes() -> None:
    data, bunch = Digits(), load_digits()
    assert len(data) == len(bunch.target) == 1797
    image = data[5].image
    assert image.shape == (8, 8, 1)
    assert image.dtype == np.uint8
    np.testing.assert_allclose(image[..., 0] / 255, bunch.images[5] / 16, atol=1 / 255)
    assert data.targets == bunch.target.tolist()
    assert data.labels[data[5].target] == str(bunch.target[5])


def test_faces_are_the_even_half_with_faces_first() -> None:
    data = Faces()
    assert len(data) == 200
    assert sum(data.targets) == 100
    assert data.labels[data[0].target] == "face"
    assert data.labels[data[199].target] == "no face"
    # The faces are aligned: each looks like their mean. The other crops have nothing in common.
    images = np.stack([data[i].image.ravel() for i in range(200)]).astype(float)
    likeness = [np.corrcoef(images[i], images[:100].mean(0))[0, 1] for i in range(200) if images[i].std()]
    assert np.mean(likeness[:100]) > 0.5 > abs(np.mean(likeness[100:])) + 0.3


def test_a_smaller_set_has_another_fingerprint_and_all_classes() -> None:
    small = Digits(per_class=3)
    assert [small.targets.count(i) for i in range(10)] == [3] * 10
    assert small.fingerprint != Digits(per_class=4).fingerprint
    assert small.fingerprint == Digits(per_class=3).fingerprint


def test_a_missing_package_is_named_as_pip_calls_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skimage.data", None)
    with pytest.raises(DataError, match="pip install scikit-image"):
        Faces()


def test_chosen_classes_come_in_the_order_that_they_are_named_in() -> None:
    whole, data = Digits(), Digits(classes=["7", "1"], per_class=20)
    assert data.labels == ("7", "1")
    assert [data.targets.count(i) for i in range(2)] == [20, 20]
    sevens = [whole[i].image for i in range(len(whole)) if whole.targets[i] == 7][:20]
    found = [data[i].image for i in range(40) if data.targets[i] == 0]
    assert all(np.array_equal(a, b) for a, b in zip(found, sevens, strict=True))
    letters, all_letters = Glyphs(classes=["b", "A"], per_class=3, size=16), Glyphs(per_class=3, size=16)
    assert (letters.labels, letters.targets) == (("b", "A"), [0, 0, 0, 1, 1, 1])
    assert letters.name(5) == "glyphs[5] (A, STIXGeneral)"
    assert np.array_equal(letters[5].image, all_letters[2].image)


@pytest.mark.parametrize(
    ("classes", "words"),
    [(["1", "x"], r"dataset digits: classes: expected some of 0, 1, .* got 'x'"), (["1", "1"], "'1' twice")],
)
def test_a_class_that_there_is_not_is_named(classes: list[str], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        Digits(classes=classes)
