import numpy as np
import pytest

import keras_tricks as kt

stochastic_depth_rates = kt.layers.stochastic_depth_rates


def test_rates_rise_linearly_from_zero_to_the_last():
    rates = stochastic_depth_rates(0.3, blocks=16)
    np.testing.assert_allclose(np.diff(rates), 0.3 / 15, rtol=1e-12)
    assert (rates[0], rates[-1], len(rates)) == (0.0, 0.3, 16)


def test_two_blocks_are_the_ends_and_one_block_is_never_dropped():
    assert stochastic_depth_rates(0.1, blocks=2) == [0.0, 0.1]
    assert stochastic_depth_rates(0.1, blocks=1) == [0.0]


def test_rate_zero_is_zero_everywhere():
    assert stochastic_depth_rates(0, blocks=3) == [0, 0, 0]


@pytest.mark.parametrize(
    ("rate", "blocks", "error", "message"),
    [
        (1, 4, ValueError, "`rate` must be below 1"),
        (-0.1, 4, ValueError, "`rate` must be between 0 and 1"),
        ("0.1", 4, TypeError, "`rate` must be a number"),
        (0.1, 0, ValueError, "`blocks` must be at least 1"),
        (0.1, [3, 4], TypeError, "`blocks` must be an integer"),
    ],
)
def test_bad_argument(rate, blocks, error, message):
    with pytest.raises(error, match=message):
        stochastic_depth_rates(rate, blocks)


@pytest.mark.reference
@pytest.mark.parametrize("blocks", [1, 2, 4, 16, 33])
def test_rates_of_timm(timm, blocks):
    expected = timm.layers.calculate_drop_path_rates(0.1, blocks)
    np.testing.assert_allclose(
        stochastic_depth_rates(0.1, blocks), expected, atol=1e-8, rtol=2e-7
    )
