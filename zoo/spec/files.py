"""Names of the files in the folder of a saved model and of a run."""

from __future__ import annotations

WEIGHTS_FILE = "model.safetensors"
CONFIG_FILE = "config.json"
CARD_FILE = "README.md"
HISTORY_FILE = "history.json"
CURVES_FILE = "curves.png"
RUN_FILE = "run.json"
"""What a run is and how far it has come; only a folder that was trained in has it."""
FOLDS_FILE = "folds.json"
"""What the runs of folds are; only the folder around them has it."""
RUN_LOCK = ".zoo-run.lock"
"""Held while a process trains in the folder; a killed one leaves the file, and nobody holds it."""
