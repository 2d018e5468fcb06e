"""The example notebooks: they run from top to bottom, and every result is shown."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "examples" / "notebooks").glob("*.ipynb"))
SHOWN = {"text/html", "image/png"}


def code(notebook: Any) -> Iterator[Any]:
    return (cell for cell in notebook.cells if cell.cell_type == "code")


def name(path: Path) -> str:
    return path.stem


def test_there_are_two() -> None:
    assert len(NOTEBOOKS) == 2


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_a_notebook_is_kept_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in code(notebook):
        assert (cell.outputs, cell.execution_count, cell.metadata) == ([], None, {})
    assert path.read_text(encoding="utf-8").endswith("\n")


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A kernel of this very Python, in a home of its own with an empty cache of zoo's."""
    home = tmp_path_factory.mktemp("jupyter")
    spec = home / "kernels" / "python3"
    spec.mkdir(parents=True)

    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    facts = {"argv": command, "display_name": "Python 3", "language": "python"}
    (spec / "kernel.json").write_text(json.dumps(facts))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(home))
        patch.setenv("IPYTHONDIR", str(home / "ipython"))
        patch.setenv("ZOO_CACHE", str(home / "zoo"))
        patch.setenv("OMP_NUM_THREADS", "1")
        yield home


def executed(path: Path, folder: Path) -> Any:
    notebook = nbformat.read(path, as_version=4)
    place = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=240, kernel_name="python3", resources=place).execute()
    return notebook


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_a_notebook_runs_and_shows_its_results(path: Path, kernel: Path, tmp_path: Path) -> None:
    cells = [*code(executed(path, tmp_path))]
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [o for o in outputs if o.output_type == "error"]
    assert not [o for o in outputs if o.get("name") == "stderr"]  # no warning, and no bar in letters
    results = [(c.source, set(c.outputs[-1].get("data", {}))) for c in cells if c.outputs]
    assert sum(bool(kinds & SHOWN) for _, kinds in results) >= 8
    trained = [cell for cell in cells if "zoo.fit(" in cell.source]
    assert trained
    for cell in trained:
        progress, run = cell.outputs  # one output for however many epochs, and the run
        assert "<progress" not in progress.data["text/html"]
        assert progress.data["text/html"].count(">best<") == 1
        assert "data:image/png;base64," in run.data["text/html"]
    for source, kinds in results:
        if "zoo.augment(" in source and "=" not in source.splitlines()[0]:
            assert "image/png" in kinds or "variants" in source
        if source.startswith("zoo.evaluate(") or "zoo.predict(" in source.splitlines()[-1]:
            assert "text/html" in kinds
