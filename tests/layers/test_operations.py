"""The private operations have tests of their own: against Pillow, to the grey level."""

import numpy as np
import operations_of_pillow
import pytest
from keras import ops

from keras_tricks.layers import _operations
from keras_tricks.layers._operations import OPERATIONS


def samples():
    """Return images of all kinds: noise, one colour, two values, gradients, thin."""
    random = np.random.default_rng(0)
    images = []
    for shape in ((9, 1, 3), (1, 8, 1), (2, 2, 3), (17, 23, 1)):
        images.append(random.integers(0, 256, shape))
    # 1200 pixels: enough for an equalization with steps above 1.
    shape = (40, 30, 3)
    images += [
        random.integers(0, 256, shape) ** 2 // 255,
        random.integers(90, 140, shape),
        np.full(shape, 93),
        np.where(random.random(shape) < 0.3, 40, 200),
        np.broadcast_to(np.arange(30)[:, None] * 255 // 29, shape),
    ]
    return [image.astype("uint8") for image in images]


FACTORS = (0.0, 0.73, 1.0, 1.3, 1.81)
CASES = {
    "Identity": (0,),
    "Brightness": FACTORS,
    "Color": FACTORS,
    "Contrast": FACTORS,
    "Sharpness": FACTORS,
    "Posterize": (1, 3, 4, 7, 8),
    "Solarize": (0, 26, 128, 178.5, 255, 256),
    "SolarizeAdd": (0, 50, 99, 110),
    "Equalize": (0,),
    "Invert": (0,),
}


def applied(name, image, argument):
    result = _operations.apply(
        ops.convert_to_tensor(image),
        ops.convert_to_tensor(OPERATIONS.index(name), "int32"),
        ops.convert_to_tensor(argument, "float32"),
        ops.zeros(6, "int32"),  # JAX traces the warp too
        ops.zeros(image.shape[2], "uint8"),
    )
    assert ops.shape(result) == image.shape
    return ops.convert_to_numpy(result).astype(int)


@pytest.mark.parametrize("name", CASES)
def test_operation_is_pillows(name):
    for image in samples():
        for argument in CASES[name]:
            np.testing.assert_array_equal(
                applied(name, image, argument),
                operations_of_pillow.apply(image, name, argument),
                err_msg=f"{image.shape} {argument}",
            )


def test_auto_contrast_is_pillows_but_for_a_grey_level():
    different = []
    for image in samples():
        mine = applied("AutoContrast", image, 0)
        different.append(mine - operations_of_pillow.apply(image, "AutoContrast"))
        assert set(np.unique(different[-1])) <= {0, 1}
    # Of fifty values between 90 and 140 it is one.
    assert np.mean(np.concatenate([d.ravel() for d in different])) < 0.01


def test_posterize_to_no_bits_is_black():
    assert not applied("Posterize", samples()[0], 0).any()


def test_every_operation_is_tested():
    tested = {*CASES, "AutoContrast", *_operations.GEOMETRIC}
    assert tested == set(OPERATIONS)
