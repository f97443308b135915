import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats

import keras_tricks as kt


def erased(count=64, height=20, width=28, **arguments):
    """Return which pixels are erased, `(count, height, width)`."""
    images = np.ones((count, height, width, 1), "uint8")
    layer = kt.layers.Cutout(**{"seed": 1, **arguments})
    return ops.convert_to_numpy(layer(images))[..., 0] == 0


def ends(mask):
    """Return first row, last row + 1, first column, last column + 1 of a box."""
    rows, columns = np.nonzero(mask.any(1))[0], np.nonzero(mask.any(0))[0]
    return rows[0], rows[-1] + 1, columns[0], columns[-1] + 1


def test_half_of_224_erases_the_analytic_fraction():
    # Of 112 pixels the border cuts off 14 on average: (98 / 224)² = 0.1914.
    fractions = erased(300, 224, 224).mean((1, 2))
    assert fractions.mean() == pytest.approx(0.1914, abs=0.01)
    assert fractions.max() == 0.25


@pytest.mark.parametrize("length", [5, 6])
def test_erased_pixels_are_one_square_cut_at_the_border(length):
    whole = 0
    for mask in erased(200, length=length):
        top, bottom, left, right = ends(mask)
        assert mask[top:bottom, left:right].all()
        assert mask.sum() == (bottom - top) * (right - left)
        at_border = top == 0 or left == 0 or bottom == 20 or right == 28
        assert at_border or (bottom - top, right - left) == (length, length)
        whole += not at_border
    assert whole > 80


def test_centre_is_uniform_over_the_image():
    masks = erased(4000, length=1)
    assert (masks.sum((1, 2)) == 1).all()
    for counts in (masks.any(2).sum(0), masks.any(1).sum(0)):
        assert stats.chisquare(counts).pvalue > 0.01


def test_length_is_a_fraction_of_the_shorter_side_or_pixels():
    for arguments in ({"length": 0.5}, {"length": 10}):
        assert max(mask.sum() for mask in erased(**arguments)) == 100
    assert erased(length=0.001).sum() == 64


@pytest.mark.parametrize("num_holes", [2, 32])
def test_holes_overlap_as_independent_ones_do(num_holes):
    # One pixel each: (1 - 1 / pixels)^n of the pixels are kept.
    kept = 1 - erased(400, 6, 7, length=1, num_holes=num_holes).mean()
    assert kept == pytest.approx((1 - 1 / 42) ** num_holes, abs=0.01)
    assert erased(400, 6, 7, length=1, num_holes=num_holes).sum((1, 2)).max() > 1


def test_probability_is_that_of_an_image():
    untouched = ~erased(400, probability=0.3, num_holes=2).any((1, 2))
    assert untouched.mean() == pytest.approx(0.7, abs=0.08)
    assert not erased(probability=0.0).any()
    assert erased(probability=1.0).any((1, 2)).all()


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float16", "float32"])
def test_fill_value_replaces_all_channels_and_nothing_else(dtype):
    images = np.random.default_rng(0).integers(0, 90, (5, 9, 8, 3)).astype(dtype)
    layer = kt.layers.Cutout(length=4, fill_value=100, seed=0)
    out = ops.convert_to_numpy(layer(images))
    assert out.dtype == images.dtype
    filled = (out == 100).all(-1)
    assert filled.any((1, 2)).all()
    np.testing.assert_array_equal(out[~filled], images[~filled])


@pytest.mark.parametrize("value", [-1, 256, 0.5])
def test_fill_value_that_integers_cannot_hold_is_refused(value):
    layer = kt.layers.Cutout(fill_value=value)
    with pytest.raises(ValueError, match="whole number between 0 and 255 for uint8"):
        layer(np.zeros((2, 4, 4, 3), "uint8"))
    layer(np.zeros((2, 4, 4, 3), "float32"))


def test_one_image_without_batch_axis():
    image = np.ones((20, 28, 3), "uint8")
    alone = kt.layers.Cutout(seed=5)(image)
    batch = kt.layers.Cutout(seed=5)(image[None])
    np.testing.assert_array_equal(
        ops.convert_to_numpy(alone), ops.convert_to_numpy(batch)[0]
    )
    assert (ops.convert_to_numpy(alone) == 0).any()


def test_channels_first_is_channels_last_transposed():
    images = np.random.default_rng(0).random((3, 12, 9, 2)).astype("float32")
    last = ops.convert_to_numpy(kt.layers.Cutout(num_holes=2, seed=5)(images))
    layer = kt.layers.Cutout(num_holes=2, data_format="channels_first", seed=5)
    first = ops.convert_to_numpy(layer(images.transpose(0, 3, 1, 2)))
    np.testing.assert_array_equal(first.transpose(0, 2, 3, 1), last)


def test_boxes_masks_and_labels_are_passed_on():
    batch = {
        "bounding_boxes": {"boxes": np.ones((2, 1, 4)), "labels": np.zeros((2, 1))},
        "segmentation_masks": np.ones((2, 8, 9)),
        "labels": np.array([1, 2]),
    }
    layer = kt.layers.Cutout(seed=0)
    out = layer({"images": np.ones((2, 8, 9, 3)), **batch})
    assert (ops.convert_to_numpy(out.pop("images")) == 0).any()
    assert keras.tree.map_structure(np.shape, out) == keras.tree.map_structure(
        np.shape, batch
    )
    for mine, given in zip(*map(keras.tree.flatten, (out, batch)), strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(mine), given)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"length": 0.0}, ValueError, "`length` must be above 0. Received: length=0"),
        ({"length": 1.5}, ValueError, "`length` must be between 0 and 1"),
        ({"length": 0}, ValueError, "`length` must be at least 1"),
        ({"length": None}, TypeError, "`length` must be a number"),
        ({"num_holes": 33}, ValueError, "`num_holes` must be between 1 and 32"),
        ({"num_holes": 1.5}, TypeError, "`num_holes` must be an integer"),
        ({"fill_value": None}, TypeError, "`fill_value` must be a number"),
        ({"probability": 1.1}, ValueError, "`probability` must be between 0 and 1"),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        kt.layers.Cutout(**arguments)
