import numpy as np
import pytest

import keras_tricks as kt


def recipe(**arguments):
    return kt.recipes.resnet_strikes_back_a3(num_examples=20_480, **arguments)


def test_rate_at_the_first_peak_and_last_epoch():
    schedule = recipe().schedule  # 100 epochs of 10 steps
    rates = [float(schedule(step)) for step in (0, 49, 50, 999, 1000)]
    fourth = 1e-5 + (8e-3 - 1e-5) * 4 / 5
    after = [4e-3 * (1 + np.cos(np.pi * epoch / 100)) for epoch in (5, 99)]
    np.testing.assert_allclose(rates, [1e-5, fourth, *after, 0], rtol=1e-5)


def test_pictures_are_small_and_the_policy_milder_than_in_a2(decayed):
    crop, _, policy, mix = recipe().augmentation.layers
    assert (crop.height, policy.magnitude) == (160, 6)
    assert (mix.mix_up_alpha, mix.cut_mix_alpha) == (0.1, 1.0)
    assert decayed(recipe()) == {"kernel"}


def test_loss_is_binary():
    logits = np.array([[1.0, -2, 0.5]], "float32")
    expected = np.log1p(np.exp(np.where([0, 1, 0], -logits, logits))).mean()
    assert float(recipe().loss(np.array([1]), logits)) == pytest.approx(expected)


def test_card_quotes_the_figures_that_differ():
    card = str(recipe())
    for figure in ("78.1 %", "78.052 %", "75.994 %", "78.30 %", "78.466 %", "76.74 %"):
        assert figure in card
