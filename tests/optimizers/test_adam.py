import keras
import numpy as np
import pytest
from keras import ops
from numpy.testing import assert_allclose

import keras_tricks as kt

RNG = np.random.default_rng(0)
START = RNG.normal(size=(3, 2))
GRADIENTS = RNG.normal(size=(12, 3, 2)) * 10.0 ** -np.arange(12)[:, None, None]


def walk(optimizer, dtype="float64", gradients=GRADIENTS):
    """Return the variable after each gradient."""
    variable = keras.Variable(START, dtype=dtype, name="kernel")
    walked = []
    for gradient in gradients:
        optimizer.apply([ops.convert_to_tensor(gradient, dtype)], [variable])
        walked.append(ops.convert_to_numpy(variable).copy())
    return np.array(walked)


def adam_of_torch(rate, betas, epsilon, decay=0.0, amsgrad=False):
    weights, m, v, largest, walked = START.copy(), 0.0, 0.0, 0.0, []
    for step, gradient in enumerate(GRADIENTS, start=1):
        gradient = gradient + decay * weights
        m = betas[0] * m + (1 - betas[0]) * gradient
        v = betas[1] * v + (1 - betas[1]) * gradient**2
        largest = np.maximum(largest, v) if amsgrad else v
        root = np.sqrt(largest / (1 - betas[1] ** step)) + epsilon
        weights = weights - rate * m / (1 - betas[0] ** step) / root
        walked.append(weights)
    return np.array(walked)


@pytest.mark.parametrize("decay", [None, 0.1])
@pytest.mark.parametrize("amsgrad", [False, True])
@pytest.mark.parametrize("epsilon", [1e-8, 1e-2])
def test_step_is_the_formula_of_torch(decay, amsgrad, epsilon):
    optimizer = kt.optimizers.Adam(
        0.25, 0.8, 0.99, epsilon, amsgrad, weight_decay=decay
    )
    expected = adam_of_torch(0.25, (0.8, 0.99), epsilon, decay or 0, amsgrad)
    assert_allclose(walk(optimizer), expected, rtol=1e-6, atol=1e-7)


def test_float32_is_as_exact_as_it_can_be():
    mine = walk(kt.optimizers.Adam(0.25, epsilon=1e-8), "float32")
    expected = adam_of_torch(0.25, (0.9, 0.999), 1e-8)
    assert_allclose(mine, expected, rtol=1e-5, atol=1e-6)


def test_epsilon_of_keras_is_another_one():
    first = [GRADIENTS[0]]
    mine = walk(kt.optimizers.Adam(0.25, epsilon=0.1), gradients=first)
    larger = 0.1 / np.sqrt(1 - 0.999)
    theirs = walk(keras.optimizers.Adam(0.25, epsilon=0.1), gradients=first)
    same = walk(kt.optimizers.Adam(0.25, epsilon=larger), gradients=first)
    assert_allclose(theirs, same, atol=1e-6)
    assert np.abs(mine - theirs).max() > 0.1


def test_beta_1_may_be_a_schedule():
    drop = keras.optimizers.schedules.PiecewiseConstantDecay([2], [0.875, 0.5])
    mine = walk(kt.optimizers.Adam(0.25, beta_1=drop))
    constant = walk(kt.optimizers.Adam(0.25, beta_1=0.875))
    assert_allclose(mine[:3], constant[:3], rtol=1e-6, atol=1e-7)
    m = sum(0.125 * 0.875 ** (2 - i) * GRADIENTS[i] for i in range(3))
    m = 0.5 * m + 0.5 * GRADIENTS[3]
    v = sum(0.001 * 0.999 ** (3 - i) * GRADIENTS[i] ** 2 for i in range(4))
    root = np.sqrt(v / (1 - 0.999**4)) + 1e-7
    expected = mine[2] - 0.25 * m / (1 - 0.5**4) / root
    assert_allclose(mine[3], expected, rtol=1e-6, atol=1e-7)


@pytest.mark.reference
@pytest.mark.parametrize("amsgrad", [False, True])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_200_steps_down_a_bowl_are_those_of_torch(amsgrad, decay):
    torch = pytest.importorskip("torch")
    steep = np.array([[1.0, 30.0], [0.1, 3.0], [10.0, 0.3]])
    weights = torch.tensor(START, requires_grad=True)
    theirs = torch.optim.Adam(
        [weights], 0.0625, (0.9, 0.999), 1e-8, decay, amsgrad=amsgrad
    )
    mine = kt.optimizers.Adam(0.0625, epsilon=1e-8, amsgrad=amsgrad, weight_decay=decay)
    variable = keras.Variable(START, dtype="float64", name="kernel")
    for _ in range(200):
        weights.grad = torch.tensor(steep) * weights.detach()
        theirs.step()
        mine.apply([ops.convert_to_tensor(steep) * variable], [variable])
    found = ops.convert_to_numpy(variable)
    assert_allclose(found, weights.detach().numpy(), atol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"beta_1": 1.5}, ValueError, "`beta_1` must be between 0 and 1"),
        ({"beta_2": -1}, ValueError, "`beta_2` must be between 0 and 1"),
        ({"epsilon": 0.0}, ValueError, "`epsilon` must be at least"),
        ({"weight_decay": "l2"}, TypeError, "`weight_decay` must be a number, Weight"),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        kt.optimizers.Adam(0.1, **arguments)
