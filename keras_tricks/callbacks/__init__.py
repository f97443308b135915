"""Callbacks for `model.fit`."""

from keras_tricks.callbacks.augment_on_device import AugmentOnDevice
from keras_tricks.callbacks.doctor import Doctor
from keras_tricks.callbacks.learning_rate_monitor import LearningRateMonitor
from keras_tricks.callbacks.overfit_one_sample import OverfitOneSample
from keras_tricks.callbacks.sharpness_aware_minimization import (
    SharpnessAwareMinimization,
)
from keras_tricks.callbacks.weight_averaging import WeightAveraging

__all__ = [
    "AugmentOnDevice",
    "Doctor",
    "LearningRateMonitor",
    "OverfitOneSample",
    "SharpnessAwareMinimization",
    "WeightAveraging",
]
