import math

import keras
import numpy as np
import pytest
from keras import ops

import keras_tricks as kt

RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(scale=2, size=(4, 30, 5)).astype("float32")
LABELS = np.where(
    RANDOM.random((4, 30)) < [[0.1], [0.0], [0.2], [0.8]],
    RANDOM.integers(0, 4, (4, 30)),
    -1,
)


def loss(y_true, y_pred, *arguments, **options):
    function = kt.detection.HardNegativeCrossentropy(**options)
    return ops.convert_to_numpy(function(y_true, y_pred, *arguments))


def by_hand(labels, logits, ratio=3, least=0):
    """The loss of every image before the division."""
    sums = []
    for ids, rows in zip(labels, logits.astype(float), strict=True):
        positive, negative = [], []
        for label, row in zip(ids, rows, strict=True):
            total = math.log(sum(math.exp(x - max(row)) for x in row)) + max(row)
            (negative if label < 0 else positive).append(total - row[label])
        count = math.ceil(max(ratio * len(positive), least))
        sums.append(sum(positive) + sum(sorted(negative, reverse=True)[:count]))
    return np.array(sums)


@pytest.mark.parametrize(
    ("ratio", "least"), [(3, 0), (0, 0), (1.5, 0), (1, 7), (99, 0)]
)
def test_loss_is_that_of_a_loop(ratio, least):
    options = {"ratio": ratio, "min_negatives": least}
    sums, count = by_hand(LABELS, LOGITS, ratio, least), (LABELS >= 0).sum()
    assert (sums[1] > 0) == (least > 0)  # the image without objects
    found = loss(LABELS, LOGITS, **options)
    np.testing.assert_allclose(found, sums.sum() / count, rtol=1e-5)
    parts = loss(LABELS, LOGITS, reduction=None, **options)
    np.testing.assert_allclose(parts, sums / count, rtol=1e-5)


def test_all_anchors_with_objects_are_keras_crossentropy():
    labels = np.abs(LABELS)
    theirs = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    expected = ops.convert_to_numpy(theirs(labels, LOGITS))
    np.testing.assert_allclose(loss(labels, LOGITS), expected, rtol=1e-5)


def gradient(labels, logits, **options):
    """The derivative by every logit."""
    function = kt.detection.HardNegativeCrossentropy(**options)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        x = tf.Variable(logits)
        with tf.GradientTape() as tape:
            value = function(labels, x.value())
        return tape.gradient(value, x).numpy()
    if keras.backend.backend() == "jax":
        import jax

        return np.asarray(jax.grad(lambda x: function(labels, x))(logits))
    import torch

    x = torch.tensor(logits, requires_grad=True)
    function(labels, x).backward()
    return x.grad.numpy()


@pytest.mark.parametrize("ratio", [0, 1, 3])
def test_exactly_as_many_negatives_learn_also_among_equal_ones(ratio):
    labels = np.full((2, 20), -1)
    labels[0, [3, 7]], labels[1, 19] = 1, 0
    learning = np.abs(gradient(labels, np.zeros((2, 20, 3), "f4"), ratio=ratio)).max(-1)
    negatives = (learning > 0) & (labels < 0)
    assert negatives.sum(axis=1).tolist() == [2 * ratio, ratio]
    assert (learning[labels >= 0] > 0).all()


def test_the_hardest_negatives_learn():
    labels = np.array([[0, -1, -1, -1, -1]])
    logits = np.zeros((1, 5, 2), "float32")
    logits[0, :, 0] = [0, 1, 5, -2, 3]
    learning = np.abs(gradient(labels, logits, ratio=2)).max(-1)[0] > 0
    assert learning.tolist() == [True, False, True, False, True]


def test_more_negatives_than_there_are_means_all():
    labels = np.array([[0, 0, -1]])
    assert (np.abs(gradient(labels, np.zeros((1, 3, 2), "f4"))).max(-1) > 0).all()


@pytest.mark.parametrize("scale", [1.0, 1e3, 1e30])
def test_loss_and_gradient_are_finite_for_extreme_logits(scale):
    logits = scale * np.sign(LOGITS)
    assert np.isfinite(loss(LABELS, logits))
    assert np.isfinite(gradient(LABELS, logits)).all()


def test_the_last_column_is_background():
    logits = np.array([[[9.0, 0, 0], [0, 9, 0], [0, 0, 9]]], "float32")
    assert loss(np.array([[0, 1, -1]]), logits) < 0.01
    for wrong in ([1, 1, -1], [0, 0, -1], [0, -1, -1], [0, 1, 0]):
        assert loss(np.array([wrong]), logits) > 2


def test_one_class_is_enough():
    labels, logits = np.minimum(LABELS, 0), LOGITS[..., :2]
    expected = by_hand(labels, logits).sum() / (labels >= 0).sum()
    np.testing.assert_allclose(loss(labels, logits), expected, rtol=1e-5)


def test_order_of_anchors_and_images_does_not_matter():
    order = np.random.default_rng(1).permutation(30)
    found = loss(LABELS[::-1, order], LOGITS[::-1, order])
    np.testing.assert_allclose(found, loss(LABELS, LOGITS), rtol=1e-6)


def test_a_batch_without_objects_is_not_divided_by_zero():
    labels = np.full((4, 30), -1)
    assert loss(labels, LOGITS) == 0
    expected = by_hand(labels, LOGITS, least=2).sum()
    np.testing.assert_allclose(
        loss(labels, LOGITS, min_negatives=2), expected, rtol=1e-5
    )


def test_sample_weights_weigh_images():
    parts, weight = loss(LABELS, LOGITS, reduction=None), np.array([2, 1, 0, 0.5], "f4")
    found = loss(LABELS, LOGITS, weight)
    np.testing.assert_allclose(found, (parts * weight).sum(), rtol=1e-5)


@pytest.mark.slow
def test_it_is_the_same_compiled(jit):
    function = kt.detection.HardNegativeCrossentropy()
    labels, logits = map(ops.convert_to_tensor, (LABELS.astype("int32"), LOGITS))
    found = ops.convert_to_numpy(jit(function)(labels, logits))
    np.testing.assert_allclose(found, loss(LABELS, LOGITS), rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"ratio": -1}, ValueError, "`ratio` must be at least 0"),
        ({"ratio": "3"}, TypeError, "`ratio` must be a number"),
        ({"min_negatives": 0.5}, TypeError, "`min_negatives` must be an integer"),
        ({"min_negatives": -1}, ValueError, "`min_negatives` must be at least 0"),
    ],
)
def test_wrong_arguments_are_refused(options, error, match):
    with pytest.raises(error, match=match):
        kt.detection.HardNegativeCrossentropy(**options)


def test_a_label_of_no_class_makes_the_loss_nan():
    loss = kt.detection.HardNegativeCrossentropy()
    logits = np.zeros((2, 5, 3), "float32")
    ids = np.full((2, 5), -1)
    ids[0, 1] = 1
    assert np.isfinite(float(loss(ids, logits)))
    ids[1, 4] = 2
    assert np.isnan(float(loss(ids, logits)))
