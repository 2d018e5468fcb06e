"""The kit for trainers: steps of gradients, optimizers, averaged weights, figures, and pairs of networks."""

from zoo.spec.trainers.any_optimizer import read_optimizer
from zoo.trainers.average import Average
from zoo.trainers.gradient import GradientTrainer
from zoo.trainers.logs import Parts, add_up, losses_by_name
from zoo.trainers.loss_sums import LossSums
from zoo.trainers.optimizer import Optimizer, trainable
from zoo.trainers.optimizing import OptimizingTrainer
from zoo.trainers.pair import (
    DISCRIMINATOR,
    DISCRIMINATOR_LOGITS,
    GENERATOR,
    Opponent,
    Opposed,
    PairTrainer,
    resting,
    untouched,
)
from zoo.trainers.rates import rates_by_part
from zoo.trainers.score import Score

__all__ = [
    "DISCRIMINATOR",
    "DISCRIMINATOR_LOGITS",
    "GENERATOR",
    "Average",
    "GradientTrainer",
    "LossSums",
    "Opponent",
    "Opposed",
    "Optimizer",
    "OptimizingTrainer",
    "PairTrainer",
    "Parts",
    "Score",
    "add_up",
    "losses_by_name",
    "rates_by_part",
    "read_optimizer",
    "resting",
    "trainable",
    "untouched",
]
