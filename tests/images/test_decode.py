import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from zoo.images.decode import decode
from zoo.images.objects import to_image
from zoo.images.prepare import prepare, to_channels
from zoo.images.readers import from_array
from zoo.spec.errors import DataError, ZooWarning
from zoo.spec.inputs import InputSpec

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (20, 30, 3), dtype=np.uint8)


def spec(channels: int = 3, size: tuple[int, int] = (20, 30), interpolation: str = "bilinear") -> InputSpec:
    return InputSpec(size=size, interpolation=interpolation).with_channels(channels)


def written(folder: Path, image: Image.Image, name: str = "a.png", **options: object) -> Path:
    image.save(folder / name, **options)
    return folder / name


def test_rgb_comes_back_as_it_was(tmp_path: Path) -> None:
    np.testing.assert_array_equal(decode(written(tmp_path, Image.fromarray(COLOUR))), COLOUR)


@pytest.mark.parametrize(
    ("mode", "channels"),
    [("L", 1), ("1", 1), ("LA", 2), ("RGB", 3), ("RGBA", 4), ("P", 3), ("CMYK", 3), ("YCbCr", 3)],
)
def test_every_mode_becomes_channels_of_bytes(tmp_path: Path, mode: str, channels: int) -> None:
    saved = Image.fromarray(COLOUR).convert(mode)
    suffix = ".tif" if mode in ("CMYK", "YCbCr") else ".png"
    image = decode(written(tmp_path, saved, f"a{suffix}"))
    assert image.shape == (20, 30, channels)
    assert image.dtype == np.uint8
    assert prepare(image, spec()).shape == (3, 20, 30)


def test_sixteen_bits_keep_their_depth(tmp_path: Path) -> None:
    deep = np.array([[0, 1, 65535], [32768, 300, 7]], dtype=np.uint16)
    image = decode(written(tmp_path, Image.fromarray(deep)))
    np.testing.assert_allclose(image[..., 0], deep / 65535, rtol=1e-6)


def test_a_palette_with_transparency_has_alpha(tmp_path: Path) -> None:
    image = Image.fromarray(COLOUR).convert("P")
    assert decode(written(tmp_path, image, transparency=0)).shape == (20, 30, 4)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.bool_])
def test_a_gray_value_that_is_named_transparent_has_alpha(tmp_path: Path, kind: type) -> None:
    gray = np.array([[0, 1], [1, 0]], dtype=kind)
    image = decode(written(tmp_path, Image.fromarray(gray), transparency=1))
    assert image.shape == (2, 2, 2)
    assert (image[..., 1] > 0).tolist() == [[True, False], [False, True]]
    assert prepare(image, spec(size=(2, 2)))[0, 0, 1] == 1


def test_exif_orientation_turns_the_image_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by a quarter clockwise to see it upright
    image = decode(written(tmp_path, Image.fromarray(COLOUR), exif=exif))
    np.testing.assert_array_equal(image, np.rot90(COLOUR, -1))


def test_of_an_animation_the_first_frame_is_taken_and_that_is_said(tmp_path: Path) -> None:
    frames = [Image.new("L", (8, 8), value) for value in (10, 200)]
    path = tmp_path / "a.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    with pytest.warns(ZooWarning, match=r"a\.gif has several frames"):
        image = decode(path)
    assert int(image.max()) <= 12


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_truncated_file_is_named(tmp_path: Path, share: float) -> None:
    path = written(tmp_path, Image.fromarray(COLOUR), "cut.jpg")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(
        DataError, match=r"cut\.jpg: expected a readable image, got .*mend or remove"
    ) as caught:
        decode(path)
    assert "\n" not in str(caught.value)


def test_text_under_an_images_name_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no image")
    with pytest.raises(DataError, match=r"a\.png: expected a readable image"):
        decode(tmp_path / "a.png")


def test_gray_is_pillows_luma() -> None:
    expected = np.asarray(Image.fromarray(COLOUR).convert("L")) / 255
    found = prepare(COLOUR, spec(1))[0].numpy()
    np.testing.assert_allclose(found, expected, atol=1 / 255)


def test_channels_are_converted_both_ways() -> None:
    gray = torch.rand(1, 4, 4)
    assert torch.equal(to_channels(gray, 3), gray.expand(3, -1, -1))
    assert torch.equal(to_channels(gray.expand(3, -1, -1), 4)[3], torch.ones(4, 4))
    torch.testing.assert_close(to_channels(gray.expand(3, -1, -1), 1), gray)


def test_transparent_pixels_lie_on_white() -> None:
    x = torch.tensor([0.2, 0.4, 0.6, 0.0]).view(4, 1, 1)
    assert to_channels(x, 3).unique().tolist() == [1.0]
    assert torch.equal(to_channels(torch.cat([x[:3], torch.ones(1, 1, 1)]), 3), x[:3])


def test_gray_keeps_its_alpha_in_four_channels() -> None:
    x = torch.tensor([0.2, 0.5]).view(2, 1, 1)
    assert torch.equal(to_channels(x, 4).flatten(), torch.tensor([0.2, 0.2, 0.2, 0.5]))
    torch.testing.assert_close(to_channels(x, 1).flatten(), torch.tensor([0.6]))


def test_five_channels_do_not_become_three() -> None:
    with pytest.raises(DataError, match="expected 3 channels, got 5; build the model with in_channels=5"):
        prepare(RNG.random((4, 4, 5), dtype=np.float32), spec())


@pytest.mark.parametrize(("interpolation", "mode"), [("bilinear", 2), ("bicubic", 3), ("nearest", 0)])
@pytest.mark.parametrize("size", [(6, 8), (40, 44)])
def test_resizing_is_pillows(interpolation: str, mode: int, size: tuple[int, int]) -> None:
    smooth = np.asarray(Image.fromarray(COLOUR).resize((60, 50), Image.Resampling.BICUBIC))
    bands = Image.fromarray(smooth).split()  # of floats, which Pillow does not round between its two passes
    sized = [band.convert("F").resize(size[::-1], Image.Resampling(mode)) for band in bands]
    expected = np.stack([np.asarray(band) for band in sized]).clip(0, 255) / 255
    found = prepare(smooth, spec(size=size, interpolation=interpolation)).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_an_image_of_the_right_size_is_only_scaled() -> None:
    found = prepare(COLOUR, spec())
    np.testing.assert_array_equal((found * 255).round().permute(1, 2, 0).numpy(), COLOUR)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.full((4, 4, 3), 200.0), "values in .0, 1., got 200 to 200; divide by 255"),
        (np.full((4, 4, 3), np.nan), "got nan to nan"),
        (np.zeros((4, 4, 3), np.int64), "got int64"),
        (np.zeros((2, 4, 4, 3), np.uint8), "H x W x C, got 2 x 4 x 4 x 3"),
        (np.zeros((0, 4, 3), np.uint8), "got 0 x 4 x 3"),
    ],
)
def test_arrays_that_are_no_image_are_refused(array: np.ndarray, words: str) -> None:
    with pytest.raises(DataError, match=words):
        from_array(array)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16, torch.float64])
def test_a_tensor_of_any_floats_is_an_image(kind: torch.dtype) -> None:
    found = to_image(torch.full((3, 2, 2), 0.5, dtype=kind))
    assert found.dtype == np.float32
    assert (found == 0.5).all()


def test_one_image_in_three_forms_is_one_image() -> None:
    buffer = io.BytesIO()
    Image.fromarray(COLOUR).save(buffer, "PNG")
    tensor = torch.from_numpy(COLOUR).permute(2, 0, 1)
    forms = [Image.open(buffer), COLOUR, tensor, tensor.float() / 255]
    first, *others = [prepare(to_image(form), spec(size=(16, 16))) for form in forms]
    assert all(torch.allclose(first, other, atol=1e-6) for other in others)
