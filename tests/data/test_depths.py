"""Files as OpenCV and Pillow write them; what reading them loses is said once, with numbers."""

import io
import warnings
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

import zoo
from zoo.data.depths import warn_losses
from zoo.images.decode import decode

GRAY = np.linspace(0, 65535, 24 * 24).reshape(24, 24).astype(np.uint16)
COLOUR = np.dstack([GRAY, GRAY[::-1], GRAY.T])


def said(function: object) -> list[str]:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        function()  # type: ignore[operator]
    return [str(item.message) for item in seen]


def test_decoding_says_what_it_cuts(tmp_path: Path) -> None:
    for name in ("c.png", "c.tif"):
        cv2.imwrite(str(tmp_path / name), COLOUR)
        with pytest.warns(zoo.ZooWarning, match=rf"image .*{name}: 16 bits of each colour are cut to 8"):
            decode(tmp_path / name)
    for name in ("g.png", "g.tif"):
        cv2.imwrite(str(tmp_path / name), GRAY)
        assert len(np.unique(decode(tmp_path / name))) > 256
    cv2.imwrite(str(tmp_path / "d.png"), GRAY // 16)
    with pytest.warns(
        zoo.ZooWarning, match=r"4095 of 65535, as in 12 bits, so nearly black: .*=\(0, 4095\)\)"
    ):
        decode(tmp_path / "d.png")


def test_a_data_set_says_it_once_with_numbers(tmp_path: Path) -> None:
    for label in ("a", "b"):
        (tmp_path / "d" / label).mkdir(parents=True)
        for i in range(8):
            image = (COLOUR // (i + 1) if i < 3 else COLOUR // 256 // (i + 1)).astype(
                np.uint16 if i < 3 else np.uint8
            )
            cv2.imwrite(
                str(tmp_path / "d" / label / f"{i}.png"), image[:, :, ::-1] if label == "a" else image
            )
    model = zoo.build("mlp", head="binary", in_channels=3, input_size=8, seed=0)
    words = ["6 of 16 images: 16 bits of each colour are cut to 8"]
    assert said(lambda: zoo.fit(model, tmp_path / "d", epochs=1, out=tmp_path / "r", progress=False)) == words
    assert said(lambda: zoo.evaluate(model, tmp_path / "d", split="all")) == words
    assert said(lambda: zoo.predict(model, tmp_path / "d")) == words
    content = (tmp_path / "d" / "a" / "0.png").read_bytes()
    predictor = zoo.Predictor(model)
    assert said(lambda: predictor(content)) == ["1 of 1 image: 16 bits of each colour are cut to 8"]
    assert said(lambda: predictor((tmp_path / "d" / "a" / "5.png").read_bytes())) == []


def test_values_of_12_bits_in_16_are_said(tmp_path: Path) -> None:
    for i in range(3):
        cv2.imwrite(str(tmp_path / f"{i}.png"), GRAY // 16 if i else GRAY)
    model = zoo.build("mlp", head="binary", in_channels=1, input_size=8, seed=0)
    (words,) = said(lambda: zoo.predict(model, tmp_path))
    assert words.startswith("2 of the 3 images looked at: no value above 4095 of 65535")


def test_transparency_that_an_answer_loses_is_said(tmp_path: Path) -> None:
    model = zoo.build("srresnet", scale=2, width=8, blocks=1, input_size=16, seed=0)
    Image.fromarray(np.dstack([COLOUR // 256] * 1 + [GRAY // 256]).astype(np.uint8), "RGBA").save(
        tmp_path / "t.png"
    )
    words = ["1 of 2 images: transparency is laid on white, and the answers have no alpha"]
    plain = np.zeros((16, 16, 3), np.uint8)
    assert said(lambda: zoo.predict(model, [tmp_path / "t.png", plain])) == words
    # A class is told of what is seen on white, as the guide says
    classifier = zoo.build("mlp", head="binary", in_channels=3, input_size=8, seed=0)
    assert said(lambda: zoo.predict(classifier, tmp_path / "t.png")) == []


def test_a_band_that_is_hardly_alpha_is_told_before_it_whitens_the_others(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for label in ("a", "b"):
        (tmp_path / "d" / label).mkdir(parents=True)
        for i in range(8):
            infrared = rng.integers(20, 230, (24, 24, 4)).astype(np.uint8)
            Image.fromarray(infrared, "RGBA").save(tmp_path / "d" / label / f"{i}.tif")
    model = zoo.build("mlp", head="binary", in_channels=3, input_size=8, seed=0)
    told = (
        "{0} of the {1} looked at: band 4 is taken for alpha, though hardly a pixel of it is opaque "
        "or clear; where it is no alpha, build the model with in_channels=4, or leave the band out"
    )
    run = {"epochs": 1, "progress": False}
    trained = said(lambda: zoo.fit(model, tmp_path / "d", out=tmp_path / "r", **run))
    assert trained == [told.format(16, "16 images")]
    assert said(lambda: zoo.predict(model, tmp_path / "d" / "a")) == [told.format(8, "8 images")]
    assert said(lambda: zoo.predict(model, infrared)) == [told.format(1, "1 image")]
    four = zoo.build("mlp", head="binary", in_channels=4, input_size=8, seed=0)
    assert said(lambda: zoo.fit(four, tmp_path / "d", out=tmp_path / "four", **run)) == []
    cut = infrared.copy()
    cut[..., 3] = np.where(np.arange(24) < 3, 128, np.where(np.arange(24) < 12, 0, 255))
    assert said(lambda: zoo.predict(model, cut)) == []


def exif(image: Image.Image, turned: int) -> bytes:
    tags = Image.Exif()
    tags[0x0112] = turned
    file = io.BytesIO()
    image.save(file, "JPEG", exif=tags)
    return file.getvalue()


def test_masks_of_turned_images_are_said_where_their_size_cannot_tell(tmp_path: Path) -> None:
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    mask = np.zeros((24, 16), np.uint8)
    mask[3:9, 2:9] = 1
    for i, turned in enumerate([1, 3, 3, 6, 1, 1]):
        size = (24, 16) if turned == 6 else (16, 24)
        (tmp_path / "images" / f"{i}.jpg").write_bytes(exif(Image.new("RGB", size), turned))
        Image.fromarray(mask).save(tmp_path / "masks" / f"{i}.png")
    from zoo.data.sources.mask_folders import MaskFolders

    (words,) = said(lambda: MaskFolders(tmp_path))
    assert words.startswith("2 of 6 images are turned upright by their EXIF tag, their masks are not")


def test_an_opened_image_is_read_like_its_file(tmp_path: Path) -> None:
    tags = Image.Exif()
    tags[0x0112] = 6
    pixels = np.zeros((20, 20, 3), np.uint8)
    pixels[:10] = 250
    file = tmp_path / "p.png"
    Image.fromarray(pixels).save(file, exif=tags)
    model = zoo.build("mlp", head="binary", in_channels=3, input_size=8, seed=0)
    right, predictor = zoo.predict(model, file)[0].score, zoo.Predictor(model)
    assert said(lambda: zoo.predict(model, Image.open(file))) == []
    assert zoo.predict(model, Image.open(file))[0].score == predictor(Image.open(file)).score == right
    # What is made of it keeps the tag, and nobody knows whether it was turned by hand
    copy = Image.open(file).convert("RGB")
    words = said(lambda: zoo.predict(model, [copy, copy]))
    assert len(words) == 1
    assert words[0].startswith(
        "2 of 2 images: turned upright by the EXIF tag that the Pillow image still has"
    )
    with pytest.warns(zoo.ZooWarning, match="where it was turned by hand"):
        assert predictor(copy).score == right
    assert said(lambda: predictor(ImageOps.exif_transpose(copy))) == []
    with pytest.warns(zoo.ZooWarning, match="image: turned upright"):
        zoo.augment(copy, "flip", count=1)


def test_what_an_opened_image_loses_is_said(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "c.png"), COLOUR)
    cv2.imwrite(str(tmp_path / "d.png"), GRAY // 16)
    model = zoo.build("mlp", head="binary", in_channels=3, input_size=8, seed=0)
    cut, dark = "16 bits of each colour are cut to 8", "no value above 4095 of 65535, as in 12 bits"
    for name, words in (("c.png", cut), ("d.png", dark)):
        from_memory = Image.open(io.BytesIO((tmp_path / name).read_bytes()))
        for image in (Image.open(tmp_path / name), from_memory):
            (text,) = said(lambda image=image: zoo.predict(model, image))
            assert text.startswith(f"1 of 1 image: {words}")


class Opened(torch.utils.data.Dataset):  # type: ignore[type-arg]
    """Opened images of two classes, as torchvision's loaders give them."""

    classes, targets = ("a", "b"), [0, 1] * 16

    def __init__(self, file: Path) -> None:
        self.file = file

    def __len__(self) -> int:
        return 32

    def __getitem__(self, index: int) -> tuple[Image.Image, int]:
        return Image.open(self.file).convert("RGB").point(lambda v: v ^ index), index % 2


def test_a_torch_data_set_of_opened_images_says_what_is_done(tmp_path: Path) -> None:
    tags = Image.Exif()
    tags[0x0112] = 6
    Image.fromarray((COLOUR // 256).astype(np.uint8)).save(tmp_path / "p.png", exif=tags)
    data = Opened(tmp_path / "p.png")
    model = zoo.build("mlp", head="binary", classes=["a", "b"], in_channels=3, input_size=8, seed=0)
    run = {"epochs": 1, "out": tmp_path / "r", "progress": False}
    for words in (
        said(lambda: zoo.fit(model, data, **run)),
        said(lambda: zoo.evaluate(model, data, split="all")),
    ):
        assert len(words) == 1
        assert words[0].startswith("16 of the 16 images looked at: turned upright by the EXIF tag")


@pytest.mark.parametrize(
    ("top", "white", "bits"), [(200, 255, 8), (1000, 1023, 10), (4071, 4095, 12), (16000, 16383, 14)]
)
def test_fewer_bits_in_16_name_the_range_to_paste(tmp_path: Path, top: int, white: int, bits: int) -> None:
    for i in range(2):
        np.save(
            tmp_path / f"{i}.npy", np.linspace(0, top - i, 320).reshape(8, 8, 5).round().astype(np.uint16)
        )
    model = zoo.build("mlp", head="binary", in_channels=5, input_size=8, seed=0)
    (words,) = said(lambda: zoo.predict(model, tmp_path))
    assert words == (
        f"2 of the 2 images looked at: no value above {top} of 65535, as in {bits} bits, so nearly black: "
        f"zoo.build(..., value_range=(0, {white})) makes {white} white"
    )
    ranged = zoo.build("mlp", head="binary", in_channels=5, input_size=8, seed=0, value_range=(0, white))
    assert said(lambda: zoo.predict(ranged, tmp_path)) == []


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((0, 60000), "no value above 1000 of value_range=(0, 60000), so black"),
        ((-900, 100), "no value below 100 of value_range=(-900, 100), so white"),
    ],
)
def test_a_range_that_shows_nothing_is_said(values: tuple[int, int], words: str) -> None:
    model = zoo.build("mlp", head="binary", in_channels=1, input_size=8, seed=0, value_range=values)
    image = np.linspace(200, 1000, 64).reshape(8, 8).astype(np.int16)
    assert said(lambda: zoo.predict(model, image)) == [f"1 of the 1 image looked at: {words}"]


def test_zoo_data_names_the_range_of_all_images(tmp_path: Path) -> None:
    from zoo.data.inspection.report import report
    from zoo.runtime.data_arguments import as_dataset

    for k, label in enumerate("ab"):
        for kind in ("deep", "beyond"):
            (tmp_path / kind / label).mkdir(parents=True)
        for i in range(3):
            deep = np.linspace(0, 3000 + 100 * k + i, 64).reshape(8, 8)
            np.save(tmp_path / "deep" / label / f"{i}.npy", deep.astype(np.uint16))
            np.save(tmp_path / "beyond" / label / f"{i}.npy", deep.astype(np.int16) - 1000)
    texts = {
        kind: [f.text for f in report(as_dataset(tmp_path / kind)).findings] for kind in ("deep", "beyond")
    }
    assert any(text.endswith("value_range=(0, 4095)) makes 4095 white") for text in texts["deep"])
    assert texts["beyond"][0].startswith(
        "6 images with values beyond [0, 1]: zoo.build(..., value_range=(-1000, 2102))"
    )
    assert not any("cannot be read" in text for text in texts["beyond"])


def test_zoo_data_reads_by_the_range_of_a_model(tmp_path: Path) -> None:
    from zoo.data.inspection.as_seen import Look
    from zoo.data.inspection.report import report
    from zoo.runtime.data_arguments import as_dataset

    zoo.save(
        zoo.build("mlp", head="binary", in_channels=1, input_size=8, seed=0, value_range=(-9, 9)),
        tmp_path / "m",
    )
    for k, label in enumerate("ab"):
        (tmp_path / "d" / label).mkdir(parents=True)
        for i in range(3):
            np.save(tmp_path / "d" / label / f"{i}.npy", np.linspace(-9, 5 * k + i, 64).reshape(8, 8))
    found = report(Look.by(zoo.load(tmp_path / "m").input_spec).of(as_dataset(tmp_path / "d")))
    assert (found.ok, found.readable, found.kinds) == (True, 6, {"float gray": 6})


def test_zoo_data_shows_the_channels_and_bands_of_a_model(tmp_path: Path) -> None:
    from zoo.data.inspection.as_seen import Look
    from zoo.data.inspection.report import report
    from zoo.runtime.data_arguments import as_dataset

    model = zoo.build("mlp", head="binary", in_channels=4, input_size=8, seed=0, input={"bands": [3, 0]})
    zoo.save(model, tmp_path / "m")
    images = np.random.default_rng(0).random((4, 8, 8, 4)).astype(np.float32)
    seen = Look.by(zoo.load(tmp_path / "m").input_spec).of(as_dataset((images, [0, 1] * 2)))
    np.testing.assert_allclose(seen[1].image, images[1][..., [3, 0]], atol=1e-6)
    other = report(
        Look.by(zoo.load(tmp_path / "m").input_spec).of(as_dataset((images.repeat(2, axis=3), [0, 1] * 2)))
    )
    assert any("4 images that cannot be turned into 4 channels" in found.text for found in other.findings)


def ranged(values: tuple[float, float]) -> zoo.Model:
    return zoo.build("mlp", head="binary", in_channels=1, input_size=8, seed=0, value_range=values)


UNIT = np.random.default_rng(0).random((4, 8, 8))


@pytest.mark.parametrize(
    ("images", "values", "words"),
    [
        (UNIT.astype("f4"), (0, 4095), "of value_range=(0, 4095), so black"),
        (UNIT.astype("f4"), (-1000, 400), "values span 0.07% of value_range=(-1000, 400), so one gray"),
        ((UNIT * 255).astype("u1"), (0, 1), "of the values lie above value_range=(0, 1), "),
        ((UNIT * 2000 - 1000).astype("i2"), (0, 1), "below, and become white or black; look at -"),
    ],
)
def test_arrays_on_another_scale_than_the_models_are_said(
    tmp_path: Path, images: np.ndarray, values: tuple[int, int], words: str
) -> None:
    from zoo.data.depths import warn_dataset, warn_losses
    from zoo.runtime.data_arguments import as_dataset

    model, files = ranged(values), [tmp_path / f"{i}.npy" for i in range(4)]
    for file, image in zip(files, images, strict=True):
        np.save(file, image)
    data = as_dataset((images[..., None], np.array([0, 1, 0, 1])), task=model.task, values=values)
    (from_files,) = said(lambda: warn_losses(model, files))
    assert words in from_files
    assert said(lambda: warn_dataset(model, data)) == [from_files]


def test_windows_and_masks_are_scaled_without_a_word() -> None:
    from zoo.data.depths import warn_dataset
    from zoo.runtime.data_arguments import as_dataset

    for images, values in [
        ((UNIT > 0.3).astype("u1"), (0, 1)),
        (np.where(UNIT > 0.2, -1000, UNIT * 800).astype("i2"), (-160, 240)),
    ]:
        model = ranged(values)
        data = as_dataset((images[..., None], np.array([0, 1, 0, 1])), task=model.task, values=values)
        assert said(lambda m=model, d=data: warn_dataset(m, d)) == []


def test_arrays_that_a_range_cuts_are_said_once_a_call() -> None:
    model = zoo.build("small_cnn", head="binary", in_channels=1, input_size=8, seed=0, value_range=(0, 400))
    deep = np.arange(64, dtype=np.int16).reshape(8, 8) * 60
    given = [deep, Image.fromarray(deep.astype(np.int32)), torch.tensor(deep)[None]]
    for ask in (zoo.Predictor(model), partial(zoo.predict, model)):
        (words,) = said(partial(ask, given))
        assert words.startswith(
            "3 of the 3 images looked at: 89% of the values lie above value_range=(0, 400)"
        )
        assert said(partial(ask, deep // 10)) == []


def test_files_of_bytes_are_refused_before_work_by_a_range_of_another_depth(tmp_path: Path) -> None:
    deep = np.random.default_rng(0).integers(0, 4096, (8, 8, 8), dtype=np.uint16)
    for i, pixels in enumerate(deep):
        place = tmp_path / "d" / "ab"[i % 2]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(place / f"{i}.png")
    model = zoo.build("small_cnn", head="binary", in_channels=1, input_size=8, seed=0, value_range=(0, 4095))
    assert said(lambda: warn_losses(model, [*(tmp_path / "d").rglob("*.png")])) == []
    for name in ("7.png", "9.jpg"):
        Image.fromarray((deep[7] >> 4).astype(np.uint8)).save(tmp_path / "d" / "b" / name)
    words = r"value_range=\(0, 4095\), got bytes, 0..255, of 2 of 9 images, the first '7.png'; give images of"
    with pytest.raises(zoo.ZooError, match=words):
        zoo.fit(model, tmp_path / "d", epochs=1, out=tmp_path / "run", workers=0)
    with pytest.raises(zoo.ZooError, match=words):
        zoo.predict(model, tmp_path / "d")
    assert not (tmp_path / "run").exists()
