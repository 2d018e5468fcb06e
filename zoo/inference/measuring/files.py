"""Files of an evaluation: figures as JSON, and images of them."""

from __future__ import annotations

from pathlib import Path

from zoo.inference.evaluation import Evaluation
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.tasks.analysis import Findings
from zoo.registry.extras import present, way_to_have
from zoo.reports.evaluation import WORST, draw
from zoo.reports.files import folder_path
from zoo.reports.style import DRAWS
from zoo.spec.disk.atomic_write import write_errors
from zoo.spec.disk.history import write_json
from zoo.spec.disk.systems import portable
from zoo.spec.errors import warn
from zoo.spec.reference import PathLike

METRICS_FILE = "metrics.json"


def figures_folder(out: PathLike) -> Path:
    """The folder to write into; looked at before the work, which would be lost.

    Raises:
        SaveError: it cannot be written.
    """
    folder = folder_path(out)
    if not present(DRAWS):
        way = way_to_have(DRAWS)
        warn(f"{METRICS_FILE} alone is written into {out}: {DRAWS}, which draws, is not installed: {way}")
    return folder


def write_figures(folder: Path, result: Evaluation, found: Findings, dataset: Dataset) -> None:
    """Writes the figures, and images of them; what an earlier evaluation left is replaced.

    Args:
        folder: to write into.
        result: of the evaluation.
        found: by the error analysis.
        dataset: whose images are drawn.

    Raises:
        SaveError: a file cannot be written.
    """
    with write_errors(f"into {folder}"):
        write_json(folder / METRICS_FILE, result.to_dict())
    first = next((name for name in result.metrics if not name.startswith("loss")), None)
    title = result.headline + (f", {first} {result.metrics[first]:.3g}" if first else "")
    drawn = found.drawings if present(DRAWS) else {}
    for name, drawing in drawn.items():
        draw(drawing, folder / f"{portable(name)}.png", dataset, title)
    # Where nothing is drawn, the images of an earlier model would stay
    for name in {*found.drawings, WORST} - {*drawn}:
        (folder / f"{portable(name)}.png").unlink(missing_ok=True)
