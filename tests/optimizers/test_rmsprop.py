import keras
import numpy as np
import pytest
from keras import ops
from numpy.testing import assert_allclose

import keras_tricks as kt

RNG = np.random.default_rng(0)
START = RNG.normal(size=(3, 2))
STEEP = np.array([[1.0, 30.0], [0.1, 3.0], [10.0, 0.3]])
CASES = [
    (momentum, centered, decay)
    for momentum in (0.0, 0.9)
    for centered in (False, True)
    for decay in (0.0, 0.5)
]


def roll(optimizer, steps):
    """Return the variable after each step down a bowl."""
    variable, rolled = keras.Variable(START, dtype="float64", name="kernel"), []
    for _ in range(steps):
        optimizer.apply([ops.convert_to_tensor(STEEP) * variable], [variable])
        rolled.append(ops.convert_to_numpy(variable).copy())
    return np.array(rolled)


def rmsprop_of_torch(rate, rho, momentum, epsilon, centered, decay, steps):
    weights, square, mean, buffer, rolled = START.copy(), 0.0, 0.0, 0.0, []
    for _ in range(steps):
        gradient = STEEP * weights + decay * weights
        square = rho * square + (1 - rho) * gradient**2
        mean = rho * mean + (1 - rho) * gradient
        root = np.sqrt(square - mean**2 if centered else square) + epsilon
        buffer = momentum * buffer + gradient / root
        weights = weights - rate * buffer
        rolled.append(weights)
    return np.array(rolled)


def build(momentum, centered, decay):
    return kt.optimizers.RMSprop(
        0.0625, 0.9, momentum, 1e-3, centered, weight_decay=decay
    )


@pytest.mark.parametrize(("momentum", "centered", "decay"), CASES)
def test_step_is_the_formula_of_torch(momentum, centered, decay):
    mine = roll(build(momentum, centered, decay), 8)
    expected = rmsprop_of_torch(0.0625, 0.9, momentum, 1e-3, centered, decay, 8)
    assert_allclose(mine, expected, rtol=1e-6, atol=1e-7)


def test_epsilon_of_keras_is_under_the_root():
    mine = roll(kt.optimizers.RMSprop(0.0625, 0.75, epsilon=1e-2), 1)
    theirs = roll(keras.optimizers.RMSprop(0.0625, 0.75, epsilon=1e-2), 1)
    square = 0.25 * (STEEP * START) ** 2
    step = 0.0625 * STEEP * START
    assert_allclose(
        mine[0], START - step / (np.sqrt(square) + 1e-2), rtol=1e-6, atol=1e-7
    )
    assert_allclose(
        theirs[0], START - step / np.sqrt(square + 1e-2), rtol=1e-6, atol=1e-7
    )


@pytest.mark.reference
@pytest.mark.parametrize(("momentum", "centered", "decay"), CASES)
def test_200_steps_down_a_bowl_are_those_of_torch(momentum, centered, decay):
    torch = pytest.importorskip("torch")
    weights = torch.tensor(START, requires_grad=True)
    theirs = torch.optim.RMSprop(
        [weights],
        0.0625,
        alpha=0.9,
        eps=1e-3,
        weight_decay=decay,
        momentum=momentum,
        centered=centered,
    )
    for _ in range(200):
        weights.grad = torch.tensor(STEEP) * weights.detach()
        theirs.step()
    mine = roll(build(momentum, centered, decay), 200)[-1]
    assert_allclose(mine, weights.detach().numpy(), atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"rho": 1.5}, ValueError, "`rho` must be between 0 and 1"),
        ({"momentum": "high"}, TypeError, "`momentum` must be a number"),
        ({"epsilon": 0.0}, ValueError, "`epsilon` must be at least"),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        kt.optimizers.RMSprop(0.1, **arguments)
