"""The verbs of a user: `fit`, `evaluate`, `predict`, `latents`, `sample`, `verify`."""

from zoo.training.evaluate import evaluate
from zoo.training.evaluated import Evaluation, Measured
from zoo.training.fit import fit
from zoo.training.images import Images
from zoo.training.latents import Latents, latents
from zoo.training.predict import predict
from zoo.training.predictions import Predicted, Predictions
from zoo.training.run import Run
from zoo.training.sample import sample
from zoo.training.verify import Verified, verify

__all__ = [
    "Evaluation",
    "Images",
    "Latents",
    "Measured",
    "Predicted",
    "Predictions",
    "Run",
    "Verified",
    "evaluate",
    "fit",
    "latents",
    "predict",
    "sample",
    "verify",
]
