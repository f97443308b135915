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
    with pytest.raises(ValueError, match="CutMix mixes images with their labels"):
        kt.layers.CutMix(2)(np.zeros((2, 4, 4, 3)))


def boxes_of(origin):
    """Return the box of foreign pixels of every image: top, bottom, left, right."""
    found = []
    for i, image in enumerate(origin):
        rows, columns = np.nonzero(image != i)
        edges = (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1)
        found.append(edges if len(rows) else None)
    return found


def test_mode_says_how_many_boxes_are_drawn():
    arguments = {"alpha": 20.0, "seed": 1}
    assert len(set(boxes_of(cut(12, 32, 24, mode="batch", **arguments)[0]))) == 1
    assert len(set(boxes_of(cut(12, 32, 24, mode="pair", **arguments)[0]))) == 6
    assert len(set(boxes_of(cut(12, 32, 24, mode="sample", **arguments)[0]))) == 12


def test_probability_is_that_of_being_cut():
    _, labels = cut(400, 16, 16, alpha=20.0, mode="sample", probability=0.3)
    assert (np.diag(labels) < 1).mean() == pytest.approx(0.3, abs=0.07)


def test_minmax_boxes_lie_inside_and_their_sides_between():
    origin, labels = cut(300, 40, 20, minmax=(0.2, 0.6), mode="sample")
    boxes = np.array(boxes_of(origin))
    heights, widths = boxes[:, 1] - boxes[:, 0], boxes[:, 3] - boxes[:, 2]
    assert set(heights) == set(range(8, 25))
    assert set(widths) == set(range(4, 13))
    assert abs(np.corrcoef(heights, widths)[0, 1]) < 0.2
    for begin, length, size in ((0, heights, 40), (2, widths, 20)):
        places = boxes[:, begin] / (size - length)
        assert places.min() == 0
        assert places.max() == 1
        assert np.mean(places) == pytest.approx(0.5, abs=0.07)
    np.testing.assert_array_equal(labels, shares(origin, 300).astype("float32"))


@pytest.mark.parametrize("shape", [(9, 8), (9, 8, 1), (9, 8, 2)])
def test_masks_get_the_box_of_the_images(shape):
    ids = np.broadcast_to(np.arange(6).reshape(6, 1, 1, 1), (6, 9, 8, 3))
    masks = np.random.default_rng(0).integers(0, 99, (6, *shape)).astype("uint8")
    for data_format in ("channels_last", "channels_first"):
        images = ids if data_format == "channels_last" else ids.transpose(0, 3, 1, 2)
        layer = kt.layers.CutMix(6, data_format=data_format, seed=1)
        batch = {"images": images, "segmentation_masks": masks}
        out = {k: np.asarray(ops.convert_to_numpy(v)) for k, v in layer(batch).items()}
        mixed = out["images"]
        origin = mixed[..., 0] if data_format == "channels_last" else mixed[:, 0]
        expected = np.take_along_axis(
            masks.reshape(6, 9, 8, -1), origin[..., None], axis=0
        )
        np.testing.assert_array_equal(
            out["segmentation_masks"], expected.reshape(masks.shape)
        )
        assert (origin != np.arange(6)[:, None, None]).any()


def test_boxes_are_refused():
    batch = {"images": np.zeros((2, 4, 4, 3)), "labels": np.eye(2)}
    with pytest.raises(ValueError, match=r"CutMix mixes .*Received: bounding_boxes"):
        kt.layers.CutMix(2)({**batch, "bounding_boxes": {}})


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"alpha": 0}, ValueError, "`alpha` must be above 0"),
        ({"minmax": 0.5}, TypeError, "`minmax` must be two numbers"),
        ({"minmax": (0.5, 1.5)}, ValueError, "`minmax` must be between 0 and 1"),
        ({"minmax": (0.5, 0.2)}, ValueError, "`minmax` must not fall"),
        ({"mode": "elem"}, ValueError, "`mode` must be one of"),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        kt.layers.CutMix(**arguments)


@pytest.mark.reference
def test_kept_fractions_are_distributed_as_in_timm(timm):
    np.random.seed(0)
    theirs = []
    for _ in range(4000):
        weight = np.random.beta(1.0, 1.0)
        _, weight = timm.data.mixup.cutmix_bbox_and_lam((3, 32, 48), weight)
        theirs.append(weight)
    mine = [
        np.diag(cut(250, 32, 48, seed=seed, mode="sample")[1]) for seed in range(16)
    ]
    mine = np.concatenate(mine)
    mine = mine[mine < 1]  # an empty box
    theirs = np.array(theirs)[np.array(theirs) < 1]
    assert stats.ks_2samp(mine, theirs).pvalue > 0.01
