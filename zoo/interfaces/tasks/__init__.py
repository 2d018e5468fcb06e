"""Tasks, one file a family: all that differs by what a model is for."""

from __future__ import annotations

from zoo.interfaces.tasks.base import Prediction, Task, names_for
from zoo.interfaces.tasks.classes import Binary, Multiclass
from zoo.interfaces.tasks.images import Generation, Reconstruction
from zoo.interfaces.tasks.labels import Multilabel
from zoo.interfaces.tasks.masks import Segmentation
from zoo.interfaces.tasks.order import Ordinal
from zoo.interfaces.tasks.values import Regression
from zoo.interfaces.tasks.vectors import Embedding

__all__ = [
    "Binary",
    "Embedding",
    "Generation",
    "Multiclass",
    "Multilabel",
    "Ordinal",
    "Prediction",
    "Reconstruction",
    "Regression",
    "Segmentation",
    "Task",
    "names_for",
]
