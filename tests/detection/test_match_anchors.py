import numpy as np
import pytest
from boxes_in_plain_python import match, random_boxes
from keras import ops

import keras_tricks as kt


def match_anchors(iou, valid, *threshold):
    iou, valid = np.asarray(iou, "float32"), np.asarray(valid, bool)
    return ops.convert_to_numpy(kt.detection.match_anchors(iou, valid, *threshold))


def overlaps(count=200, boxes=4, anchors=6):
    """Many are exactly equal, many 0 or exactly the threshold."""
    random = np.random.default_rng(0)
    iou = random.choice(
        np.array([0, 0.2, 0.4, 0.5, 0.6, 0.8], "f4"), (count, boxes, anchors)
    )
    return iou, random.random((count, boxes)) < 0.7


@pytest.mark.parametrize("threshold", [0.0, 0.5, 1.0])
def test_anchors_are_matched_as_by_a_loop(threshold):
    iou, valid = overlaps()
    found = match_anchors(iou, valid, threshold)
    expected = [match(*each, threshold) for each in zip(iou, valid, strict=True)]
    assert found.dtype == "int32"
    np.testing.assert_array_equal(found, expected)


def test_an_anchor_takes_the_box_that_it_overlaps_most():
    iou = [[[0.9, 0.5, 0.49, 0.6], [0.1, 0.9, 0.1, 0.7]]]
    assert match_anchors(iou, [[True, True]]).tolist() == [[0, 1, -1, 1]]


def test_a_box_below_the_threshold_still_gets_its_best_anchor():
    iou = [[[0.1, 0.3, 0.2], [0.0, 0.0, 0.9]]]
    assert match_anchors(iou, [[True, True]]).tolist() == [[-1, 0, 1]]


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_a_contested_anchor_goes_to_the_higher_overlap(order):
    iou = np.array([[[0.3, 0.2, 0.1], [0.4, 0.2, 0.1]]])[:, order]
    expected = [[order.index(1), -1, -1]]
    assert match_anchors(iou, [[True, True]]).tolist() == expected


def test_being_the_best_of_a_box_counts_more_than_a_higher_overlap():
    # Box 0 has the better first anchor; box 1 overlaps anchor 1 less, but has no other.
    iou = [[[0.9, 0.8], [0.1, 0.3]]]
    assert match_anchors(iou, [[True, True]]).tolist() == [[0, 1]]


def test_equal_overlaps_go_to_the_first_box_and_the_first_anchor():
    assert match_anchors(np.full((1, 2, 3), 0.6), [[True, True]]).tolist() == [[0] * 3]
    assert match_anchors(np.full((1, 1, 3), 0.3), [[True]]).tolist() == [[0, -1, -1]]


def test_padding_matches_nothing_however_much_it_overlaps():
    iou = [[[1.0, 0.0, 1.0], [0.6, 0.2, 0.1]]]
    assert match_anchors(iou, [[False, True]]).tolist() == [[1, -1, -1]]
    for threshold in (0.0, 0.5):
        assert match_anchors(iou, [[False, False]], threshold).tolist() == [[-1] * 3]


def test_images_without_boxes_are_background():
    found = match_anchors(np.zeros((2, 0, 5)), np.zeros((2, 0)))
    assert found.tolist() == [[-1] * 5] * 2


def test_a_box_that_touches_no_anchor_gets_none():
    iou = [[[0.0, 0.0], [0.2, 0.1]]]
    assert match_anchors(iou, [[True, True]]).tolist() == [[1, -1]]


def test_order_and_padding_of_boxes_and_images_do_not_matter():
    random = np.random.default_rng(1)
    iou, valid = random.random((5, 4, 9)), np.ones((5, 4), bool)  # no equal ones
    found = match_anchors(iou, valid)
    order = random.permutation(4)
    permuted = match_anchors(iou[:, order], valid)
    names = np.append(order, -1)  # index -1 stays
    np.testing.assert_array_equal(names[permuted], found)
    np.testing.assert_array_equal(match_anchors(iou[::-1], valid), found[::-1])
    padded = np.concatenate([iou, random.random((5, 3, 9))], axis=1)
    valid = np.arange(7) < 4 * np.ones((5, 1))
    np.testing.assert_array_equal(match_anchors(padded, valid), found)


def test_it_is_the_same_in_tf_data():
    tf = pytest.importorskip("tensorflow")
    data = tf.data.Dataset.from_tensor_slices(overlaps(9)).batch(4)
    found = np.concatenate([x.numpy() for x in data.map(kt.detection.match_anchors)])
    np.testing.assert_array_equal(found, match_anchors(*overlaps(9)))


def test_it_is_the_same_compiled(jit):
    found = jit(kt.detection.match_anchors)(*map(ops.convert_to_tensor, overlaps()))
    expected = match_anchors(*overlaps())
    np.testing.assert_array_equal(ops.convert_to_numpy(found), expected)


@pytest.mark.reference
def test_it_is_torchvisions_but_for_contested_anchors(torchvision):
    import torch
    from torchvision.models.detection._utils import SSDMatcher

    random = np.random.default_rng(0)
    boxes, anchors = (random_boxes(random, 1000, n) for n in (6, 80))
    iou = ops.convert_to_numpy(kt.detection.box_iou(boxes, anchors))
    found = match_anchors(iou, np.ones((1000, 6)))
    contested = 0
    for each, mine in zip(iou, found, strict=True):
        theirs = SSDMatcher(0.5)(torch.tensor(each)).numpy()
        theirs = np.maximum(theirs, -1)  # torchvision: -1 and -2
        best = each.argmax(axis=1)
        # An overlap with nothing claims no anchor here; there it claims the first.
        touching = each.max(axis=1) > 0
        wanted, claims = np.unique(best, return_counts=True)
        other = np.isin(np.arange(80), [*wanted[claims > 1], *best[~touching]])
        np.testing.assert_array_equal(mine[~other], theirs[~other])
        for anchor in wanted[claims > 1]:
            rivals = np.flatnonzero((best == anchor) & touching)
            if len(rivals):
                assert mine[anchor] == rivals[each[rivals, anchor].argmax()]
                contested += theirs[anchor] != mine[anchor]
    assert contested > 10  # the choice makes a difference
