"""Augmentation layers, for `dataset.map(layer)` and for use inside a model."""

from keras_tricks.layers.cut_mix import CutMix
from keras_tricks.layers.grid_mask import GridMask
from keras_tricks.layers.mix_up import MixUp
from keras_tricks.layers.mix_up_or_cut_mix import MixUpOrCutMix
from keras_tricks.layers.pipeline import Pipeline

__all__ = ["CutMix", "GridMask", "MixUp", "MixUpOrCutMix", "Pipeline"]
