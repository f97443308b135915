"""Data that needs no download, for examples and tests."""

from keras_tricks.datasets.bird_plate import bird_plate
from keras_tricks.datasets.bird_scenes import SCENE_SPECIES, bird_scenes
from keras_tricks.datasets.birds import BIRD_SPECIES, birds
from keras_tricks.datasets.image_folder import image_folder

__all__ = [
    "BIRD_SPECIES",
    "SCENE_SPECIES",
    "bird_plate",
    "bird_scenes",
    "birds",
    "image_folder",
]
