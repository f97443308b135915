import numpy as np
import pytest

import keras_tricks as kt


@pytest.mark.parametrize(
    ("num_examples", "base", "origin"),
    [
        (500, 0.001, "guide"),
        (4_000, 0.002, "ours"),
        (2_000_000, 0.01, "guide"),
    ],
)
def test_rate_is_that_of_the_size_of_the_data(num_examples, base, origin):
    recipe = kt.recipes.fine_tune(num_examples, num_classes=10, batch_size=64)
    assert recipe.base_rate == pytest.approx(base)
    assert recipe.learning_rate == pytest.approx(base / 4)
    assert recipe.origins["base_rate"] == origin


def test_rate_falls_along_a_cosine():
    recipe = kt.recipes.fine_tune(256, 10, batch_size=32, epochs=5)  # 40 steps
    rates = [float(recipe.schedule(step)) for step in (0, 20, 39, 40)]
    expected = 0.001 / 8 * (1 + np.cos(np.pi * np.array([0, 0.5, 39 / 40, 1]))) / 2
    np.testing.assert_allclose(rates, expected, rtol=1e-5, atol=1e-12)


def test_every_variable_decays_little(decayed):
    recipe = kt.recipes.fine_tune(900, 10)
    assert decayed(recipe) == {"kernel", "bias", "gamma", "beta"}
    assert recipe.optimizer.decay.rate == 1e-6


def test_loss_is_plain_cross_entropy():
    logits = np.array([[1.0, -2, 0.5]], "float32")
    expected = np.log(np.exp(logits).sum()) + 2
    loss = kt.recipes.fine_tune(900, 10).loss
    assert float(loss(np.array([1]), logits)) == pytest.approx(expected)


def test_card_quotes_both_rates_of_paddleclas():
    card = " ".join(str(kt.recipes.fine_tune(900, 10)).split())
    assert "[guide]: 0.001 per 256" in card
    assert "[flowers]: 0.03 per 256" in card
    for figure in ("94.02 %", "92.71 %", "94.99 %", "0.616 and 0.612"):
        assert figure in card


def test_groups_are_kept():
    groups = kt.optimizers.LayerGroups(["head", ""], starts=[0, 100])
    recipe = kt.recipes.fine_tune(900, 10, groups=groups)
    assert recipe.optimizer.groups is groups
    assert "LayerGroups" in str(recipe)
