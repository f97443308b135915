"""Comparisons of rows, against what is known of them."""

import types

import keras
import numpy as np
import pytest

from keras_tricks.doctor.measuring import samples as _samples
from keras_tricks.doctor.measuring.graph import read_graph


def rng():
    return np.random.default_rng(0)


def evidence_of(model, x):
    data = types.SimpleNamespace(inputs=keras.tree.flatten(x), x=x)
    return types.SimpleNamespace(model=model, graph=read_graph(model), data=data)


def drawn(count, height, width, channels=1):
    """Boxes on a flat ground."""
    images = np.zeros((count, height, width, channels))
    for image in images:
        top, left = rng().integers(1, height - 5), rng().integers(1, width - 5)
        image[top : top + 4, left : left + 4] = 1
    return images + 0.01 * rng().normal(size=images.shape)


def test_overlap_is_the_share_of_known_rows_and_of_repeated_ones():
    train = np.array([[1, 2], [3, 4], [3, 4], [5, 6]])
    other = np.array([[3, 4], [7, 8], [5, 6], [9, 9], [9, 9]])
    assert _samples.overlap([train], [other]) == (2 / 5, 2 / 4)


def test_overlap_needs_every_input_of_a_row_to_agree():
    first, second = np.arange(6).reshape(3, 2), np.arange(3)
    shared, _ = _samples.overlap([first, second], [first, second[::-1]])
    assert shared == 1 / 3


def test_digests_see_float64_and_float32_of_a_row_alike_in_overlap():
    x = rng().normal(size=(5, 3))
    assert _samples.overlap([x], [x.astype("float32")])[0] == 1


def test_roughness_of_noise_is_one():
    noise = rng().normal(size=(20, 12, 15, 3))
    assert _samples.roughness(noise) == pytest.approx(1, abs=0.05)


def test_roughness_of_ramps_is_the_step_over_the_mean_distance():
    ramp = np.broadcast_to(np.arange(20.0), (4, 20, 20))
    both = (ramp + ramp.swapaxes(1, 2))[..., None]
    # Two of the sums of two numbers below 20 lie 9.3 apart on average.
    assert _samples.roughness(both) == pytest.approx(1 / 9.3, rel=0.1)


def test_roughness_is_that_of_the_rougher_axis():
    lines = np.broadcast_to(rng().normal(size=(20, 1, 30, 1)), (20, 25, 30, 1))
    assert _samples.roughness(lines) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("channels", [1, 3])
def test_orders_lead_back_from_a_swap_of_height_and_width(channels):
    images = drawn(9, 10, 14, channels)
    read = dict(_samples.orders(images.reshape(9, 14, 10, channels)))
    back = read[f"x.reshape(-1, 10, 14, {channels}).transpose(0, 2, 1, 3)"]
    np.testing.assert_array_equal(back, images)


def test_orders_lead_back_to_channels_first():
    images = drawn(9, 10, 14, 3)
    wrong = images.transpose(0, 3, 1, 2).reshape(9, 10, 14, 3)
    read = dict(_samples.orders(wrong))
    back = read["x.reshape(-1, 3, 10, 14).transpose(0, 2, 3, 1)"]
    np.testing.assert_array_equal(back, images)


def test_every_order_is_what_its_cure_gives():
    wrong = rng().normal(size=(6, 4, 5, 3))
    for cure, images in _samples.orders(wrong, whole=True):
        expected = eval(cure, {"x": wrong})
        # Height and width swapped give the image on its side: as smooth.
        if images.shape != expected.shape:
            images = images.transpose(0, 2, 1, 3)
        np.testing.assert_array_equal(images, expected)


def test_spread_holds_all_but_one_percent():
    found = _samples.spread(np.arange(1001.0))
    assert found["mean"] == 500
    assert found["std"] == pytest.approx(np.arange(1001).std())
    assert (found["min"], found["low"], found["high"], found["max"]) == (
        0,
        5,
        995,
        1000,
    )


def test_within_is_the_median_column_of_those_that_vary():
    table = np.array([[0.0, 5, 1, 9], [2, 5, 3, 10], [4, 5, 5, 11]])
    deviation, reach = _samples.within(table)
    assert deviation == pytest.approx(np.sqrt(8 / 3))
    assert reach == 2
    assert _samples.within(np.ones((3, 2))) == (0, 0)


def test_varied_is_per_column():
    np.testing.assert_array_equal(
        _samples.varied(np.array([[[1, 2]], [[1, 3]]])), [False, True]
    )


def test_correlations_are_those_of_numpy_and_zero_for_constants():
    table, target = rng().normal(size=(30, 3)), rng().normal(size=30)
    found = _samples.correlations(np.c_[table, np.ones(30)], target)
    expected = [np.corrcoef(column, target)[0, 1] for column in table.T]
    np.testing.assert_allclose(found, [*expected, 0], atol=1e-12)


def test_class_distance_counts_classes_that_are_missing():
    assert _samples.class_distance(np.array([0, 0, 1, 1]), np.array([1, 2])) == (
        0.5,
        0.5,
    )
    assert _samples.class_distance(np.array([0, 1]), np.array([1, 0])) == (0, 0)


def test_shuffled_distance_is_near_zero_for_many_rows():
    head, tail = np.zeros(800, int), np.ones(200, int)
    absent, distance = _samples.shuffled_distance(head, tail)
    assert absent == 0
    assert distance < 0.1


def test_value_distance_is_the_statistic_of_kolmogorov_and_smirnov():
    values = np.array([1.0, 2, 3, 4])
    assert _samples.value_distance(values, values) == 0
    assert _samples.value_distance(values, values + 10) == 1
    assert _samples.value_distance(values, np.array([3.0, 4])) == 0.5


def test_inputs_are_scaled_as_the_model_does_before_its_first_weights():
    layers = [keras.layers.Reshape((4, 1)), keras.layers.Rescaling(2.0, offset=-1)]
    dense = [keras.layers.Flatten(), keras.layers.Dense(1), keras.layers.Rescaling(9.0)]
    model = keras.Sequential([keras.Input((4,)), *layers, *dense])
    x = rng().normal(size=(3, 4)).astype("float32")
    seen, layer = _samples.as_scaled(evidence_of(model, x), 0, x)
    assert layer is layers[1]
    np.testing.assert_allclose(seen.reshape(3, 4), 2 * x - 1, rtol=1e-6)


def test_inputs_without_scaling_stay_as_they_are():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    x = np.ones((3, 4))
    seen, layer = _samples.as_scaled(evidence_of(model, x), 0, x)
    assert seen is x
    assert layer is None


def test_embeddings_are_found_by_the_name_of_their_input():
    words, numbers = keras.Input((5,), name="words"), keras.Input((2,), name="numbers")
    embedding = keras.layers.Embedding(9, 3)
    pooled = keras.layers.GlobalMaxPooling1D()(embedding(words))
    output = keras.layers.Dense(1)(keras.layers.Concatenate()([pooled, numbers]))
    model = keras.Model([words, numbers], output)
    x = {"words": np.ones((4, 5)), "numbers": np.ones((4, 2))}
    # Leaves of a dict are in the order of their names: numbers, words.
    assert _samples.embedded(evidence_of(model, x)) == {1: embedding}
