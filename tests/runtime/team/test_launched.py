"""Real processes: started by hand, so that each one's exit status is its own, and no launcher ends them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import zoo

WORK = """
import io, json, os, sys
from pathlib import Path
import zoo
from zoo.cli import main

out, images = map(Path, sys.argv[1:3])
process, count = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
place = out / str(process)
place.mkdir(parents=True)

def said(*words):
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = shown = io.StringIO(), io.StringIO()
    try:
        main(list(words))
    except SystemExit as ended:
        return [ended.code, *(text.getvalue() for text in shown)]
    finally:
        sys.stdout, sys.stderr = before

digits = {"name": "digits", "per_class": 6}
found = {}
fit = ["fit", "--model", "small_cnn", "--head", "multiclass", "--data", "digits", "--epochs", "1",
       "--set", "data.per_class=6", "--set", "in_channels=1", "--set", "input_size=8", "--lr", "1e-3",
       "--device", "cpu", "--out", str(out / "run")]
found["fit"] = said(*fit)
found["again"] = said(*fit)
run = str(out / "run")
measured = ["--device", "cpu", "--json", "--out", str(out / "figures")]
found["evaluate"] = said("evaluate", run, "digits", *measured)
found["predict"] = said("predict", run, str(images), "--device", "cpu", "--json")
answers = zoo.predict(run, images, batch_size=2, device="cpu")
found["answers"] = [answer.to_dict() for answer in answers]
(place / "found.json").write_text(json.dumps(found))
if count > 1:
    os.environ["ZOO_PROCESS_WAIT"] = "60"
    model = zoo.load(run)
    infer = model.infer
    def killed(x):
        if process == 1:
            os.kill(os.getpid(), 9)
        return infer(x)
    model.infer = killed
    try:
        zoo.predict(model, images, batch_size=1, device="cpu")
    except zoo.errors.TrainingError as error:
        print(error, file=sys.stderr)
        sys.exit(3)
"""


def started(processes: int, *arguments: Any, wait: float = 240) -> list[tuple[int, str, str]]:
    """Status, output and errors of each process, all of which end within some seconds."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launch = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    launch |= {"WORLD_SIZE": str(processes)}
    running = [
        subprocess.Popen(
            [sys.executable, *map(str, arguments)], env={**os.environ, **launch, "RANK": str(i)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for i in range(processes)
    ]  # fmt: skip
    try:
        told = [one.communicate(timeout=wait) for one in running]
    finally:
        for one in running:
            one.kill()
    return [(one.returncode, *text) for one, text in zip(running, told, strict=True)]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore:.*validated with:zoo.ZooWarning", "ignore:.*trained on:zoo.ZooWarning")
def test_two_processes_do_what_one_does_tell_it_once_and_end_when_one_is_killed(tmp_path: Path) -> None:
    (tmp_path / "work.py").write_text(WORK)
    (tmp_path / "images").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (5, 9, 9), dtype=np.uint8)
    for i, image in enumerate(pixels):
        Image.fromarray(image).save(tmp_path / f"images/{i}.png")
    ((code, _, err),) = started(1, tmp_path / "work.py", tmp_path / "one", tmp_path / "images")
    assert code == 0, err
    alone = json.loads((tmp_path / "one/0/found.json").read_text())
    ended = started(2, tmp_path / "work.py", tmp_path / "two", tmp_path / "images")
    first, second = (json.loads((tmp_path / f"two/{i}/found.json").read_text()) for i in (0, 1))

    # Told once: progress, summary, errors; each process has its status
    assert alone["fit"][0] == first["fit"][0] == second["fit"][0] == 0
    assert "epoch 1/1" in first["fit"][2]
    assert first["fit"][1].startswith("trained 1 epoch")
    assert [code for code, *_ in (alone["again"], first["again"], second["again"])] == [2, 2, 2]
    assert first["again"][2].replace("/two/", "/one/") == alone["again"][2]
    assert all(second[verb][1:] == ["", ""] for verb in ("fit", "again", "evaluate", "predict"))

    # The figures and answers of one process, which has other threads
    two, run = json.loads(first["evaluate"][1]), tmp_path / "two/run"
    one = zoo.evaluate(run, "digits", device="cpu")
    assert two["loss"] == pytest.approx(one.metrics["loss"], rel=1e-5)
    assert json.loads((tmp_path / "two/figures/metrics.json").read_text()) == two
    answers = zoo.predict(run, tmp_path / "images", batch_size=2, device="cpu")
    assert [mine["source"] for mine in first["answers"]] == [answer.source for answer in answers]
    for mine, theirs in zip(first["answers"], answers, strict=True):
        assert list(mine["scores"].values()) == pytest.approx(list(theirs.scores.values()), rel=1e-5)
    assert first["answers"] == second["answers"]
    assert [said["label"] for said in json.loads(first["predict"][1])] == [a.label for a in answers]

    # One that is killed ends the other, which says whom it waited for
    assert ended[1][0] == -9
    assert ended[0][0] == 3
    assert "expected all of them to take part, got no answer of process 1" in ended[0][2]
