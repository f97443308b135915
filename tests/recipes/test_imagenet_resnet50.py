import numpy as np
import pytest
from keras import ops

import keras_tricks as kt


def recipe(**arguments):
    return kt.recipes.imagenet_resnet50(num_examples=2_560, **arguments)


def test_rate_falls_along_a_cosine_from_the_first_step():
    schedule = recipe().schedule  # 200 epochs of 10 steps
    steps = np.array([0, 500, 1000, 1999, 2000])
    expected = 0.1 * (1 + np.cos(np.pi * steps / 2000)) / 2
    rates = [float(schedule(step)) for step in steps]
    np.testing.assert_allclose(rates, expected, rtol=1e-5, atol=1e-9)


def test_warmup_begins_at_zero_and_ends_at_the_peak():
    schedule = recipe().replace(warmup_epochs=5).schedule
    rates = [float(schedule(step)) for step in (0, 25, 50)]
    np.testing.assert_allclose(rates, [0, 0.05, 0.1], rtol=1e-6)


def test_every_variable_decays_into_the_gradient(small_model, decayed):
    assert decayed(recipe()) == {"kernel", "bias", "gamma", "beta"}
    optimizer = recipe().optimizer
    optimizer.build(small_model.trainable_variables)
    kernel = small_model.trainable_variables[0]
    start = ops.convert_to_numpy(kernel)
    for _ in range(2):
        optimizer.apply([ops.zeros(v.shape) for v in small_model.trainable_variables])
    expected, buffer = start, 0
    for _ in range(2):
        buffer = 0.9 * buffer + 7e-5 * expected
        expected = expected - 0.1 * buffer
    moved = ops.convert_to_numpy(kernel) - start
    np.testing.assert_allclose(moved, expected - start, rtol=2e-2, atol=1e-8)


@pytest.mark.parametrize("labels", [[2, 0], [[0.0, 0, 1], [1, 0, 0]]])
def test_loss_is_the_smoothed_cross_entropy_of_logits(labels):
    logits = np.array([[1.0, -2, 0.5], [0.3, 0.2, -1]], "float32")
    targets = np.eye(3)[[2, 0]] * 0.9 + 0.1 / 3
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    expected = -(targets * log_p).sum(-1).mean()
    assert float(recipe().loss(np.array(labels), logits)) == pytest.approx(expected)


def test_augmentation_is_crop_flip_and_mix_up():
    crop, flip, mix = recipe().augmentation.layers
    assert type(crop) is kt.layers.RandomResizedCrop
    assert (crop.height, crop.width, crop.scale) == (224, 224, (0.08, 1.0))
    assert type(flip) is kt.layers.RandomFlip
    assert (mix.alpha, mix.num_classes) == (0.2, 1000)


def test_callbacks_only_log_the_rate():
    (callback,) = recipe().callbacks
    assert type(callback) is kt.callbacks.LearningRateMonitor


def test_card_quotes_all_figures():
    card = str(recipe())
    for figure in ("79.1 %", "78.04 %", "77.65 %", "78.4 %", "77.9 %", "76.5 %"):
        assert figure in card
