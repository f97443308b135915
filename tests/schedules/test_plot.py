import keras
import numpy as np
import pytest

import keras_tricks as kt

plot = kt.schedules.plot


def lines(figure):
    (axes,) = figure.axes
    return {line.get_label(): line.get_xydata().T for line in axes.get_lines()}


def test_every_step_of_a_short_training_is_drawn():
    schedule = kt.schedules.WarmupCosine(0.1, 20, 4)
    drawn = lines(plot({"ours": schedule, "constant": 0.05}, 20))
    steps, rates = drawn["ours"]
    np.testing.assert_array_equal(steps, range(20))
    np.testing.assert_allclose(rates, [float(schedule(s)) for s in range(20)])
    np.testing.assert_array_equal(drawn["constant"][1], [0.05] * 20)


def test_long_training_is_drawn_from_its_first_to_its_last_step_in_epochs():
    schedule = keras.optimizers.schedules.PolynomialDecay(1.0, 10_000, 0.0)
    figure = plot(schedule, 10_000, steps_per_epoch=100)
    ((epochs, rates),) = lines(figure).values()
    assert len(epochs) == 500
    assert (epochs[0], epochs[-1]) == (0, 99.99)
    np.testing.assert_allclose(rates, 1 - epochs / 100, atol=1e-6)
    assert figure.axes[0].get_xlabel() == "epoch"
    assert figure.axes[0].get_legend() is None


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (({}, 10), ValueError, "`schedules` must not be empty"),
        (("cosine", 10), TypeError, "must be schedules or numbers. Received: a str"),
        ((0.1, 0), ValueError, "`total_steps` must be at least 1"),
        ((0.1, 10, 0.5), TypeError, "`steps_per_epoch` must be an integer"),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        plot(*arguments)
