"""What may be missing is left out or asked for before any work: matplotlib, Accelerate, OpenCV."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torchmetrics  # noqa: F401 - it looks for matplotlib when it is imported

import zoo
import zoo.inference.latents
from zoo.cli import main
from zoo.errors import MissingPackageError, OptionError, ShapeError, ZooWarning
from zoo.interfaces.geometry import warp
from zoo.registry.extras import EXTRAS, require
from zoo.runtime.processes import accelerator_for

FACES = {"name": "faces", "per_class": 8}
PLOTS = r"expected the package matplotlib, got none; pip install \S*\[plots\]"


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes a module one that is not installed."""

    def hide(module: str) -> None:
        for name in [name for name in sys.modules if name.partition(".")[0] == module]:
            monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.setitem(sys.modules, module, None)

    warp.has_opencv.cache_clear()
    yield hide
    monkeypatch.undo()
    warp.has_opencv.cache_clear()


@pytest.fixture
def model() -> zoo.Model:
    return zoo.build("small_cnn", head="binary", in_channels=1, input_size=16, seed=0)


def test_a_run_is_finished_without_curves_and_says_what_draws_them(
    model: zoo.Model, without: Callable[[str], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    without("matplotlib")
    run = zoo.fit(model, FACES, epochs=1, out=tmp_path / "run")
    assert (run.folder / "model.safetensors").exists()
    assert not (run.folder / "curves.png").exists()
    said = [line for line in capsys.readouterr().err.splitlines() if "matplotlib" in line]
    assert len(said) == 1
    assert said[0].startswith("no curves.png, since matplotlib is not installed: pip install ")
    assert "[plots]" in said[0]


def test_sheets_of_a_run_are_left_out_too(without: Callable[[str], None], tmp_path: Path) -> None:
    without("matplotlib")
    model = zoo.build("autoencoder", encoder="small_cnn", in_channels=1, input_size=16, seed=0)
    # Where nothing is said of how it goes, what is missing is still said
    with pytest.warns(ZooWarning, match=r"^no curves\.png, since matplotlib is not installed: pip install "):
        run = zoo.fit(model, FACES, epochs=1, out=tmp_path / "run", progress=False)
    assert not [*run.folder.rglob("*.png")]


@pytest.mark.parametrize("verb", ["predict", "sample", "latents", "grid"])
def test_a_drawing_that_is_asked_for_is_an_error_before_any_work(
    verb: str,
    model: zoo.Model,
    without: Callable[[str], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    without("matplotlib")
    maker = zoo.build("dcgan_generator", in_channels=1, input_size=16, width=8, seed=0)
    flat = {"name": "autoencoder", "encoder": "small_cnn", "latent": 2}
    coder = zoo.build(flat, in_channels=1, input_size=16, seed=0)
    for owner, name in (
        (zoo.Model, "infer"),
        (type(maker), "sample"),
        (sys.modules["zoo.inference.latents"], "Batches"),
    ):
        monkeypatch.setattr(owner, name, lambda *_, **__: pytest.fail("worked"), raising=False)
    image, out = torch.zeros(1, 16, 16), tmp_path / "out.png"
    calls = {
        "predict": lambda: zoo.predict(model, image, out=out),
        "sample": lambda: zoo.sample(maker, 4, out=out),
        "latents": lambda: zoo.latents(coder, FACES, out=out),
        "grid": lambda: zoo.latents(coder, FACES, grid=out),
    }
    with pytest.raises(MissingPackageError, match=PLOTS):
        calls[verb]()
    assert not [*tmp_path.iterdir()]


def test_an_evaluation_without_matplotlib_writes_its_figures_alone_and_says_so(
    model: zoo.Model, without: Callable[[str], None], tmp_path: Path
) -> None:
    zoo.evaluate(model, FACES, out=tmp_path / "figures")
    assert (tmp_path / "figures" / "confusion.png").exists()
    without("matplotlib")
    words = "metrics.json alone is written into .*figures: matplotlib, .* is not installed: pip install"
    with pytest.warns(zoo.ZooWarning, match=words):
        zoo.evaluate(model, FACES, out=tmp_path / "figures")
    # None of an earlier evaluation either
    assert [file.name for file in (tmp_path / "figures").iterdir()] == ["metrics.json"]


def test_images_that_are_no_drawings_need_no_matplotlib(
    model: zoo.Model, without: Callable[[str], None], tmp_path: Path
) -> None:
    without("matplotlib")
    assert zoo.evaluate(model, FACES).metrics["accuracy"] >= 0
    image = torch.rand(1, 16, 16)
    network = zoo.build("autoencoder", encoder="small_cnn", in_channels=1, input_size=16, seed=0)
    zoo.predict(network, image, out=tmp_path / "answer.png")
    assert (tmp_path / "answer.png").exists()
    generator = zoo.build("dcgan_generator", in_channels=1, input_size=16, width=8, seed=0)
    zoo.sample(generator, 2, out=tmp_path / "drawn")
    assert len([*(tmp_path / "drawn").iterdir()]) == 2


def test_another_precision_says_that_accelerate_is_missing(
    model: zoo.Model, without: Callable[[str], None], tmp_path: Path
) -> None:
    without("accelerate")
    with pytest.raises(
        MissingPackageError, match=r"precision bf16: .* accelerate, got none; .*\[accelerate\]"
    ):
        zoo.fit(model, FACES, precision="bf16", epochs=1, out=tmp_path / "run")
    assert not [*tmp_path.iterdir()]
    zoo.fit(model, FACES, epochs=1, out=tmp_path / "run", progress=False)


def test_several_processes_say_that_accelerate_is_missing(
    without: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    without("accelerate")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(MissingPackageError, match="several processes: expected the package accelerate"):
        accelerator_for("fp32", torch.device("cpu"))


def test_images_are_warped_by_torch_where_there_is_no_opencv(
    model: zoo.Model, without: Callable[[str], None], tmp_path: Path
) -> None:
    without("cv2")
    run = zoo.fit(model, FACES, augment="rotate", epochs=1, out=tmp_path / "run", progress=False)
    versions = json.loads((run.folder / "run.json").read_text())["versions"]
    assert versions["resampler"] == f"torch {torch.__version__} grid_sample"


def test_a_run_that_opencv_warped_is_resumed_with_it_alone(
    model: zoo.Model, without: Callable[[str], None], tmp_path: Path
) -> None:
    run = zoo.fit(model, FACES, augment="rotate", epochs=1, out=tmp_path / "run", progress=False)
    without("cv2")
    warp.has_opencv.cache_clear()
    with pytest.raises(
        MissingPackageError,
        match=r"resume .*, whose images cv2 [\d.]+ warped: expected the package opencv-python-headless, "
        "got none; pip install opencv-python-headless$",
    ):
        zoo.fit(resume=run.folder, epochs=2)


def test_what_needs_a_package_names_an_extra_that_the_core_has() -> None:
    import tomllib

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    for module, extra in EXTRAS.items():
        assert any(line.startswith(module) for line in project["optional-dependencies"][extra])
        assert not any(line.startswith(module) for line in project["dependencies"])
    with pytest.raises(MissingPackageError, match="pip install no_such_module"):
        require("no_such_module", "this test")


def test_what_a_model_cannot_do_is_said_before_what_has_to_be_installed(
    model: zoo.Model, without: Callable[[str], None], tmp_path: Path
) -> None:
    without("matplotlib")
    with pytest.raises(ShapeError, match=r"^small_cnn has no latent; choose"):
        zoo.latents(model, FACES, out=tmp_path / "plot.png")
    with pytest.raises(ShapeError, match=r"^small_cnn does not generate images; choose"):
        zoo.sample(model, 2, out=tmp_path / "sheet.png")
    with pytest.raises(ShapeError, match="small_cnn does not generate images"):
        zoo.sample(model, 2, out=tmp_path / "several")
    assert not [*tmp_path.iterdir()]
    long = zoo.build("autoencoder", encoder="small_cnn", in_channels=1, input_size=16, seed=0)
    with pytest.raises(OptionError, match="grid: expected a latent of two numbers"):
        zoo.latents(long, FACES, grid=tmp_path / "grid.png")


def test_what_is_wrong_with_data_is_said_before_what_has_to_be_installed(
    without: Callable[[str], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    without("matplotlib")
    with pytest.raises(SystemExit):
        main(["data", f"{tmp_path}/nothere", "--out", f"{tmp_path}/sheet.png"])
    said = capsys.readouterr().err
    assert "nothere" in said
    assert "matplotlib" not in said
