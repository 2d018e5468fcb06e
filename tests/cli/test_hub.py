"""`zoo push` and `zoo pull`: what they print, and how they end."""

from __future__ import annotations

from pathlib import Path

import pytest

import zoo as library

from .conftest import Zoo


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A saved model in `runs/cats`, where the command line stands."""
    monkeypatch.chdir(tmp_path)
    model = library.build("mlp", hidden=[8], head="binary", in_channels=1, input_size=8, seed=0)
    folder = library.save(model, "runs/cats")
    (folder / "history.json").write_text('[{"epoch": 1, "loss": 0.5}]')
    (folder / "splits.json").write_text("{}")
    return folder


def test_there_and_back(zoo: Zoo, saved: Path) -> None:
    status, out, err = zoo("push", saved, "file:hub/cats", "--licence", "mit")
    assert (status, err) == (0, "")
    assert out == (
        "pushed model.safetensors, config.json, README.md, history.json to file:hub/cats\n"
        'to use it: zoo.pull("file:hub/cats")\n'
    )
    assert zoo("push", "file:runs/cats", "file:hub/cats", "--licence", "mit") == (
        0, "nothing changed at file:hub/cats\n", "",
    )  # fmt: skip
    status, out, err = zoo("pull", "file:hub/cats", "--out", "mine")
    assert (status, err) == (0, "")
    assert out.startswith("mlp with head binary\n") and out.endswith("\nsaved: mine\n")
    for file in Path("hub/cats").iterdir():
        assert (Path("mine") / file.name).read_bytes() == file.read_bytes()
    assert not Path("hub/cats/splits.json").exists()


def test_for_programs(zoo: Zoo, saved: Path) -> None:
    pushed = zoo.json("push", saved, "file:hub/cats")
    assert pushed["reference"] == "file:hub/cats"
    assert pushed["files"] == ["model.safetensors", "config.json", "README.md", "history.json"]
    pulled = zoo.json("pull", "file:hub/cats")
    assert pulled["folder"] is None and pulled["recipe"]["model"]["name"] == "basic:mlp"
    assert zoo.json("pull", "file:hub/cats", "--out", "mine")["folder"] == "mine"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["push", "nowhere", "file:hub"], "nowhere is not a saved model"),
        (["push", "runs/cats", "cats"], 'for the folder of that name say "file:cats"'),
        (["push", "runs/cats", "file:hub", "--private"], "no options of the Hub for a folder, got private"),
        (["push", "runs/cats", "file:hub", "--revision", "v1"], "expected no revision, got 'v1'"),
        (["push", "runs/cats", "me/cats@a", "--revision", "b"], "expected one revision"),
        (["pull", "file:nowhere"], "nowhere is not a saved model"),
        (["pull", "file:runs/cats", "--out", "full"], "cannot save to full"),
        (["pull", "runs:cats"], "owner/name"),
        (["pull"], "missing argument"),
    ],
)
def test_a_users_mistake_is_one_line_and_status_2(
    zoo: Zoo, saved: Path, arguments: list[str], words: str
) -> None:
    Path("full").mkdir()
    Path("full/config.json").write_text("{}")
    status, out, err = zoo(*arguments)
    assert (status, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1
    assert not Path("hub").exists()
    assert Path("full/config.json").read_text() == "{}"


def test_figures_of_a_model_on_the_hub_are_refused_where_no_folder_can_keep_them(
    zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = zoo("evaluate", "hf://me/cats", "digits", "--save")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "zoo pull hf://me/cats --out FOLDER" in err
    assert not list(tmp_path.iterdir())
