"""The private generator of the layers has tests of its own: nothing checks it else."""

import numpy as np
import pytest
from keras import ops
from scipy import stats

from keras_tricks.layers._random import uniform

tf = pytest.importorskip("tensorflow")


def draw(seed, calls, rows=64, columns=5):
    numbers = uniform(ops.convert_to_tensor([seed, calls], "int32"), rows, columns)
    return ops.convert_to_numpy(numbers)


def hashed(x):
    """Wellons's lowbias32 in Python's integers."""
    x = (x ^ (x >> 16)) * 0x7FEB352D & 0xFFFFFFFF
    x = (x ^ (x >> 15)) * 0x846CA68B & 0xFFFFFFFF
    return x ^ (x >> 16)


def test_numbers_are_those_of_the_formula():
    for seed, calls in ((0, 0), (1, 7), (2**31 - 2, 123_456)):
        first, second = hashed(seed), hashed(calls)
        expected = [
            (hashed(hashed((i + first) & 0xFFFFFFFF) ^ second) >> 8) / 2**24
            for i in range(6)
        ]
        np.testing.assert_array_equal(draw(seed, calls, 2, 3).ravel(), expected)


def test_numbers_are_uniform_and_independent():
    numbers = np.stack(
        [draw(3, calls) for calls in range(400)]
    )  # (calls, rows, columns)
    assert numbers.min() >= 0
    assert numbers.max() < 1
    assert stats.kstest(numbers.ravel(), "uniform").pvalue > 0.01
    for a, b in (
        (numbers[:-1], numbers[1:]),
        (numbers[:, :-1], numbers[:, 1:]),
        (numbers[..., :-1], numbers[..., 1:]),
    ):
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.01
        pairs, _, _ = np.histogram2d(a.ravel(), b.ravel(), bins=16)
        assert stats.chisquare(pairs.ravel()).pvalue > 0.01


def test_neighbouring_seeds_have_nothing_in_common():
    first, second = draw(1, 0, 4000, 2), draw(2, 0, 4000, 2)
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.04
    assert len(np.intersect1d(first, second)) < 20


def test_xla_and_graphs_give_the_same_numbers():
    state = tf.constant([5, 9], "int64")
    for compiled in (False, True):
        function = tf.function(uniform, jit_compile=compiled)
        np.testing.assert_array_equal(function(state, 3, 2), draw(5, 9, 3, 2))
