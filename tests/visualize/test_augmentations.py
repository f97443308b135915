import numpy as np
import pytest

import keras_tricks as kt


def titles(figure):
    return [axes.get_title() for axes in figure.axes]


def test_labels_are_shown_with_their_weights():
    labels = np.array([[0.25, 0.75, 0], [0, 0, 1], [0.4, 0.305, 0.295]])
    figure = kt.visualize.augmentations((np.zeros((3, 5, 4, 3), "uint8"), labels))
    assert titles(figure) == ["1 0.75\n0 0.25", "2", "0 0.40\n1 0.30"]


def test_integer_labels_and_names():
    figure = kt.visualize.augmentations(
        (np.zeros((2, 5, 4, 1), "float32"), np.array([1, 0])), ["wren", "robin"]
    )
    assert titles(figure) == ["robin", "wren"]


def test_integers_are_drawn_as_they_are_and_floats_stretched():
    image = np.array([0, 128, 255]).reshape(1, 1, 3, 1) * np.ones((1, 1, 1, 3))
    for dtype, shift in (("uint8", 0), ("float32", -128)):
        batch = (image.astype(dtype) + np.array(shift).astype(dtype), np.array([0]))
        drawn = kt.visualize.augmentations(batch).axes[0].get_images()[0].get_array()
        scale = 1 if dtype == "uint8" else 255
        np.testing.assert_allclose(drawn[0, :, 0] * scale, [0, 128, 255], atol=0.01)


def test_bad_batch_is_refused():
    with pytest.raises(ValueError, match=r"Received: images of shape \(4, 5, 3\)"):
        kt.visualize.augmentations((np.zeros((4, 5, 3)), np.zeros(4)))
    with pytest.raises(ValueError, match="`columns` must be at least 1"):
        kt.visualize.augmentations((np.zeros((1, 5, 4, 3)), [0]), columns=0)
