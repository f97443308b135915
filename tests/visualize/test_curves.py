import keras
import numpy as np
import pytest

import keras_tricks as kt


def lines(axes):
    return {line.get_label(): list(line.get_ydata()) for line in axes.get_lines()}


def test_training_and_validation_of_several_runs_are_drawn():
    runs = {
        "plain": {"loss": [2, 1], "val_loss": [3, 2], "accuracy": [0.1, 0.5]},
        "tricks": {"loss": [2, 1.5]},
    }
    loss, accuracy = kt.visualize.curves(runs).axes
    assert lines(loss) == {
        "plain training": [2, 1],
        "plain validation": [3, 2],
        "tricks training": [2, 1.5],
    }
    assert lines(accuracy) == {"plain training": [0.1, 0.5]}


def test_history_of_a_fit_is_drawn():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    history = model.fit(np.ones((2, 1)), np.ones((2, 1)), epochs=2, verbose=0)
    (axes,) = kt.visualize.curves(history).axes
    assert lines(axes) == {"training": history.history["loss"]}


def test_nothing_to_draw_is_refused():
    with pytest.raises(ValueError, match="`histories` must hold"):
        kt.visualize.curves({})
