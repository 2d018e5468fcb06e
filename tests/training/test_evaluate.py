from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from sklearn import metrics

import zoo
from zoo.builtin.datasets import Digits
from zoo.data.batches import Batches
from zoo.data.splits import split
from zoo.interfaces.model import Model
from zoo.spec.errors import DataError, FormatError, TrainingError
from zoo.training.evaluate import per_class

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
    assert found["pictures"] == 300
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(truth, answer))
    assert found["loss"] == pytest.approx(metrics.log_loss(truth, probabilities), rel=1e-4)
    assert found["confusion"] == metrics.confusion_matrix(truth, answer).tolist()
    table = metrics.precision_recall_fscore_support(truth, answer, zero_division=0)
    for i, row in enumerate(found["per_class"].values()):
        assert [row["precision"], row["recall"], row["f1"], row["pictures"]] == pytest.approx(
            [t[i] for t in table]
        )
    assert model.metrics["all"]["accuracy"] == found["accuracy"]


def test_a_class_that_never_occurs_has_zeros_not_nan() -> None:
    row = per_class(torch.tensor([0, 0]), torch.tensor([0, 0]), ["a", "b"])["per_class"]["b"]
    assert row == {"precision": 0, "recall": 0, "f1": 0, "pictures": 0}


def test_the_test_split_is_that_of_the_training_seed(make_model: Make, tmp_path: Path) -> None:
    model = make_model()
    zoo.fit(model, "faces", seed=4, epochs=1, out=tmp_path / "run")
    found = zoo.evaluate(str(tmp_path / "run"), "faces")
    assert found["pictures"] == 30 == len(split(zoo_faces(), 4).test)
    with pytest.warns(zoo.ZooWarning, match=r"\d+ of 30 pictures of the test split were trained on"):
        zoo.evaluate(str(tmp_path / "run"), "faces", seed=5)


def zoo_faces() -> object:
    from zoo.builtin.datasets import Faces

    return Faces()


def test_evaluating_leaves_the_model_as_it_was(make_model: Make) -> None:
    model = make_model().train()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    random_state = torch.get_rng_state()
    zoo.evaluate(model, "faces")
    assert model.training
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert torch.equal(random_state, torch.get_rng_state())


def test_what_cannot_be_evaluated_is_one_line(make_model: Make, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected train, val, test, all, got 'tset'"):
        zoo.evaluate(make_model(), "faces", split="tset")
    with pytest.raises(TrainingError, match="a model with a head"):
        zoo.evaluate(make_model(head=None), "faces")
    with pytest.raises(FormatError, match="not a saved model"):
        zoo.evaluate(str(tmp_path), "faces")
    with pytest.raises(TrainingError, match=r"expected a model from zoo\.build"):
        zoo.evaluate(3, "faces")
