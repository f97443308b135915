import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats

import keras_tricks as kt

tf = pytest.importorskip("tensorflow")


def constant_images(count, height=3, width=2):
    """Image i is filled with i: what a result is made of can be read from it."""
    ids = np.arange(count, dtype="float32")
    return np.broadcast_to(ids[:, None, None, None], (count, height, width, 1)).copy()


def run(layer, images, labels):
    return [np.asarray(ops.convert_to_numpy(v)) for v in layer(images, labels)]


def weights(alpha, count=512, batches=16):
    """Return one weight per pair: that of the own label of the earlier image."""
    layer = kt.layers.MixUp(count, alpha=alpha, seed=3)
    found = []
    for _ in range(batches):
        _, labels = run(layer, constant_images(count), np.arange(count))
        mixed = (labels > 0).sum(1) == 2
        partner = np.argmax(labels - 2 * np.eye(count), axis=1)
        found.append(np.diag(labels)[mixed & (partner > np.arange(count))])
    return np.concatenate(found)


def test_images_and_labels_are_mixed_with_the_same_weights_and_partners():
    images, labels = constant_images(7), np.arange(7)
    mixed, targets = run(kt.layers.MixUp(7, alpha=1.0, seed=0), images, labels)
    expected = targets @ np.arange(7)
    np.testing.assert_allclose(mixed[:, 0, 0, 0], expected, atol=1e-5)
    np.testing.assert_allclose(mixed, mixed[:, :1, :1] + 0 * images, atol=0)
    np.testing.assert_allclose(targets.sum(1), 1, atol=1e-6)
    np.testing.assert_allclose(targets.sum(0).sum(), 7, atol=1e-5)


def test_partners_are_paired_and_nothing_is_there_twice():
    for count in (2, 8, 9):
        _, targets = run(
            kt.layers.MixUp(count, alpha=5.0, seed=1),
            constant_images(count),
            np.arange(count),
        )
        np.testing.assert_array_equal(targets, targets.T)
        partners = (targets - np.diag(np.diag(targets)) > 0).sum(1)
        assert sorted(partners) == [0] * (count % 2) + [1] * (count - count % 2)
        np.testing.assert_allclose(targets.sum(0), 1, atol=1e-6)


@pytest.mark.parametrize("alpha", [0.1, 0.2, 0.5, 1.0, 4.0])
def test_weights_follow_the_beta_distribution(alpha):
    found = weights(alpha)
    # A weight of exactly 0 or 1 leaves one label and is not counted; below 1e-6 of
    # either end the labels cannot tell, so the distribution is compared between.
    inside = found[(found > 1e-4) & (found < 1 - 1e-4)]
    beta = stats.beta(alpha, alpha)
    low, high = beta.cdf([1e-4, 1 - 1e-4])
    result = stats.kstest(inside, lambda w: (beta.cdf(w) - low) / (high - low))
    assert len(inside) > 300
    assert result.pvalue > 0.01


def test_dense_labels_give_what_integers_give():
    images = np.random.default_rng(0).random((5, 4, 3, 2)).astype("float32")
    labels = np.array([2, 0, 1, 1, 2])
    one = run(kt.layers.MixUp(3, seed=4), images, labels)
    column = run(kt.layers.MixUp(3, seed=4), images, labels[:, None])
    dense = run(kt.layers.MixUp(seed=4), images, np.eye(3)[labels])
    for other in (column, dense):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float16", "bfloat16", "float32"])
def test_every_dtype_is_kept_and_rounded_to_nearest(dtype):
    images = np.random.default_rng(0).integers(0, 256, (6, 5, 4, 3))
    exact, _ = run(
        kt.layers.MixUp(6, 1.0, seed=5), images.astype("float32"), np.arange(6)
    )
    batch = ops.cast(images, dtype)
    mixed, labels = kt.layers.MixUp(6, 1.0, seed=5)(batch, np.arange(6))
    assert keras.backend.standardize_dtype(mixed.dtype) == dtype
    assert keras.backend.standardize_dtype(labels.dtype) == "float32"
    mixed = ops.convert_to_numpy(ops.cast(mixed, "float32"))
    half_a_step = {"uint8": 0.5, "int32": 0.5, "float16": 0.07, "bfloat16": 0.51}
    np.testing.assert_allclose(mixed, exact, atol=half_a_step.get(dtype, 0) + 1e-4)


def test_one_image_is_mixed_with_itself():
    images, labels = constant_images(1) + 5, np.array([1])
    mixed, targets = run(kt.layers.MixUp(2, seed=0), images, labels)
    np.testing.assert_allclose(mixed, images, atol=1e-6)
    np.testing.assert_allclose(targets, [[0, 1]], atol=1e-6)


def test_seed_gives_the_same_course_in_tf_data():
    images, labels = constant_images(10), np.arange(10)

    def course():
        data = tf.data.Dataset.from_tensor_slices((images, labels)).batch(4)
        data = data.map(kt.layers.MixUp(10, seed=11))
        return [[x.numpy(), y.numpy()] for _ in range(2) for x, y in data]

    first, second = course(), course()
    assert [len(x) for x, _ in first] == [4, 4, 2] * 2
    for mine, theirs in zip(first, second, strict=True):
        np.testing.assert_array_equal(mine[0], theirs[0])
        np.testing.assert_array_equal(mine[1], theirs[1])
    assert (first[0][1] != first[3][1]).any()  # the second epoch is another one


def test_images_of_unknown_size_are_mixed_too():
    data = tf.data.Dataset.from_generator(
        lambda: [(constant_images(4), np.arange(4))],
        output_signature=(
            tf.TensorSpec((None, None, None, 1), "float32"),
            tf.TensorSpec((None,), "int64"),
        ),
    )
    eager = run(kt.layers.MixUp(4, seed=2), constant_images(4), np.arange(4))
    mapped = next(iter(data.map(kt.layers.MixUp(4, seed=2))))
    np.testing.assert_allclose(mapped[0], eager[0], rtol=1e-6)
    np.testing.assert_allclose(mapped[1], eager[1], rtol=1e-6)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (constant_images(2), np.array([0, 1]), "`num_classes` is needed"),
        (
            constant_images(2),
            np.array([0.0, 1.0]),
            "`labels` must be integers of shape",
        ),
        (constant_images(2)[0], np.eye(2), "must have the shape .batch, height"),
        (constant_images(2) > 0, np.eye(2), "dtype bool"),
        (constant_images(2), None, "mixes images with their labels"),
    ],
)
def test_bad_batch_is_refused(images, labels, message):
    with pytest.raises(ValueError, match=message):
        kt.layers.MixUp()(images, labels)


def test_labels_out_of_range_are_refused():
    images = constant_images(2)
    for labels in ([0, 3], [-1, 0]):
        with pytest.raises(ValueError, match="must be between 0 and 2"):
            kt.layers.MixUp(3)(images, np.array(labels))
        data = tf.data.Dataset.from_tensors((images, np.array(labels)))
        with pytest.raises(tf.errors.InvalidArgumentError, match="between 0 and 2"):
            list(data.map(kt.layers.MixUp(3)))
    with pytest.raises(ValueError, match=r"\(batch, 3\)"):
        kt.layers.MixUp(3)(images, np.eye(2))


def test_what_cannot_be_mixed_is_refused():
    batch = {"images": constant_images(2), "labels": np.eye(2)}
    with pytest.raises(ValueError, match="Received: file_names, images, labels"):
        kt.layers.MixUp()({**batch, "file_names": np.arange(2)})
    masks = np.zeros((2, 3, 2), "uint8")
    with pytest.raises(ValueError, match=r"one-hot floats .batch.* dtype uint8"):
        kt.layers.MixUp()({**batch, "segmentation_masks": masks})
    with pytest.raises(ValueError, match="the keys 'boxes' and 'labels'"):
        kt.layers.MixUp()({**batch, "bounding_boxes": {"boxes": np.zeros((2, 1, 4))}})
    with pytest.raises(ValueError, match="give the batch as a dict"):
        kt.layers.MixUp()(batch["images"], {"boxes": np.zeros((2, 1, 4))})
    weighted = {"images": batch["images"], "segmentation_masks": masks * 1.0}
    with pytest.raises(ValueError, match="`sample_weight` with labels only"):
        kt.layers.MixUp()({**weighted, "sample_weight": np.ones(2)})
    with pytest.raises(ValueError, match="key 'images'"):
        kt.layers.MixUp()({"image": constant_images(2)})


def mixture(mode, count=12, **arguments):
    """Return the own weights of a batch, and everybody's partner."""
    layer = kt.layers.MixUp(count, alpha=1.0, mode=mode, seed=2, **arguments)
    _, labels = run(layer, constant_images(count), np.arange(count))
    return np.diag(labels), np.argmax(labels - 2 * np.eye(count), axis=1)


def test_mode_says_how_many_weights_are_drawn():
    own, _ = mixture("batch")
    assert len(set(own)) == 1
    own, partner = mixture("pair")
    np.testing.assert_array_equal(own, own[partner])
    assert len(set(own)) == 6
    own, partner = mixture("sample")
    np.testing.assert_array_equal(partner[partner], np.arange(12))
    assert len(set(own)) == 12


@pytest.mark.parametrize("mode", ["batch", "pair", "sample"])
def test_probability_is_that_of_being_mixed(mode):
    own, partner = mixture(mode, count=400, probability=0.3)
    mixed = own < 1
    if mode == "batch":
        assert mixed.all() or not mixed.any()
    else:
        assert mixed.mean() == pytest.approx(0.3, abs=0.1)
    if mode == "pair":
        np.testing.assert_array_equal(mixed[mixed], mixed[partner[mixed]])
    assert (mixture(mode, probability=0.0)[0] == 1).all()


def test_sample_weights_give_the_weighted_sum_of_the_losses():
    rng = np.random.default_rng(0)
    labels, weight = np.eye(6)[rng.integers(0, 6, 6)], rng.random(6).astype("float32")
    weight[2] = 0
    layer = kt.layers.MixUp(alpha=1.0, seed=2)
    plain = kt.layers.MixUp(alpha=1.0, seed=2)
    identity = np.eye(6)
    shares = run(plain, constant_images(6), identity)[1]  # who is made of whom
    batch = (constant_images(6), labels, weight)
    _, mixed, total = (np.asarray(ops.convert_to_numpy(v)) for v in layer(batch))
    losses = rng.random((6, 6))  # of prediction i for class k
    expected = (shares * weight) @ labels
    np.testing.assert_allclose(total[:, None] * mixed, expected, atol=1e-6)
    np.testing.assert_allclose(total, shares @ weight, atol=1e-6)
    np.testing.assert_allclose(
        total * (mixed * losses).sum(1), (expected * losses).sum(1), atol=1e-6
    )
    assert np.isfinite(mixed).all()


def test_equal_sample_weights_change_nothing():
    batch = (constant_images(4), np.eye(4))
    _, labels = run(kt.layers.MixUp(seed=1), *batch)
    _, weighed, weight = kt.layers.MixUp(seed=1)(*batch, np.full((4, 1), 2.0))
    np.testing.assert_allclose(ops.convert_to_numpy(weighed), labels, atol=1e-6)
    np.testing.assert_allclose(ops.convert_to_numpy(weight), np.full((4, 1), 2))


def test_one_hot_masks_are_blended_as_the_images():
    classes = np.random.default_rng(0).integers(0, 3, (4, 6, 5))
    batch = {"images": constant_images(4, 6, 5), "labels": np.eye(4)}
    batch["segmentation_masks"] = np.eye(3, dtype="float32")[classes]
    out = kt.layers.MixUp(alpha=1.0, seed=1)(batch)
    shares = np.asarray(ops.convert_to_numpy(out["labels"]))
    masks = np.asarray(ops.convert_to_numpy(out["segmentation_masks"]))
    expected = np.einsum("ij,jhwk->ihwk", shares, np.eye(3)[classes])
    np.testing.assert_allclose(masks, expected, atol=1e-6)


def test_an_image_gets_the_boxes_of_both():
    boxes = np.arange(24, dtype="float32").reshape(3, 2, 4)
    labels = np.array([[1, -1], [2, 3], [4, 5]])
    batch = {"images": constant_images(3), "labels": np.eye(3)}
    batch["bounding_boxes"] = {"boxes": boxes, "labels": labels}
    out = kt.layers.MixUp(alpha=1.0, seed=0)(batch)
    shares = np.asarray(ops.convert_to_numpy(out["labels"]))
    joined = {k: ops.convert_to_numpy(v) for k, v in out["bounding_boxes"].items()}
    assert joined["boxes"].shape == (3, 4, 4)
    for i in range(3):
        partner = np.argmax(shares[i] - 2 * np.eye(3)[i])
        mixed = shares[i, i] < 1
        others = labels[partner] if mixed else [-1, -1]
        np.testing.assert_array_equal(joined["labels"][i], [*labels[i], *others])
        expected = np.concatenate([boxes[i], boxes[partner]])
        expected[joined["labels"][i] == -1] = -1
        np.testing.assert_array_equal(joined["boxes"][i], expected)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"alpha": 0}, ValueError, "`alpha` must be above 0. Received: alpha=0"),
        ({"alpha": -1}, ValueError, "`alpha`"),
        ({"alpha": "0.2"}, TypeError, "`alpha` must be a number"),
        ({"mode": "elem"}, ValueError, "`mode` must be one of 'batch', 'pair'"),
        ({"probability": 2}, ValueError, "`probability` must be between 0 and 1"),
        ({"num_classes": 1}, ValueError, "`num_classes` must be at least 2"),
        ({"num_classes": 2.0}, TypeError, "`num_classes` must be an integer"),
        ({"seed": 1.5}, TypeError, "`seed` must be an integer"),
        ({"data_format": "NCHW"}, ValueError, "`data_format` must be one of"),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        kt.layers.MixUp(**arguments)
