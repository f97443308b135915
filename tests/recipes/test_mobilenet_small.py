import numpy as np
import pytest

import keras_tricks as kt


def test_rate_falls_along_a_cosine_scaled_to_the_batch_size():
    recipe = kt.recipes.mobilenet_small(num_examples=1_280, batch_size=128)
    rates = [float(recipe.schedule(step)) for step in (0, 1200, 2399, 2400)]
    expected = 0.0225 * (1 + np.cos(np.pi * np.array([0, 0.5, 2399 / 2400, 1]))) / 2
    np.testing.assert_allclose(rates, expected, rtol=1e-5, atol=1e-10)


def test_every_variable_decays_by_the_lower_of_both_sources(decayed):
    recipe = kt.recipes.mobilenet_small()
    assert decayed(recipe) == {"kernel", "bias", "gamma", "beta"}
    assert recipe.optimizer.decay.rate == 3e-5
    assert "3e-4 in [2021]" in str(recipe).replace("\n  ", " ")


def test_loss_is_plain_cross_entropy():
    logits = np.array([[1.0, -2, 0.5]], "float32")
    expected = np.log(np.exp(logits).sum()) - 0.5
    loss = kt.recipes.mobilenet_small().loss
    assert float(loss(np.array([2]), logits)) == pytest.approx(expected)


def test_augmentation_is_a_mild_crop_and_a_flip():
    crop, _ = kt.recipes.mobilenet_small(image_size=160).augmentation.layers
    assert (crop.height, crop.width, crop.scale) == (160, 160, (0.2, 1.0))


def test_small_model_finds_nothing_to_object_to(small_model):
    recipe = kt.recipes.mobilenet_small(num_classes=3)
    assert recipe.problems(small_model) == []
