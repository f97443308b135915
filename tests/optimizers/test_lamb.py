import keras
import numpy as np
import pytest
from keras import ops
from numpy.testing import assert_allclose

import keras_tricks as kt

RNG = np.random.default_rng(0)
KERNEL, BIAS = RNG.normal(size=(3, 2)), RNG.normal(size=2)
STEEP = np.array([[1.0, 30.0], [0.1, 3.0], [10.0, 0.3]])
RATE = 0.03125


def roll(optimizer, steps):
    """Return a kernel and a bias after some steps, each down a bowl of its own."""
    kernel = keras.Variable(KERNEL, dtype="float64", name="kernel")
    bias = keras.Variable(BIAS, dtype="float64", name="bias")
    for _ in range(steps):
        gradients = [ops.convert_to_tensor(STEEP) * kernel, 0.5 * bias]
        optimizer.apply(gradients, [kernel, bias])
    return ops.convert_to_numpy(kernel), ops.convert_to_numpy(bias)


def lamb_of_the_paper(weights, steep, steps, decay, is_adapted=True):
    m = v = 0.0
    for step in range(1, steps + 1):
        gradient = steep * weights
        m = 0.9 * m + 0.1 * gradient
        v = 0.999 * v + 0.001 * gradient**2
        root = np.sqrt(v / (1 - 0.999**step)) + 1e-6
        direction = m / (1 - 0.9**step) / root + decay * weights
        if is_adapted:
            direction *= np.linalg.norm(weights) / np.linalg.norm(direction)
        weights = weights - RATE * direction
    return weights


def test_step_is_the_formula_of_the_paper():
    kernel, bias = roll(kt.optimizers.LAMB(RATE, weight_decay=0.25), 7)
    assert_allclose(
        kernel, lamb_of_the_paper(KERNEL, STEEP, 7, 0.25), rtol=1e-6, atol=1e-7
    )
    assert_allclose(bias, lamb_of_the_paper(BIAS, 0.5, 7, 0.25), rtol=1e-6, atol=1e-7)


def test_without_a_policy_every_variable_is_adapted():
    kernel, bias = roll(kt.optimizers.LAMB(RATE), 3)
    assert_allclose(
        kernel, lamb_of_the_paper(KERNEL, STEEP, 3, 0), rtol=1e-6, atol=1e-7
    )
    assert_allclose(bias, lamb_of_the_paper(BIAS, 0.5, 3, 0), rtol=1e-6, atol=1e-7)


def test_what_does_not_decay_is_not_adapted():
    decay = kt.optimizers.WeightDecay(0.25)
    kernel, bias = roll(kt.optimizers.LAMB(RATE, weight_decay=decay), 3)
    assert_allclose(
        kernel, lamb_of_the_paper(KERNEL, STEEP, 3, 0.25), rtol=1e-6, atol=1e-7
    )
    expected = lamb_of_the_paper(BIAS, 0.5, 3, 0, is_adapted=False)
    assert_allclose(bias, expected, rtol=1e-6, atol=1e-7)


def test_zeros_can_move():
    variable = keras.Variable(np.zeros((3, 2)), name="kernel")
    kt.optimizers.LAMB(0.5).apply([ops.ones((3, 2))], [variable])
    assert_allclose(ops.convert_to_numpy(variable), -0.5, rtol=1e-5)


def test_amsgrad_is_not_an_argument():
    assert "amsgrad" not in kt.optimizers.LAMB().get_config()
    with pytest.raises(TypeError, match="amsgrad"):
        kt.optimizers.LAMB(amsgrad=True)


@pytest.mark.reference
def test_200_steps_are_those_of_timm(timm):
    torch = pytest.importorskip("torch")
    from timm.optim.lamb import Lamb

    kernel = torch.tensor(KERNEL, requires_grad=True)
    bias = torch.tensor(BIAS, requires_grad=True)
    groups = [
        {"params": [kernel], "weight_decay": 0.25},
        {"params": [bias], "weight_decay": 0.0},
    ]
    theirs = Lamb(groups, lr=RATE, max_grad_norm=1.0)
    for _ in range(200):
        kernel.grad = torch.tensor(STEEP) * kernel.detach()
        bias.grad = 0.5 * bias.detach()
        theirs.step()
    decay = kt.optimizers.WeightDecay(0.25)
    mine = roll(kt.optimizers.LAMB(RATE, weight_decay=decay, global_clipnorm=1.0), 200)
    assert_allclose(mine[0], kernel.detach().numpy(), atol=1e-6)
    assert_allclose(mine[1], bias.detach().numpy(), atol=1e-6)


@pytest.mark.reference
def test_steps_are_those_of_optax():
    jax, optax = pytest.importorskip("jax"), pytest.importorskip("optax")
    weights = {"kernel": KERNEL.astype("float32"), "bias": BIAS.astype("float32")}
    theirs = optax.lamb(RATE, weight_decay=0.25)
    state = theirs.init(weights)
    for _ in range(50):
        gradients = {"kernel": STEEP * weights["kernel"], "bias": 0.5 * weights["bias"]}
        updates, state = theirs.update(gradients, state, weights)
        weights = jax.tree.map(lambda w, update: w + update, weights, updates)
    mine = roll(kt.optimizers.LAMB(RATE, weight_decay=0.25), 50)
    assert_allclose(mine[0], weights["kernel"], atol=1e-4)  # float32 there
    assert_allclose(mine[1], weights["bias"], atol=1e-4)
