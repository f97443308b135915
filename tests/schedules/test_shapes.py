import keras
import numpy as np
import pytest

import keras_tricks as kt
from keras_tricks.schedules._shapes import fall, fraction

DECAY = keras.optimizers.schedules.ExponentialDecay(0.1, 7, 0.5)
EVERY = {
    "Cooldown": kt.schedules.Cooldown(DECAY, 10, 30),
    "Cosine": kt.schedules.Cosine(0.1, 50, k=2.0, cycles=2),
    "InverseSqrt": kt.schedules.InverseSqrt(0.1, 10),
    "OneCycle": kt.schedules.OneCycle(0.1, 50, back_step=30),
    "Piecewise": kt.schedules.Piecewise([20, 30], [0.1, 0.01, 0.001]),
    "Staircase": kt.schedules.Staircase(DECAY, 7),
    "Tanh": kt.schedules.Tanh(0.1, 50),
    "Warmup": kt.schedules.Warmup(DECAY, 10, 0.01, "exponential", "meet"),
    "WarmupCosine": kt.schedules.WarmupCosine(0.1, 50, 10),
    "WarmupStableDecay": kt.schedules.WarmupStableDecay(0.1, 50, 0.1),
}


def test_every_schedule_is_here():
    classes = {name for name in kt.schedules.__all__ if name[0].isupper()}
    assert set(EVERY) == classes


@pytest.mark.parametrize("name", EVERY)
def test_steps_may_have_any_shape_and_be_floats(name):
    schedule = EVERY[name]
    one_by_one = np.array(
        [float(schedule(step)) for step in range(0, 60, 5)], "float32"
    )
    for dtype in ("int32", "float32"):
        steps = keras.ops.convert_to_tensor(np.arange(0, 60, 5, dtype).reshape(3, 4))
        rates = schedule(steps)
        assert keras.backend.standardize_dtype(rates.dtype) == "float32"
        # Vectors are computed by other instructions: one unit in the last place.
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(rates), one_by_one.reshape(3, 4), rtol=1e-6
        )


def test_a_fraction_is_exact_at_both_ends():
    whole = np.arange(1, 3000)
    ends = [fraction(int(n), int(n)) for n in whole[::97]]
    assert all(float(end) == 1 for end in ends)
    np.testing.assert_allclose(fraction(whole - 1, 3000), (whole - 1) / 3000, rtol=3e-7)
    assert [float(fraction(part, 0)) for part in (-1, 0, 1)] == [0, 0, 1]
    assert [float(fraction(part, 5)) for part in (-1, 0, 6)] == [0, 0, 1]


@pytest.mark.parametrize("name", ["linear", "cosine", "1-sqrt"])
def test_a_fall_is_accurate_close_to_its_end(name):
    left = np.float32([1e-12, 1e-6, 1e-3, 1])
    exact = left.astype("float64")
    expected = {
        "linear": exact,
        "cosine": np.sin(np.pi / 2 * exact) ** 2,
        "1-sqrt": exact / (1 + np.sqrt(1 - exact)),
    }
    mine = keras.ops.convert_to_numpy(fall(keras.ops.convert_to_tensor(left), name))
    np.testing.assert_allclose(mine, expected[name], rtol=5e-7)
