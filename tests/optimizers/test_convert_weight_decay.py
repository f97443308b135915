import keras
import numpy as np
import pytest
from keras import ops

import keras_tricks as kt

convert = kt.optimizers.convert_weight_decay


def left(optimizer, steps=20, l2=None):
    """Return what is left of a weight after steps without a gradient of its own."""
    variable = keras.Variable(np.ones((1, 1)), dtype="float64", name="kernel")
    penalty = keras.regularizers.L2(l2 or 0.0)
    for _ in range(steps):
        # The slope of a parabola, exactly.
        slope = (penalty(variable + 1) - penalty(variable - 1)) / 2
        optimizer.apply([ops.reshape(slope, (1, 1))], [variable])
    return float(ops.convert_to_numpy(variable)[0, 0])


def test_l2_of_keras_is_half_whatever_the_momentum():
    l2 = convert(0.01, "l2_decay", "l2")
    coupled = left(kt.optimizers.SGD(0.1, momentum=0.9, weight_decay=0.01))
    penalty = left(kt.optimizers.SGD(0.1, momentum=0.9), l2=l2)
    assert l2 == 0.005
    assert penalty == pytest.approx(coupled, rel=1e-7)
    assert convert(l2, "l2", "l2_decay") == 0.01


def test_l2_of_keras_is_half_in_adam():
    coupled = left(kt.optimizers.Adam(0.01, weight_decay=0.1))
    l2 = convert(0.1, "l2_decay", "l2")
    assert left(kt.optimizers.Adam(0.01), l2=l2) == pytest.approx(coupled, rel=1e-9)


def test_weight_decay_of_keras_is_exact_without_momentum():
    value = convert(0.01, "l2_decay", "weight_decay", momentum=0)
    coupled = left(kt.optimizers.SGD(0.1, weight_decay=0.01))
    theirs = left(keras.optimizers.SGD(0.1, weight_decay=value))
    assert theirs == pytest.approx(coupled, rel=1e-6)


def test_weight_decay_of_keras_is_near_in_the_long_run():
    value = convert(0.01, "l2_decay", "weight_decay", momentum=0.9)
    theirs = left(keras.optimizers.SGD(0.1, momentum=0.9, weight_decay=value), 200)
    assert theirs == pytest.approx(0.1340, abs=5e-5)  # 0.1204 coupled: test_sgd.py


def test_value_of_tfa_is_that_of_keras_times_the_rate():
    value = convert(0.02, "tfa", "weight_decay", learning_rate=0.1)
    assert value == pytest.approx(0.2)
    walked = left(kt.optimizers.AdamW(0.1, weight_decay=value), 5)
    assert walked == pytest.approx((1 - 0.02) ** 5, rel=1e-6)


UNITS = ("l2_decay", "l2", "weight_decay", "tfa")


@pytest.mark.parametrize("source", UNITS)
@pytest.mark.parametrize("target", UNITS)
def test_there_and_back_is_the_same(source, target):
    known = {"learning_rate": 0.1, "momentum": 0.9}
    there = convert(3e-4, source, target, **known)
    assert convert(there, target, source, **known) == pytest.approx(3e-4)
    through = convert(convert(3e-4, source, "l2", **known), "l2", target, **known)
    assert there == pytest.approx(through)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1e-4, "l2_decay", "weight_decay"), "For Adam .* no conversion exists"),
        ((1e-4, "tfa", "l2", 0.1), "`momentum` is needed"),
        ((1e-4, "tfa", "weight_decay"), "`learning_rate` is needed"),
        ((1e-4, "l2_decay", "tfa", None, 0.9), "`learning_rate` is needed"),
        ((1e-4, "l2_decay", "weight_decay", 0.1, 1.0), "`momentum` must be between 0"),
        ((1e-4, "torch", "l2"), "`source` must be one of 'l2_decay', 'l2'"),
        ((1e-4, "l2", "torch"), "`target` must be one of 'l2_decay', 'l2'"),
        ((-1e-4, "l2", "l2_decay"), "`value` must be at least 0"),
    ],
)
def test_what_cannot_be_converted_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        convert(*arguments)
