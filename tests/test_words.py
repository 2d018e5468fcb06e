"""One word a thing: what torch, the Hub and the field call an image is called so here."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
WRITTEN = (".py", ".md", ".tmpl", ".ipynb")
OLD = re.compile(r"picture", re.IGNORECASE)
"""What 0.1 called an image, here and there."""

KEPT = {
    # A module's name in every saved generator.
    "plugins/zoo-gan/src/zoo_gan/dcgan.py": 3,
    "plugins/zoo-gan/tests/test_trainer.py": 3,
    # What 0.1 wrote into a checkpoint.
    "zoo/training/running_means.py": 1,
    "tests/training/test_running_means.py": 1,
    "tests/compatibility/test_compatibility.py": 2,
    "CHANGELOG.md": 2,
    "tests/test_words.py": 2,
}


def found(root: Path, files: list[str]) -> Iterator[tuple[str, int]]:
    """Files with more lines that have the old word than they may."""
    for name in files:
        lines = (root / name).read_text(encoding="utf-8").splitlines()
        count = sum(1 for line in lines if OLD.search(line))
        if count > KEPT.get(name, 0):
            yield name, count


def written() -> list[str]:
    """The repository's files in words, but for what 0.1 wrote."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    names = [name for name in listed if name.endswith(WRITTEN) and (ROOT / name).is_file()]
    return [name for name in names if not name.startswith("tests/compatibility/0.1/")]


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs the repository")
def test_an_image_is_called_an_image() -> None:
    assert [*found(ROOT, written())] == []


@pytest.mark.parametrize("line", ["def to_picture(x): ...", "# each Picture", "All PICTURES are read."])
def test_the_old_word_is_found(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.py").write_text(f"import os\n{line}\n")
    assert [*found(tmp_path, ["a.py"])] == [("a.py", 1)]


COUNTED = re.compile(r"\{len\([^{}]*\)\} (image|class(?!es of)|file|label|tensor|epoch|channel|name)(s|es)\b")
"""A number of things without their singular, which `zoo.spec.display.counted` knows."""


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs the repository")
def test_one_of_many_is_said_in_the_singular() -> None:
    sources = [name for name in written() if name.startswith("zoo/") and name.endswith(".py")]
    lines = {name: (ROOT / name).read_text(encoding="utf-8").splitlines() for name in sources}
    found = [f"{name}: {line.strip()}" for name in sources for line in lines[name] if COUNTED.search(line)]
    assert [line for line in found if "if len(shown) < len(found)" not in line] == []


def test_a_number_without_its_singular_is_found() -> None:
    assert COUNTED.search('warn(f"left out {len(bad)} images")')
    assert not COUNTED.search("warn(f\"left out {counted(len(bad), 'image')}\")")
