"""Installing a plugin as a stranger does, without touching the environment of the tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


class Place:
    """A folder that a plugin is installed into, and a Python that sees it.

    Args:
        folder: where everything of it lies.
        project: the plugin's folder.
    """

    def __init__(self, folder: Path, project: Path) -> None:
        self.folder, self.project, self.target = folder, project, folder / "installed"
        done = subprocess.run(
            [*_installer(), "--target", str(self.target), str(project)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def python(self, *arguments: str) -> str:
        """Standard output of a Python process in a folder of its own."""
        path = os.pathsep.join([str(self.target), str(ROOT)])
        variables = {"PYTHONPATH": path, "ZOO_CACHE": str(self.folder / "cache"), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [sys.executable, *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env={**os.environ, **variables},
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
        return done.stdout

    def zoo(self, *words: str) -> str:
        """Standard output of a command line."""
        return self.python("-c", "from zoo.cli import main; main()", *words)

    def tests(self) -> str:
        """Runs the plugin's own tests."""
        own = [f"--rootdir={self.project}", "-c", os.devnull, str(self.project / "tests")]
        return self.python(
            "-m", "pytest", "--import-mode=importlib", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *own
        )


def _installer() -> list[str]:
    """The command that installs a folder: uv where there is one, else the pip of the Python below."""
    uv = shutil.which("uv") or shutil.which("uv", path=str(ROOT / ".tools/bin"))
    if uv:
        return [uv, "pip", "install", "--quiet", "--no-deps", "--python", sys.executable]
    python = getattr(sys, "_base_executable", sys.executable)
    return [python, "-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check"]


@pytest.fixture
def place(tmp_path: Path) -> Callable[[Path], Place]:
    """Installs the plugin in a folder."""
    return lambda project: Place(tmp_path, project)
