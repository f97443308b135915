"""Callbacks that look at a model before, during or after its training."""

from keras_tricks.callbacks.overfit_one_sample import OverfitOneSample

__all__ = ["OverfitOneSample"]
