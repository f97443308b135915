"""The private warp has tests of its own: against Pillow, to the pixel."""

import numpy as np
import operations_of_pillow
import pytest
from keras import ops

from keras_tricks.layers._warp import fixed_point, forward, linear, warp

SHAPES = ((17, 24, 3), (16, 16, 1), (5, 1, 3))
ANGLES = (0, 1, 9, -27, 40 / 3, 29.7, 45, 90, -90, 130.5, -135, 180)
SHEARS = (0.0, 0.09, -0.27, 0.99)
SHIFTS = (0.0, 3.0, 2.72, -2.72, 0.5, -0.5, 40.0)


def matrix(operation, argument, size):
    shift = [argument * (operation == f"Translate{axis}") for axis in "XY"]
    return fixed_point(
        ops.convert_to_tensor(linear(operation, argument)),
        ops.convert_to_tensor(operation == "Rotate"),
        [ops.convert_to_tensor(s, "float32") for s in shift],
        size,
    )


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("Rotate", ANGLES),
        ("ShearX", SHEARS),
        ("ShearY", SHEARS),
        ("TranslateX", SHIFTS),
        ("TranslateY", SHIFTS),
    ],
)
def test_warp_is_pillows(operation, arguments):
    random = np.random.default_rng(0)
    for shape in SHAPES:
        image = random.integers(0, 256, shape, "uint8")
        fill = np.array([10, 200, 77], "uint8")[: shape[2]]
        for argument in arguments:
            moved = warp(
                ops.convert_to_tensor(image),
                matrix(operation, argument, shape[:2]),
                ops.convert_to_tensor(fill),
            )
            np.testing.assert_array_equal(
                ops.convert_to_numpy(moved),
                operations_of_pillow.apply(image, operation, argument, fill),
                err_msg=f"{shape} {argument}",
            )


def test_rotation_of_a_large_image_is_pillows():
    # float32 entries of the matrix would be too coarse here.
    image = np.random.default_rng(0).integers(0, 256, (224, 320, 1), "uint8")
    for angle in (7, -29):
        moved = warp(
            ops.convert_to_tensor(image), matrix("Rotate", angle, (224, 320)), 0
        )
        np.testing.assert_array_equal(
            ops.convert_to_numpy(moved),
            operations_of_pillow.apply(image, "Rotate", angle),
        )


STEPS = [("Rotate", 20.0), ("ShearX", -0.3), ("TranslateY", 7.0), ("ShearY", 0.25)]


@pytest.mark.parametrize("count", range(1, 5))
def test_points_go_where_their_pixels_go(count):
    size = (60, 80)
    image = np.zeros((*size, 1), "uint8")
    top, left = 25, 30
    image[top : top + 3, left : left + 3] = 1
    matrices = [matrix(*step, size) for step in STEPS[:count]]
    moved = ops.convert_to_tensor(image)
    for m in matrices:
        moved = warp(moved, m, 0)
    rows, columns, _ = np.nonzero(ops.convert_to_numpy(moved))
    m = ops.convert_to_numpy(forward(ops.stack(matrices)[None]))[0].reshape(2, 3)
    x, y = m @ [left + 1.5, top + 1.5, 1]
    assert columns.mean() + 0.5 == pytest.approx(x, abs=0.5)
    assert rows.mean() + 0.5 == pytest.approx(y, abs=0.5)


def test_nothing_moves_under_the_identity():
    same = forward(matrix("Rotate", 0.0, (7, 9))[None, None])
    np.testing.assert_array_equal(ops.convert_to_numpy(same), [[1, 0, 0, 0, 1, 0]])
