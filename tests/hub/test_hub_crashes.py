"""Pushing and pulling that is cut off, anywhere: the old model or the new one, never a mix."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import zoo
from zoo.spec.errors import ZooError

from . import server as faults
from .writing import TOKEN

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the client's own


@pytest.mark.slow
@pytest.mark.usefixtures("writing")
def test_killed_processes_leave_the_old_model_or_the_new_one(hub, tmp_path):
    hub.commit("me/cats", {})
    variables = {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1", "OMP_NUM_THREADS": "1"}
    variables |= {"HF_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "tests.hub.hub_crashes", str(tmp_path / "work")],
        env={**os.environ, **variables}, capture_output=True, text=True, check=False, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["push"].pop() == "at last old"
    for mode, states in found.items():
        assert len(states) >= 12
        assert set(states) <= {"old", "new"}, mode
    assert set(found["push"]) == {"old", "new"}
    assert set(found["readers"]) == {"old", "new"}


@pytest.mark.usefixtures("writing", "impatient")
@pytest.mark.parametrize("fault", [faults.reset, faults.broken], ids=["gone", "broken"])
def test_a_hub_that_goes_away_at_any_request_of_a_push(hub, tmp_path, make, fault):
    models = [make("mlp"), make("mlp", seed=1)]
    folders = [zoo.save(model, tmp_path / str(i)) for i, model in enumerate(models)]
    zoo.push(folders[0], "me/cats")
    seen = set()
    for cut in range(20):
        zoo.push(folders[0], "me/cats")
        hub.fail(fault, "", times=99, at="", after=cut)
        try:
            zoo.push(folders[1], "me/cats")
            said = True
        except ZooError as error:
            assert "\n" not in str(error)
            said = False
        hub._faults.clear()
        weights = zoo.pull("me/cats", cache_dir=tmp_path / f"cache-{cut}").state_dict()
        (which,) = (
            i for i, model in enumerate(models)
            if all(torch.equal(weights[k], v) for k, v in model.state_dict().items())
        )  # fmt: skip
        assert not said or which == 1
        seen.add((said, which))
        if said:
            break
    assert {(False, 0), (True, 1)} <= seen
