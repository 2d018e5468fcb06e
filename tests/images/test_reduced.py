"""Reading fast: a JPEG at a reduced scale, bytes resized as bytes; reading exactly is what it was."""

import io

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

import zoo
from zoo.data.batches import Batches
from zoo.data.sources.class_folders import ImageFiles
from zoo.images.decode import MARGIN, decode, decode_reduced
from zoo.images.prepare import pixels, prepare
from zoo.spec.inputs import InputSpec

FAST = InputSpec(size=(48, 64), decode="fast")
EXACT = InputSpec(size=(48, 64))


def photograph(width=640, height=480):
    """A photograph; of 640 x 427 by itself."""
    from sklearn.datasets import load_sample_image

    return Image.fromarray(load_sample_image("china.jpg")).resize((width, height), Image.Resampling.BICUBIC)


def saved(path, image=None, **how):
    """A file of the photograph."""
    (image or photograph()).save(path, **how)
    return path


def test_a_jpeg_is_decoded_at_the_scale_that_leaves_the_margin(tmp_path):
    file = saved(tmp_path / "a.jpg")
    for least, scale in (((480, 640), 1), ((97, 128), 1), ((96, 128), 2), ((48, 64), 4), ((20, 20), 8)):
        image, size = decode_reduced(file, least)
        assert size == (480, 640)
        assert image.shape[:2] == (480 // scale, 640 // scale)
        assert scale == 1 or image.shape[0] >= MARGIN * least[0]


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_turned_jpeg_keeps_its_sides_apart(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = saved(tmp_path / "a.jpg", exif=exif)
    image, size = decode_reduced(file, (40, 60) if orientation == 3 else (60, 40))
    assert size == decode(file).shape[:2]
    assert image.shape[:2] == (size[0] // 4, size[1] // 4)


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.bmp", "a.tif"])
def test_other_formats_are_decoded_in_full(tmp_path, name):
    file = saved(tmp_path / name)
    image, size = decode_reduced(file, (8, 8))
    assert size == image.shape[:2] == (480, 640)
    assert np.array_equal(image, decode(file))


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGB"])
@pytest.mark.parametrize("step", [2, 4])
def test_the_fast_way_stays_near_the_exact_one(tmp_path, mode, step):
    # Its own detail, and just the margin: the worst that can be
    file = saved(tmp_path / "a.jpg", photograph().convert(mode), quality=92)
    spec = EXACT.with_size((int(480 / step / MARGIN), int(640 / step / MARGIN)))
    (fast,) = Batches(ImageFiles([file]), [0], spec.with_decode("fast"), batch_size=1)
    (exact,) = Batches(ImageFiles([file]), [0], spec, batch_size=1)
    apart = (fast["image"] - exact["image"]).abs() * 255
    assert 0 < apart.mean() < 1.1
    assert apart.max() < 16


def test_bytes_are_resized_as_bytes_within_a_step_of_rounding():
    image = np.asarray(photograph(200, 150))
    fast, exact = pixels(image, FAST), prepare(image, EXACT)
    assert fast.dtype == torch.uint8
    assert (fast.float() - exact * 255).abs().max() <= 1.01
    # Pillow's own, an independent implementation
    pillow = np.asarray(Image.fromarray(image).resize((64, 48), Image.Resampling.BILINEAR))
    assert np.abs(fast.permute(1, 2, 0).numpy().astype(int) - pillow).max() <= 1


@pytest.mark.parametrize(
    ("mode", "channels"), [("RGBA", 3), ("LA", 1), ("RGB", 1), ("L", 3), ("L", 4), ("RGBA", 1)]
)
def test_channels_become_the_models_either_way(mode, channels):
    alpha = photograph(90, 70).convert("L")
    image = photograph(90, 70).convert(mode[:-1] if mode.endswith("A") else mode)
    if mode.endswith("A"):
        image.putalpha(alpha)
    given = np.asarray(image) if mode != "L" else np.asarray(image)[..., None]
    spec = EXACT.with_channels(channels).with_size((35, 45))
    fast = pixels(given, spec.with_decode("fast"))
    assert fast.shape == (channels, 35, 45)
    # Alpha is laid on white before the image is resized, and each of the two is rounded once
    assert (fast.float() - prepare(given, spec) * 255).abs().max() <= 1.51


def test_images_of_the_models_size_16_bits_and_nearest_are_the_same_either_way(tmp_path):
    deep = np.linspace(0, 65535, 30 * 40).reshape(30, 40).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    for image, spec in (
        (np.asarray(photograph(64, 48)), EXACT),
        (decode(tmp_path / "deep.png"), EXACT.with_channels(1)),
        (np.asarray(photograph(200, 150)), InputSpec(size=(48, 64), interpolation="nearest")),
    ):
        assert torch.equal(prepare(image, spec), prepare(image, spec.with_decode("fast")))


def test_nearest_takes_pixels_of_the_file_itself(tmp_path):
    file = saved(tmp_path / "a.jpg")
    spec = InputSpec(size=(12, 16), interpolation="nearest", decode="fast")
    (batch,) = Batches(ImageFiles([file]), [0], spec, batch_size=1)
    whole = torch.from_numpy(decode(file)).permute(2, 0, 1)[None].float() / 255
    assert torch.equal(batch["image"], F.interpolate(whole, size=(12, 16), mode="nearest-exact"))


def test_many_bands_are_resized_as_bytes():
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 6), dtype=np.uint8)
    spec = InputSpec(size=(20, 30), decode="fast").with_channels(6)
    exact = prepare(image, spec.with_decode("exact"))
    assert (prepare(image, spec) - exact).abs().max() <= 1.01 / 255


def test_crops_and_own_sizes_are_of_the_file_in_full(tmp_path):
    file = saved(tmp_path / "a.jpg")
    whole = torch.from_numpy(decode(file)).permute(2, 0, 1).float() / 255
    small = InputSpec(size=(20, 30), decode="fast")
    (batch,) = Batches(ImageFiles([file]), [0], small, crop=True, batch_size=1)
    assert torch.equal(batch["image"][0], whole[:, 230:250, 305:335])
    (batch,) = Batches(ImageFiles([file]), [0], small, own_size=True, batch_size=1)
    assert torch.equal(batch["image"][0], whole)


def test_places_are_those_in_the_full_image(tmp_path):
    file = saved(tmp_path / "a.jpg")
    batches = (
        next(iter(Batches(ImageFiles([file]), [0], spec.with_size((24, 32)), batch_size=1, places=True)))
        for spec in (EXACT, FAST)
    )
    exact, fast = batches
    assert torch.equal(exact["place"], fast["place"])
    assert fast["size"].tolist() == [[480, 640]]


def test_bytes_and_16_bit_images_share_a_batch(tmp_path):
    Image.fromarray(np.full((9, 9), 65535, np.uint16)).save(tmp_path / "deep.png")
    Image.fromarray(np.full((9, 9), 255, np.uint8)).save(tmp_path / "flat.png")
    files = ImageFiles([tmp_path / "deep.png", tmp_path / "flat.png"])
    (batch,) = Batches(files, [0, 1], InputSpec(size=(4, 4), decode="fast").with_channels(1), batch_size=2)
    assert batch["image"].dtype == torch.float32
    assert torch.allclose(batch["image"], torch.ones(2, 1, 4, 4), atol=1e-6)


def test_a_subclass_with_samples_of_its_own_is_asked_for_them(tmp_path):
    class Doubled(ImageFiles):
        def __getitem__(self, index):
            sample = super().__getitem__(index)
            return type(sample)(sample.image // 2, 7)

    file = saved(tmp_path / "a.jpg")
    sample = Doubled([file]).reduced(0, (8, 8))
    assert (sample.target, sample.image.shape) == (7, (480, 640, 3))


class TestModels:
    def test_a_new_model_reads_fast_and_a_saved_one_as_it_was_trained(self, tmp_path):
        fast = zoo.build("mlp", head="binary", input_size=8, seed=0)
        exact = zoo.build("mlp", head="binary", input_size=8, seed=0, decode="exact")
        assert (fast.input_spec.decode, exact.input_spec.decode) == ("fast", "exact")
        for name, model in (("fast", fast), ("exact", exact)):
            zoo.save(model, tmp_path / name)
            again = zoo.load(tmp_path / name)
            assert again.input_spec == model.input_spec
            assert zoo.build(again.recipe).input_spec == model.input_spec

    def test_a_config_of_before_reads_exactly(self):
        before = {"channels": 1, "size": [8, 8], "range": [0.0, 1.0], "mean": [0.5], "std": [0.5],
                  "interpolation": "bilinear"}  # fmt: skip
        assert InputSpec.from_dict(before).decode == "exact"
        assert InputSpec.from_dict(before).to_dict() == before

    def test_another_way_is_refused(self):
        with pytest.raises(zoo.ZooError, match=r"exact.*fast"):
            zoo.build("mlp", head="binary", decode="quick")

    def test_the_table_of_the_input_may_say_it(self):
        table = {"channels": 1, "size": [8, 8], "mean": [0.5], "std": [0.5], "decode": "exact"}
        assert zoo.build({"name": "mlp", "input": table}, head="binary").input_spec.decode == "exact"

    def test_predict_sees_the_pixels_of_training(self, tmp_path):
        model = zoo.build("mlp", head="binary", input_size=32, in_channels=3, seed=0)
        file = saved(tmp_path / "a.jpg")
        (batch,) = Batches(ImageFiles([file]), [0], model.input_spec, batch_size=1)
        with torch.no_grad():
            seen = torch.sigmoid(model(batch["image"])).item()
        for given in (file, file.read_bytes(), io.BytesIO(file.read_bytes())):
            (found,) = zoo.predict(model, given)
            assert found.score == pytest.approx(max(seen, 1 - seen), abs=1e-6)
