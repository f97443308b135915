"""Losses: what the optimizer makes small."""

from keras_tricks.losses.label_smoothing import LabelSmoothing

__all__ = ["LabelSmoothing"]
