import math

import keras
import numpy as np
import pytest

import keras_tricks as kt

from_optax = kt.schedules.from_optax


def curve(schedule, count):
    return keras.ops.convert_to_numpy(schedule(keras.ops.arange(count)))


def test_total_includes_the_warmup():
    schedule = from_optax(
        "warmup_cosine_decay_schedule",
        init_value=0.01,
        peak_value=0.4,
        warmup_steps=4,
        decay_steps=20,
        end_value=1e-3,
    )
    expected = [0.01 + 0.39 * step / 4 for step in range(4)]
    for step in range(4, 30):
        c = (1 + math.cos(math.pi * min((step - 4) / 16, 1))) / 2
        expected.append(1e-3 + 0.399 * c)
    np.testing.assert_allclose(curve(schedule, 30), expected, rtol=1e-6)


def test_one_cycle_has_its_peak_at_a_whole_step():
    schedule = from_optax("cosine_onecycle_schedule", transition_steps=25, peak_value=1)
    rates = curve(schedule, 26)
    np.testing.assert_allclose(rates[[0, 7, 25]], [0.04, 1, 4e-6], rtol=1e-6)


def test_scales_are_multiplied_in_the_order_of_their_steps():
    schedule = from_optax(
        "piecewise_constant_schedule",
        init_value=0.4,
        boundaries_and_scales={5: 0.1, 2: 0.5},
    )
    expected = np.repeat([0.4, 0.2, 0.02], [2, 3, 2])
    np.testing.assert_allclose(curve(schedule, 7), expected, rtol=1e-7)


@pytest.mark.parametrize(
    ("name", "arguments", "error", "message"),
    [
        ("cosine", {}, ValueError, "`name` must be one of 'linear_schedule'"),
        (
            "linear_schedule",
            {"init_value": 1},
            TypeError,
            "takes here: init_value, end",
        ),
        (
            "cosine_decay_schedule",
            {"init_value": 0.1, "decay_steps": 5, "exponent": 2.0},
            TypeError,
            "takes here: init_value, decay_steps, alpha=0.0. Received: init_value",
        ),
        (
            "exponential_decay",
            {"init_value": 0.1, "transition_steps": 5, "decay_rate": 2.0},
            ValueError,
            "between 0 and 1",
        ),
    ],
)
def test_bad_argument_is_refused(name, arguments, error, message):
    with pytest.raises(error, match=message):
        from_optax(name, **arguments)


@pytest.mark.reference
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        (
            "linear_schedule",
            {"init_value": 0.4, "end_value": 0.0, "transition_steps": 90},
        ),
        (
            "linear_schedule",
            {"init_value": 0.0, "end_value": 0.4, "transition_steps": 90},
        ),
        (
            "polynomial_schedule",
            {"init_value": 0.4, "end_value": 0.01, "power": 2, "transition_steps": 90},
        ),
        (
            "exponential_decay",
            {"init_value": 0.4, "transition_steps": 20, "decay_rate": 0.3},
        ),
        (
            "piecewise_constant_schedule",
            {"init_value": 0.4, "boundaries_and_scales": {30: 0.1, 60: 0.1}},
        ),
        ("cosine_decay_schedule", {"init_value": 0.4, "decay_steps": 90}),
        (
            "cosine_decay_schedule",
            {"init_value": 0.4, "decay_steps": 90, "alpha": 0.01},
        ),
        ("cosine_onecycle_schedule", {"transition_steps": 95, "peak_value": 0.4}),
        (
            "cosine_onecycle_schedule",
            {"transition_steps": 95, "peak_value": 0.4, "pct_start": 0.22},
        ),
        ("linear_onecycle_schedule", {"transition_steps": 95, "peak_value": 0.4}),
        (
            "warmup_constant_schedule",
            {"init_value": 0.0, "peak_value": 0.4, "warmup_steps": 7},
        ),
        (
            "warmup_cosine_decay_schedule",
            {
                "init_value": 0.01,
                "peak_value": 0.4,
                "warmup_steps": 7,
                "decay_steps": 95,
                "end_value": 1e-3,
            },
        ),
        (
            "warmup_exponential_decay_schedule",
            {
                "init_value": 0.0,
                "peak_value": 0.4,
                "warmup_steps": 7,
                "transition_steps": 20,
                "decay_rate": 0.3,
            },
        ),
    ],
)
def test_rate_of_every_step_is_that_of_optax(name, arguments):
    import jax
    import optax

    mine = curve(from_optax(name, **arguments), 100)
    with jax.enable_x64(True):  # optax in float32 is itself off by 1e-6
        theirs = np.array(jax.vmap(getattr(optax, name)(**arguments))(np.arange(100.0)))
    assert theirs.dtype == "float64"
    np.testing.assert_allclose(mine, theirs, rtol=1e-6)
