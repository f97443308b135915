import keras
import numpy as np
import pytest

import keras_tricks as kt

ANSWERS = ("suggestion", "valley", "steep", "minimum", "slide")
X = np.random.default_rng(0).normal(size=(256, 4)).astype("float32")
Y = X @ np.array([[1.0], [-2.0], [0.5], [3.0]], "float32")


def linear(optimizer="sgd", loss="mse"):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(optimizer, loss, jit_compile=False)
    return model


@pytest.fixture(scope="module")
def falling():
    keras.utils.set_random_seed(0)
    model = linear(keras.optimizers.SGD(momentum=0.9))
    return kt.find_learning_rate(model, X, Y, start=1e-5)


def test_curve_of_a_training_has_every_answer(falling):
    assert falling.losses.shape == falling.rates.shape == falling.smoothed.shape
    assert falling.rates[0] == 1e-5
    ratios = falling.rates[1:] / falling.rates[:-1]
    np.testing.assert_allclose(ratios, 1e6 ** (1 / 199))
    # The gradient's largest factor is 2 of the variance 1: above 1 it diverges.
    for name in ANSWERS:
        assert isinstance(getattr(falling, name), float)
        assert 1e-5 < getattr(falling, name) < 1


def test_sweep_ends_when_the_average_is_four_times_its_lowest(falling):
    assert falling.steps == 200
    assert 100 < len(falling.losses) < 200
    above = falling.smoothed > 4 * np.minimum.accumulate(falling.smoothed)
    assert above.tolist() == [False] * (len(above) - 1) + [True]


def test_answers_of_fastai_come_from_the_cut_average(falling):
    average, rates = falling.smoothed[20:-5], falling.rates[20:-5]
    slope = np.diff(average) / np.diff(np.log(rates))
    assert falling.steep == rates[np.argmin(slope)]
    assert falling.minimum == rates[np.argmin(average)] / 10


def test_curve_in_words_and_as_a_figure(falling):
    pytest.importorskip("matplotlib")
    assert str(falling).startswith(f"suggestion {falling.suggestion:.3g}, valley ")
    assert f"{len(falling.losses)} of 200 points" in str(falling)
    (axes,) = falling.plot().axes
    points, average, *lines = axes.lines
    np.testing.assert_array_equal(points.get_ydata(), falling.losses)
    np.testing.assert_array_equal(average.get_ydata(), falling.smoothed)
    found = [line.get_xdata()[0] for line in lines]
    assert found == [getattr(falling, name) for name in ANSWERS]
    assert axes.get_xscale() == "log"
    assert axes.get_ylim()[1] < falling.losses.max()


def test_suggestion_is_beside_the_best_trial():
    model = linear(keras.optimizers.SGD(momentum=0.9))
    curve = kt.find_learning_rate(model, X, Y, start=1e-5, steps=40, trial_steps=20)
    assert len(curve.trials) >= 3
    best = min(curve.trials, key=curve.trials.get)
    assert best / 2 <= curve.suggestion <= best * 2
    ratios = np.diff(np.log2(list(curve.trials)))
    np.testing.assert_allclose(ratios, 1)


def no_answer(curve, words):
    assert [getattr(curve, name) for name in ANSWERS] == [None] * 5
    assert str(curve).startswith("No answer")
    assert words in str(curve)
    assert curve.plot().axes[0].get_title().startswith("no answer")


def test_rates_that_are_all_too_low_have_no_answer():
    pytest.importorskip("matplotlib")
    curve = kt.find_learning_rate(linear(), X, Y, start=1e-12, end=1e-9, steps=50)
    assert len(curve.losses) == 50
    no_answer(curve, "does not fall by more than its noise (50 of 50 points")


def test_rates_that_are_all_too_high_have_no_answer():
    pytest.importorskip("matplotlib")
    curve = kt.find_learning_rate(linear(), X, Y, start=10, end=100, steps=50)
    assert len(curve.losses) < 10
    no_answer(curve, "a smaller `start`")


def test_loss_that_is_nan_at_once_has_no_answer():
    pytest.importorskip("matplotlib")
    curve = kt.find_learning_rate(linear(), np.nan * X, Y)
    assert curve.losses.shape == curve.rates.shape == (0,)
    no_answer(curve, "first batch is not finite")


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="not compiled"):
        kt.find_learning_rate(keras.Sequential([keras.layers.Dense(1)]), X, Y)
    model = linear()
    for name, value, error in (
        ("steps", 14, ValueError),
        ("steps", 50.0, TypeError),
        ("batch_size", 0, ValueError),
        ("start", "low", TypeError),
        ("start", 0, ValueError),
        ("end", 1e-7, ValueError),
    ):
        with pytest.raises(error, match=f"`{name}`.*{name}={value!r}"):
            kt.find_learning_rate(model, X, Y, **{name: value})
