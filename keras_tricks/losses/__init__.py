"""Losses: what the optimizer makes small."""

from keras_tricks.losses.label_smoothing import LabelSmoothing
from keras_tricks.losses.mixed_binary_crossentropy import MixedBinaryCrossentropy

__all__ = ["LabelSmoothing", "MixedBinaryCrossentropy"]
