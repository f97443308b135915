"""Every species of `birds` side by side, as in a field guide."""

import numpy as np

from keras_tricks._checks import check_integer
from keras_tricks.datasets._bird_drawing import Pose, draw_bird
from keras_tricks.datasets._bird_species import SPECIES
from keras_tricks.datasets._brush import to_picture


def bird_plate(num_species: int = 8, image_size: int = 64) -> np.ndarray:
    """Draw every species once, in the same pose on a plain ground: a legend to `birds`.

    Args:
        num_species: Number of classes, the first of `BIRD_SPECIES`. Integer in
            `[2, len(BIRD_SPECIES)]`.
        image_size: Height and width in pixels. Integer, at least 16.

    Returns:
        uint8 (num_species, image_size, image_size, 3), in the order of the labels.

    Raises:
        TypeError: If an argument is not an integer.
        ValueError: If an argument is out of its range.

    Example:
        >>> bird_plate(num_species=3).shape
        (3, 64, 64, 3)
    """
    check_integer("num_species", num_species, 2, len(SPECIES))
    check_integer("image_size", image_size, 16)
    pose = Pose(x=0.51 * image_size, y=0.47 * image_size, size=0.5 * image_size)
    plate = []
    for plumage in list(SPECIES.values())[:num_species]:
        canvas = np.full((3, image_size, image_size), 0.75, "float32")
        draw_bird(canvas, plumage, pose)
        plate.append(to_picture(canvas))
    return np.stack(plate)
