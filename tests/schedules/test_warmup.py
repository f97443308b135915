import keras
import numpy as np
import pytest

import keras_tricks as kt

schedules = keras.optimizers.schedules


def curve(schedule, steps):
    return keras.ops.convert_to_numpy(schedule(np.asarray(steps, "int32")))


def test_warmup_of_a_cosine_is_warmup_cosine():
    cosine = schedules.CosineDecay(0.3, 90, alpha=0.01)
    mine = kt.schedules.Warmup(cosine, 10, start=0.05)
    theirs = kt.schedules.WarmupCosine(0.3, 100, 10, start=0.05, end=0.003)
    np.testing.assert_allclose(
        curve(mine, range(120)), curve(theirs, range(120)), atol=1e-7
    )


def test_the_schedule_is_moved_and_nothing_of_it_is_lost():
    drop = kt.schedules.Piecewise([5], [0.1, 0.01])
    mine = kt.schedules.Warmup(drop, 4)
    after = curve(mine, range(4, 20))
    np.testing.assert_array_equal(after, curve(drop, range(16)))
    np.testing.assert_allclose(curve(mine, range(4)), [0, 0.025, 0.05, 0.075])


def test_constant_after_warmup():
    mine = kt.schedules.Warmup(0.2, 2, start=0.1)
    np.testing.assert_allclose(curve(mine, [0, 1, 2, 50]), [0.1, 0.15, 0.2, 0.2])


def test_no_warmup_is_the_schedule_itself():
    decay = schedules.ExponentialDecay(0.1, 7, 0.5)
    mine = kt.schedules.Warmup(decay, 0)
    np.testing.assert_array_equal(curve(mine, range(9)), curve(decay, range(9)))


def test_override_hides_the_beginning_of_the_schedule_and_jumps():
    cosine = kt.schedules.Cosine(0.4, 100)
    mine = kt.schedules.Warmup(cosine, 10, joint="override")
    np.testing.assert_allclose(curve(mine, range(10)), np.arange(10) * 0.04, rtol=1e-6)
    steps = range(10, 110)
    np.testing.assert_array_equal(curve(mine, steps), curve(cosine, steps))


def test_meet_ends_on_the_schedule_without_a_jump():
    cosine = kt.schedules.Cosine(0.4, 100)
    mine = kt.schedules.Warmup(cosine, 10, start=0.1, joint="meet")
    met = float(cosine(10))
    expected = 0.1 + (met - 0.1) * np.arange(10) / 10
    np.testing.assert_allclose(curve(mine, range(10)), expected, rtol=1e-6)
    steps = range(10, 110)
    np.testing.assert_array_equal(curve(mine, steps), curve(cosine, steps))


def test_joints_are_the_three_conventions():
    # T = 1000, W = 100, peak .4: what timm with and without warmup_prefix and
    # TensorFlow Model Garden give at steps 99, 100, 500
    rates = {
        joint: curve(
            kt.schedules.Warmup(kt.schedules.Cosine(0.4, total), 100, joint=joint),
            [99, 100, 500],
        )
        for joint, total in (("after", 900), ("override", 1000), ("meet", 1000))
    }
    np.testing.assert_allclose(rates["after"], [0.396, 0.4, 0.23473], rtol=1e-5)
    np.testing.assert_allclose(rates["override"], [0.396, 0.39021, 0.2], rtol=1e-5)
    np.testing.assert_allclose(rates["meet"], [0.38631, 0.39021, 0.2], rtol=2e-5)


@pytest.mark.parametrize("joint", ["after", "meet"])
def test_exponential_warmup_grows_by_a_constant_factor(joint):
    mine = kt.schedules.Warmup(0.4, 20, 1e-4, "exponential", joint)
    rates = curve(mine, range(25))
    expected = 1e-4 * (0.4 / 1e-4) ** (np.arange(21) / 20)
    np.testing.assert_allclose(rates[:21], expected, rtol=2e-6)
    assert rates[0] == np.float32(1e-4)
    np.testing.assert_array_equal(rates[20:], np.float32(0.4))


def test_warmups_can_be_nested_and_saved():
    inner = kt.schedules.Warmup(schedules.CosineDecay(0.1, 20), 5, joint="meet")
    outer = kt.schedules.Warmup(inner, 3, 0.01, "exponential")
    config = keras.saving.serialize_keras_object(outer)
    again = keras.saving.deserialize_keras_object(config)
    np.testing.assert_array_equal(curve(again, range(30)), curve(outer, range(30)))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("cosine", 5), TypeError, "`schedule` must be a number"),
        ((-0.1, 5), ValueError, "`schedule` must be at least 0"),
        ((0.1, 0.1), TypeError, "`warmup_steps` must be an integer"),
        ((0.1, -1), ValueError, "`warmup_steps` must be at least 0"),
        ((0.1, 5, -0.1), ValueError, "`start` must be at least 0"),
        ((0.1, 5, 0, "exponential"), ValueError, "`start` must be above 0.*start=0"),
        ((0.1, 5, 0, "cosine"), ValueError, "`curve` must be one of 'linear', 'exp"),
        ((0.1, 5, 0, "linear", "timm"), ValueError, "`joint` must be one of 'after'"),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        kt.schedules.Warmup(*arguments)


@pytest.mark.reference
@pytest.mark.parametrize("prefix", [True, False])
def test_curve_is_that_of_timm(timm, prefix):
    import torch

    theirs = timm.scheduler.CosineLRScheduler(
        torch.optim.SGD([torch.zeros(1)], lr=0.4),
        t_initial=100,
        lr_min=1e-3,
        warmup_t=20,
        warmup_lr_init=1e-5,
        warmup_prefix=prefix,
    )
    cosine = kt.schedules.Cosine(0.4, 100, 1e-3)
    joint = "after" if prefix else "override"
    mine = kt.schedules.Warmup(cosine, 20, 1e-5, joint=joint)
    expected = [theirs._get_lr(step)[0] for step in range(130)]
    np.testing.assert_allclose(curve(mine, range(130)), expected, rtol=1e-6)


@pytest.mark.reference
def test_exponential_curve_is_that_of_optax():
    import optax

    theirs = optax.exponential_decay(1e-3, 20, 400.0)
    mine = kt.schedules.Warmup(0.4, 20, 1e-3, "exponential")
    expected = [theirs(step) for step in range(20)]
    np.testing.assert_allclose(curve(mine, range(20)), expected, rtol=2e-6)
