import keras
import numpy as np
import pytest
from keras import ops
from numpy.testing import assert_allclose

import keras_tricks as kt

# Where the unit is, beside the shape.
SHAPES = {(5,): None, (): None, (4, 3): 1, (3, 2, 5, 4): 3, (3, 2, 5, 1): 2, (7, 1): 1}


def draw(shape, scale=1.0, seed=0):
    random = np.random.default_rng(seed)
    return np.asarray(scale * random.normal(size=shape), "float32")


def clip(clipping, gradient, weights):
    gradient, weights = ops.convert_to_tensor(gradient), ops.convert_to_tensor(weights)
    return ops.convert_to_numpy(clipping(gradient, weights))


def clipped(gradient, weights, most, epsilon, unit):
    """Return the gradient clipped, one unit after the other."""
    if unit is None:
        largest = most * max(np.linalg.norm(weights), epsilon)
        return gradient * min(1, largest / np.linalg.norm(gradient))
    parts = [
        clipped(
            np.take(gradient, i, unit), np.take(weights, i, unit), most, epsilon, None
        )
        for i in range(gradient.shape[unit])
    ]
    return np.stack(parts, unit)


@pytest.mark.parametrize("shape", SHAPES)
def test_unit_moves_by_no_more_than_a_part_of_itself(shape):
    weights = draw(shape)
    gradient = weights * (1 + np.abs(draw(shape, seed=1)))
    clipping = kt.optimizers.AdaptiveClipping(0.5)
    mine = clip(clipping, gradient, weights)
    expected = clipped(gradient, weights, 0.5, 1e-3, SHAPES[shape])
    assert_allclose(mine, expected, rtol=1e-5)
    assert (mine != gradient).any()


def test_small_gradient_is_left_alone():
    weights, gradient = draw((4, 3)), draw((4, 3), 1e-4, seed=1)
    mine = clip(kt.optimizers.AdaptiveClipping(0.01), gradient, weights)
    np.testing.assert_array_equal(mine, gradient)


def test_zeros_stay_finite_and_can_move():
    clipping = kt.optimizers.AdaptiveClipping(0.5, epsilon=1e-2)
    zeros, gradient = np.zeros((4, 3), "float32"), draw((4, 3))
    mine = clip(clipping, gradient, zeros)
    assert_allclose(np.linalg.norm(mine, axis=0), 0.5 * 1e-2, rtol=1e-5)
    np.testing.assert_array_equal(clip(clipping, zeros, zeros), zeros)


@pytest.mark.parametrize(
    ("clipping", "moves"),
    [
        (None, (1.0, 1.0)),
        (0.25, (0.25, 0.25)),
        (kt.optimizers.AdaptiveClipping(0.25, exclude=["^head/"]), (0.25, 1.0)),
    ],
)
def test_optimizer_clips_what_is_not_excluded(clipping, moves):
    inputs = keras.Input((1,))
    x = keras.layers.Dense(1, use_bias=False, name="body")(inputs)
    x = keras.layers.Dense(1, use_bias=False, name="head")(x)
    variables = keras.Model(inputs, x).trainable_variables
    for variable in variables:
        variable.assign([[1.0]])
    optimizer = kt.optimizers.SGD(1.0, weight_decay=0.5, adaptive_clipping=clipping)
    optimizer.apply([np.ones((1, 1), "float32")] * 2, variables)
    moved = [1 - float(v.numpy()[0, 0]) for v in variables]
    assert moved == pytest.approx([move + 0.5 for move in moves])  # and the decay


def test_keras_clips_before():
    variable = keras.Variable([1.0], name="bias")
    optimizer = kt.optimizers.SGD(1.0, clipnorm=0.5, adaptive_clipping=0.75)
    optimizer.apply([np.array([10.0], "float32")], [variable])
    assert float(variable.numpy()[0]) == pytest.approx(1 - 0.5)


def test_pattern_that_is_nowhere_is_warned_of():
    clipping = kt.optimizers.AdaptiveClipping(exclude=["haed"])
    optimizer = kt.optimizers.SGD(adaptive_clipping=clipping)
    with pytest.warns(UserWarning, match="AdaptiveClipping: .* 'haed' in its path"):
        optimizer.build([keras.Variable([1.0], name="head")])


# Keras's shape, and the order of its axes in PyTorch.
LAYOUTS = [
    ((5,), (0,)),
    ((4, 3), (1, 0)),
    ((3, 2, 5, 4), (3, 2, 0, 1)),
    ((3, 2, 5, 1), (2, 3, 0, 1)),  # depthwise
]


@pytest.mark.reference
@pytest.mark.parametrize(("shape", "axes"), LAYOUTS)
@pytest.mark.parametrize("scale", [1e-5, 0.02, 1.0])
def test_clipping_of_timm(timm, shape, axes, scale):
    torch = pytest.importorskip("torch")
    from timm.utils.agc import adaptive_clip_grad

    weights, gradient = draw(shape), draw(shape, scale, seed=1)
    weights[..., :1] = 0.0
    parameter = torch.tensor(weights.transpose(axes).copy(), requires_grad=True)
    parameter.grad = torch.tensor(gradient.transpose(axes).copy())
    adaptive_clip_grad([parameter])
    expected = parameter.grad.numpy().transpose(np.argsort(axes))
    mine = clip(kt.optimizers.AdaptiveClipping(), gradient, weights)
    assert_allclose(mine, expected, rtol=1e-5, atol=1e-12)


@pytest.mark.reference
@pytest.mark.parametrize("shape", [(5,), (4, 3), (3, 2, 5, 4)])
def test_clipping_of_optax(shape):
    optax = pytest.importorskip("optax")
    weights, gradient = draw(shape), draw(shape, 0.02, seed=1)
    theirs = optax.adaptive_grad_clip(0.01)
    expected, _ = theirs.update(gradient, theirs.init(weights), weights)
    mine = clip(kt.optimizers.AdaptiveClipping(), gradient, weights)
    assert_allclose(mine, expected, rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"clip": 0}, ValueError, "`clip` must be at least"),
        ({"epsilon": 0}, ValueError, "`epsilon` must be at least"),
        ({"exclude": "head"}, TypeError, "`exclude` must be a list"),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        kt.optimizers.AdaptiveClipping(**arguments)
