import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn import metrics
from zoo_datasets.embedded import Digits

import zoo
from zoo.data.batches import Batches
from zoo.data.splits import split
from zoo.interfaces.model import Model
from zoo.spec.errors import DataError, FormatError, SaveError, TrainingError

Make = Callable[..., Model]
DIGITS = {"name": "digits", "per_class": 30}


def test_figures_are_scikit_learns_on_the_same_outputs(make_model: Make) -> None:
    model = make_model(head="multiclass", classes=10)
    found = zoo.evaluate(model, DIGITS, split="all")
    data = Digits(per_class=30)
    (batch,) = Batches(data, range(300), model.input_spec, batch_size=300)
    with torch.no_grad():
        probabilities = model.eval()(batch["image"]).double().softmax(1).numpy()
    truth, answer = batch["target"].numpy(), probabilities.argmax(1)
    assert found.on.count == 300
    assert found.metrics["accuracy"] == pytest.approx(metrics.accuracy_score(truth, answer))
    assert found.metrics["loss"] == pytest.approx(metrics.log_loss(truth, probabilities), rel=1e-4)
    assert found.confusion == metrics.confusion_matrix(truth, answer).tolist()
    table = metrics.precision_recall_fscore_support(truth, answer, zero_division=0)
    for i, row in enumerate(found.per_class.values()):
        assert [row["precision"], row["recall"], row["f1"], row["images"]] == pytest.approx(
            [t[i] for t in table]
        )
    assert model.metrics["all"]["accuracy"] == found.metrics["accuracy"]


def test_the_test_split_is_that_of_the_training_seed(make_model: Make, tmp_path: Path) -> None:
    model = make_model()
    zoo.fit(model, "faces", seed=4, epochs=1, out=tmp_path / "run")
    found = zoo.evaluate(str(tmp_path / "run"), "faces")
    assert found.on.count == 30 == len(split(zoo_faces(), 4).test)
    with pytest.warns(zoo.ZooWarning, match=r"\d+ of 30 images of the test split were trained on"):
        zoo.evaluate(str(tmp_path / "run"), "faces", seed=5)


def zoo_faces() -> object:
    from zoo_datasets.embedded import Faces

    return Faces()


def test_evaluating_leaves_the_model_as_it_was(make_model: Make) -> None:
    model = make_model().train()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    random_state = torch.get_rng_state()
    zoo.evaluate(model, "faces")
    assert model.training
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert torch.equal(random_state, torch.get_rng_state())


class NotedLoss(torch.nn.Module):
    """A loss of another's with a buffer, which notes in which mode it is called, and where it is put."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weight", torch.ones(1))
        self.still = torch.nn.Dropout().eval()
        self.modes, self.places = [], []

    def to(self, device: torch.device) -> "NotedLoss":
        self.places.append(device.type)
        return self

    def forward(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        self.modes.append(self.training)
        return output.mean()


def test_a_loss_of_torch_is_measured_in_inference_mode_on_the_device_and_left_as_it_was(
    make_model: Make,
) -> None:
    loss = NotedLoss()
    loss.weight = loss.weight.to("meta")  # a device that every machine has beside the CPU
    zoo.evaluate(make_model(), "faces", loss=loss, device="cpu")
    assert loss.places == ["cpu", "meta"]
    assert loss.modes
    assert not any(loss.modes)
    assert (loss.training, loss.still.training) == (True, False)


def test_a_loss_of_torch_that_was_trained_with_comes_back_in_its_mode(
    make_model: Make, tmp_path: Path
) -> None:
    loss = NotedLoss().eval()
    zoo.fit(make_model(), "faces", loss=loss, epochs=1, out=tmp_path / "run", device="cpu")
    assert loss.modes[0]
    assert not loss.modes[-1]  # of the validation
    assert not loss.training


def test_what_cannot_be_evaluated_is_one_line(make_model: Make, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected train, val, test, all, got 'tset'"):
        zoo.evaluate(make_model(), "faces", split="tset")
    with pytest.raises(TrainingError, match="a model with a head"):
        zoo.evaluate(make_model(head=None), "faces")
    with pytest.raises(FormatError, match="not a saved model"):
        zoo.evaluate(str(tmp_path), "faces")
    with pytest.raises(TrainingError, match=r"expected a model from zoo\.build"):
        zoo.evaluate(3, "faces")


def test_the_folder_has_figures_and_images_of_them(make_model: Make, tmp_path: Path) -> None:
    model = make_model(head="multiclass", classes=10)
    found = zoo.evaluate(model, DIGITS, split="all", out=tmp_path / "deep" / "eval")
    folder = tmp_path / "deep" / "eval"
    assert sorted(f.name for f in folder.iterdir()) == ["confusion.png", "metrics.json", "worst.png"]
    assert json.loads((folder / "metrics.json").read_text()) == found.to_dict()
    zoo.evaluate(model, DIGITS, split="all", out=folder)  # a second time replaces


def test_the_worst_mistakes_are_the_wrong_answers_with_the_least_belief_in_the_truth(
    make_model: Make,
) -> None:
    model = make_model(head="multiclass", classes=10)
    found = zoo.evaluate(model, DIGITS, split="all")
    data = Digits(per_class=30)
    (batch,) = Batches(data, range(300), model.input_spec, batch_size=300)
    with torch.no_grad():
        table = model.eval()(batch["image"]).softmax(1)
    loss = torch.nn.functional.nll_loss(table.log(), batch["target"], reduction="none")
    wrong = [i for i in loss.argsort(descending=True).tolist() if table[i].argmax() != batch["target"][i]]
    assert len(found.worst) == min(24, len(wrong))
    first = found.worst[0]
    assert first.name == f"digits[{wrong[0]}]"
    assert first.label == str(int(table[wrong[0]].argmax()))
    assert first.score == pytest.approx(float(table[wrong[0]].max()), abs=1e-6)
    assert first.truth == str(data.targets[wrong[0]])
    assert [item.name for item in found.worst] == [f"digits[{i}]" for i in wrong[:24]]


class Torch:
    """Images of one gray value, with targets of any kind."""

    def __init__(self, targets: list[object], classes: tuple[str, ...] = ()) -> None:
        self.targets, self.classes = targets, classes

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[np.ndarray, object]:
        return np.full((16, 16), 10 * index + 1, np.uint8), self.targets[index]


def test_values_have_their_largest_errors_and_a_scatter(make_model: Make, tmp_path: Path) -> None:
    model = make_model(head="regression", classes=("x", "y"))
    targets = [[float(i), -1.0] for i in range(12)]
    targets[7] = [0.0, 5.0]  # of a value that hardly varies else
    found = zoo.evaluate(model, Torch(targets), split="all", out=tmp_path / "eval")
    assert not found.per_class
    assert "Torch[7]" in str(found)
    assert (found.worst[0].name, found.worst[0].truth, found.worst[0].score) == ("Torch[7]", "0, 5", None)
    assert len(found.worst) == 12
    assert sorted(f.name for f in (tmp_path / "eval").iterdir()) == [
        "metrics.json",
        "scatter.png",
        "worst.png",
    ]


def test_labels_have_scikit_learns_figures_each(make_model: Make, tmp_path: Path) -> None:
    model = make_model(head="multilabel", classes=("red", "big", "old"))
    targets = np.random.default_rng(0).integers(0, 2, (20, 3)).tolist()
    found = zoo.evaluate(model, Torch(targets), split="all", out=tmp_path / "eval")
    images = torch.stack([torch.full((1, 16, 16), (10 * i + 1) / 255) for i in range(20)])
    with torch.no_grad():
        chosen = (model.eval()(images).sigmoid() >= 0.5).int().numpy()
    table = metrics.precision_recall_fscore_support(targets, chosen, zero_division=0)
    for i, name in enumerate(("red", "big", "old")):
        row = found.per_class[name]
        assert [row[k] for k in ("precision", "recall", "f1", "images")] == pytest.approx(
            [t[i] for t in table]
        )
    assert found.confusion is None
    assert "red" in str(found)
    assert all(item.label != item.truth for item in found.worst)


def test_labels_with_names_are_trained_on(make_model: Make, tmp_path: Path) -> None:
    """They are no classes, of which each image would have one."""
    names = ("red", "big", "old")
    targets = np.random.default_rng(0).integers(0, 2, (24, 3)).tolist()
    model = make_model(head="multilabel", classes=names)
    run = zoo.fit(model, Torch(targets, classes=names), epochs=1, out=tmp_path / "run", progress=False)
    assert set(run.metrics) == {"loss", "accuracy", "f1"}


def test_a_model_without_mistakes_has_no_image_of_them(make_model: Make, tmp_path: Path) -> None:
    model = make_model(head="binary")
    (tmp_path / "worst.png").write_text("of an earlier evaluation")
    answers = [int(zoo.predict(model, Torch([0] * 6)[i][0])[0].scores["1"] >= 0.5) for i in range(6)]
    data = Torch(answers, classes=("0", "1"))
    found = zoo.evaluate(model, data, split="all", out=tmp_path)
    assert (found.metrics["accuracy"], found.worst) == (1, ())
    assert sorted(f.name for f in tmp_path.iterdir()) == ["confusion.png", "metrics.json"]


def test_unreadable_images_stop_or_are_left_out(make_model: Make, photos: Path) -> None:
    (photos / "dark" / "3.png").write_bytes(b"")
    model = make_model(in_channels=3)
    with pytest.raises(DataError, match=r"dark/3\.png: .*an empty file"):
        zoo.evaluate(model, photos, split="all")
    with pytest.warns(zoo.ZooWarning, match="left out 1 of 28 images"):
        assert zoo.evaluate(model, photos, split="all", skip_unreadable=True).on.count == 27


def test_a_folder_that_cannot_be_written_is_said_first(make_model: Make, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SaveError, match="expected a writable place"):
        zoo.evaluate(make_model(), "faces", out=tmp_path / "file" / "eval")


class Images(torch.utils.data.Dataset[Any]):
    """Pairs of image and target."""

    def __init__(self, pairs: list[Any]) -> None:
        self.pairs = pairs

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, i: int) -> Any:
        return self.pairs[i]


@pytest.mark.parametrize("head", ["binary", "multiclass", "multilabel", "regression", "ordinal"])
def test_answers_that_are_no_numbers_give_no_figures_and_no_tables(
    make_model: Make, head: str, tmp_path: Path
) -> None:
    classes = {"binary": None, "regression": None}.get(head, 3)
    model = make_model(head=head, classes=classes)
    row = [0.0, 1.0, 1.0]
    of = {"binary": 1, "multiclass": 2, "multilabel": row, "regression": 0.5, "ordinal": 2}
    data = [
        (torch.full((1, 16, 16), 0.5 + i / 20), of[head] if i % 2 else type(of[head])()) for i in range(8)
    ]
    data = [(image, row if target == [] else target) for image, target in data]
    usual = model.infer
    # Of the last image alone
    model.infer = lambda x: torch.where(x.mean((1, 2, 3)) > 0.82, torch.nan, usual(x).T).T  # type: ignore[method-assign]
    asked = ["average-precision"] if head == "binary" else []
    found = zoo.evaluate(model, Images(data), split="all", metrics=asked, out=tmp_path / "out")
    assert found.metrics == {}
    assert {*found.left_out.values()} == {"1 of 8 answers are no numbers"}
    assert len(found.left_out) >= 2 + len(asked)
    assert (found.per_class, found.confusion, found.worst) == ({}, None, ())
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["left_out"] == found.left_out
    json.dumps(found.to_dict(), allow_nan=False)
    assert "left out: 1 of 8" in repr(found)
