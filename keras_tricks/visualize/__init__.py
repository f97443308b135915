"""Figures of what happens in a training: each call returns a matplotlib figure."""

from keras_tricks.visualize.augmentations import augmentations
from keras_tricks.visualize.confusion import confusion
from keras_tricks.visualize.curves import curves

__all__ = ["augmentations", "confusion", "curves"]
