import math

import numpy as np
import pytest

from keras_tricks.finder._trials import descend, score, vertex


def test_score_is_the_mean_of_the_last_fifth():
    assert score(lambda batches, rates: list(range(20)), None, 0.1, 20) == 17.5
    assert score(lambda batches, rates: [1.0] * 19, None, 0.1, 20) == math.inf


def test_score_is_the_mean_of_three_trainings_and_infinite_if_one_breaks_off():
    lengths = iter([20, 20, 20, 20, 3])

    def train(batches, rates):
        return [next(batches) for _ in range(next(lengths))]

    count = iter(map(float, range(100)))
    assert score(train, count, 0.1, 20) == np.mean([17.5, 37.5, 57.5])
    assert score(train, count, 0.1, 20) == math.inf


def test_trial_warms_up_for_a_tenth_and_falls_to_zero_along_a_cosine():
    seen = []
    score(lambda batches, rates: seen.extend(rates) or [0.0] * 20, None, 0.5, 20)
    cosine = (1 + np.cos(np.pi * np.arange(1, 19) / 18)) / 2
    once = 0.5 * np.array([0.5, 1, *cosine])
    np.testing.assert_allclose(seen, [*once, *once, *once], atol=1e-12)


@pytest.mark.parametrize(
    ("best", "tried"),
    [
        (1, [0.25, 0.5, 1, 2, 4]),
        (4, [1, 2, 4, 8, 16]),
        (0.25, [0.0625, 0.125, 0.25, 0.5, 1, 2, 4]),
    ],
)
def test_rates_are_tried_by_factors_of_2_until_the_score_rises_twice(best, tried):
    scores = descend(lambda rate: abs(math.log(rate / best)), 1.0, 1e-3, 1e3)
    assert list(scores) == tried
    assert min(scores, key=scores.get) == best


def test_one_rise_may_be_noise():
    noisy = {1: 3.0, 2: 3.1, 4: 1.0, 0.5: 5.0, 0.25: 6.0, 8: 7.0, 16: 8.0}
    assert list(descend(noisy.get, 1, 1e-3, 1e3)) == [1, 2, 4, 8, 16]


def test_rates_stay_in_the_range():
    assert list(descend(lambda rate: -rate, 1.0, 0.3, 5.0)) == [1, 2, 4]
    assert list(descend(lambda rate: rate, 1.0, 0.3, 5.0)) == [0.5, 1, 2, 4]


def test_rates_that_all_diverge_lead_down():
    scores = descend(lambda rate: math.inf if rate > 0.2 else 1 / rate, 1.0, 1e-3, 5.0)
    assert min(scores, key=scores.get) == 0.125


def test_vertex_is_that_of_the_parabola_on_the_logarithmic_axis():
    rates = [0.25, 0.5, 1.0, 2.0, 4.0]
    scores = {rate: 3 * (math.log2(rate) - 0.3) ** 2 + 70 for rate in rates}
    assert vertex(scores) == pytest.approx(2**0.3)
    assert vertex({0.5: 1.0, 1.0: 0.5, 2.0: math.inf}) == 1.0
    assert vertex({0.5: 2.0, 1.0: 1.0}) == 1.0
    assert 0.7 < vertex({0.5: 2.0, 1.0: 1.0, 2.0: 1e9}) < 1.0


def test_rates_far_off_or_far_above_do_not_move_the_vertex():
    near = {0.5: 1.2, 1.0: 1.0, 2.0: 1.2}
    assert vertex(near) == pytest.approx(1.0)
    assert vertex({0.25: 9.0, **near, 4.0: 1.6}) == pytest.approx(1.0)
    far = {0.03125: 1.3, 0.0625: 1.3, 0.125: 9.0, 0.25: 9.0}
    assert vertex({**far, **near}) == pytest.approx(1.0)


def test_vertex_of_a_flat_valley_is_in_its_middle():
    flat = {0.5: 1.3, 1.0: 0.9, 2.0: 0.95, 4.0: 0.92, 8.0: 1.3}
    assert vertex(flat) == pytest.approx(2.0, rel=0.1)
