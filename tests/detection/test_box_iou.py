import keras
import numpy as np
import pytest
from boxes_in_plain_python import iou, random_boxes
from keras import ops

import keras_tricks as kt


def box_iou(boxes, others):
    return ops.convert_to_numpy(kt.detection.box_iou(boxes, others))


def sets(seed=0):
    random = np.random.default_rng(seed)
    return random_boxes(random, 3, 7), random_boxes(random, 3, 5)


def test_every_pair_is_that_of_a_loop():
    boxes, others = sets()
    found = box_iou(boxes, others)
    pairs = zip(boxes, others, strict=True)
    expected = [[[iou(a, b) for b in second] for a in first] for first, second in pairs]
    assert found.shape == (3, 7, 5)
    assert found.dtype == "float32"
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert (found > 0).any()


def test_leading_axes_broadcast():
    boxes, others = sets()
    found = box_iou(boxes[:, None], others[1])
    assert found.shape == (3, 1, 7, 5)
    np.testing.assert_array_equal(found[2, 0], box_iou(boxes[2], others[1]))


def test_known_overlaps():
    box = np.array([[0, 0, 4, 2]], "float32")
    others = [box[0], [0, 0, 2, 2], [4, 0, 8, 2], [0, 2, 4, 4], [2, 1, 6, 3]]
    found = box_iou(box, np.array(others, "float32"))[0]
    np.testing.assert_allclose(found, [1, 0.5, 0, 0, 2 / 14], rtol=1e-6)


def test_swapping_the_sets_transposes():
    boxes, others = sets()
    swapped = box_iou(others, boxes).swapaxes(1, 2)
    np.testing.assert_array_equal(swapped, box_iou(boxes, others))


def test_it_knows_neither_unit_nor_place_nor_which_axis_is_x():
    boxes, others = sets()
    found = box_iou(boxes, others)
    np.testing.assert_array_equal(box_iou(boxes / 64, others / 64), found)
    np.testing.assert_array_equal(box_iou(boxes + 8, others + 8), found)
    turned = [x[..., [1, 0, 3, 2]] for x in (boxes, others)]
    np.testing.assert_array_equal(box_iou(*turned), found)


def test_boxes_without_area_overlap_nothing_and_nothing_is_nan():
    boxes = np.array([[1, 1, 1, 3], [3, 3, 2, 2], [0, 0, 0, 0], [0, 0, 4, 4]], "f4")
    found = box_iou(boxes, boxes)
    expected = np.zeros((4, 4))
    expected[3, 3] = 1
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("n", "m"), [(0, 3), (2, 0), (0, 0)])
def test_no_boxes_have_no_overlaps(n, m):
    assert box_iou(np.zeros((2, n, 4), "f4"), np.ones((2, m, 4), "f4")).shape == (
        *(2, n, m),
    )


def test_it_is_that_of_keras_where_boxes_have_area():
    boxes, others = sets()
    theirs = keras.utils.bounding_boxes.compute_iou(boxes, others, "xyxy")
    found = box_iou(boxes, others)
    np.testing.assert_allclose(found, ops.convert_to_numpy(theirs), rtol=1e-5)


def test_it_is_the_same_in_tf_data():
    tf = pytest.importorskip("tensorflow")
    data = tf.data.Dataset.from_tensors(sets()).map(kt.detection.box_iou)
    np.testing.assert_array_equal(next(iter(data)).numpy(), box_iou(*sets()))


def test_it_is_the_same_compiled(jit):
    boxes, others = map(ops.convert_to_tensor, sets())
    compiled = jit(kt.detection.box_iou)(boxes, others)
    found = box_iou(boxes, others)
    np.testing.assert_allclose(ops.convert_to_numpy(compiled), found, rtol=1e-6)


@pytest.mark.reference
def test_it_is_torchvisions(torchvision):
    import torch

    boxes, others = (random_boxes(np.random.default_rng(i), 1000, 6) for i in (0, 1))
    found = box_iou(boxes, others)
    for one, two, mine in zip(boxes, others, found, strict=True):
        theirs = torchvision.ops.box_iou(torch.tensor(one), torch.tensor(two))
        np.testing.assert_allclose(mine, theirs.numpy(), atol=1e-6)
