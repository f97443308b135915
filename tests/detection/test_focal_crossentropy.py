import math

import keras
import numpy as np
import pytest
from keras import ops

import keras_tricks as kt

RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(scale=2, size=(3, 20, 4)).astype("float32")
LABELS = np.where(
    RANDOM.random((3, 20)) < [[0.2], [0.0], [0.6]], RANDOM.integers(0, 4, (3, 20)), -1
)
HOT = (LABELS[..., None] == np.arange(4)).astype("float32")
COUNT = (LABELS >= 0).sum()


def loss(y_true, y_pred, *arguments, **options):
    function = kt.detection.FocalCrossentropy(**options)
    return ops.convert_to_numpy(function(y_true, y_pred, *arguments))


def by_hand(labels, logits, alpha=0.25, gamma=2.0):
    """The loss of every image before the division."""
    sums = []
    for ids, rows in zip(labels, logits.astype(float), strict=True):
        total = 0.0
        for label, row in zip(ids, rows, strict=True):
            for column, logit in enumerate(row):
                p = 1 / (1 + math.exp(-logit))
                if column == label:
                    total -= alpha * (1 - p) ** gamma * math.log(p)
                else:
                    total -= (1 - alpha) * p**gamma * math.log(1 - p)
        sums.append(total)
    return np.array(sums)


@pytest.mark.parametrize(("alpha", "gamma"), [(0.25, 2), (0.75, 0.5), (1, 1), (0, 0)])
def test_loss_is_that_of_a_loop(alpha, gamma):
    options, sums = (
        {"alpha": alpha, "gamma": gamma},
        by_hand(LABELS, LOGITS, alpha, gamma),
    )
    found = loss(LABELS, LOGITS, **options)
    np.testing.assert_allclose(found, sums.sum() / COUNT, rtol=1e-5)
    parts = loss(LABELS, LOGITS, reduction=None, **options)
    np.testing.assert_allclose(parts, sums / COUNT, rtol=1e-5)


def test_gamma_zero_is_half_the_binary_crossentropy():
    theirs = keras.losses.BinaryCrossentropy(from_logits=True, reduction="sum")
    expected = 4 * 0.5 * ops.convert_to_numpy(theirs(HOT, LOGITS)) / COUNT
    found = loss(LABELS, LOGITS, alpha=0.5, gamma=0)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_it_is_the_sum_of_what_keras_has_the_mean_of():
    theirs = keras.losses.BinaryFocalCrossentropy(
        apply_class_balancing=True, from_logits=True, reduction="sum"
    )
    expected = 4 * ops.convert_to_numpy(theirs(HOT, LOGITS)) / COUNT
    np.testing.assert_allclose(loss(LABELS, LOGITS), expected, rtol=1e-4)


def test_the_harder_an_anchor_the_more_of_its_loss_is_left():
    logits = np.array([-2.0, 0.0, 2.0, 5.0], "float32")
    ratios = [
        loss([[-1]], np.full((1, 1, 1), x, "f4"), gamma=2)
        / loss([[-1]], np.full((1, 1, 1), x, "f4"), gamma=0)
        for x in logits
    ]
    np.testing.assert_allclose(ratios, (1 / (1 + np.exp(-logits))) ** 2, rtol=1e-4)


def gradient(labels, logits, **options):
    """The derivative by every logit."""
    function = kt.detection.FocalCrossentropy(**options)
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


@pytest.mark.parametrize("gamma", [0, 0.5, 2])
@pytest.mark.parametrize("scale", [1.0, 1e3, 1e30])
def test_loss_and_gradient_are_finite_for_extreme_logits(scale, gamma):
    logits = scale * np.sign(LOGITS)
    assert np.isfinite(loss(LABELS, logits, gamma=gamma))
    assert np.isfinite(gradient(LABELS, logits, gamma=gamma)).all()


def test_wrong_beyond_doubt_costs_what_the_logit_says():
    logits = np.array([[[1000.0], [-1000.0]]], "float32")
    assert loss([[-1, 0]], logits) == 0.75 * 1000 + 0.25 * 1000
    assert loss([[0, -1]], logits) == 0


def test_classes_are_not_shifted():
    logits = np.full((1, 3, 2), -9.0, "float32")
    logits[0, 0, 0] = logits[0, 1, 1] = 9
    assert loss([[0, 1, -1]], logits) < 1e-5
    for wrong in ([1, 1, -1], [0, 0, -1], [0, 1, 0], [-1, 1, -1]):
        assert loss([wrong], logits) > 0.5


def test_order_of_anchors_images_and_classes_does_not_matter():
    found = loss(LABELS[::-1, ::-1], LOGITS[::-1, ::-1])
    np.testing.assert_allclose(found, loss(LABELS, LOGITS), rtol=1e-6)
    turned = np.where(LABELS < 0, -1, 3 - LABELS)
    np.testing.assert_allclose(
        loss(turned, LOGITS[..., ::-1]), loss(LABELS, LOGITS), rtol=1e-6
    )


def test_a_batch_without_objects_still_learns_background():
    labels = np.full((3, 20), -1)
    expected = by_hand(labels, LOGITS).sum()  # divided by 1
    np.testing.assert_allclose(loss(labels, LOGITS), expected, rtol=1e-5)


def test_sample_weights_weigh_images():
    parts, weight = loss(LABELS, LOGITS, reduction=None), np.array([2, 1, 0], "f4")
    found = loss(LABELS, LOGITS, weight)
    np.testing.assert_allclose(found, (parts * weight).sum(), rtol=1e-5)


def test_it_is_the_same_compiled(jit):
    labels, logits = map(ops.convert_to_tensor, (LABELS.astype("int32"), LOGITS))
    found = jit(kt.detection.FocalCrossentropy())(labels, logits)
    np.testing.assert_allclose(
        ops.convert_to_numpy(found), loss(LABELS, LOGITS), rtol=1e-5
    )


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"alpha": 1.5}, ValueError, "`alpha` must be between 0 and 1"),
        ({"alpha": None}, TypeError, "`alpha` must be a number"),
        ({"gamma": -1}, ValueError, "`gamma` must be at least 0"),
    ],
)
def test_wrong_arguments_are_refused(options, error, match):
    with pytest.raises(error, match=match):
        kt.detection.FocalCrossentropy(**options)


@pytest.mark.reference
@pytest.mark.parametrize(("alpha", "gamma"), [(0.25, 2.0), (0.75, 1.5)])
def test_it_is_torchvisions(torchvision, alpha, gamma):
    import torch

    random = np.random.default_rng(0)
    logits = random.normal(scale=3, size=(1000, 9, 4)).astype("f4")
    labels = random.integers(-1, 4, (1000, 9))
    hot = torch.tensor(labels[..., None] == np.arange(4)).float()
    theirs = torchvision.ops.sigmoid_focal_loss(torch.tensor(logits), hot, alpha, gamma)
    expected = theirs.sum((1, 2)).numpy() / (labels >= 0).sum()
    parts = loss(labels, logits, alpha=alpha, gamma=gamma, reduction=None)
    np.testing.assert_allclose(parts, expected, rtol=1e-5)


def test_a_label_of_no_class_makes_the_loss_nan():
    loss = kt.detection.FocalCrossentropy()
    logits = np.zeros((2, 5, 3), "float32")
    ids = np.full((2, 5), -1)
    ids[0, 1] = 2
    assert np.isfinite(float(loss(ids, logits)))
    ids[1, 4] = 3
    assert np.isnan(float(loss(ids, logits)))
