"""The verbs of a user: `fit`, `evaluate`, `predict`, `latents`, `sample`, `verify`."""

from zoo.training.evaluate import evaluate
from zoo.training.fit import fit
from zoo.training.latents import Latents, latents
from zoo.training.predict import Predicted, predict
from zoo.training.run import Run
from zoo.training.sample import sample
from zoo.training.verify import Verified, verify

__all__ = [
    "Latents",
    "Predicted",
    "Run",
    "Verified",
    "evaluate",
    "fit",
    "latents",
    "predict",
    "sample",
    "verify",
]
