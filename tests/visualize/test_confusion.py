import numpy as np
import pytest

import keras_tricks as kt


def test_rows_are_shares_of_the_true_class():
    figure = kt.visualize.confusion([0, 0, 0, 2], [0, 0, 1, 2], ["a", "b", "c"])
    matrix = figure.axes[0].get_images()[0].get_array()
    np.testing.assert_allclose(matrix, [[2 / 3, 1 / 3, 0], [0, 0, 0], [0, 0, 1]])
    assert figure.axes[0].get_title() == "accuracy 0.750 on 4 examples"


def test_scores_count_by_their_highest():
    scores = np.array([[0.1, 2.0], [3.0, -1.0]])
    matrix = kt.visualize.confusion([1, 1], scores).axes[0].get_images()[0].get_array()
    np.testing.assert_allclose(matrix, [[0, 0], [0.5, 0.5]])


def test_different_lengths_are_refused():
    with pytest.raises(ValueError, match=r"labels of shape \(2,\)"):
        kt.visualize.confusion([0, 1], [0])
