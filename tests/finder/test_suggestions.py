import itertools
import math

import numpy as np
import pytest

from keras_tricks.finder import _suggestions as ours

RATES = np.geomspace(1e-7, 10, 100, endpoint=False)
# A fall of 1.8 around 1e-3, a rise from about 3 on.
LOSSES = (
    2.3
    - 1.8 / (1 + np.exp(-3 * (np.log10(RATES) + 3)))
    + np.exp(4 * (np.log10(RATES) - 0.55))
)
NAMES = ("valley", "slide", "minimum", "steep")


def test_average_is_weighted_by_powers_of_beta():
    losses = np.random.default_rng(0).normal(size=7)
    expected = []
    for count in range(1, 8):
        weights = 0.9 ** np.arange(count)[::-1]
        expected.append(np.sum(weights * losses[:count]) / np.sum(weights))
    np.testing.assert_allclose(ours.smooth(losses, 0.9), expected)
    assert ours.smooth([3.0] * 5).tolist() == pytest.approx([3.0] * 5)


def test_divergence_is_four_times_the_lowest_average():
    # The average of two losses, free of bias, is (0.98 a + b) / 1.98.
    assert not ours.has_diverged([1.0, 6.93])
    assert ours.has_diverged([1.0, 6.95])
    assert not ours.has_diverged([1.0, 0.5, 0.1])
    assert not ours.has_diverged([-1.0, -2.0, -3.0])


def by_hand(losses):
    """Every falling subsequence, the longest that ends first."""
    found = []
    for length in range(1, len(losses) + 1):
        for chosen in itertools.combinations(range(len(losses)), length):
            if all(losses[a] > losses[b] for a, b in itertools.pairwise(chosen)):
                found.append((-length, chosen[-1]))
    length, end = -min(found)[0], min(found)[1]
    third = length / 3
    return end - length + math.floor(third) + math.floor(third / 2)


@pytest.mark.parametrize("seed", range(5))
def test_valley_is_that_of_all_falling_subsequences(seed):
    rng = np.random.default_rng(seed)
    losses = rng.normal(size=10) - 0.3 * np.arange(10)
    expected = RATES[max(by_hand(losses), 0)]
    assert ours.valley(RATES[:10], losses) == expected


def test_steep_is_where_the_loss_falls_fastest_over_the_logarithm():
    rates = np.array([1e-3, 1e-2, 2e-2, 1e-1])
    losses = [3.0, 1.5, 1.0, 0.9]  # by 0.65, 0.72 and 0.06 per e-fold
    assert ours.steep(rates, np.array(losses)) == 1e-2


def test_minimum_is_a_tenth_of_the_rate_of_the_lowest_loss():
    assert ours.minimum(RATES[:3], np.array([2.0, 1.0, 1.5])) == RATES[1] / 10


def test_slide_ends_where_slopes_15_points_apart_are_alike():
    losses = -0.1 * np.arange(40.0)
    assert ours.slide(RATES[:40], losses) == RATES[24]  # those of the last pair
    losses[:25] = losses[25]
    # Now the slope is 0 before point 25, so the last unlike pair is (10, 25).
    assert ours.slide(RATES[:40], losses) == RATES[10]
    assert ours.slide(RATES[:15], losses[:15]) is None


def test_suggestions_on_a_known_curve_are_those_of_fastai():
    # fastai 2.8.12 on this curve; see the reference test below.
    cut = slice(10, -5)
    found = [getattr(ours, name)(RATES[cut], LOSSES[cut]) for name in NAMES]
    index = np.log10(np.array(found) / 1e-7) * 12.5
    np.testing.assert_allclose(index, [42, 17, 63.5, 49], atol=1e-6)


def test_suggestion_is_between_half_of_the_fall_and_the_lowest():
    points = np.arange(100)
    losses = np.where(points < 50, 2, 0.1 * np.abs(points - 70))
    # Half of the fall is made at point 60, the lowest is 70; averages do not move them.
    assert ours.suggestion(RATES, losses) == pytest.approx(RATES[65])
    averages = ours.smooth_to_both_sides(losses)
    bell = np.exp(-((points - 50) ** 2) / 8)
    assert averages[50] == pytest.approx(np.sum(bell * losses) / np.sum(bell))


@pytest.mark.reference
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(20))
def test_suggestions_equal_those_of_fastai(seed):
    torch = pytest.importorskip("torch")
    fastai = pytest.importorskip("fastai.callback.schedule")
    rng = np.random.default_rng(seed)
    raw = LOSSES + rng.uniform(0, 0.3) * rng.normal(size=100)
    losses = ours.smooth(raw).astype("float32")[10:-5]
    rates = RATES.astype("float32")[10:-5]
    for name in NAMES:
        theirs, _ = getattr(fastai, name)(
            torch.tensor(rates), torch.tensor(losses), num_it=100
        )
        assert getattr(ours, name)(rates, losses) == pytest.approx(theirs, rel=1e-6)


@pytest.mark.reference
@pytest.mark.filterwarnings("ignore")
def test_average_equals_that_of_fastai():
    torch = pytest.importorskip("torch")
    fastai = pytest.importorskip("fastai.learner")
    average, theirs = fastai.AvgSmoothLoss(), []
    for loss in LOSSES:
        average.accumulate(type("Learner", (), {"loss": torch.tensor(loss).float()}))
        theirs.append(float(average.value))
    np.testing.assert_allclose(ours.smooth(LOSSES), theirs, rtol=1e-5)


NOISES = {
    "normal": lambda rng, size: rng.normal(size=size),
    "heavy tails": lambda rng, size: rng.standard_t(3, size=size),
    "skewed": lambda rng, size: np.exp(rng.normal(size=size)),
    "uniform": lambda rng, size: rng.random(size),
}


@pytest.mark.parametrize("size", [20, 100, 300])
@pytest.mark.parametrize("name", NOISES)
def test_pure_noise_has_no_answer(name, size):
    rng = np.random.default_rng(0)
    curves = [NOISES[name](rng, size) for _ in range(200)]
    assert np.mean([ours.falls(curve) for curve in curves]) <= 0.05


def test_noise_that_then_diverges_has_no_answer():
    rng = np.random.default_rng(0)
    rise = np.exp(np.arange(100) - 92.0)
    found = [ours.falls(2 + 0.1 * rng.normal(size=100) + rise) for _ in range(200)]
    assert np.mean(found) <= 0.05


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.3])
def test_curve_that_falls_has_an_answer(noise):
    rng = np.random.default_rng(0)
    found = [ours.falls(LOSSES + noise * rng.normal(size=100)) for _ in range(100)]
    assert np.mean(found) >= 0.99


def test_flat_rising_and_short_curves_have_no_answer():
    assert not ours.falls(np.ones(100))
    assert not ours.falls(np.arange(100.0))
    assert not ours.falls(-np.arange(10.0))
    assert ours.falls(-np.arange(20.0))
