"""The verbs of a user: `fit`, `evaluate`, `predict`."""

from zoo.training.evaluate import evaluate
from zoo.training.fit import fit
from zoo.training.predict import Predicted, predict
from zoo.training.run import Run

__all__ = ["Predicted", "Run", "evaluate", "fit", "predict"]
