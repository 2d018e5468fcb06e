from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import zoo
from zoo.cli import main
from zoo.spec.errors import OptionError, SaveError, ShapeError


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    model = zoo.build("dcgan_generator", in_channels=1, input_size=8, width=4, latent=6, seed=0)
    return zoo.save(model, tmp_path / "model")


def test_a_seed_repeats_and_none_does_not(saved: Path) -> None:
    state = torch.get_rng_state()
    one, more = zoo.sample(saved, 3, seed=4), zoo.sample(saved, 20, seed=4)
    assert torch.equal(torch.get_rng_state(), state)
    assert one.shape == (3, 1, 8, 8)
    assert torch.equal(one, more[:3])
    assert not torch.equal(zoo.sample(saved, 3), zoo.sample(saved, 3))


def test_a_model_in_training_mode_stays_in_it() -> None:
    model = zoo.build("dcgan_generator", in_channels=1, input_size=8, width=4, latent=6, seed=0).train()
    assert not zoo.sample(model, 2, seed=0).requires_grad
    assert model.training


@pytest.mark.drawn
def test_images_go_into_a_sheet_or_a_folder(saved: Path, tmp_path: Path) -> None:
    images = zoo.sample(saved, 12, seed=0, out=tmp_path / "sheets" / "all.png")
    zoo.sample(saved, 12, seed=0, out=tmp_path / "single")
    with Image.open(tmp_path / "sheets" / "all.png") as sheet:
        assert sheet.size[0] > 4 * 64
    names = sorted(p.name for p in (tmp_path / "single").iterdir())
    assert names == [f"{i:02}.png" for i in range(1, 13)]
    with Image.open(tmp_path / "single" / "12.png") as single:
        read = np.asarray(single)
    assert np.array_equal(read, (images[11, 0] * 255).round().byte().numpy())


def test_mistakes_are_said_before_work(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="count: expected 1 or more, got 0"):
        zoo.sample(saved, 0)
    with pytest.raises(ShapeError, match="does not generate images"):
        zoo.sample(zoo.build("small_cnn", head="binary", seed=0))
    (tmp_path / "file").write_text("")
    with pytest.raises(SaveError):
        zoo.sample(saved, out=tmp_path / "file")


def test_the_command_draws_a_sheet(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "samples.png"
    for _ in range(2):
        with pytest.raises(SystemExit) as end:
            main(["sample", str(saved), "--out", str(target), "--count", "5", "--seed", "1"])
        assert end.value.code == 0
    assert capsys.readouterr().out.splitlines()[0] == f"5 images of 8x8: {target}"
    assert target.exists()
    with pytest.raises(SystemExit) as end:
        main(["sample", str(saved)])
    assert end.value.code == 2


def test_the_command_evaluates_and_pushes_a_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = {"generator": {"name": "dcgan_generator", "width": 4, "latent": 6}}
    zoo.save(zoo.build("dcgan", in_channels=1, input_size=8, seed=0, **small), tmp_path / "pair")
    few = {"channels": [4, 8]}
    judge = zoo.build("small_cnn", head="multiclass", classes=10, in_channels=1, input_size=8, seed=0, **few)
    zoo.save(judge, tmp_path / "judge")
    given = [str(tmp_path / "pair"), "digits", "--features", str(tmp_path / "judge")]
    commands = [
        ["evaluate", *given, "--samples", "40"],
        ["push", str(tmp_path / "pair"), f"file:{tmp_path}/hub", "--part", "generator"],
    ]
    for command in commands:
        with pytest.raises(SystemExit) as end:
            main(command)
        assert end.value.code == 0
    said = capsys.readouterr().out
    assert "40 generated" in said
    assert "frechet" in said
    assert "TAKEN FOR" in said
    assert zoo.load(tmp_path / "hub").recipe.model.called == "dcgan_generator"
