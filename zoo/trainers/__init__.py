"""The kit for trainers: steps of gradients, optimizers, averaged weights, figures, and pairs of networks."""

from zoo.interfaces.prefix import cut, rows
from zoo.trainers.average import Average
from zoo.trainers.gradient import GradientTrainer
from zoo.trainers.optimizer import OPTIMIZERS, Rates, groups, trainable
from zoo.trainers.pair import Opponent, resting, untouched
from zoo.trainers.score import Score

__all__ = [
    "OPTIMIZERS",
    "Average",
    "GradientTrainer",
    "Opponent",
    "Rates",
    "Score",
    "cut",
    "groups",
    "resting",
    "rows",
    "trainable",
    "untouched",
]
