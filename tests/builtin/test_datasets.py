import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits

from zoo.builtin.datasets import Digits, Faces
from zoo.spec.errors import DataError


def test_digits_are_scikit_learns_on_the_scale_of_bytes() -> None:
    data, bunch = Digits(), load_digits()
    assert len(data) == len(bunch.target) == 1797
    picture = data[5].picture
    assert picture.shape == (8, 8, 1)
    assert picture.dtype == np.uint8
    np.testing.assert_allclose(picture[..., 0] / 255, bunch.images[5] / 16, atol=1 / 255)
    assert data.targets == bunch.target.tolist()
    assert data.labels[data[5].target] == str(bunch.target[5])


def test_faces_are_the_even_half_with_faces_first() -> None:
    data = Faces()
    assert len(data) == 200
    assert sum(data.targets) == 100
    assert data.labels[data[0].target] == "face"
    assert data.labels[data[199].target] == "no face"
    # The faces are aligned: each looks like their mean. The other crops have nothing in common.
    pictures = np.stack([data[i].picture.ravel() for i in range(200)]).astype(float)
    likeness = [
        np.corrcoef(pictures[i], pictures[:100].mean(0))[0, 1] for i in range(200) if pictures[i].std()
    ]
    assert np.mean(likeness[:100]) > 0.5 > abs(np.mean(likeness[100:])) + 0.3


def test_a_smaller_set_has_another_fingerprint_and_all_classes() -> None:
    small = Digits(per_class=3)
    assert [small.targets.count(i) for i in range(10)] == [3] * 10
    assert small.fingerprint != Digits(per_class=4).fingerprint
    assert small.fingerprint == Digits(per_class=3).fingerprint


def test_a_missing_package_is_named_with_the_extra_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skimage.data", None)
    with pytest.raises(DataError, match=r"pip install 'zoo-core\[datasets\]'"):
        Faces()
