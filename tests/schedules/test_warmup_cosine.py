import math

import keras
import numpy as np
import pytest

import keras_tricks as kt


def curve(schedule, steps):
    return keras.ops.convert_to_numpy(schedule(np.asarray(steps, "int32")))


def formula(step, peak, total, warmup, start, end):
    if step < warmup:
        return start + (peak - start) * step / warmup
    done = min((step - warmup) / (total - warmup), 1)
    return end + (peak - end) * (1 + math.cos(math.pi * done)) / 2


@pytest.mark.parametrize(
    "arguments",
    [(0.4, 200, 20, 0.0, 0.0), (0.1, 200, 20, 1e-5, 1e-6), (0.3, 50, 0, 0.0, 0.01)],
)
def test_curve_is_the_formula(arguments):
    steps = range(0, 220)
    expected = [formula(step, *arguments) for step in steps]
    np.testing.assert_allclose(
        curve(kt.schedules.WarmupCosine(*arguments), steps),
        expected,
        rtol=2e-6,
        atol=1e-9,
    )


def test_ends_of_both_parts_are_exact():
    peak, start, end = 0.3, 0.07, 1e-3
    schedule = kt.schedules.WarmupCosine(peak, 1000, 100, start, end)
    ends = curve(schedule, [0, 100, 1000, 10_000_000])
    np.testing.assert_array_equal(ends, np.float32([start, peak, end, end]))


def test_convention_is_that_the_cosine_begins_after_the_warmup():
    # T = 1000, W = 100, peak 0.4: timm with warmup_prefix=True and t_initial=900
    schedule = kt.schedules.WarmupCosine(0.4, 1000, 100)
    expected = [0.396, 0.4, 0.23473, 1.22e-6]
    np.testing.assert_allclose(
        curve(schedule, [99, 100, 500, 999]), expected, rtol=2e-3, atol=1e-7
    )


def test_curve_is_that_of_keras_cosine_decay():
    theirs = keras.optimizers.schedules.CosineDecay(
        0.02, 180, alpha=0.001 / 0.4, warmup_target=0.4, warmup_steps=20
    )
    mine = kt.schedules.WarmupCosine(0.4, 200, 20, start=0.02, end=0.001)
    steps = range(0, 240, 8)
    theirs = [float(theirs(step)) for step in steps]  # takes one step at a time
    np.testing.assert_allclose(curve(mine, steps), theirs, atol=1e-7)


def test_warmup_may_be_everything():
    schedule = kt.schedules.WarmupCosine(1.0, 10, 10, end=0.5)
    np.testing.assert_allclose(curve(schedule, [0, 5, 9, 10]), [0, 0.5, 0.9, 0.5])


def test_warmup_may_be_a_fraction_of_the_total():
    mine = kt.schedules.WarmupCosine(0.1, 200, 0.05)
    theirs = kt.schedules.WarmupCosine(0.1, 200, 10)
    np.testing.assert_array_equal(curve(mine, range(60)), curve(theirs, range(60)))
    assert mine.get_config()["warmup_steps"] == 0.05


def test_steps_are_counted_in_integers():
    total = 2**25 + 2  # float32 has no odd integer above 2**24
    rates = curve(kt.schedules.WarmupCosine(1.0, total, total - 4), [total - 3, total])
    np.testing.assert_allclose(rates, [np.sin(np.pi / 2 * 3 / 4) ** 2, 0], rtol=1e-6)


def test_optimizer_uses_it_and_model_saves_it(tmp_path):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    schedule = kt.schedules.WarmupCosine(0.1, 20, 4, name="rate")
    model.compile(keras.optimizers.SGD(schedule), "mse")
    model.fit(np.ones((6, 1)), np.ones((6, 1)), batch_size=2, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    rate = float(keras.ops.convert_to_numpy(loaded.optimizer.learning_rate))
    assert rate == pytest.approx(0.075)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((-0.1, 10), ValueError, "`peak` must be at least 0. Received: peak=-0.1."),
        (("0.1", 10), TypeError, "`peak` must be a number"),
        ((0.1, 0), ValueError, "`total_steps` must be at least 1"),
        ((0.1, 0.5), TypeError, "`total_steps` must be an integer.*optimizer steps"),
        (
            (0.1, 10, 11),
            ValueError,
            "`warmup_steps` must be between 0 and 10.*includes",
        ),
        ((0.1, 10, 1.5), ValueError, "`warmup_steps` must be an integer of steps, or"),
        ((0.1, 10, "5"), TypeError, "`warmup_steps` must be an integer"),
        ((0.1, 10, 1, float("nan")), ValueError, "`start` must be at least 0"),
        ((0.1, 10, 1, 0, -1), ValueError, "`end` must be at least 0"),
        ((True, 10), TypeError, "`peak`"),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        kt.schedules.WarmupCosine(*arguments)


@pytest.mark.reference
def test_curve_is_that_of_optax_and_timm(timm):
    import optax
    import torch

    steps = range(0, 200)
    mine = curve(kt.schedules.WarmupCosine(0.4, 180, 20, 0.01, 1e-3), steps)
    theirs = optax.warmup_cosine_decay_schedule(0.01, 0.4, 20, 180, 1e-3)
    np.testing.assert_allclose(mine, [float(theirs(s)) for s in steps], rtol=1e-5)
    group = torch.optim.SGD([torch.zeros(1)], lr=0.4)
    scheduler = timm.scheduler.CosineLRScheduler(
        group,
        t_initial=160,
        lr_min=1e-3,
        warmup_t=20,
        warmup_lr_init=0.01,
        warmup_prefix=True,
    )
    theirs = [scheduler._get_lr(step)[0] for step in steps]
    np.testing.assert_allclose(mine, theirs, rtol=1e-6)
