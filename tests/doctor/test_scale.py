import numpy as np
import pytest

from keras_tricks.doctor.reporting.scale import Scale, number, printed, scale_of


def test_linear_places_are_interpolated():
    values = np.linspace(-3, 7, 23)
    scale = Scale(-3, 7)
    expected = np.interp(values, [-3, 7], [0, 1])
    np.testing.assert_allclose([scale.at(v) for v in values], expected)


def test_logarithmic_places_are_interpolated_between_logarithms():
    values = np.geomspace(1e-4, 1e3, 23)
    scale = Scale(1e-4, 1e3, log=True)
    expected = np.interp(np.log(values), np.log([1e-4, 1e3]), [0, 1])
    np.testing.assert_allclose([scale.at(v) for v in values], expected)


@pytest.mark.parametrize("log", [False, True])
def test_values_outside_lie_on_the_edge(log):
    scale = Scale(1, 10, log)
    assert [scale.at(0), scale.at(-5), scale.at(1e9)] == [0, 0, 1]


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize(
    ("low", "high"), [(1e-9, 3e-9), (0.37, 0.39), (1, 2), (1, 101), (3, 8e7), (2, 4e30)]
)
def test_ticks_are_few_within_and_have_labels_of_their_own(low, high, log):
    ticks = Scale(low, high, log).ticks()
    values, labels = zip(*ticks, strict=True)
    assert 2 <= len(values) <= 12
    rounding = 1e-9 * (high - low)
    assert low - rounding <= min(values) < max(values) <= high + rounding
    assert len(set(labels)) == len(labels)


def test_long_logarithmic_axis_is_labelled_by_powers():
    ticks = Scale(1e-6, 1e2, log=True).ticks()
    assert ticks == [
        (1e-6, "10⁻⁶"),
        (1e-4, "10⁻⁴"),
        (1e-2, "0.01"),
        (1.0, "1"),
        (1e2, "100"),
    ]


def test_what_is_level_looks_level():
    scale = scale_of([0.9, 1.1], log=True)
    assert abs(scale.at(1.1) - scale.at(0.9)) < 0.1
    assert scale.at(1.0) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("values", "log"),
    [
        ([1, 49], False),
        ([1, 51], True),
        ([0, 1, 51], True),
        ([-1, 1, 51], False),
        ([1, 51, np.nan, np.inf], True),
        ([1, np.inf], False),
    ],
)
def test_axis_is_logarithmic_from_a_ratio_of_fifty(values, log):
    assert scale_of(values).log is log


@pytest.mark.parametrize("values", [[5.0], [0.0], [-2.0, -2.0], [1e-30], [3, 1000]])
def test_axis_holds_all_values_and_is_never_empty(values):
    scale = scale_of(values)
    assert scale.low <= min(values)
    assert max(values) <= scale.high
    assert scale.low < scale.high


@pytest.mark.parametrize("log", [False, True])
def test_values_at_the_limits_of_floats_have_a_place(log):
    scale = scale_of([5e-324, 1.7e308, 1.0], log)
    places = [scale.at(value) for value in (-1.7e308, 5e-324, 1.0, 1.7e308)]
    assert places == sorted(places)
    assert places[0] >= 0
    assert places[-1] <= 1
    assert len(scale.ticks()) > 1


def test_nothing_finite_has_no_axis():
    assert scale_of([]) is None
    assert scale_of([np.nan, np.inf]) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (True, "True"),
        (0.0, "0"),
        (12_345, "12,345"),
        (np.int64(12_345), "12,345"),
        (2.345678, "2.35"),
        (0.001, "0.001"),
        (3.14e-7, "3.1e-7"),
        (4567.8, "4,568"),
        (2.5e12, "2.5e12"),
        (float("nan"), "NaN"),
        (float("-inf"), "-∞"),
    ],
)
def test_number_is_short(value, text):
    assert number(value) == text


def test_other_values_are_printed_as_they_are():
    assert printed("1e-9") == "1e-9"
    assert printed(np.float32(0.5)) == "0.5"
    assert printed((1, 2)) == "(1, 2)"
