import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import zoo
from zoo.interfaces import Execution
from zoo.interfaces.model import Model
from zoo.runtime.computing import Computing
from zoo.runtime.devices import seed_step
from zoo.spec.errors import OptionError, TrainingError

Make = Callable[..., Model]
FACES = {"name": "faces", "per_class": 12}
QUIET = pytest.mark.filterwarnings("ignore:frozen blocks:zoo.ZooWarning")


def losses(run: Any) -> list[float]:
    return [row[name] for row in run.history for name in ("loss", "val_loss")]


@QUIET
def test_a_cut_batch_gives_the_numbers_of_the_whole(make_model: Make, tmp_path: Path) -> None:
    """The head alone learns, so that no batch norm sees the parts."""
    options: dict[str, Any] = {"epochs": 2, "batch_size": 10, "cache": False, "clip_norm": 0.05}
    head = {"name": "binary", "hidden": [8]}
    whole = zoo.fit(make_model(freeze="all", head=head), FACES, out=tmp_path / "0", **options)
    cut = zoo.fit(
        make_model(freeze="all", head=head), FACES, out=tmp_path / "1", micro_batch_size=3, **options
    )
    assert losses(cut) == pytest.approx(losses(whole), rel=1e-5)


def test_it_stops_when_the_watched_value_no_longer_gets_better(make_model: Make, tmp_path: Path) -> None:
    run = zoo.fit(
        make_model(),
        FACES,
        out=tmp_path / "run",
        epochs=40,
        lr=1e-9,
        monitor="val_accuracy",
        early_stopping=3,
    )
    assert run.stopped_early
    assert (run.best_epoch, len(run.history)) == (1, 4)
    assert "stopped early after 4 epochs" in str(run)


def test_an_unknown_value_to_watch_is_named_before_any_work(make_model: Make, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"monitor: expected val_loss, val_accuracy.*got 'val_acc'"):
        zoo.fit(make_model(), FACES, out=tmp_path / "run", monitor="val_acc")
    assert not (tmp_path / "run").exists()


def test_gradients_are_clipped_as_torch_clips_them(make_model: Make, tmp_path: Path) -> None:
    moved = {}
    for norm in (None, 1e-3):
        model = make_model()
        before = {name: p.detach().clone() for name, p in model.named_parameters()}
        zoo.fit(
            model,
            FACES,
            out=tmp_path / str(norm),
            epochs=1,
            batch_size=100,
            optimizer="sgd",
            lr=1.0,
            clip_norm=norm,
        )
        after = dict(model.named_parameters())
        moved[norm] = float(torch.cat([(after[n] - v).detach().flatten() for n, v in before.items()]).norm())
    assert moved[None] > 0.01
    assert moved[1e-3] == pytest.approx(1e-3, rel=1e-3)


def test_a_failure_after_an_epoch_keeps_the_run(make_model: Make, tmp_path: Path, monkeypatch) -> None:
    from zoo.builtin.supervised import Supervised

    step, calls = Supervised.step, iter(range(100))

    def bad(self: Supervised, batch: Any) -> Any:
        logs = step(self, batch)
        return {"loss": logs["loss"] * float("nan")} if next(calls) == 5 else logs

    monkeypatch.setattr(Supervised, "step", bad)
    with pytest.raises(TrainingError, match="no longer a number in epoch 2, step 3 of 3"):
        zoo.fit(make_model(), FACES, out=tmp_path / "run", epochs=3, batch_size=6, checkpoint_every=0)
    assert {"history.json", "run.json", "checkpoint.safetensors"} <= {
        p.name for p in (tmp_path / "run").iterdir()
    }


def test_history_has_a_line_an_epoch(make_model: Make, tmp_path: Path) -> None:
    zoo.fit(make_model(), FACES, out=tmp_path / "run", epochs=3)
    lines = (tmp_path / "run" / "history.json").read_text().splitlines()
    assert [line[:11] for line in lines[1:-1]] == ['{"epoch": 1', '{"epoch": 2', '{"epoch": 3']


def test_any_module_trains_with_a_loss(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    run = zoo.fit(net, "digits", loss=torch.nn.CrossEntropyLoss(), epochs=3, lr=0.01, out=tmp_path / "run")
    assert run.metrics["accuracy"] > 0.85
    assert run.metrics["accuracy"] == zoo.evaluate(run.model, "digits", split="val").metrics["accuracy"]
    from safetensors.torch import load_file

    saved = load_file(run.folder / "model.safetensors")
    assert all(torch.equal(saved[name], value) for name, value in net.state_dict().items())


def test_a_module_without_loss_or_for_other_images_is_refused(tmp_path: Path) -> None:
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(63, 10))
    with pytest.raises(TrainingError, match="fit of a torch module: expected loss=, got none"):
        zoo.fit(net, "digits", out=tmp_path / "run")
    with pytest.raises(TrainingError, match=r"expected to take images N x 1 x 8 x 8, got .*input_spec"):
        zoo.fit(net, "digits", loss=torch.nn.CrossEntropyLoss(), out=tmp_path / "run")


def test_precision_is_checked_and_leaves_the_weights_in_full(make_model: Make, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="precision: expected fp32, bf16, fp16, got 'bf61'"):
        zoo.fit(make_model(), FACES, precision="bf61", out=tmp_path / "no")
    with pytest.raises(OptionError, match="on the CPU: expected fp32 or bf16, got fp16"):
        zoo.fit(make_model(), FACES, precision="fp16", device="cpu", out=tmp_path / "no")
    full = zoo.fit(make_model(), FACES, out=tmp_path / "fp32", epochs=2)
    half = zoo.fit(make_model(), FACES, precision="bf16", device="cpu", out=tmp_path / "bf16", epochs=2)
    assert {p.dtype for p in half.model.parameters()} == {torch.float32}
    assert losses(half) == pytest.approx(losses(full), rel=0.1)
    assert losses(half) != losses(full)
    again = zoo.fit(make_model(), FACES, out=tmp_path / "again", epochs=2)
    assert losses(again) == losses(full)


class Noting(Execution):
    """One process that draws as the second of several, and notes the first number of each step."""

    def __init__(self) -> None:
        super().__init__()
        self.first: list[float] = []

    @contextmanager
    def apart(self, seeded: Callable[[int], None]) -> Iterator[None]:
        seeded(1)
        self.first.append(torch.rand(1).item())
        yield


def test_each_step_is_drawn_for_by_each_process_apart(
    make_model: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noting = Noting()
    monkeypatch.setattr(Computing, "execution", lambda self, steps, *, fused: noting)
    zoo.fit(make_model(), FACES, out=tmp_path / "run", epochs=2, batch_size=10, seed=3)
    expected = []
    for epoch in (1, 2):
        for step in range(len(noting.first) // 2):
            seed_step(3, epoch, step, torch.device("cpu"), 1)
            expected.append(torch.rand(1).item())
    assert noting.first == expected
    assert len(set(expected)) == len(expected) >= 4


PROCESSES = """
import sys, warnings, numpy, torch, zoo
from zoo.runtime.data_arguments import as_dataset
warnings.simplefilter("ignore", zoo.ZooWarning)
out = sys.argv[1]
small = {"in_channels": 1, "input_size": 16, "seed": 0}
frozen = zoo.build("tiny_resnet", head={"name": "binary", "hidden": [8]}, freeze="all", **small)
free = zoo.build("small_cnn", channels=[4, 8], head="binary", **small)
met = zoo.build("small_cnn", channels=[4, 8], head={"name": "embedding", "dim": 8}, **small)
heavy = zoo.build("small_cnn", channels=[4, 8], head="multiclass", classes=2, **small)
other = zoo.build("small_cnn", channels=[4, 8], head="multiclass", classes=2, **small)
weighted = {"name": "cross-entropy", "class_weights": [1.0, 20.0]}
data = {"name": "faces", "per_class": 15}
faces = as_dataset(data)
shapes = {"name": "shapes", "size": 32, "count": 30}
tiny = {"name": "small_cnn", "channels": [4, 8], "batch_norm": False}
maps = zoo.build("unet", classes=4, encoder=tiny, batch_norm=False, seed=0)
class Centred(torch.nn.Module):  # says nothing of what it looks at: all images of a batch
    def forward(self, output, target):
        return torch.nn.functional.cross_entropy(output - output.mean(0), target)
class People:  # "face" and "no face" are no two people
    classes = ("ana", "ben")
    def __len__(self):
        return len(faces)
    def __getitem__(self, i):
        return faces[i].image, faces[i].target
sgd = {"optimizer": "sgd"}
for name, model, extra in (("maps", maps, {"loss": "dice", **sgd}),
                           ("centred", other, {"loss": Centred(), **sgd}),
                           ("frozen", frozen, {}), ("kept", frozen, {"cache": True}), ("met", met, {}),
                           ("heavy", heavy, {"loss": weighted, "micro_batch_size": 3, "optimizer": "sgd"}),
                           ("free", free, {"augment": "flip", "micro_batch_size": 2, "clip_norm": 1.0})):
    options = {"epochs": 2, "batch_size": 8, "device": "cpu", "cache": False, **extra}
    zoo.fit(model, {"met": People(), "maps": shapes}.get(name, data), out=f"{out}/{name}", **options)
"""


@pytest.mark.slow
def test_two_processes_give_the_numbers_of_one(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(PROCESSES)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "ZOO_CACHE": str(tmp_path / "cache")}
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--standalone"]
    for name, command in (("one", [sys.executable]), ("two", launch)):
        done = subprocess.run(
            [*command, str(tmp_path / "train.py"), str(tmp_path / name)],
            env=environment, capture_output=True,
            text=True, timeout=240, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
    for name in ("maps", "centred", "frozen", "kept", "free", "met", "heavy"):
        one, two = (zoo.load(tmp_path / count / name) for count in ("one", "two"))
        for key, value in one.state_dict().items():
            np.testing.assert_allclose(two.state_dict()[key], value, rtol=1e-4, atol=1e-5)
        assert two.metrics["val"] == pytest.approx(one.metrics["val"], rel=1e-4)
    own = [load_file(tmp_path / count / "met/loss.safetensors")["prototypes"] for count in ("one", "two")]
    np.testing.assert_allclose(own[1], own[0], rtol=1e-4, atol=1e-5)
