"""How long until VGG16 with its original head is there, from a local safetensors file, in how much memory.

Side by side with timm in one run, each in processes of its own:

    python benchmarks/loading.py

Bars: at most 1/30 of timm's time; peak memory before the first forward grows by less than 10 % of the file.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

RUNS = 5
# Without compiled files, which every ordinary start finds, both sides would mostly compile their sources.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
MOST_TIME = 1 / 30
MOST_MEMORY = 0.10

MEASURE = """
import json, resource, sys, time
import torch
import {imports}
path = sys.argv[1]
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before, start = peak(), time.perf_counter()
model = {call}
first, grown = time.perf_counter() - start, peak() - before
with torch.inference_mode():
    model.eval()(torch.zeros(1, 3, 224, 224))
forward = time.perf_counter() - start
start = time.perf_counter()
model = {call}
print(json.dumps([time.perf_counter() - start, first, forward, grown]))
"""

SIDES = {
    "zoo": MEASURE.format(
        imports="zoo, zoo.compose.build", call='zoo.build("vgg16", head="original", weights=path)'
    ),
    "timm": MEASURE.format(imports="timm", call='timm.create_model("vgg16", checkpoint_path=path)'),
}


def main() -> int:
    """Measures both and prints a table; 1 where a bar is missed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vgg16.safetensors"
        make = (
            "import sys, timm; from safetensors.torch import save_file; "
            "save_file(timm.create_model('vgg16').state_dict(), sys.argv[1])"
        )
        subprocess.run([sys.executable, "-c", make, str(path)], check=True)
        size = path.stat().st_size
        medians = {}
        for name, code in SIDES.items():
            runs = []
            for _ in range(1 + RUNS):
                done = subprocess.run(
                    [sys.executable, "-c", code, str(path)],
                    check=True,
                    stdout=subprocess.PIPE,
                    text=True,
                    env=ENVIRONMENT,
                )
                runs.append(json.loads(done.stdout))
            medians[name] = [statistics.median(column) for column in zip(*runs[1:], strict=True)]
    print(f"VGG16, {size / 1e6:.0f} MB, medians of {RUNS}")
    print(f"{'':6}{'load ms':>10}{'first ms':>10}{'with a forward ms':>19}{'growth MB':>11}")
    for name, (again, first, forward, grown) in medians.items():
        print(f"{name:6}{again * 1e3:10.1f}{first * 1e3:10.1f}{forward * 1e3:19.1f}{grown / 1e6:11.1f}")
    time_ratio, first_ratio = (medians["zoo"][i] / medians["timm"][i] for i in (0, 1))
    memory_ratio = medians["zoo"][3] / size
    print(f"time {time_ratio:.4f} of timm's (bar {MOST_TIME:.4f}), of a process' first {first_ratio:.4f}")
    print(f"memory {memory_ratio:.4f} of the file (bar {MOST_MEMORY:.4f})")
    return int(time_ratio > MOST_TIME or memory_ratio > MOST_MEMORY)


if __name__ == "__main__":
    sys.exit(main())
