"""Tasks, one file a family: all that differs by what a model is for."""

from __future__ import annotations

from zoo.interfaces.tasks.analysis import Analysis, Findings, Names
from zoo.interfaces.tasks.base import Task, names_for
from zoo.interfaces.tasks.card_words import CardWords
from zoo.interfaces.tasks.classes import Binary, Multiclass
from zoo.interfaces.tasks.descriptions import Mistake, Overlay
from zoo.interfaces.tasks.images import Generation, Reconstruction
from zoo.interfaces.tasks.labels import Multilabel
from zoo.interfaces.tasks.masks import Segmentation
from zoo.interfaces.tasks.order import Ordinal
from zoo.interfaces.tasks.prediction import Prediction
from zoo.interfaces.tasks.values import Regression
from zoo.interfaces.tasks.vectors import Embedding

__all__ = [
    "Analysis",
    "Binary",
    "CardWords",
    "Embedding",
    "Findings",
    "Generation",
    "Mistake",
    "Multiclass",
    "Multilabel",
    "Names",
    "Ordinal",
    "Overlay",
    "Prediction",
    "Reconstruction",
    "Regression",
    "Segmentation",
    "Task",
    "names_for",
]
