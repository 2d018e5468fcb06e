"""READMEs that people write in too: their words stay as they wrote them, or nothing is written at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import zoo
from zoo.hub.folder import save_run
from zoo.hub.folder_rules import place_files, readme
from zoo.hub.pull import pull_files
from zoo.hub.readme import BEGIN, END, Readme, joined, parse, renewed
from zoo.inference.saved_figures import SavedFigures
from zoo.interfaces.model import Model
from zoo.spec.disk.transaction import COMMITTED
from zoo.spec.errors import SaveError, ZooWarning

NEW = f"---\ntags: [zoo]\n---\n\n{BEGIN}\nNew.\n{END}\n"


def again(text: str) -> str:
    """A README after a save, which a second one leaves as it is."""
    made = renewed(NEW, parse(text, "README.md"))
    assert renewed(NEW, parse(made, "README.md")) == made
    return made


def identity(file: Path) -> tuple[int, ...]:
    """Which file it is, and as it was last written; not when it was last read."""
    found = file.lstat()
    return found.st_ino, found.st_mtime_ns, found.st_size


def same(one: Model, other: Model) -> bool:
    mine, theirs = one.state_dict(), other.state_dict()
    return mine.keys() == theirs.keys() and all(torch.equal(mine[key], theirs[key]) for key in mine)


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


# -- what cannot be kept ---------------------------------------------------------------------------------


def large(file: Path) -> None:
    with file.open("ab") as growing:
        growing.truncate(17 << 20)


def other_letters(file: Path) -> None:
    file.write_bytes(file.read_bytes() + "Modèle".encode("latin-1"))


def wide_letters(file: Path) -> None:
    file.write_text(file.read_text(), encoding="utf-16")


def folder_instead(file: Path) -> None:
    file.unlink()
    file.mkdir()


def pipe_instead(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def no_yaml(file: Path) -> None:
    file.write_text("---\na: [\n---\nMine.\n")


UNKEPT = [
    (large, "got 17,825,792 bytes, more than 16,777,216; move it away"),
    (other_letters, "got no UTF-8 at byte .*; write it in UTF-8, or move"),
    (wide_letters, "got no UTF-8 at byte 0"),
    (folder_instead, "got a folder and no file; move it away"),
    pytest.param(
        pipe_instead, "got a pipe", marks=pytest.mark.skipif(os.name == "nt", reason="no pipes there")
    ),
    (no_yaml, "YAML between"),
]


@pytest.mark.parametrize(("change", "said"), UNKEPT)
def test_a_readme_that_cannot_be_kept_is_said_before_anything_is_written(
    tmp_path: Path, make: Any, change: Callable[[Path], None], said: str
) -> None:
    folder, new = zoo.save(make("mlp"), tmp_path / "model"), make("mlp", seed=1)
    other = zoo.save(new, tmp_path / "other")
    change(folder / "README.md")
    before, kind = weights(folder), identity(folder / "README.md")
    for write in (
        lambda: zoo.save(new, folder),
        lambda: zoo.push(new, f"file:{folder}"),
        lambda: zoo.push(folder, f"file:{tmp_path / 'hub'}"),
        lambda: pull_files(f"file:{other}", folder),
        lambda: SavedFigures.of(folder),
    ):
        with pytest.raises(SaveError, match=f"model.README.md: expected .*{said}"):
            write()
        assert weights(folder) == before and identity(folder / "README.md") == kind
        assert not (tmp_path / "hub").exists()


def test_a_readme_that_may_not_be_read_stays(
    tmp_path: Path, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = zoo.save(make("mlp"), tmp_path / "model")
    before = weights(folder)

    def denied(_: Path) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("zoo.hub.readme.read_text", denied)
    with pytest.raises(SaveError, match="got Permission denied; move it away"):
        zoo.save(make("mlp", seed=1), folder)
    assert weights(folder) == before


def test_a_readme_that_is_moved_while_it_is_looked_for_stays(
    tmp_path: Path, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = zoo.save(make("mlp"), tmp_path / "model")
    (folder / "README.md").write_text("Mine.\n")
    ways = iter([folder / COMMITTED / "README.md", folder / "README.md"])
    monkeypatch.setattr("zoo.hub.folder_rules.current", lambda *_: next(ways))
    found = readme(folder)
    assert found is not None and found.handwritten == "Mine."


@pytest.mark.parametrize("change", [other_letters, folder_instead])
def test_a_run_ends_with_its_model_beside_a_readme_that_cannot_be_kept(
    tmp_path: Path, make: Any, change: Callable[[Path], None]
) -> None:
    folder, new = zoo.save(make("mlp"), tmp_path / "run"), make("mlp", seed=1)
    change(folder / "README.md")
    kind = identity(folder / "README.md")
    with pytest.warns(ZooWarning, match=r"model is saved, and README.md left as it is, .* expected a README"):
        save_run(new, folder)
    assert identity(folder / "README.md") == kind
    assert same(zoo.load(folder), new)


def test_a_run_that_goes_on_is_told_of_such_a_readme_before_it_trains(tmp_path: Path, make: Any) -> None:
    faces = {"name": "faces", "per_class": 4}
    model = zoo.build("mlp", hidden=[8], head="binary", in_channels=1, input_size=8, seed=0)
    run = zoo.fit(model, faces, epochs=1, out=tmp_path / "run", progress=False)
    other_letters(run.folder / "README.md")
    before = (run.folder / "history.json").read_bytes()
    with pytest.raises(SaveError, match=r"run.README.md: expected a README that can be read and kept"):
        zoo.fit(resume=run.folder, epochs=2, progress=False)
    assert (run.folder / "history.json").read_bytes() == before


def test_a_pull_leaves_the_words_in_the_readme_of_its_folder(tmp_path: Path, make: Any) -> None:
    source, out = zoo.save(make("mlp"), tmp_path / "source"), tmp_path / "out"
    place, mine = f"file:{source}", out / "README.md"
    pull_files(place, out)
    assert mine.read_bytes() == (source / "README.md").read_bytes()
    zoo.save(make("mlp", hidden=[3]), source)
    pull_files(place, out)
    assert mine.read_bytes() == (source / "README.md").read_bytes()
    mine.write_text(mine.read_text().replace("tags:", "version: 1.10\ntags:") + "\nMine.\n")
    card = (source / "README.md").read_text()
    for _ in range(2):
        pull_files(place, out)
        assert mine.read_text() == card.replace("---\n\n", "version: 1.10\n---\n\n") + "\nMine.\n"
    (source / "README.md").write_text(card.replace("tags:", "version: 2\ntags:") + "\nTheirs.\n")
    with pytest.warns(ZooWarning, match=r"wrote in .*out.README.md is not that of .* kept; remove the file"):
        pull_files(place, out)
    assert mine.read_text() == card.replace("---\n\n", "version: 1.10\n---\n\n") + "\nMine.\n"
    mine.unlink()
    pull_files(place, out)
    assert mine.read_bytes() == (source / "README.md").read_bytes()
    (source / "README.md").unlink()
    pull_files(place, out)
    assert mine.read_text() == "---\nversion: 2\n---\n\nTheirs.\n"
    mine.write_text(card)
    pull_files(place, out)
    assert not mine.exists()


# -- front matter ----------------------------------------------------------------------------------------

KEPT = [
    "language:\n- en\n- no\n",
    "version: 1.10\n",
    "rev: 0123\n",
    "when: 2024-01-01\nat: 12:30:00\n",
    "empty:\n",
    "language: [en, no]  # both\n",
    '"quoted": "a: b"\n',
    "note: |+\n  # no comment\n  text\n\n",
    "# above\nlanguage: en\n\n# between\nversion: 1.10\n# below\n",
    "base: &b {a: 1}\nmore: {<<: *b, c: 2}\n",
    "twice: 1\ntwice: 2\n",
    "1: a number\n",
]


@pytest.mark.parametrize(
    "ours", ["tags: [old]\n", "tags:\n- old\n\n", "library_name: zoo\ntags: &t\n  - a\n"]
)
@pytest.mark.parametrize("front", KEPT)
def test_other_keys_of_the_front_matter_stay_as_they_were_written(front: str, ours: str) -> None:
    for text in (front + ours, ours + front):
        made = again(f"---\n{text}---\nMine.\n")
        assert made.startswith(f"---\ntags: [zoo]\n{front}---\n\n{BEGIN}")


def test_comments_beside_keys_of_zoo_stay() -> None:
    made = again("---\n# first\ntags: [old]\n# second\n\n# third\nlicense: mit  # ours\n# last\n---\nMine.")
    assert made.startswith(
        "---\ntags: [zoo]\n# first\n# second\n\n# third\nlicense: mit  # ours\n# last\n---\n"
    )


@pytest.mark.parametrize(
    ("front", "said"),
    [
        ("tags: &t [zoo]\nother: *t", "got some that need tags, which are written anew; mend it first"),
        ("{language: en, tags: [zoo]}", "got braces, or keys that are indented"),
        ("  language: en\n  tags: [zoo]", "got braces, or keys that are indented"),
        ("? language\n: en", "got braces, or keys that are indented"),
        ("- en", "YAML .*, got no keys"),
        ("a: " + "[" * 3000, "YAML"),
        ("--- \n---\na: 1", "an end of its front matter"),
    ],
)
def test_front_matter_that_cannot_be_kept_by_its_lines_is_refused(front: str, said: str) -> None:
    with pytest.raises(SaveError, match=f"README.md: expected .*{said}"):
        again(f"---\n{front}\n---\nMine.\n")


def test_of_two_front_matters_the_one_at_the_place_counts() -> None:
    mine = parse("---\n# both\nlanguage: en\nversion: 1.10\n---\nMine.", "here")
    there = parse("---\n# both\nlanguage: no\n---\n", "there")
    base, other = joined(mine, there)
    assert base is not None and not other
    assert "".join(lines for _, lines in base.front) == "version: 1.10\n# both\nlanguage: no\n"
    assert joined(mine, None) == (mine, False)
    assert joined(there, mine) == (mine, False)
    assert joined(replace(mine, after="Other."), mine) == (mine, True)


# -- marks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        "Write above `<!-- zoo: begin -->` only.\n\nTrained in Ghent.",
        "<!-- zoo: begin -->\n\nTrained in Ghent.",
        "<!-- zoo: end -->\n\nTrained in Ghent.",
        f"```text\n{BEGIN}\nAn example.\n{END}\n```\n\nTrained in Ghent.",
        f"~~~~\n```\n~~~\n{BEGIN}\n{END}\n~~~~\n\nTrained in Ghent.",
        f"    {BEGIN}\n    An example.\n    {END}",
        "    code at the beginning",
    ],
)
def test_words_that_name_the_marks_stay(words: str) -> None:
    section = f"{BEGIN}\nOld.\n{END}"
    for text in (f"{words}\n\n{section}\n", f"{section}\n\n{words}\n"):
        made = again(f"---\ntags: [old]\n---\n\n{text}")
        assert made == f"---\ntags: [zoo]\n---\n\n{text.replace('Old.', 'New.')}"


def test_marks_of_windows_and_of_other_versions_are_marks() -> None:
    text = "Mine.\r\n\r\n<!-- zoo: begin. Other words. -->  \r\nOld.\r\n<!-- zoo: end -->\r\n"
    assert parse(text, "r") == Readme(
        (), "Mine.\n\n", "<!-- zoo: begin. Other words. -->  \nOld.\n<!-- zoo: end -->", "\n"
    )


# -- places that cannot be taken ---------------------------------------------------------------------------


def test_a_folder_in_the_place_of_a_file_is_found_before_the_commit(
    tmp_path: Path, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, new = zoo.save(make("mlp"), tmp_path / "model"), make("mlp", seed=1)
    folder_instead(folder / "model.safetensors")
    (folder / "model.safetensors" / "mine").touch()
    said = (
        "got a folder in the place of model.safetensors; what was there before is untouched; take that away"
    )
    with pytest.raises(SaveError, match=said):
        zoo.save(new, folder)
    monkeypatch.setattr("zoo.hub.folder.check_places", lambda *_: None)  # it came after the first look
    with pytest.raises(SaveError, match=said):
        zoo.save(new, folder)
    assert sorted(p.name for p in folder.iterdir()) == ["README.md", "config.json", "model.safetensors"]


def test_an_error_behind_the_commit_says_that_the_new_model_is_there(
    tmp_path: Path, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, new = zoo.save(make("mlp"), tmp_path / "model"), make("mlp", seed=1)
    folder_instead(folder / "model.safetensors")
    for where in ("zoo.hub.folder", "zoo.spec.disk.transaction"):
        monkeypatch.setattr(f"{where}.check_places", lambda *_: None)
    with pytest.raises(
        SaveError, match=r"cannot finish saving .* for model.safetensors; zoo.load reads the new"
    ):
        zoo.save(new, folder)
    for _ in range(2):
        found = zoo.load(folder, copy=True)
        assert same(found, new)
        with pytest.raises(SaveError, match=r"for model.safetensors; what was there before is untouched"):
            zoo.save(make("mlp", seed=2), folder)
    (folder / "model.safetensors").rmdir()
    zoo.load(folder)
    assert (folder / "model.safetensors").is_file() and not (folder / COMMITTED).exists()


def test_what_is_removed_behind_the_commit_is_no_reason_to_call_it_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "new").write_text("new")
    home = tmp_path / "home"
    (home / "history.json").mkdir(parents=True)
    (home / "curves.png").touch()

    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", denied)
        with pytest.raises(
            SaveError, match=r"denied for curves.png; the new model is there; remove curves.png"
        ):
            place_files({"config.json": tmp_path / "new"}, home, remove=["history.json", "curves.png"])
    assert (home / "config.json").read_text() == "new"
    place_files({"config.json": tmp_path / "new"}, home, remove=["history.json", "curves.png"])
    assert (home / "history.json").is_dir() and not (home / "curves.png").exists()
