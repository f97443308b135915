import math

import pytest

import keras_tricks as kt

rate = kt.optimizers.fine_tuning_rate


@pytest.mark.parametrize(
    ("num_examples", "expected"),
    [(1, 0.001), (1_000, 0.001), (10_000, 10**-2.5), (100_000, 0.01), (10**7, 0.01)],
)
def test_rate_grows_on_a_log_scale_between_a_thousand_and_a_hundred_thousand(
    num_examples, expected
):
    assert rate(num_examples) == pytest.approx(expected)
    logs = (math.log10(min(max(num_examples, 1e3), 1e5)) - 3) / 2 - 3
    assert rate(num_examples) == pytest.approx(10**logs)


def test_rate_is_linear_in_the_batch_size():
    assert rate(5_000, 32) == pytest.approx(rate(5_000, 256) / 8)
    assert rate(5_000, batch_size=512) == pytest.approx(2 * rate(5_000))


@pytest.mark.parametrize("name", ["num_examples", "batch_size"])
def test_sizes_that_are_none_are_refused(name):
    arguments = {"num_examples": 10, "batch_size": 10}
    with pytest.raises(ValueError, match=f"`{name}` must be at least 1"):
        rate(**{**arguments, name: 0})
    with pytest.raises(TypeError, match=f"`{name}` must be an integer"):
        rate(**{**arguments, name: 10.0})
