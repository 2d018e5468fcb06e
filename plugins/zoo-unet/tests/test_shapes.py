"""A smaller `benchmarks/shapes.py`: the U-Net learns the shapes, and better than convolutions in a row."""

import pytest

import zoo

DATA = {"name": "shapes", "size": 32, "count": 1200}
LABELS = ("background", "circle", "square", "triangle")
LOSS = {"name": "perceptual", "parts": {"pixel-cross-entropy": 1.0, "dice": 0.5}}


def iou(model, folder):
    model = zoo.build(model, classes=LABELS, input_size=32, seed=0)
    settings = {"epochs": 6, "batch_size": 8, "lr": 5e-3, "schedule": "one-cycle", "seed": 0}
    zoo.fit(model, DATA, loss=LOSS, monitor="val_iou", out=folder, **settings)
    return zoo.evaluate(model, DATA).metrics["iou"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_it_learns_shapes_better_than_convolutions_in_a_row(tmp_path):
    encoder = {"name": "unet_encoder", "widths": [16, 32, 64]}
    learnt = iou({"name": "unet", "encoder": encoder}, tmp_path / "unet")
    plain = iou({"name": "sequential_cnn", "channels": [16, 16, 16]}, tmp_path / "plain")
    print(f"IoU: unet {learnt:.3f}, sequential_cnn {plain:.3f}")
    assert learnt > 0.6
    assert learnt > plain + 0.15
