import bisect

import keras
import numpy as np
import pytest

import keras_tricks as kt

Piecewise = kt.schedules.Piecewise


def curve(schedule, steps):
    return keras.ops.convert_to_numpy(schedule(np.asarray(steps, "int32")))


def test_rate_changes_at_the_boundary():
    boundaries, values = [3, 4, 9], [0.5, 0.05, 0.3, 0.0]
    expected = [values[bisect.bisect_right(boundaries, step)] for step in range(15)]
    mine = Piecewise(boundaries, values)
    np.testing.assert_array_equal(curve(mine, range(15)), np.float32(expected))


def test_no_boundary_is_a_constant():
    np.testing.assert_array_equal(curve(Piecewise([], [0.2]), [0, 7]), np.float32(0.2))


def test_fractions_are_of_the_total_and_rounded():
    mine = Piecewise([0.29, 50, 0.755], [4, 3, 2, 1], total_steps=100)
    whole = Piecewise([29, 50, 76], [4, 3, 2, 1])
    np.testing.assert_array_equal(curve(mine, range(99)), curve(whole, range(99)))


def test_boundaries_are_compared_as_integers():
    boundary = 2**24 + 1  # float32 has no such number
    rates = curve(Piecewise([boundary], [2.0, 1.0]), [boundary - 1, boundary])
    np.testing.assert_array_equal(rates, [2, 1])


def test_the_one_of_keras_changes_one_step_later():
    # When this fails, Keras has changed: correct the docstring and the migration page.
    theirs = keras.optimizers.schedules.PiecewiseConstantDecay([3, 9], [3.0, 2.0, 1.0])
    theirs = [float(theirs(step)) for step in range(15)]
    mine = curve(Piecewise([3, 9], [3.0, 2.0, 1.0]), range(15))
    np.testing.assert_array_equal(theirs[1:], mine[:-1])
    assert theirs[3] != mine[3]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            ([3.0], [1, 0]),
            TypeError,
            r"`boundaries\[0\]` must be an int.*`total_steps`",
        ),
        (([0], [1, 0]), ValueError, r"`boundaries\[0\]` must be at least 1"),
        (([5, 5], [2, 1, 0]), ValueError, "`boundaries` must rise"),
        (([0.5, 40], [2, 1, 0], 100), ValueError, "`boundaries` must rise"),
        (([5], [1]), ValueError, "`values` must be one more.*1 values, 1 boundaries"),
        (([5], [1, -1]), ValueError, r"`values\[1\]` must be at least 0"),
        (([1.5], [1, 0], 100), ValueError, r"`boundaries\[0\]`.*fraction"),
        (([101], [1, 0], 100), ValueError, r"`boundaries\[0\]` must be between 1"),
        (([], [1], 0), ValueError, "`total_steps` must be at least 1"),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        Piecewise(*arguments)


@pytest.mark.reference
def test_curve_is_that_of_torch_and_optax():
    import optax
    import torch

    mine = curve(Piecewise([5, 12], [0.1, 0.01, 0.001]), range(20))
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.1)
    theirs = torch.optim.lr_scheduler.MultiStepLR(optimizer, [5, 12], gamma=0.1)
    rates = []
    for _ in range(20):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()
    np.testing.assert_allclose(mine, rates, rtol=1e-6)
    theirs = optax.piecewise_constant_schedule(0.1, {5: 0.1, 12: 0.1})
    np.testing.assert_allclose(mine, [theirs(step) for step in range(20)], rtol=1e-6)
