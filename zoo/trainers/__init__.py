"""The kit for trainers: steps of gradients, optimizers, averaged weights, figures, and pairs of networks."""

from zoo.interfaces.loss import OUTPUT, check_needs, compute, needs_of, total
from zoo.interfaces.prefix import cut, model_input, rows
from zoo.spec.optimizers import OptimizerOptions, read_optimizer
from zoo.spec.training import EarlyStopping, GradientOptions, TrainerOptions
from zoo.trainers.average import Average
from zoo.trainers.gradient import GradientTrainer
from zoo.trainers.logs import Parts, add_up, losses_by_name
from zoo.trainers.optimizer import Optimizer, rates_by_part, trainable
from zoo.trainers.optimizing import OptimizingTrainer
from zoo.trainers.pair import (
    DISCRIMINATOR,
    GENERATOR,
    VERDICT,
    Opponent,
    Opposed,
    PairTrainer,
    resting,
    untouched,
)
from zoo.trainers.score import Score

__all__ = [
    "DISCRIMINATOR",
    "GENERATOR",
    "OUTPUT",
    "VERDICT",
    "Average",
    "EarlyStopping",
    "GradientOptions",
    "GradientTrainer",
    "Opponent",
    "Opposed",
    "Optimizer",
    "OptimizerOptions",
    "OptimizingTrainer",
    "PairTrainer",
    "Parts",
    "Score",
    "TrainerOptions",
    "add_up",
    "check_needs",
    "compute",
    "cut",
    "losses_by_name",
    "model_input",
    "needs_of",
    "rates_by_part",
    "read_optimizer",
    "resting",
    "rows",
    "total",
    "trainable",
    "untouched",
]
