"""A saved model's outputs, computed by a process that has nothing but its place.

    python -m zoo.hub.reproduce SOURCE IMAGES.safetensors OUTPUTS.safetensors

SOURCE is what `zoo.pull` takes: file:FOLDER or owner/name. `images` N x C x H x W in [0, 1] are read from
the one file, `outputs` N x ... written to the other.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import torch
from torch import Tensor

from zoo.hub.pull import pull
from zoo.interfaces.blocks.modes import kept_modes
from zoo.interfaces.model import Model
from zoo.spec.disk.temporary import temporary_folder, temporary_writes
from zoo.spec.errors import TrainingError
from zoo.weights.tensor_files import read, write

_ARGUMENTS = 3


def outputs(model: Model, images: Tensor) -> Tensor:
    """The outputs in inference mode, on the CPU, of N x C x H x W in one batch."""
    with kept_modes(model), torch.no_grad():
        result: Tensor = model.eval()(images)
    return result


def in_new_process(source: str, images: Tensor) -> Tensor:
    """Outputs for the images, of the model that a new Python process pulls from `source`.

    Raises:
        TrainingError: that process failed; the message ends with what it said.
        SaveError: there is no room for temporary files.
    """
    with temporary_folder("zoo-reproduce-") as place:
        given, back = place / "images.safetensors", place / "outputs.safetensors"
        with temporary_writes():
            write(given, {"images": images})
        command = [sys.executable, "-m", "zoo.hub.reproduce", source, str(given), str(back)]
        # The last bits of a sum may depend on how many threads share it.
        environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)  # noqa: S603 - our own module
        if done.returncode != 0:
            said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
            raise TrainingError("pulling in a new process", expected="the model's outputs", got=said)
        # A mapped file could not be removed with its folder on every system
        return read(back, copy=True)["outputs"]


def main(arguments: list[str]) -> None:
    """See the module's description."""
    if len(arguments) != _ARGUMENTS:
        raise SystemExit(__doc__)
    source, given, back = arguments
    write(Path(back), {"outputs": outputs(pull(source), read(Path(given), copy=True)["images"])})


if __name__ == "__main__":
    main(sys.argv[1:])
