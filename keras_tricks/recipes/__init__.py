"""Published training recipes as data."""

from keras_tricks.recipes.fine_tune import fine_tune
from keras_tricks.recipes.imagenet_resnet50 import imagenet_resnet50
from keras_tricks.recipes.mobilenet_small import mobilenet_small
from keras_tricks.recipes.paddleclas import paddleclas
from keras_tricks.recipes.recipe import Recipe
from keras_tricks.recipes.resnet_strikes_back_a2 import resnet_strikes_back_a2
from keras_tricks.recipes.resnet_strikes_back_a3 import resnet_strikes_back_a3
from keras_tricks.recipes.torchvision_2021 import torchvision_2021

__all__ = [
    "Recipe",
    "fine_tune",
    "imagenet_resnet50",
    "mobilenet_small",
    "paddleclas",
    "resnet_strikes_back_a2",
    "resnet_strikes_back_a3",
    "torchvision_2021",
]
