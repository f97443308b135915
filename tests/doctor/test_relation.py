"""Probes find a relation where there is one, and none where there is none."""

import numpy as np
import pytest

from keras_tricks.doctor.measuring import relation as _relation


def rng(seed=0):
    return np.random.default_rng(seed)


def linear():
    x = rng().normal(size=(300, 10))
    return x, x @ rng(1).normal(size=10) + 3 * rng(2).normal(size=300)


def circles():
    radius, angle = rng().integers(1, 3, 300), rng(1).uniform(0, 6.28, 300)
    x = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    return x + 0.1 * rng(2).normal(size=x.shape), radius


def xor():
    x = rng().normal(size=(400, 8))
    return x, (x[:, 0] * x[:, 1] > 0).astype(int)


def waves():
    x = np.arange(400.0)[:, None]
    return x, np.sin(0.1 * x)


def boxes_and_lines():
    """Two shapes anywhere in an image."""
    x, y = np.zeros((200, 12, 16, 1)), rng().integers(0, 2, 200)
    for image, kind in zip(x, y, strict=True):
        top, left = rng(kind).integers(0, 6), rng(kind).integers(0, 10)
        image[top : top + 2 + 4 * kind, left : left + 6 - 4 * kind] = 1
    shift = rng(5).integers(0, 12, 200)
    return np.stack([np.roll(i, s, 0) for i, s in zip(x, shift, strict=True)]), y


PROGRAMS = {
    program.__name__: program
    for program in (linear, circles, xor, waves, boxes_and_lines)
}


def probed(x, y, **arguments):
    labels = y.ravel() if y.dtype.kind == "i" else None
    return _relation.relation([x], y, labels, **arguments)


@pytest.mark.parametrize("name", PROGRAMS)
def test_aligned_targets_stand_out(name):
    assert probed(*PROGRAMS[name]()).z > 5


@pytest.mark.parametrize("name", PROGRAMS)
def test_permuted_targets_do_not(name):
    x, y = PROGRAMS[name]()
    assert probed(x, rng(9).permutation(y)).z < 3


def test_targets_moved_by_two_rows_are_found_there():
    x, y = xor()
    found = probed(x, np.roll(y, 2))
    assert found.z < 3
    moved, z = found.shift
    assert moved == 2
    assert z > 5


def test_bag_of_tokens_is_seen_only_when_ids_are_taken_as_tokens():
    x = rng().integers(1, 200, (400, 12))
    y = (x % 2).sum(1)  # no order among ids tells the odd ones
    assert probed(x, y.astype(float), tokens=(True,)).z > 5
    assert probed(x, y.astype(float)).z < 3


def test_rows_of_one_class_in_a_hundred_are_all_drawn():
    labels = (np.arange(2000) % 100 == 0).astype(int)
    rows = _relation.chosen_rows(2000, labels, rng())
    assert len(rows) == len(set(rows)) == _relation.PROBE_ROWS
    assert labels[rows].sum() == 20


def test_distinct_counts_different_rows():
    x = np.tile(rng().normal(size=(5, 2)), (20, 1))
    assert probed(x, rng().normal(size=100)).distinct == 5


def test_smoothers_leave_the_row_out():
    table = rng().normal(size=(30, 4))
    for name, matrix in _relation.smoothers([("place", table)]):
        assert abs(np.diag(matrix)).max() == 0, name


def test_left_out_prediction_is_that_of_a_ridge_without_the_row():
    """The shortcut for leaving out one row, against doing it."""
    x = rng().normal(size=(25, 3))
    x -= x.mean(0)
    y = x @ [1.0, -2, 0.5] + rng(1).normal(size=25)
    kernel = x @ x.T
    penalty = np.trace(kernel) / 25
    expected = []
    for row in range(25):
        kept = np.arange(25) != row
        gram = kernel[np.ix_(kept, kept)] + penalty * np.eye(24)
        expected.append(kernel[row, kept] @ np.linalg.solve(gram, y[kept]))
    np.testing.assert_allclose(_relation._left_out(kernel) @ y, expected, rtol=1e-9)


def test_many_columns_of_targets_become_few():
    codes = _relation.codes(rng().normal(size=(50, 4, 6)), None, rng())
    assert codes.shape == (50, _relation.MOST_CODES)


def test_huge_targets_count_by_rank():
    codes = _relation.codes(np.array([1.0, 1e30, 2.0]), None, rng())
    assert np.argsort(codes[:, 0]).tolist() == [0, 2, 1]
    assert abs(codes).max() < 2
