"""How long listing takes: `zoo list` beside timm's listing, and with nine plugins beside two hundred.

All whole processes, taken in turns in one run, with compiled bytecode as an installed package has it.
Exits with status 1 where a bar is missed: at most 1/30 of timm's time, and at most twice the time with
200 distributions.

Run it with `python benchmarks/listing.py`, in an environment that has timm.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIST = "from zoo.cli import main; main(['list'])"
TIMM = "import timm; timm.list_models()"
ROWS = 300
BARS = {"timm": 1 / 30, "growth": 2.0}
FACTS = {
    "options": {
        "properties": {"dropout": {"type": "number", "default": 0.5, "description": "Share of units."}}
    },
    "input": {"channels": 3, "size": [224, 224], "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]},
    "blocks": [
        {"name": f"block{k}", "channels": 64, "reduction": 2**k, "parameters": 10**6} for k in range(1, 6)
    ],
    "taps": [{"name": f"block{k}", "channels": 64, "reduction": 2**k} for k in range(5)],
    "output": {"layout": "NCHW", "shape": [512, 7, 7]},
    "parameters": 14_714_688,
}


def shelf(folder: Path, distributions: int, rows: int) -> Path:
    """Writes fake distributions with catalogues as large as real ones, `rows` components in all."""
    for i in range(distributions):
        package = f"zoo_fake{i:03}"
        info = folder / f"{package}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[zoo]\nfake{i} = {package}.plugin\n")
        code = folder / package
        code.mkdir()
        (code / "__init__.py").write_text("")
        (code / "plugin.py").write_text("raise RuntimeError('listing must not import this')\n")
        names = range(i, rows, distributions)
        components = [
            {
                "kind": "backbone",
                "name": f"net{n:04}",
                "target": f"{package}.net:Net",
                "summary": "A network that stands for another one.",
                "tags": ["imagenet"],
                "facts": FACTS,
            }
            for n in names
        ]
        catalogue = {"format": 1, "distribution": package, "components": components}
        (code / "catalogue.json").write_text(json.dumps(catalogue, indent=1))
    return folder


def measure(cases: dict[str, tuple[str, list[Path], int]], scratch: Path) -> dict[str, float]:
    """Medians in milliseconds; the cases take turns, so that a busy moment hits all of them."""
    times: dict[str, list[float]] = {name: [] for name in cases}
    most = max(repeats for _, _, repeats in cases.values())
    for turn in range(-1, most):  # the first turn compiles and fills the file cache
        for name, (code, path, repeats) in cases.items():
            if turn < repeats:
                taken = once(code, path, scratch)
                if turn >= 0:
                    times[name].append(taken)
    return {name: statistics.median(taken) for name, taken in times.items()}


def once(code: str, path: list[Path], scratch: Path) -> float:
    """One process, in milliseconds."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment |= {
        "PYTHONPATH": os.pathsep.join(map(str, [*path, ROOT])),
        "PYTHONPYCACHEPREFIX": str(scratch / "bytecode"),
        "ZOO_CACHE": str(scratch / "cache"),
    }
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], env=environment, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - start) * 1e3


def main() -> int:
    """Measures, prints a table, and gives the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--repeats", type=int, default=15, help="runs of each case (timm: a fifth)")
    parser.add_argument(
        "--rows", type=int, default=ROWS, help="components in all, shared among the distributions"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        nine = shelf(scratch / "nine", 9, given.rows)
        many = shelf(scratch / "many", 200, given.rows)
        cases = {
            "python -c pass": ("pass", [], given.repeats),
            "import click": ("import click", [], given.repeats),
            "zoo list": (LIST, [], given.repeats),
            "zoo list, 9 distributions": (LIST, [nine], given.repeats),
            "zoo list, 200 distributions": (LIST, [many], given.repeats),
            "timm.list_models()": (TIMM, [], max(3, given.repeats // 5)),
        }
        medians = measure(cases, scratch)
    for case, median in medians.items():
        print(f"{case:<30}{median:>9.0f} ms")
    plain, full = medians["zoo list"], medians["zoo list, 9 distributions"]
    ratios = {
        "timm": max(plain, full) / medians["timm.list_models()"],
        "growth": medians["zoo list, 200 distributions"] / full,
    }
    for ratio, value in ratios.items():
        verdict = "met" if value <= BARS[ratio] else "MISSED"
        print(f"{ratio:<30}{value:>9.3f}    bar {BARS[ratio]:.3f}  {verdict}")
    return int(any(value > BARS[ratio] for ratio, value in ratios.items()))


if __name__ == "__main__":
    sys.exit(main())
