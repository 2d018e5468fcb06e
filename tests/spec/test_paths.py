"""Paths that no system takes are refused in one line before any work."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import zoo
from zoo.cli import main
from zoo.spec.disk.paths import check_path, somewhere, working_folder
from zoo.spec.errors import BadReferenceError


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a\0b", "expected no zero byte in it, got one"),
        ("runs/" + "a" * 256, "expected names of at most 255 bytes, got one of 256"),
        ("é" * 200, "expected names of at most 255 bytes, got one of 400"),
        ("/ab" * 2000, "expected at most 4,095 bytes, got 6,000"),
    ],
)
def test_what_no_system_takes_is_told_before_work(text: str, words: str) -> None:
    for call in (zoo.load, lambda path: zoo.evaluate(path, "faces"), lambda path: zoo.load(Path(path))):
        with pytest.raises(BadReferenceError, match=words) as caught:
            call(text)
        assert len(str(caught.value)) < 200


def test_the_longest_name_is_taken(tmp_path: Path) -> None:
    check_path(str(tmp_path / ("a" * 255)))


@pytest.fixture
def removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder that somebody has removed."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()


def test_in_a_folder_that_was_removed_paths_from_the_root_go_on(removed: None, tmp_path: Path) -> None:
    assert working_folder() is None
    check_path(str(tmp_path))
    with pytest.raises(BadReferenceError, match=r"got one that was removed; cd to another folder, or"):
        check_path("model")
    with pytest.raises(BadReferenceError, match=r"^fit: .*got one that was removed; cd to another folder$"):
        zoo.fit(None, "faces")
    assert zoo.list("head")
    os.chdir(tmp_path)


FIT = ["fit", "--model", "mlp", "--head", "binary", "--data", "faces"]
NEED: dict[str, tuple[list[str], str, str]] = {
    "fit": (FIT, "run folder runs/", "--out"),
    "a run's name": ([*FIT, "--out", "a"], "path 'a'", "the path"),
    "a recipe": (["fit", "a.toml"], "path 'a.toml'", "the path"),
    "a model": (["evaluate", "model", "faces"], "path 'model'", "the path"),
    "new": (["new", "zoo-mine"], "folder 'zoo-mine'", "--out"),
    "new there": (["new", "zoo-mine", "--out", "a"], "folder 'a'", "--out"),
    "catalogue": (["catalogue", "."], "path '.'", "the path"),
    "latents": (["latents", "/none", "faces"], "file latents.png", "--out"),
    "augment": (["augment", "/none.png", "--augment", "flip"], "file none-flip.png", "--out"),
    "push": (["push", "MODEL", "file:hub"], "path 'hub'", "the path"),
    "pull": (["pull", "file:hub"], "path 'hub'", "the path"),
}


def where() -> Path | None:
    """The working folder, though it has no name any more; None on systems that do not tell."""
    link = Path("/proc/self/cwd")
    return link.readlink() if os.path.lexists(link) else None


@pytest.mark.parametrize(("words", "what", "option"), NEED.values(), ids=NEED)
def test_commands_name_what_needs_the_folder_that_was_removed(  # noqa: PLR0917 - fixtures
    removed: None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    what: str,
    option: str,
) -> None:
    with somewhere():
        model = zoo.save(zoo.build("mlp", head="binary", input_size=16), tmp_path / "model")
    before = where()
    with pytest.raises(SystemExit) as caught:
        main([str(model) if word == "MODEL" else word for word in words])
    assert caught.value.code == 2
    line = f"error: {what}: expected a working folder, got one that was removed; cd to another folder"
    assert f"{line}, or give {option} from the root\n" in capsys.readouterr().err
    assert working_folder() is None
    assert where() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model"]
    os.chdir(tmp_path)


def test_commands_are_in_some_folder(removed: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Libraries of torch may end a process that is in none."""
    seen = list[Path]()
    monkeypatch.setattr("zoo.cli.group.invoke", lambda context: seen.append(Path.cwd()))
    with pytest.raises(SystemExit) as caught:
        main(["list"])
    assert not caught.value.code and len(seen) == 1
    assert not seen[0].exists()
    os.chdir(tmp_path)


def test_commands_go_on_with_paths_from_the_root(removed: None, tmp_path: Path) -> None:
    # In a process of its own, which libraries of torch would end where it is in no folder
    command = [sys.executable, "-m", "zoo", "build", "mlp", "--head", "binary", "--out", str(tmp_path / "a")]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    os.chdir(tmp_path)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    zoo.load(tmp_path / "a")
