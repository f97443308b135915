"""Tricks, a doctor and recipes for training Keras 3 vision models."""

from keras_tricks import (
    callbacks,
    datasets,
    detection,
    doctor,
    finder,
    initializers,
    layers,
    losses,
    optimizers,
    recipes,
    schedules,
    visualize,
)
from keras_tricks.finder import find_learning_rate

__version__ = "0.1.0.dev0"

__all__ = [
    "callbacks",
    "datasets",
    "detection",
    "doctor",
    "find_learning_rate",
    "finder",
    "initializers",
    "layers",
    "losses",
    "optimizers",
    "recipes",
    "schedules",
    "visualize",
]
