"""Figures that README and guide show: made anew where what makes them has changed.

python docs/figures.py            makes what is out of date, and notes in docs/assets/figures.json from what
python docs/figures.py --check    makes nothing; exits with status 1 and names what is out of date
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ASSETS = ROOT / "docs" / "assets"
NOTES = ASSETS / "figures.json"
DEMO = "plugins/zoo-efficientnet/src/zoo_efficientnet/recipes/demo-*.toml"


@dataclass(frozen=True)
class Figures:
    """Figures that one command makes.

    Args:
        command: after `zoo`; `{out}` is a folder to write into.
        sources: patterns of files, from the root on, that decide what the figures show.
        files: name among the assets, by the name that the command gives it.
    """

    command: tuple[str, ...]
    sources: tuple[str, ...]
    files: Mapping[str, str]

    @property
    def hash(self) -> str:
        """Digest of names and contents of the sources."""
        digest = hashlib.sha256()
        for path in sorted(path for pattern in self.sources for path in ROOT.glob(pattern)):
            digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
        return digest.hexdigest()

    def make(self) -> None:
        """Runs the command and copies what it drew."""
        with tempfile.TemporaryDirectory() as place:
            out = Path(place) / "out"
            words = [word.format(out=out) for word in self.command]
            code = "from zoo.cli import main; main()"
            subprocess.run([sys.executable, "-c", code, *words], check=True, cwd=place)
            for made, asset in self.files.items():
                shutil.copyfile(out / made, ASSETS / asset)


FIGURES = {
    "demo": Figures(
        command=("demo", "--out", "{out}"),
        sources=(
            DEMO,
            "zoo/cli/demo.py",
            "zoo/experiments/phases.py",
            "plugins/zoo-datasets/src/zoo_datasets/materials.py",
        ),
        files={"curves.png": "demo-curves.png", "predictions.png": "demo.png"},
    ),
}


def main() -> int:
    """Makes or checks; see the module's description."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    notes = json.loads(NOTES.read_text(encoding="utf-8")) if NOTES.exists() else {}
    old = [name for name, figures in FIGURES.items() if notes.get(name) != figures.hash]
    for name in old:
        if given.check:
            print(
                f"out of date: {', '.join(FIGURES[name].files.values())}; run make figures", file=sys.stderr
            )
            continue
        FIGURES[name].make()
        notes[name] = FIGURES[name].hash
        NOTES.write_text(json.dumps(notes, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    if not old:
        print("figures are up to date")
    return int(given.check and bool(old))


if __name__ == "__main__":
    sys.exit(main())
