"""Layers: augmentation, in `dataset.map(layer)` or a model, and parts of networks."""

from keras_tricks.layers.aug_mix import AugMix
from keras_tricks.layers.auto_augment import AutoAugment
from keras_tricks.layers.cut_mix import CutMix
from keras_tricks.layers.cutout import Cutout
from keras_tricks.layers.f_mix import FMix
from keras_tricks.layers.grid_mask import GridMask
from keras_tricks.layers.hide_and_seek import HideAndSeek
from keras_tricks.layers.mix_up import MixUp
from keras_tricks.layers.mix_up_or_cut_mix import MixUpOrCutMix
from keras_tricks.layers.mosaic import Mosaic
from keras_tricks.layers.pad_and_crop import PadAndCrop
from keras_tricks.layers.pipeline import Pipeline
from keras_tricks.layers.rand_augment import RandAugment
from keras_tricks.layers.random_erasing import RandomErasing
from keras_tricks.layers.random_flip import RandomFlip
from keras_tricks.layers.random_photometric_distort import (
    RandomPhotometricDistort,
)
from keras_tricks.layers.random_resized_crop import RandomResizedCrop
from keras_tricks.layers.random_ssd_crop import RandomSSDCrop
from keras_tricks.layers.random_zoom_out import RandomZoomOut
from keras_tricks.layers.squash import Squash
from keras_tricks.layers.stochastic_depth import StochasticDepth
from keras_tricks.layers.stochastic_depth_rates import stochastic_depth_rates
from keras_tricks.layers.trivial_augment import TrivialAugment

__all__ = [
    "AugMix",
    "AutoAugment",
    "CutMix",
    "Cutout",
    "FMix",
    "GridMask",
    "HideAndSeek",
    "MixUp",
    "MixUpOrCutMix",
    "Mosaic",
    "PadAndCrop",
    "Pipeline",
    "RandAugment",
    "RandomErasing",
    "RandomFlip",
    "RandomPhotometricDistort",
    "RandomResizedCrop",
    "RandomSSDCrop",
    "RandomZoomOut",
    "Squash",
    "StochasticDepth",
    "TrivialAugment",
    "stochastic_depth_rates",
]
