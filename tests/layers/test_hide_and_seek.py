import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats

import keras_tricks as kt


def erased(count=64, height=20, width=28, **arguments):
    """Return which pixels are erased, `(count, height, width)`."""
    images = np.ones((count, height, width, 1), "uint8")
    layer = kt.layers.HideAndSeek(**{"seed": 1, **arguments})
    return ops.convert_to_numpy(layer(images))[..., 0] == 0


def is_grid(mask, size):
    """Whether all pixels of every cell of that size are alike."""
    corners = mask[::size, ::size]
    cells = np.repeat(np.repeat(corners, size, 0), size, 1)
    return (cells[: mask.shape[0], : mask.shape[1]] == mask).all()


def test_three_fifths_are_kept_and_one_image_in_five_is_untouched():
    # The defaults at 224 pixels, four times smaller.
    kept = 1 - erased(1200, 56, 56, grid_sizes=(0, 4, 8, 11, 14)).mean((1, 2))
    assert kept.mean() == pytest.approx(0.60, abs=0.02)
    assert np.mean(kept == 1) == pytest.approx(0.2, abs=0.03)


def test_sizes_of_the_defaults_are_equally_likely():
    masks = erased(120, 224, 224)
    found = [
        max((s for s in (16, 32, 44, 56) if is_grid(mask, s)), default=None)
        for mask in masks
        if mask.any() and not mask.all()
    ]
    assert None not in found
    counts = [found.count(size) for size in (16, 32, 44, 56)]
    assert stats.chisquare(counts).pvalue > 0.01


def test_cells_are_whole_but_for_those_at_the_right_and_the_bottom():
    for mask in erased(grid_sizes=(6,)):
        assert is_grid(mask, 6)
    assert not all(is_grid(mask, 6) for mask in erased(grid_sizes=(4,)))


@pytest.mark.parametrize("width", [31, 32, 33, 70])
def test_cells_are_independent_however_many(width):
    # One pixel per cell: neighbours and cells 32 apart share no random bit.
    masks = erased(600, 3, width, grid_sizes=(1,), hide_probability=0.3)
    flat = masks.reshape(600, -1).astype(float)
    assert np.abs(flat.mean(0) - 0.3).max() < 0.09
    correlation = np.corrcoef(flat.T) - np.eye(flat.shape[1])
    assert np.abs(correlation).max() < 0.23
    assert flat.mean() == pytest.approx(0.3, abs=0.01)


def test_every_image_has_cells_of_its_own():
    masks = erased(8, grid_sizes=(4,))
    assert len({mask.tobytes() for mask in masks}) == 8


def test_limits_of_the_probability():
    assert not erased(hide_probability=0.0).any()
    assert erased(hide_probability=1.0, grid_sizes=(4, 7)).all()
    assert not erased(hide_probability=1.0, grid_sizes=(0,)).any()
    whole = erased(hide_probability=1.0, grid_sizes=[0, 100]).mean((1, 2))
    assert set(whole) == {0, 1}


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32"])
def test_fill_value_replaces_all_channels_and_nothing_else(dtype):
    images = np.random.default_rng(0).integers(0, 90, (5, 9, 8, 3)).astype(dtype)
    layer = kt.layers.HideAndSeek(grid_sizes=(2,), fill_value=100, seed=0)
    out = ops.convert_to_numpy(layer(images))
    assert out.dtype == images.dtype
    filled = (out == 100).all(-1)
    assert filled.any((1, 2)).all()
    np.testing.assert_array_equal(out[~filled], images[~filled])


def test_fill_value_that_integers_cannot_hold_is_refused():
    layer = kt.layers.HideAndSeek(fill_value=300)
    with pytest.raises(ValueError, match=r"uint8 images\. Received: fill_value=300"):
        layer(np.zeros((2, 4, 4, 3), "uint8"))


def test_unknown_image_size_gives_the_same():
    tf = pytest.importorskip("tensorflow")
    images = np.ones((4, 9, 40, 3), "uint8")
    eager = kt.layers.HideAndSeek(grid_sizes=(1,), seed=3)(images)
    unknown = tf.TensorSpec((None, None, None, 3), "uint8")
    layer = kt.layers.HideAndSeek(grid_sizes=(1,), seed=3)
    traced = tf.function(layer, input_signature=[unknown])(images)
    np.testing.assert_array_equal(traced.numpy(), ops.convert_to_numpy(eager))


def test_one_image_without_batch_axis():
    image = np.ones((20, 28, 3), "uint8")
    alone = kt.layers.HideAndSeek(grid_sizes=(5,), seed=5)(image)
    batch = kt.layers.HideAndSeek(grid_sizes=(5,), seed=5)(image[None])
    np.testing.assert_array_equal(
        ops.convert_to_numpy(alone), ops.convert_to_numpy(batch)[0]
    )
    assert (ops.convert_to_numpy(alone) == 0).any()


def test_channels_first_is_channels_last_transposed():
    images = np.random.default_rng(0).random((3, 12, 9, 2)).astype("float32")
    arguments = {"grid_sizes": (2, 5), "seed": 5}
    last = ops.convert_to_numpy(kt.layers.HideAndSeek(**arguments)(images))
    layer = kt.layers.HideAndSeek(data_format="channels_first", **arguments)
    first = ops.convert_to_numpy(layer(images.transpose(0, 3, 1, 2)))
    np.testing.assert_array_equal(first.transpose(0, 2, 3, 1), last)


def test_boxes_masks_and_labels_are_passed_on():
    batch = {
        "bounding_boxes": {"boxes": np.ones((2, 1, 4)), "labels": np.zeros((2, 1))},
        "segmentation_masks": np.ones((2, 8, 9)),
        "labels": np.array([1, 2]),
    }
    layer = kt.layers.HideAndSeek(grid_sizes=(2,), seed=0)
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
        ({"grid_sizes": ()}, ValueError, "`grid_sizes` must not be empty"),
        ({"grid_sizes": 16}, TypeError, "must be a tuple of integers. Received: .*=16"),
        ({"grid_sizes": (0, 0.5)}, TypeError, "`grid_sizes` must be an integer"),
        ({"grid_sizes": (-1,)}, ValueError, "`grid_sizes` must be at least 0"),
        ({"hide_probability": 2}, ValueError, "`hide_probability` must be between"),
        ({"fill_value": None}, TypeError, "`fill_value` must be a number"),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        kt.layers.HideAndSeek(**arguments)
