"""`PYTHONPATH=docs python -m _generator registry.json docs/components`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from _generator.pages import pages
from _generator.parts import read


def main(registry: Path, out: Path) -> None:
    """Writes all pages anew, so that those of components that are gone go too."""
    texts = pages(read(registry))
    shutil.rmtree(out, ignore_errors=True)
    for name, text in texts.items():
        file = out / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    sys.stdout.write(f"written: {len(texts)} pages in {out}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
