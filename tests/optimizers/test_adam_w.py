import keras
import numpy as np
import pytest
from keras import ops
from numpy.testing import assert_allclose

import keras_tricks as kt

RNG = np.random.default_rng(0)
START = RNG.normal(size=(3, 2))
GRADIENTS = RNG.normal(size=(12, 3, 2))


def walk(optimizer):
    """Return the variable after each gradient."""
    variable = keras.Variable(START, dtype="float64", name="kernel")
    walked = []
    for gradient in GRADIENTS:
        optimizer.apply([ops.convert_to_tensor(gradient, "float64")], [variable])
        walked.append(ops.convert_to_numpy(variable).copy())
    return np.array(walked)


def adamw_of_torch(rate, betas, epsilon, decay):
    weights, m, v, walked = START.copy(), 0.0, 0.0, []
    for step, gradient in enumerate(GRADIENTS, start=1):
        weights = weights * (1 - rate * decay)
        m = betas[0] * m + (1 - betas[0]) * gradient
        v = betas[1] * v + (1 - betas[1]) * gradient**2
        root = np.sqrt(v / (1 - betas[1] ** step)) + epsilon
        weights = weights - rate * m / (1 - betas[0] ** step) / root
        walked.append(weights)
    return np.array(walked)


@pytest.mark.parametrize("epsilon", [1e-8, 1e-2])
def test_step_is_the_formula_of_torch(epsilon):
    optimizer = kt.optimizers.AdamW(0.125, 0.8, 0.99, epsilon, weight_decay=0.5)
    expected = adamw_of_torch(0.125, (0.8, 0.99), epsilon, 0.5)
    assert_allclose(walk(optimizer), expected, rtol=1e-6, atol=1e-7)


def test_no_decay_is_adam():
    mine = walk(kt.optimizers.AdamW(0.125, weight_decay=None))
    np.testing.assert_array_equal(mine, walk(kt.optimizers.Adam(0.125)))


def test_coupled_decay_is_adam_with_decay():
    decay = kt.optimizers.WeightDecay(0.5, coupled=True)
    mine = walk(kt.optimizers.AdamW(0.125, weight_decay=decay))
    theirs = walk(kt.optimizers.Adam(0.125, weight_decay=0.5))
    np.testing.assert_array_equal(mine, theirs)


def test_default_decay_is_that_of_torch():
    expected = adamw_of_torch(0.125, (0.9, 0.999), 1e-7, 0.01)
    assert_allclose(walk(kt.optimizers.AdamW(0.125)), expected, rtol=1e-6, atol=1e-7)
