import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats

import keras_tricks as kt

tf = pytest.importorskip("tensorflow")


def run(layer, images, labels):
    return [np.asarray(ops.convert_to_numpy(v)) for v in layer(images, labels)]


def mixed(count, height, width, seed=0, **arguments):
    """Return, per pixel, the image that it comes from, and the labels."""
    ids = np.arange(count, dtype="int32")[:, None, None, None]
    images = np.broadcast_to(ids, (count, height, width, 1))
    layer = kt.layers.FMix(count, seed=seed, **arguments)
    mixed, labels = run(layer, images, np.arange(count))
    return mixed[..., 0], labels


def own(count, height, width, **arguments):
    """Return which pixels every image keeps, boolean `(count, height, width)`."""
    origin, _ = mixed(count, height, width, **arguments)
    return origin == np.arange(count)[:, None, None]


def shares(origin, count):
    """Return the fraction of pixels from each image, `(batch, count)`, in float64."""
    return (origin.reshape(len(origin), -1, 1) == np.arange(count)).mean(1)


def edges(masks):
    """Return how often neighbours below and beside each other differ, per mask."""
    down = (masks[:, 1:] != masks[:, :-1]).mean((1, 2))
    right = (masks[:, :, 1:] != masks[:, :, :-1]).mean((1, 2))
    return down.mean(), right.mean()


@pytest.mark.parametrize("size", [(7, 5), (32, 48)])
def test_labels_are_exactly_the_shares_of_pixels(size):
    for alpha in (0.1, 1.0):
        origin, labels = mixed(32, *size, alpha=alpha)
        expected = shares(origin, 32).astype("float32")
        # JAX divides on the CPU through a multiplication with the inverse.
        last_place = 2e-7 if keras.config.backend() == "jax" else 0
        np.testing.assert_allclose(labels, expected, rtol=last_place)
        assert (np.diag(labels) < 1).any()


@pytest.mark.slow
def test_tf_data_gives_the_same_masks_and_exact_labels():
    ids = np.arange(32, dtype="int32")[:, None, None, None]
    images = np.broadcast_to(ids, (32, 30, 22, 1))
    data = tf.data.Dataset.from_tensors((images, np.arange(32)))
    eager = kt.layers.FMix(32, seed=0)
    for origin, labels in data.map(kt.layers.FMix(32, seed=0)):
        expected = shares(origin.numpy()[..., 0], 32).astype("float32")
        np.testing.assert_array_equal(labels, expected)
        np.testing.assert_array_equal(origin, run(eager, images, np.arange(32))[0])


def test_unknown_sizes_give_the_masks_of_known_ones():
    images = np.random.default_rng(0).random((4, 9, 12, 2)).astype("float32")
    labels = np.eye(4, dtype="float32")
    data = tf.data.Dataset.from_generator(
        lambda: [(images, labels)],
        output_signature=(
            tf.TensorSpec((None, None, None, 2)),
            tf.TensorSpec((None, 4)),
        ),
    )
    theirs = next(iter(data.map(kt.layers.FMix(4, seed=1))))
    for mine, other in zip(
        run(kt.layers.FMix(4, seed=1), images, labels), theirs, strict=True
    ):
        np.testing.assert_array_equal(mine, other)


def test_the_images_of_a_pair_keep_the_same_pixels():
    origin, labels = mixed(16, 24, 20, alpha=20.0)
    partner = np.argmax(labels - 2 * np.eye(16), axis=1)
    kept = origin == np.arange(16)[:, None, None]
    np.testing.assert_array_equal(kept, kept[partner])
    other = np.broadcast_to(partner[:, None, None], origin.shape)
    np.testing.assert_array_equal(origin[~kept], other[~kept])


def test_the_pixels_keep_their_place():
    images = np.random.default_rng(0).random((6, 9, 8, 3)).astype("float32")
    result, labels = run(kt.layers.FMix(6, alpha=20.0, seed=2), images, np.arange(6))
    partner = np.argmax(labels - 2 * np.eye(6), axis=1)
    foreign = (result == images[partner]).all(-1)
    assert (foreign | (result == images).all(-1)).all()
    np.testing.assert_allclose(foreign.mean((1, 2)), 1 - np.diag(labels), atol=1e-6)


@pytest.mark.parametrize(
    "alpha", [0.3, *(pytest.param(a, marks=pytest.mark.slow) for a in (1.0, 4.0))]
)
def test_the_kept_share_is_beta_distributed(alpha):
    kept = own(400, 33, 40, alpha=alpha, mode="sample").mean((1, 2))
    exact = stats.beta(alpha, alpha).rvs(400, random_state=0)
    assert stats.ks_2samp(kept, exact).pvalue > 0.01
    for order in (0.25, 0.5, 0.75):
        assert np.quantile(kept, order) == pytest.approx(
            stats.beta(alpha, alpha).ppf(order), abs=0.1
        )


@pytest.mark.slow
@pytest.mark.parametrize("decay_power", [1.5, 2.0, 3.0])
def test_shapes_are_those_of_the_papers_formula(decay_power):
    rng = np.random.default_rng(0)
    axis = np.fft.fftfreq(48)
    frequency = np.maximum(np.hypot(axis[:, None], axis), 1 / 48)
    noise = rng.normal(size=(2, 400, 48, 48))
    grey = np.fft.ifft2((noise[0] + 1j * noise[1]) * frequency**-decay_power).real
    theirs = grey > np.median(grey, axis=(1, 2), keepdims=True)
    count = 250 if decay_power == 3 else 60
    mine = own(count, 48, 48, alpha=1e4, decay_power=decay_power, mode="sample")
    np.testing.assert_allclose(edges(mine), edges(theirs), rtol=0.12)


@pytest.mark.slow
def test_shapes_are_the_same_in_both_directions_of_an_oblong_image():
    masks = own(300, 24, 60, alpha=1e4, mode="sample")
    down, right = edges(masks)
    assert down == pytest.approx(right, rel=0.15)


@pytest.mark.slow
def test_higher_decay_makes_smoother_shapes():
    found = [
        sum(edges(own(64, 32, 32, alpha=1e4, decay_power=d))) for d in (2.0, 3.0, 6.0)
    ]
    assert found[0] > 1.3 * found[1]
    assert found[1] > 1.1 * found[2]


def test_channels_first_is_channels_last_transposed():
    images = np.random.default_rng(0).random((5, 8, 6, 3)).astype("float32")
    labels = np.arange(5)
    last, one = run(kt.layers.FMix(5, seed=3), images, labels)
    layer = kt.layers.FMix(5, data_format="channels_first", seed=3)
    first, two = run(layer, images.transpose(0, 3, 1, 2), labels)
    np.testing.assert_array_equal(first.transpose(0, 2, 3, 1), last)
    np.testing.assert_array_equal(one, two)


def test_mode_says_how_many_masks_are_drawn():
    for mode, count in (("batch", 1), ("pair", 6), ("sample", 12)):
        masks = own(12, 32, 24, alpha=20.0, seed=1, mode=mode)
        assert len({mask.tobytes() for mask in masks}) == count


@pytest.mark.slow
def test_probability_is_that_of_being_mixed():
    masks = own(400, 8, 8, alpha=20.0, mode="sample", probability=0.3)
    assert (~masks.all((1, 2))).mean() == pytest.approx(0.3, abs=0.07)


@pytest.mark.parametrize("shape", [(9, 8), (9, 8, 2)])
def test_segmentation_masks_get_the_shapes_of_the_images(shape):
    ids = np.broadcast_to(np.arange(6).reshape(6, 1, 1, 1), (6, 9, 8, 3))
    masks = np.random.default_rng(0).integers(0, 99, (6, *shape)).astype("uint8")
    for data_format in ("channels_last", "channels_first"):
        images = ids if data_format == "channels_last" else ids.transpose(0, 3, 1, 2)
        layer = kt.layers.FMix(alpha=9.0, data_format=data_format, seed=1)
        batch = layer({"images": images, "segmentation_masks": masks})
        out = {k: np.asarray(ops.convert_to_numpy(v)) for k, v in batch.items()}
        first = data_format == "channels_first"
        origin = out["images"][:, 0] if first else out["images"][..., 0]
        expected = np.take_along_axis(
            masks.reshape(6, 9, 8, -1), origin[..., None], axis=0
        )
        np.testing.assert_array_equal(
            out["segmentation_masks"], expected.reshape(masks.shape)
        )
        assert out["segmentation_masks"].dtype == "uint8"
        assert (origin != np.arange(6)[:, None, None]).any()


def test_boxes_are_refused():
    batch = {"images": np.zeros((2, 4, 4, 3)), "labels": np.eye(2)}
    with pytest.raises(ValueError, match=r"FMix mixes .*Received: bounding_boxes"):
        kt.layers.FMix(2)({**batch, "bounding_boxes": {}})


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"alpha": 0}, ValueError, "`alpha` must be above 0"),
        ({"decay_power": 1.0}, ValueError, "`decay_power` must be at least 1.5"),
        ({"decay_power": "3"}, TypeError, "`decay_power` must be a number"),
        ({"mode": "elem"}, ValueError, "`mode` must be one of"),
        ({"probability": 2.0}, ValueError, "`probability` must be between"),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        kt.layers.FMix(**arguments)
