import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats

import keras_tricks as kt

tf = pytest.importorskip("tensorflow")


def run(layer, images, labels):
    return [np.asarray(ops.convert_to_numpy(v)) for v in layer(images, labels)]


def cut(count, height, width, seed=0, **arguments):
    """Return, per pixel, the image that it comes from, and the labels."""
    ids = np.arange(count, dtype="int32")[:, None, None, None]
    images = np.broadcast_to(ids, (count, height, width, 1))
    layer = kt.layers.CutMix(count, seed=seed, **arguments)
    mixed, labels = run(layer, images, np.arange(count))
    return mixed[..., 0], labels


def shares(origin, count):
    """Return the fraction of pixels from each image, `(batch, count)`, in float64."""
    return (origin.reshape(len(origin), -1, 1) == np.arange(count)).mean(1)


@pytest.mark.parametrize("size", [(7, 5), (32, 48)])
def test_labels_are_exactly_the_shares_of_pixels(size):
    for seed in range(4):
        origin, labels = cut(64, *size, seed=seed)
        expected = shares(origin, 64).astype("float32")
        # JAX divides on the CPU through a multiplication with the inverse.
        last_place = 2e-7 if keras.config.backend() == "jax" else 0
        np.testing.assert_allclose(labels, expected, rtol=last_place)


def test_labels_are_exact_in_tf_data_too():
    ids = np.arange(64, dtype="int32")[:, None, None, None]
    images = np.broadcast_to(ids, (64, 30, 22, 1))
    data = tf.data.Dataset.from_tensors((images, np.arange(64)))
    for origin, labels in data.repeat(4).map(kt.layers.CutMix(64, seed=0)):
        expected = shares(origin.numpy()[..., 0], 64).astype("float32")
        np.testing.assert_array_equal(labels, expected)


@pytest.mark.slow
def test_labels_are_exactly_the_shares_of_pixels_for_1e5_boxes():
    layer = kt.layers.CutMix(500, seed=0)
    ids = np.arange(500, dtype="int32")[:, None, None, None]
    images = np.broadcast_to(ids, (500, 32, 24, 1))
    for _ in range(200):
        mixed, labels = run(layer, images, np.arange(500))
        kept = (mixed[..., 0] == np.arange(500)[:, None, None]).mean((1, 2))
        np.testing.assert_array_equal(np.diag(labels), kept.astype("float32"))
        assert ((labels > 0).sum(1) <= 2).all()
        np.testing.assert_allclose(labels.sum(1), 1, atol=1.2e-7)


def test_the_foreign_pixels_form_one_box_with_the_sides_of_the_image():
    origin, _ = cut(200, 40, 60, seed=1)
    unclipped = 0
    for i, image in enumerate(origin):
        rows, columns = np.nonzero(image != i)
        if not len(rows):
            continue
        top, bottom = rows.min(), rows.max() + 1
        left, right = columns.min(), columns.max() + 1
        assert len(rows) == (bottom - top) * (right - left)
        if top > 0 and left > 0 and bottom < 40 and right < 60:
            # int(40 s) by int(60 s) for one s: what the height allows for the width
            height, width = bottom - top, right - left
            assert 60 * height // 40 <= width <= 60 * (height + 1) / 40
            unclipped += 1
    assert unclipped > 20


def test_the_pasted_pixels_keep_their_place():
    rng = np.random.default_rng(0)
    images = rng.random((6, 9, 8, 3)).astype("float32")
    mixed, labels = run(kt.layers.CutMix(6, seed=2), images, np.arange(6))
    for i in range(6):
        partner = np.argmax(labels[i] - np.eye(6)[i] * 2)
        own, other = mixed[i] == images[i], mixed[i] == images[partner]
        assert (own | other).all()


def test_kept_fraction_is_that_of_the_clipped_box():
    # 0.68 for 64 x 64: timm, torchvision and Composer, the mean of 1 - area / total
    kept = np.concatenate(
        [np.diag(cut(256, 16, 16, seed=seed)[1]) for seed in range(8)]
    )
    assert kept[kept < 1].mean() == pytest.approx(0.68, abs=0.03)


def test_channels_first_is_channels_last_transposed():
    images = np.random.default_rng(0).random((5, 8, 6, 3)).astype("float32")
    labels = np.arange(5)
    last, one = run(kt.layers.CutMix(5, seed=3), images, labels)
    layer = kt.layers.CutMix(5, data_format="channels_first", seed=3)
    first, two = run(layer, images.transpose(0, 3, 1, 2), labels)
    np.testing.assert_array_equal(first.transpose(0, 2, 3, 1), last)
    np.testing.assert_array_equal(one, two)


def test_bfloat16_is_kept():
    images = ops.cast(np.arange(24).reshape(2, 4, 3, 1), "bfloat16")
    mixed, labels = kt.layers.CutMix(2, seed=0)(images, np.array([0, 1]))
    assert "bfloat16" in str(mixed.dtype)
    assert "float32" in str(labels.dtype)


def test_small_alpha_makes_extreme_boxes_and_large_alpha_middling_ones():
    small = np.diag(cut(256, 32, 32, alpha=0.05)[1])
    large = np.diag(cut(256, 32, 32, alpha=50.0)[1])
    assert np.mean(small > 0.99) > 0.3
    assert np.mean(large > 0.99) < 0.05


def test_batch_without_labels_is_refused():
    with pytest.raises(ValueError, match="CutMix mixes images and labels"):
        kt.layers.CutMix(2)(np.zeros((2, 4, 4, 3)))


@pytest.mark.reference
def test_kept_fractions_are_distributed_as_in_timm(timm):
    np.random.seed(0)
    theirs = []
    for _ in range(4000):
        weight = np.random.beta(1.0, 1.0)
        _, weight = timm.data.mixup.cutmix_bbox_and_lam((3, 32, 48), weight)
        theirs.append(weight)
    mine = [np.diag(cut(250, 32, 48, seed=seed)[1]) for seed in range(16)]
    mine = np.concatenate(mine)
    mine = mine[mine < 1]  # an image that is its own partner keeps everything
    theirs = np.array(theirs)[np.array(theirs) < 1]
    assert stats.ks_2samp(mine, theirs).pvalue > 0.01
