import keras
import numpy as np
import pytest

import keras_tricks as kt

Staircase = kt.schedules.Staircase


def curve(schedule, steps):
    return keras.ops.convert_to_numpy(schedule(np.asarray(steps, "int32")))


def test_rate_is_that_of_the_first_step_of_the_epoch():
    cosine = kt.schedules.Cosine(0.3, 50)
    mine = curve(Staircase(cosine, 7), range(60))
    expected = curve(cosine, [step - step % 7 for step in range(60)])
    np.testing.assert_array_equal(mine, expected)
    assert len(set(mine[:49])) == 7


def test_epochs_of_one_step_change_nothing():
    cosine = kt.schedules.Cosine(0.3, 50)
    mine = curve(Staircase(cosine, 1), range(60))
    np.testing.assert_array_equal(mine, curve(cosine, range(60)))


def test_a_constant_has_the_shape_of_the_steps():
    np.testing.assert_array_equal(curve(Staircase(0.5, 7), [[1, 2], [9, 10]]), 0.5)
    assert curve(Staircase(0.5, 7), [[1, 2, 3]]).shape == (1, 3)


def test_of_an_exponential_decay_it_is_that_of_keras():
    decay = keras.optimizers.schedules.ExponentialDecay
    mine = curve(Staircase(decay(0.1, 7, 0.5), 7), range(30))
    theirs = [float(decay(0.1, 7, 0.5, staircase=True)(step)) for step in range(30)]
    np.testing.assert_allclose(mine, theirs, rtol=1e-6)


def test_epochs_are_counted_in_integers():
    epoch = 2**24 + 1  # float32 has no such number
    mine = Staircase(kt.schedules.Piecewise([epoch], [2.0, 1.0]), epoch)
    np.testing.assert_array_equal(curve(mine, [epoch - 1, epoch]), [2, 1])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("cosine", 5), TypeError, "`schedule` must be a number"),
        ((0.1, 2.5), TypeError, "`steps_per_epoch` must be an integer"),
        ((0.1, 0), ValueError, "`steps_per_epoch` must be at least 1"),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        Staircase(*arguments)


@pytest.mark.reference
def test_curve_is_that_of_timm_stepped_per_epoch(timm):
    import torch

    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.4)
    scheduler = timm.scheduler.CosineLRScheduler(
        optimizer, t_initial=8, warmup_t=2, warmup_lr_init=1e-3, warmup_prefix=True
    )
    theirs = []
    for epoch in range(12):
        theirs += [optimizer.param_groups[0]["lr"]] * 5
        scheduler.step(epoch + 1)
    mine = Staircase(kt.schedules.WarmupCosine(0.4, 50, 10, start=1e-3), 5)
    np.testing.assert_allclose(curve(mine, range(60)), theirs, rtol=1e-6)
