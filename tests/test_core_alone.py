"""The core from its wheel, with its dependencies and nothing else, in an environment of its own.

The environment is a real one: `uv` builds the wheel and installs it with the versions that the tests have,
torch too. From uv's cache, which the tests' own environment has filled, that takes seconds and no room, as
files are linked; sharing a folder with that environment would show its other packages as well.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
ABSENT = ("accelerate", "albumentations", "cv2", "matplotlib", "scipy", "skimage", "sklearn", "torchvision")
UV = shutil.which("uv") or str(ROOT / ".tools" / "bin" / "uv")

LOOKS = """
import importlib.util, json, sys
import zoo
names = [row.name for row in zoo.list("head")]
print(json.dumps({
    "torch": "torch" in sys.modules,
    "place": zoo.__file__,
    "there": [name for name in sys.argv[1:] if importlib.util.find_spec(name)],
    "heads": names,
}))
"""

WORKS = """
import torch, zoo
from pathlib import Path

model = zoo.build("mine", head="binary", input_size=32, seed=0)
run = zoo.fit(model, "photos", epochs=2, batch_size=8, out="run")
assert len(run.history) == 2 and not Path("run/curves.png").exists()
print(zoo.evaluate(model, "photos", split="val"))
(answer,) = zoo.predict(model, "photos/dark/0.png")
assert answer.label in ("dark", "light")

zoo.save(model, "saved")
x = torch.rand(2, 3, 32, 32)
with torch.no_grad():
    assert torch.equal(zoo.load("saved").eval()(x), model.eval()(x))
    assert torch.equal(zoo.load("run").eval()(x), model(x))
"""


def ran(*command: str | Path, folder: Path, status: int = 0) -> subprocess.CompletedProcess[str]:
    """Runs a program that sees nothing of this process' environment of Python."""
    hidden = ("PYTHON", "VIRTUAL_ENV", "ZOO_")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(hidden)}
    done = subprocess.run(
        [*map(str, command)],
        cwd=folder,
        env=environment | {"ZOO_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with images and an environment: the core alone, and a plugin that `zoo new` made there."""
    folder = tmp_path_factory.mktemp("alone")
    draws = np.random.default_rng(0)
    for label, low in (("dark", 0), ("light", 128)):
        (folder / "photos" / label).mkdir(parents=True)
        for number in range(12):
            pixels = draws.integers(low, low + 128, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / "photos" / label / f"{number}.png")
    ran(UV, "build", "--wheel", "--out-dir", folder, ROOT, folder=folder)
    (wheel,) = folder.glob("zoo_core-*.whl")
    ran(UV, "venv", "--python", sys.executable, folder / "env", folder=folder)
    python = folder / "env" / "bin" / "python"
    install = (UV, "pip", "install", "--python", python)
    ran(*install, "--constraint", ROOT / "constraints.txt", wheel, folder=folder)
    ran(python.with_name("zoo"), "new", "zoo-mine", "--kind", "backbone", folder=folder)
    ran(*install, "--no-deps", folder / "zoo-mine", folder=folder)
    return folder


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_core_alone_is_listed_without_torch_and_brings_nothing_heavy(alone: Path) -> None:
    python = alone / "env" / "bin" / "python"
    looked = json.loads(ran(python, "-c", LOOKS, *ABSENT, folder=alone).stdout)
    assert (looked["torch"], looked["there"]) == (False, [])
    assert Path(looked["place"]).is_relative_to(alone / "env")
    assert "binary" in looked["heads"]
    listed = ran(python.with_name("zoo"), "list", folder=alone).stdout
    assert "mine" in listed
    assert "cross-entropy" in listed


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_core_alone_builds_trains_predicts_and_loads(alone: Path) -> None:
    done = ran(alone / "env" / "bin" / "python", "-W", "error", "-c", WORKS, folder=alone)
    assert done.stderr.count("no curves.png, since matplotlib is not installed: pip install ") == 1


MODULE = """
import torch, zoo

net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 32 * 32, 2))
try:
    zoo.build(net)
except zoo.ZooError as error:
    assert "zoo.fit(module, data)" in str(error)
run = zoo.fit(net, "photos", loss=torch.nn.CrossEntropyLoss(), epochs=1, out="module")
assert len(run.history) == 1
"""


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_core_alone_trains_a_torch_module(alone: Path) -> None:
    ran(alone / "env" / "bin" / "python", "-c", MODULE, folder=alone)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_core_alone_says_which_plugins_bring_what_it_has_none_of(alone: Path) -> None:
    done = ran(alone / "env" / "bin" / "zoo", "list", "augmenter", folder=alone)
    assert done.stderr.startswith("no augmenter is installed; some come from zoo-augment: pip install ")


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("command", "said"),
    [
        (
            "demo",
            "got none, and zoo-efficientnet has it; zoo demo demo then says w",
        ),
        (
            "fit --model mine --head binary --data photos --augment photo",
            "comes from zoo-augment: pip install ",
        ),
        (
            "augment photos/dark/0.png --augment core:photo",
            "`core:photo` comes from zoo-augment: pip install ",
        ),
        ("data digits", "comes from zoo-datasets: pip install "),
        ("data core:digits", "`core:digits` comes from zoo-datasets: pip install "),
        (
            "fit --model mine --head binary --data photos --precision bf16",
            "expected the package accelerate, got none; pip install ",
        ),
    ],
)
def test_what_the_core_alone_lacks_is_named_in_one_line(alone: Path, command: str, said: str) -> None:
    done = ran(alone / "env" / "bin" / "zoo", *command.split(), folder=alone, status=2)
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
