"""Callbacks for `model.fit`."""

from keras_tricks.callbacks.augment_on_device import AugmentOnDevice
from keras_tricks.callbacks.overfit_one_sample import OverfitOneSample

__all__ = ["AugmentOnDevice", "OverfitOneSample"]
