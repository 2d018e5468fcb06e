from importlib.metadata import version

import pytest
import torch
from PIL import features

from zoo.images.libraries import pixel_libraries


def test_the_libraries_of_pixels_are_those_that_are_installed() -> None:
    found = pixel_libraries()
    assert (found["pillow"], found["numpy"]) == (version("pillow"), version("numpy"))
    assert found["torch"] == torch.__version__
    assert found["pillow jpg"] == features.version("jpg")


def test_a_decoder_that_pillow_was_built_without_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    real = features.version
    monkeypatch.setattr(features, "version", lambda name: None if name == "webp" else real(name))
    monkeypatch.delitem(features.codecs, "jpg_2000")
    assert not {"pillow webp", "pillow jpg_2000"} & {*pixel_libraries()}
