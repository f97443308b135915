import keras
import numpy as np
import pytest
from keras import ops
from numpy.testing import assert_allclose

import keras_tricks as kt

RNG = np.random.default_rng(0)
START = RNG.normal(size=(3, 2))
GRADIENTS = RNG.normal(size=(12, 3, 2))


class Ramp(keras.optimizers.schedules.LearningRateSchedule):
    """0.1 at step 0, less later."""

    def __call__(self, step):
        return 0.1 / (1 + 0.5 * ops.cast(step, "float32"))

    def get_config(self):
        return {}


def walk(optimizer, gradients=GRADIENTS, start=START):
    """Return the variable after each gradient."""
    variable = keras.Variable(start, dtype="float64", name="kernel")
    walked = []
    for gradient in gradients:
        optimizer.apply([ops.convert_to_tensor(gradient, "float64")], [variable])
        walked.append(ops.convert_to_numpy(variable).copy())
    return np.array(walked)


def sgd_of_torch(rates, momentums, nesterov, decay, gradients=GRADIENTS, start=START):
    weights, buffer, walked = start.copy(), 0.0, []
    for rate, momentum, gradient in zip(rates, momentums, gradients, strict=True):
        gradient = gradient + decay * weights
        buffer = momentum * buffer + gradient
        weights = weights - rate * (
            gradient + momentum * buffer if nesterov else buffer
        )
        walked.append(weights)
    return np.array(walked)


def float32(value):
    return float(np.float32(value))


RATES = [float32(0.1 / (1 + 0.5 * step)) for step in range(12)]


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("decay", [None, 0.05])
def test_step_is_the_formula_of_torch(momentum, nesterov, decay):
    nesterov = nesterov and momentum > 0
    optimizer = kt.optimizers.SGD(Ramp(), momentum, nesterov, weight_decay=decay)
    expected = sgd_of_torch(RATES, [momentum] * 12, nesterov, decay or 0)
    assert_allclose(walk(optimizer), expected, rtol=1e-6, atol=1e-7)


def test_momentum_may_be_a_schedule():
    optimizer = kt.optimizers.SGD(0.1, momentum=Ramp())
    expected = sgd_of_torch([float32(0.1)] * 12, RATES, False, 0)
    assert_allclose(walk(optimizer), expected, rtol=1e-6, atol=1e-7)


def test_constant_rate_without_decay_is_keras():
    for nesterov in (False, True):
        arguments = {"momentum": 0.9, "nesterov": nesterov}
        mine = walk(kt.optimizers.SGD(0.1, **arguments))
        theirs = walk(keras.optimizers.SGD(0.1, **arguments))
        assert_allclose(mine, theirs, atol=1e-6)  # Keras rounds momentum to float32


def test_steps_before_a_drop_of_the_rate_do_not_go_on_at_the_old_rate():
    drop = keras.optimizers.schedules.PiecewiseConstantDecay([0], [1.0, 0.0])
    gradients = [np.ones((3, 2)), np.zeros((3, 2))]
    mine = walk(kt.optimizers.SGD(drop, momentum=0.9), gradients)
    theirs = walk(keras.optimizers.SGD(drop, momentum=0.9), gradients)
    assert_allclose(mine, [START - 1, START - 1])
    assert_allclose(theirs, [START - 1, START - 1.9], rtol=1e-6)


# 200 steps without a gradient: what decay does by itself.
@pytest.mark.parametrize(
    ("optimizer", "left"),
    [
        (kt.optimizers.SGD, 0.12041),  # and torch.optim.SGD, see below
        (keras.optimizers.SGD, 0.81865),  # Keras 3.15.1
    ],
)
def test_weight_decay_of_keras_is_another_one(optimizer, left):
    optimizer = optimizer(0.1, momentum=0.9, weight_decay=0.01)
    walked = walk(optimizer, [np.zeros(1)] * 200, np.ones(1))
    assert walked[-1, 0] == pytest.approx(left, abs=5e-6)


@pytest.mark.reference
def test_weight_decay_of_torch_is_ours():
    torch = pytest.importorskip("torch")
    weight = torch.ones(1, requires_grad=True)
    optimizer = torch.optim.SGD([weight], 0.1, momentum=0.9, weight_decay=0.01)
    weight.grad = torch.zeros(1)
    for _ in range(200):
        optimizer.step()
    assert weight.item() == pytest.approx(0.12041, abs=5e-6)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"momentum": 1.5}, ValueError, "`momentum` must be between 0 and 1"),
        ({"momentum": "high"}, TypeError, "`momentum` must be a number"),
        ({"nesterov": True}, ValueError, "`nesterov` needs momentum"),
        ({"weight_decay": "l2"}, TypeError, "`weight_decay` must be a number, Weight"),
        ({"weight_decay": -0.1}, ValueError, "`rate` must be at least 0"),
        ({"adaptive_clipping": True}, TypeError, "`clip` must be a number"),
        ({"groups": [0.1]}, TypeError, "`groups` must be LayerGroups"),
        ({"decay_rate": 1}, ValueError, "not recognized"),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        kt.optimizers.SGD(0.1, **arguments)
