import numpy as np
import pytest
from boxes_in_plain_python import greedy, random_boxes
from keras import ops

import keras_tricks as kt


def suppress(boxes, valid=None, *arguments):
    boxes = np.asarray(boxes, "float32")
    valid = np.ones(boxes.shape[:2], bool) if valid is None else np.asarray(valid)
    kept = kt.detection.non_max_suppression(boxes, valid, *arguments)
    kept = ops.convert_to_numpy(kept)
    assert kept.dtype == bool
    return kept


def crowds(images=40, count=30):
    random = np.random.default_rng(0)
    boxes = random_boxes(random, images, count)
    return (
        boxes,
        random.random((images, count)) < 0.8,
        random.integers(0, 3, (images, count)),
    )


@pytest.mark.parametrize("threshold", [0.0, 0.25, 0.5, 1.0])
def test_what_stays_is_what_a_greedy_loop_keeps(threshold):
    boxes, valid, classes = crowds()
    found = suppress(boxes, valid, None, threshold)
    of_classes = suppress(boxes, valid, classes, threshold)
    for i in range(len(boxes)):
        expected = greedy(boxes[i], threshold, valid[i])
        assert found[i].tolist() == expected
        expected = greedy(boxes[i], threshold, valid[i], classes[i])
        assert of_classes[i].tolist() == expected
    assert threshold == 1 or (found != of_classes).any()


def chain(count, step=1.0, width=4.0):
    left = step * np.arange(count)
    return np.stack([left, 0 * left, left + width, 0 * left + 1], axis=-1)[None]


@pytest.mark.parametrize("count", [2, 3, 50, 51])
def test_of_a_chain_every_second_box_stays(count):
    # Each overlaps only its neighbours enough: a decision waits for all before it.
    found = suppress(chain(count), None, None, 0.5)
    assert found[0].tolist() == [i % 2 == 0 for i in range(count)]
    assert found[0].tolist() == greedy(chain(count)[0], 0.5)


def test_chains_in_any_order_are_those_of_a_greedy_loop():
    random = np.random.default_rng(0)
    boxes = np.concatenate([chain(40)[:, random.permutation(40)] for _ in range(30)])
    for threshold in (0.2, 0.3, 0.5):  # three, two, one neighbour on each side
        found = suppress(boxes, None, None, threshold)
        for mine, each in zip(found, boxes, strict=True):
            assert mine.tolist() == greedy(each, threshold)


def test_a_box_that_was_dropped_drops_no_other():
    boxes = [[[0, 0, 10, 1], [3, 0, 13, 1], [6, 0, 16, 1]]]
    assert suppress(boxes, None, None, 0.5).tolist() == [[True, False, True]]


def test_of_equal_boxes_the_first_stays():
    boxes = np.tile([0, 0, 2, 2], (1, 5, 1))
    assert suppress(boxes).tolist() == [[True] + [False] * 4]
    valid = [[False, True, True, True, True]]
    assert suppress(boxes, valid).tolist() == [[False, True] + [False] * 3]
    classes = np.array([[0, 1, 0, 1, 2]])
    assert suppress(boxes, None, classes).tolist() == [[True, True, False, False, True]]


def test_an_overlap_of_exactly_the_threshold_stays():
    boxes = [[[0, 0, 4, 1], [0, 0, 2, 1], [0, 0, 3, 1]]]  # 0.5 and 0.75 of the first
    assert suppress(boxes, None, None, 0.5).tolist() == [[True, True, False]]
    assert suppress(boxes, None, None, 0.75).tolist() == [[True, True, True]]


def test_boxes_that_do_not_count_neither_stay_nor_drop_others():
    boxes, valid, _ = crowds()
    found = suppress(boxes, valid, None, 0.25)
    assert not found[~valid].any()
    elsewhere = np.where(valid[..., None], boxes, [0, 0, 99, 99])
    np.testing.assert_array_equal(suppress(elsewhere, valid, None, 0.25), found)
    assert not suppress(boxes, np.zeros_like(valid)).any()


def test_boxes_without_area_stay_and_drop_nothing():
    boxes = [[[1, 1, 1, 1], [1, 1, 1, 1], [0, 0, 3, 3], [2, 2, 1, 1]]]
    assert suppress(boxes, None, None, 0.0).all()


def test_no_boxes_are_no_boxes():
    assert suppress(np.zeros((2, 0, 4))).shape == (2, 0)


def test_every_image_is_on_its_own_and_scale_does_not_matter():
    boxes, valid, classes = crowds()
    together = suppress(boxes, valid, classes, 0.25)
    for i in (0, 7):
        part = slice(i, i + 1)
        alone = suppress(boxes[part], valid[part], classes[part], 0.25)
        np.testing.assert_array_equal(alone, together[part])
    scaled = suppress(boxes / 64, valid, classes, 0.25)
    np.testing.assert_array_equal(scaled, together)


@pytest.mark.slow
def test_it_is_the_same_compiled(jit):
    boxes, valid, classes = map(ops.convert_to_tensor, crowds())
    function = jit(lambda *a: kt.detection.non_max_suppression(*a, iou_threshold=0.25))
    found = ops.convert_to_numpy(function(boxes, valid, classes))
    np.testing.assert_array_equal(found, suppress(*crowds(), 0.25))


@pytest.mark.reference
@pytest.mark.parametrize("threshold", [0.25, 0.5])
def test_it_is_torchvisions(torchvision, threshold):
    import torch

    random = np.random.default_rng(0)
    boxes = random_boxes(random, 1000, 30)
    classes = random.integers(0, 3, (1000, 30))
    scores = np.stack([random.permutation(30) for _ in range(1000)]).astype("f4")
    order = np.argsort(-scores, axis=1)
    ranked = np.take_along_axis(boxes, order[..., None], 1)
    sorted_classes = np.take_along_axis(classes, order, 1)
    kept = suppress(ranked, None, sorted_classes, threshold)
    for i in range(1000):
        theirs = torchvision.ops.batched_nms(
            *map(torch.tensor, (boxes[i], scores[i], classes[i])), threshold
        )
        assert order[i][kept[i]].tolist() == theirs.tolist()
