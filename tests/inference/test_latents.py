"""`zoo.latents` and images of restored images, from Python and from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.decomposition import PCA

import zoo
from zoo.cli import main
from zoo.inference import latents as module
from zoo.interfaces.tasks import Reconstruction
from zoo.interfaces.tasks.images import ImageAnalysis
from zoo.runtime.data_arguments import as_dataset
from zoo.spec.errors import DataError, OptionError, SaveError, ShapeError

SMALL = {"name": "conv_encoder", "channels": [4, 8]}
DIGITS = {"name": "digits", "per_class": 10}


def build(latent=2, **options):
    given = {"encoder": SMALL, "in_channels": 1, "input_size": 8, "seed": 0, **options}
    return zoo.build("autoencoder", latent=latent, **given)


@pytest.fixture
def drawn(monkeypatch):
    """What is handed to the plot."""
    seen = []
    scatter = module.scatter

    def spy(found, path, title=""):
        seen.append((found, title))
        scatter(found, path, title)

    monkeypatch.setattr(module, "scatter", spy)
    return seen


@pytest.mark.drawn
def test_two_numbers_are_the_plane(tmp_path, drawn):
    model = build()
    found = zoo.latents(model, DIGITS, split="all", out=tmp_path / "plots" / "latents.png")
    digits = as_dataset(DIGITS)
    x = torch.stack([torch.from_numpy(digits[i].image / 255).float().permute(2, 0, 1) for i in range(100)])
    with torch.no_grad():
        expected = model.eval().encode(x)
    torch.testing.assert_close(found.vectors, expected, atol=1e-5, rtol=1e-5)
    assert torch.equal(found.plane, found.vectors)
    assert found.axes == ("latent 1", "latent 2")
    assert found.classes == tuple(digits.targets)
    assert found.labels == tuple("0123456789")
    assert found.names[3] == "digits[3]"
    assert drawn[0][1] == "all split, 100 images"
    with Image.open(tmp_path / "plots" / "latents.png") as image:
        assert image.size[0] > 600


@pytest.mark.parametrize("latent", [16, "map"])
def test_more_numbers_are_shown_by_scikit_learns_principal_components(latent):
    found = zoo.latents(build(latent), DIGITS, split="all")
    pca = PCA(2, svd_solver="full").fit(found.vectors.double().numpy())
    expected = pca.transform(found.vectors.double().numpy())
    signs = np.sign((found.plane.numpy() * expected).sum(axis=0))
    np.testing.assert_allclose(found.plane.numpy(), expected * signs, atol=1e-4)
    count = found.vectors.shape[1]
    assert count == (16 if latent == 16 else 8 * 2 * 2)
    for i, axis in enumerate(found.axes):
        share = pca.explained_variance_ratio_[i]
        assert axis == f"principal component {i + 1} of {count} numbers ({share:.0%} of the variance)"


def test_components_have_one_sign_whatever_the_solver_gives():
    g = torch.Generator().manual_seed(0)
    vectors = torch.randn(30, 5, generator=g) * torch.tensor([5.0, 3.0, 1.0, 1.0, 1.0])
    plane, _ = module._plane(vectors)
    assert torch.equal(plane, module._plane(vectors)[0])
    assert float(torch.corrcoef(torch.stack([plane[:, 0], vectors[:, 0]]))[0, 1]) > 0.9


def test_without_classes_there_are_no_colours(tmp_path, drawn):
    model = zoo.build("autoencoder", encoder=SMALL, latent=2, input_size=16, seed=0)
    photos = {"name": "photos", "size": 32, "per_photo": 2}
    found = zoo.latents(model, photos, split="all", out=tmp_path / "latents.png")
    assert (found.classes, found.labels) == ((), ())
    assert len(drawn) == 1


def test_the_grid_decodes_the_plane_with_the_second_number_upwards(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(module, "images", lambda sheet, path: seen.append((sheet, path)))
    model = build(variational=True)
    found = zoo.latents(model, DIGITS, split="all", grid=tmp_path / "grid.png")
    ((sheet, path),) = seen
    (cells,) = sheet.columns.values()
    assert (cells.shape, path.name) == ((144, 1, 8, 8), "grid.png")
    low, high = (np.quantile(found.plane.numpy(), q, axis=0) for q in (0.02, 0.98))
    corners = {0: (low[0], high[1]), 11: (high[0], high[1]), 132: (low[0], low[1]), 143: (high[0], low[1])}
    with torch.no_grad():
        for i, place in corners.items():
            expected = model.eval().decode(torch.tensor([place], dtype=torch.float32))
            torch.testing.assert_close(cells[i], expected[0], atol=1e-5, rtol=1e-4)


def test_the_model_is_given_back_as_it_was(tmp_path):
    model = build(variational=True).train()
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    zoo.latents(model, DIGITS, grid=tmp_path / "grid.png")
    assert model.training
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize(
    ("latent", "options", "expected"),
    [
        (
            16,
            {"grid": "grid.png"},
            (OptionError, "expected a latent of two numbers, got 16; leave the grid out"),
        ),
        (1, {"out": "latents.png"}, (OptionError, "expected two numbers an image or more, got 1")),
        (2, {"out": "a.gif"}, (SaveError, "the name of an image, .png .jpg .jpeg .webp, got 'a.gif'")),
        (2, {"split": "tset"}, (DataError, "tset")),
    ],
)
def test_a_mistake_is_said_before_any_image_is_read(latent, options, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "own_batches", None)
    with pytest.raises(expected[0], match=expected[1]) as caught:
        zoo.latents(build(latent), DIGITS, **options)
    assert "\n" not in str(caught.value)


def test_a_model_without_latent_says_so():
    with pytest.raises(ShapeError, match="has no latent; choose a model with one"):
        zoo.latents(zoo.build("tiny_resnet", head="binary"), {"name": "faces", "per_class": 5})
    with pytest.raises(ShapeError, match="makes no images of latents"):
        zoo.build("tiny_resnet").decode(torch.zeros(1, 2))


@pytest.mark.parametrize("classes", [10, 15, 40])
@pytest.mark.drawn
def test_many_classes_have_many_colours(classes, tmp_path):
    g = torch.Generator().manual_seed(0)
    found = module.Latents(
        vectors=torch.randn(200, 2, generator=g), plane=torch.randn(200, 2, generator=g), axes=("a", "b"),
        classes=tuple(i % classes for i in range(200)), labels=tuple(f"label {i}" for i in range(classes)),
        names=("",) * 200,
    )  # fmt: skip
    assert module.scatter(found, tmp_path / "plot.png").stat().st_size > 10_000
    from matplotlib import colormaps

    assert len({tuple(module._colour(colormaps, i, classes)) for i in range(classes)}) == classes


# -- on the command line ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("work")
    zoo.save(build(variational=True), folder / "two")
    zoo.save(build(5), folder / "five")
    return folder


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([*arguments])
    captured = capsys.readouterr()
    return int(ended.value.code or 0), captured.out, captured.err


def test_the_command_draws_and_says_where(saved, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, err = run(capsys, "latents", str(saved / "two"), "digits", "--grid", "grid.png")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "test split, 269 images, 2 numbers each", "axes: latent 1; latent 2", "plot: latents.png",
        "grid: grid.png",
    ]  # fmt: skip
    assert {file.name for file in tmp_path.iterdir()} == {"latents.png", "grid.png"}


def test_as_json_it_is_numbers_and_no_file(saved, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, _ = run(capsys, "latents", str(saved / "five"), "digits", "--split", "val", "--json")
    rows = json.loads(out)
    found = zoo.latents(saved / "five", "digits", split="val")
    assert status == 0
    assert [row["latent"] for row in rows] == found.vectors.tolist()
    assert {row["label"] for row in rows} == set("0123456789")
    assert not list(tmp_path.iterdir())


def test_a_mistake_on_the_command_line_is_one_line(saved, capsys):
    status, out, err = run(capsys, "latents", str(saved / "five"), "digits", "--grid", "grid.png")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "expected a latent of two numbers, got 5" in err


def test_evaluating_draws_the_worst_images_before_and_after(saved, capsys, tmp_path):
    status, out, _ = run(capsys, "evaluate", str(saved / "five"), "digits", "--out", str(tmp_path / "eval"))
    assert status == 0
    assert "WORST IMAGES" in out
    assert {file.name for file in (tmp_path / "eval").iterdir()} == {"metrics.json", "worst.png"}
    figures = json.loads(Path(tmp_path / "eval" / "metrics.json").read_text())
    ratios = [float(item["label"].removesuffix(" dB")) for item in figures["worst"]]
    assert ratios == sorted(ratios)
    assert len(ratios) == 24
    assert ratios[0] < figures["psnr"]


def test_the_worst_images_are_those_with_the_largest_error():
    g = torch.Generator().manual_seed(0)
    target = torch.rand(10, 1, 4, 4, generator=g)
    output = (target + torch.arange(10).view(-1, 1, 1, 1) * 0.05).clamp(0, 1)
    analysis = ImageAnalysis(Reconstruction(), (), 3)
    order = torch.tensor([4, 9, 0, 7, 1, 2, 8, 3, 6, 5])
    for part in order.split(4):
        analysis.add(output[part], target[part], part, (4, 4))
    found = analysis.findings(str, {})
    assert [mistake.index for mistake in found.worst] == [9, 8, 7]
    assert torch.equal(found.drawings["worst"].columns["original"][0], target[9])
    assert torch.equal(found.drawings["worst"].columns["restored"][2], output[7])


def test_images_of_several_sizes_are_drawn_on_white():
    analysis = ImageAnalysis(Reconstruction(), (), 4)
    analysis.add(torch.zeros(1, 1, 2, 3), torch.full((1, 1, 2, 3), 0.5), torch.tensor([0]), (2, 3))
    analysis.add(torch.zeros(1, 1, 4, 2), torch.full((1, 1, 4, 2), 0.25), torch.tensor([1]), (4, 2))
    first = analysis.findings(str, {}).drawings["worst"].columns["original"][0, 0]
    assert first.tolist() == [[0.5] * 3, [0.5] * 3, [1.0] * 3, [1.0] * 3]
