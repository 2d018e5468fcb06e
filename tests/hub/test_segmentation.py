"""Push, and pull in a new process: a U-Net's outputs, bit for bit."""

import pytest

import zoo

from .test_there_and_back import one_thread, there_and_back, trained

__all__ = ["one_thread"]

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the client's own


@pytest.mark.slow
@pytest.mark.usefixtures("writing", "one_thread")
def test_models_of_segmentation(hub, tmp_path):
    classes, size = ["ground", "leaf", "fruit"], 32
    glyphs = {"name": "tiny_resnet", "weights": "glyphs"}
    plain = {"name": "unet_encoder", "widths": [4, 8], "residual": True}
    models = {
        "me/unet": zoo.build("unet", encoder=plain, classes=classes, input_size=size, residual=True, seed=0),
        "me/unet-glyphs": zoo.build("unet", encoder=glyphs, classes=classes, freeze="encoder.block1", seed=0),
        "me/sequential": zoo.build(
            "sequential_cnn", channels=[4, 4], classes=classes, input_size=size, seed=0
        ),
    }
    found, expected = there_and_back(hub, tmp_path, {name: trained(model) for name, model in models.items()})
    assert found == expected
    assert [row[3] for row in found] == [[], ["encoder.block1"], []]
