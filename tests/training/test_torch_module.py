"""A torch module that zoo did not build: trained, and used again by its folder and its class."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

import zoo
from zoo.cli import main
from zoo.data.sources.torch_dataset import TorchData
from zoo.errors import FormatError, FreezeError, SaveError, TrainingError, WeightsError, ZooError, ZooWarning
from zoo.interfaces.tasks import Multiclass
from zoo.testing import killed_after

FACES = {"name": "faces", "per_class": 12}


class Net(nn.Module):
    """Two logits of gray images."""

    def __init__(self, width: int = 4, drop: float = 0.1, bias: bool = True) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(1, width, 3, bias=bias)
        self.drop, self.head = nn.Dropout(drop), nn.Linear(width, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.drop(self.conv(x).relu().mean((2, 3))))


def fit(folder: Path, **options: Any) -> Any:
    options = {"epochs": 1, "seed": 3, **options}
    return zoo.fit(Net(), FACES, loss=nn.CrossEntropyLoss(), out=folder, progress=False, **options)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return fit(tmp_path_factory.mktemp("runs") / "a")


def same(one: nn.Module, other: nn.Module) -> bool:
    mine, theirs = one.state_dict(), other.state_dict()
    return mine.keys() == theirs.keys() and all(torch.equal(mine[k], theirs[k]) for k in mine)


@pytest.mark.parametrize("copy", [False, True])
def test_the_folder_and_the_module_give_what_was_trained(run: Any, copy: bool) -> None:
    module = Net()
    model = zoo.load(run.folder, module=module, copy=copy)
    assert same(model, run.model)
    assert same(module, run.model.module)
    assert not module.training
    mine = (model.task.name, model.labels, model.input_spec, model.outputs, model.recipe, model.origin)
    own = run.model
    assert mine == (own.task.name, own.labels, own.input_spec, own.outputs, own.recipe, own.origin)
    kept = (model.metrics["val"], model.measured["val"])
    assert kept == (run.model.metrics["val"], run.model.measured["val"])
    # On the split that its seed left aside
    figures, expected = zoo.evaluate(model, FACES), zoo.evaluate(run.model, FACES)
    assert (figures.metrics, figures.on.hash) == (expected.metrics, expected.on.hash)
    image = np.full((30, 40, 1), 0.5, np.float32)
    assert zoo.predict(model, image)[0].scores == zoo.predict(run.model, image)[0].scores
    assert zoo.Predictor(model)(image).label in model.labels


def test_a_run_says_how_it_is_used_again_and_gone_on_with(run: Any) -> None:
    assert f"use it again: zoo.load('{run.folder}', module=Net(...))" in str(run)
    with pytest.raises(TrainingError) as error:
        zoo.fit(resume=run.folder)
    assert f"zoo.fit(Net(...), resume='{run.folder}', loss=..., epochs=2) goes on longer" in str(error.value)
    assert f"zoo.fit(zoo.load('{run.folder}', module=Net(...)), data, loss=...) begins" in str(error.value)


def test_the_verbs_that_are_given_the_bare_folder_show_the_call(run: Any) -> None:
    call = f"in Python give zoo.load('{run.folder}', module=Net(...)) in the folder's place"
    for verb in (
        lambda: zoo.load(run.folder),
        lambda: zoo.evaluate(run.folder, FACES),
        lambda: zoo.evaluate(run.folder, FACES, save=True),
        lambda: zoo.predict(str(run.folder), torch.rand(1, 8, 8)),
        lambda: zoo.Predictor(f"file:{run.folder}"),
        lambda: zoo.fit(run.folder, FACES),
        lambda: zoo.pull(f"file:{run.folder}"),
    ):
        with pytest.raises(FormatError) as error:
            verb()
        assert call in str(error.value)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("words", [("evaluate", "{}", "faces"), ("predict", "{}", "image.png")])
def test_the_command_line_says_what_to_do_in_python(run: Any, words: tuple[str, ...], capsys: Any) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([word.format(run.folder) for word in words])
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert f"in Python give zoo.load('{run.folder}', module=Net(...))" in said


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (Net(width=8), r"3 of another shape: conv.weight \(4, 1, 3, 3\) for \(8, 1, 3, 3\)"),
        (Net(bias=False), "1 unexpected: conv.bias"),
        (nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), "2 missing: 1.bias, 1.weight; 4 unexpected"),
    ],
)
def test_weights_that_do_not_fit_the_module_are_refused(run: Any, module: nn.Module, words: str) -> None:
    before = {k: v.clone() for k, v in module.state_dict().items()}
    with pytest.raises(WeightsError, match=words):
        zoo.load(run.folder, module=module)
    assert all(torch.equal(v, before[k]) for k, v in module.state_dict().items())


def test_other_options_that_the_weights_do_not_show_are_said(run: Any) -> None:
    with pytest.warns(zoo.ZooWarning, match=r"drop is Dropout\(p=0.5, .*was Dropout\(p=0.1"):
        model = zoo.load(run.folder, module=Net(drop=0.5))
    assert same(model, run.model)


class Wider(Net):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x).repeat(1, 2)


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (Net, r"got the class Net; module=Net\(...\)"),
        ("net", "an instance of the torch module's class, got a str"),
        (
            nn.DataParallel(Net()),
            "expected the module itself, got DataParallel around it; give the Net inside",
        ),
    ],
)
def test_what_is_no_module_is_refused(run: Any, module: Any, words: str) -> None:
    with pytest.raises(TrainingError, match=words):
        zoo.load(run.folder, module=module)


def test_a_module_that_answers_otherwise_is_refused(run: Any) -> None:
    with (
        pytest.warns(zoo.ZooWarning, match="the module is Wider"),
        pytest.raises(WeightsError, match="expected 2 outputs, got 4"),
    ):
        zoo.load(run.folder, module=Wider())


def test_a_module_for_a_model_of_names_and_for_another_folder_is_refused(
    make_model: Any, tmp_path: Path
) -> None:
    folder = zoo.save(make_model(), tmp_path / "m")
    with pytest.raises(
        FormatError, match=r"got a model that zoo builds itself; zoo.load\(.*\), without module="
    ):
        zoo.load(folder, module=Net())
    with pytest.raises(
        FormatError, match=r"expected the folder of a run of a torch module, got no model.safetensors"
    ):
        zoo.load(tmp_path, module=Net())
    save_file(Net().state_dict(), tmp_path / "model.safetensors")
    with pytest.raises(FormatError, match=r"got a model.safetensors without what zoo.fit notes in it"):
        zoo.load(tmp_path, module=Net())


def test_it_is_saved_elsewhere_with_all_that_loading_needs(run: Any, tmp_path: Path) -> None:
    folder = zoo.save(zoo.load(run.folder, module=Net()), tmp_path / "new", licence="mit")
    assert [file.name for file in folder.iterdir()] == ["model.safetensors"]
    again = zoo.load(folder, module=Net())
    assert same(again, run.model)
    assert (again.licence, again.labels, run.model.licence) == ("mit", run.model.labels, None)
    zoo.save(again, folder)  # over its own, from which it is mapped
    assert same(zoo.load(folder, module=Net()), run.model)
    with pytest.raises(
        SaveError, match="expected a model that zoo can build from names, got a torch module, Net"
    ):
        zoo.push(run.model, f"file:{tmp_path}/hub")


def test_it_replaces_no_other_model_and_none_replaces_it(run: Any, make_model: Any, tmp_path: Path) -> None:
    folder = zoo.save(make_model(), tmp_path / "m")
    with pytest.raises(SaveError, match=r"one with config\.json, README\.md"):
        zoo.save(run.model, folder)
    zoo.load(folder)
    (tmp_path / "other").mkdir()
    save_file({"a": torch.zeros(1)}, tmp_path / "other" / "model.safetensors")
    with pytest.raises(SaveError, match=r"one with model\.safetensors, which is another model"):
        zoo.save(run.model, tmp_path / "other")
    with pytest.raises(SaveError, match="cannot save to"):
        zoo.save(make_model(), zoo.save(run.model, tmp_path / "net"))


def test_half_precision_comes_back_as_it_was_saved(run: Any, tmp_path: Path) -> None:
    model = zoo.load(run.folder, module=Net(), copy=True).half()
    with pytest.warns(zoo.ZooWarning, match="figures of val are of weights that the model has no longer"):
        again = zoo.load(zoo.save(model, tmp_path / "half"), module=Net())
    assert {p.dtype for p in again.parameters()} == {torch.float16}
    assert zoo.evaluate(again, FACES).metrics == zoo.evaluate(model, FACES).metrics


def test_it_goes_on_with_the_model_of_its_folder_as_with_the_module(tmp_path: Path) -> None:
    loss = nn.CrossEntropyLoss()
    run = fit(tmp_path / "a")
    (tmp_path / "b").mkdir()
    for file in run.folder.iterdir():
        (tmp_path / "b" / file.name).write_bytes(file.read_bytes())
    one = zoo.fit(Net(), loss=loss, epochs=2, resume=run.folder)
    other = zoo.fit(zoo.load(tmp_path / "b", module=Net()), loss=loss, epochs=2, resume=tmp_path / "b")
    assert same(one.model, other.model)
    assert same(zoo.load(tmp_path / "b", module=Net()), one.model)
    with pytest.warns(zoo.ZooWarning, match="drop is Dropout"):
        zoo.fit(Net(drop=0.3), loss=loss, epochs=3, resume=run.folder)


def test_it_trains_on_for_the_images_that_it_knows(run: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    data = TorchData([(rng.random((50, 60, 1), dtype=np.float32), i % 2) for i in range(24)])
    before = zoo.load(run.folder, module=Net())
    further = zoo.fit(before, data, loss=nn.CrossEntropyLoss(), epochs=1, out=tmp_path / "b")
    assert further.model.input_spec == run.model.input_spec
    assert further.model.labels == run.model.labels
    with pytest.raises(TrainingError, match="expected loss=, got none"):
        zoo.fit(before, FACES, epochs=1, out=tmp_path / "c")


def test_a_run_that_was_killed_says_that_it_has_no_weights_yet(tmp_path: Path) -> None:
    with killed_after(1):
        fit(tmp_path / "cut", checkpoint_every=0)
    with pytest.raises(
        FormatError, match=r"no weights yet: zoo.fit\(Net\(...\), resume='.*', loss=...\) goes on"
    ):
        zoo.load(tmp_path / "cut")
    with pytest.raises(FormatError, match=r"got a run without an epoch behind; zoo.fit\(MODULE, resume="):
        zoo.load(tmp_path / "cut", module=Net())
    with pytest.raises(TrainingError, match=r"zoo.fit\(Net\(...\), resume=.*, loss=...\)"):
        zoo.fit(resume=tmp_path / "cut")


class Own(Multiclass):
    """A task of a plugin's."""

    name = "own"


def test_a_task_that_the_core_does_not_know_is_asked_for(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    data = TorchData([(rng.random((16, 16, 1), dtype=np.float32), i % 2) for i in range(24)], Own())
    run = zoo.fit(Net(), data, loss=nn.CrossEntropyLoss(), epochs=1, out=tmp_path / "a")
    assert type(run.model.task) is Own
    module = Net()
    with pytest.raises(TrainingError, match=r"expected their task Own, got none .* attribute task = Own\(\)"):
        zoo.load(run.folder, module=module)
    module.task = Own()  # type: ignore[assignment]
    assert type(zoo.load(run.folder, module=module).task) is Own


def test_what_stands_in_the_file_is_checked(run: Any, tmp_path: Path) -> None:
    from safetensors import safe_open

    file = run.folder / "model.safetensors"
    with safe_open(file, "pt") as opened:
        notes = opened.metadata()
    # Of a file that another program writes nothing is known
    del notes["zoo.crc32"]
    facts = json.loads(notes["zoo.module"])
    for change, words in (
        ({"format": 2}, "expected format 1 or older, got format 2"),
        ({"labels": "ab"}, "labels as a list of texts, got 'ab'"),
        ({"input": {"channels": -1}}, "model.safetensors"),
        ({"recipe": {"model": 3}}, "model.safetensors"),
        ({"task": ["no", "No"]}, "their task No"),
        ({"metrics": {"val": 3}}, "metrics as numbers by name, by split"),
        ({"task": "binary"}, "task as name and class or null"),
    ):
        save_file(
            load_file(file),
            tmp_path / "model.safetensors",
            {**notes, "zoo.module": json.dumps(facts | change)},
        )
        with pytest.raises(zoo.ZooError, match=words):
            zoo.load(tmp_path, module=Net())


def test_another_loss_than_that_of_the_run_is_said(tmp_path: Path) -> None:
    folder = fit(tmp_path / "a").folder
    with pytest.warns(ZooWarning, match=r"loss CrossEntropyLoss\(\), and goes on with MultiMar"):
        zoo.fit(Net(), resume=folder, loss=nn.MultiMarginLoss(), epochs=2, progress=False)


@pytest.mark.parametrize(
    "words",
    [
        ("fit", "--model", "RUN", "--data", "faces"),
        ("build", "RUN"),
        ("show", "RUN"),
    ],
)
def test_its_folder_in_the_place_of_a_name_is_said(run: Any, words: tuple[str, ...], capsys: Any) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([str(run.folder) if word == "RUN" else word for word in words])
    said = capsys.readouterr().err
    assert f"{run.folder} is of a torch module" in said
    assert f"zoo.load('{run.folder}', module=Net(...))" in said


def test_its_folder_is_not_pushed_and_no_step_is_told_that_fails(run: Any, tmp_path: Path) -> None:
    for model in (run.folder, run.model):
        with pytest.raises(
            SaveError, match="its code is in no file; make it a component of a plugin"
        ) as error:
            zoo.push(model, f"file:{tmp_path}/hub")
        assert "zoo.load" not in str(error.value)
    assert not (tmp_path / "hub").exists()


def test_a_module_that_nothing_was_trained_of_says_how_it_is_used(run: Any, tmp_path: Path) -> None:
    call = r"zoo\.fit trains .*zoo\.load\(folder, module=Net\(\.\.\.\)\)"
    with pytest.raises(SaveError, match=call):
        zoo.save(Net(), tmp_path / "model")  # type: ignore[arg-type]
    with pytest.raises(TrainingError, match=call):
        zoo.evaluate(Net(), FACES)  # type: ignore[arg-type]
    with pytest.raises(TrainingError, match=call):
        zoo.predict(Net(), torch.zeros(1, 1, 8, 8))  # type: ignore[arg-type]


def test_its_blocks_are_not_known(run: Any) -> None:
    for freeze, value in ((run.model.freeze, "False"), (run.model.unfreeze, "True")):
        with pytest.raises(FreezeError, match=rf"say model\.module\.conv\.requires_grad_\({value}\)"):
            freeze("all")
        assert freeze("none") is run.model


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (nn.functional.cross_entropy, "got the function cross_entropy; say loss=torch.nn.CrossEntropyLoss()"),
        (nn.functional.mse_loss, "got the function mse_loss; say loss=torch.nn.MSELoss()"),
        (nn.CrossEntropyLoss, "got the class CrossEntropyLoss; say loss=torch.nn.CrossEntropyLoss()"),
        (lambda output, target: output.sum(), "put it into the forward of a module"),
    ],
)
def test_a_function_is_no_loss(loss: Any, words: str, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"^loss: expected a torch module") as error:
        zoo.fit(Net(), FACES, loss=loss, epochs=1, out=tmp_path / "run", progress=False)
    assert words in str(error.value)


def test_half_precision_is_said_before_the_module_is_tried(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"weights in float32, got float16; model\.float\(\) widens them"):
        zoo.fit(Net().half(), FACES, loss=nn.CrossEntropyLoss(), epochs=1, out=tmp_path / "run")


@pytest.mark.parametrize("weights", [(None, [1.0, 9.0]), ([1.0, 9.0], None), ([1.0, 9.0], [9.0, 1.0])])
def test_other_weights_of_a_loss_of_torchs_are_refused_at_resuming(weights: Any, tmp_path: Path) -> None:
    before, now = (
        nn.CrossEntropyLoss(weight=None if values is None else torch.tensor(values)) for values in weights
    )
    zoo.fit(Net(), FACES, loss=before, epochs=1, out=tmp_path / "a", progress=False)
    with pytest.raises(ZooError, match="resume"):
        zoo.fit(Net(), resume=tmp_path / "a", loss=now, epochs=2, progress=False)
    zoo.fit(Net(), resume=tmp_path / "a", loss=before, epochs=2, progress=False)


def test_other_settings_of_a_loss_of_torchs_are_said_at_resuming(run: Any, tmp_path: Path) -> None:
    other = nn.CrossEntropyLoss(label_smoothing=0.1)
    folder = Path(shutil.copytree(run.folder, tmp_path / "a"))
    with pytest.warns(ZooWarning, match=r"goes on with CrossEntropyLoss\(label_smoothing=0.1\)"):
        zoo.fit(Net(), resume=folder, loss=other, epochs=2, progress=False)
    # A record of an earlier version says no settings
    folder = Path(shutil.copytree(run.folder, tmp_path / "b"))
    facts = json.loads((folder / "run.json").read_text())
    facts["given"] = {"loss": "CrossEntropyLoss"}
    (folder / "run.json").write_text(json.dumps(facts))
    zoo.fit(Net(), resume=folder, loss=other, epochs=2, progress=False)
