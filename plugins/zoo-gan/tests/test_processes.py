"""Several processes train one pair: each with latent vectors of its own, all with the same weights."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file

TRAIN = """
import sys, warnings
from pathlib import Path
import torch, zoo
from safetensors.torch import save_file
from zoo_gan.trainer import GAN

folder, rank = Path(sys.argv[1]), int(__import__("os").environ["RANK"])
drawn, latents = [], GAN._latents
def noted(self, batch):
    drawn.append(latents(self, batch))
    return drawn[-1]
GAN._latents = noted
warnings.simplefilter("ignore")  # batch norm beside a gradient penalty
for name, penalty in (("plain", 0.0), ("penalty", 1.0)):
    drawn.clear()
    model = zoo.build(
        "dcgan", in_channels=1, input_size=8, seed=0,
        generator={"name": "dcgan_generator", "width": 8, "latent": 8},
        discriminator={"name": "dcgan_discriminator", "channels": [8, 16], "head": "binary"},
    )
    zoo.fit(
        model, {"name": "digits", "per_class": 8}, out=folder / name, epochs=2, batch_size=16, samples=4,
        ema=0.9, device="cpu", loss={"name": "adversarial", "gradient_penalty": penalty},
    )
    weights = {key: value.detach().contiguous() for key, value in model.named_parameters()}
    save_file({**weights, "first latents": drawn[0].clone()}, folder / f"{name}-{rank}.safetensors")
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_two_processes_end_with_one_pair(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(TRAIN)
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--standalone"]
    done = subprocess.run(
        [*launch, str(tmp_path / "train.py"), str(tmp_path)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for name in ("plain", "penalty"):
        one, two = (load_file(tmp_path / f"{name}-{rank}.safetensors") for rank in (0, 1))
        assert not (one.pop("first latents") == two.pop("first latents")).any()
        assert one.keys() == two.keys()
        assert all(bool((one[key] == two[key]).all()) for key in one)
