import math

import numpy as np
import pytest
from boxes_in_plain_python import edges
from keras import ops

import keras_tricks as kt


def encode_boxes(*arguments, **options):
    return ops.convert_to_numpy(kt.detection.encode_boxes(*arguments, **options))


def sets(*shape):
    """Random boxes, as edges, and anchors, as centre and size."""
    random = np.random.default_rng(0)
    boxes = random.uniform([0.2, 0.2, 0.05, 0.05], [0.8, 0.8, 0.9, 0.9], (*shape, 4))
    anchors = random.uniform([0, 0, 0.1, 0.1], 1, (shape[-1], 4))
    return np.apply_along_axis(edges, -1, boxes).astype("f4"), anchors.astype("f4")


def test_codes_are_those_of_the_formula():
    boxes, anchors = sets(3, 7)
    found = encode_boxes(boxes, anchors, variances=(0.1, 0.2, 0.3, 0.4))
    assert found.shape == (3, 7, 4)
    assert found.dtype == "float32"
    for image in range(3):
        for i, (x, y, width, height) in enumerate(anchors.astype(float)):
            left, top, right, bottom = boxes[image, i].astype(float)
            expected = [
                ((left + right) / 2 - x) / width / 0.1,
                ((top + bottom) / 2 - y) / height / 0.2,
                math.log((right - left) / width) / 0.3,
                math.log((bottom - top) / height) / 0.4,
            ]
            np.testing.assert_allclose(found[image, i], expected, rtol=1e-4, atol=1e-5)


def test_codes_at_known_boxes():
    anchor = np.array([[0.5, 0.5, 0.25, 0.5]], "f4")
    boxes = [
        edges([0.5, 0.5, 0.25, 0.5]),
        edges([0.75, 0.5, 0.25, 0.5]),
        edges([0.5, 0.25, 0.25, 0.5]),
        edges([0.5, 0.5, 0.5, 0.25]),
    ]
    found = encode_boxes(np.array(boxes, "f4"), anchor)
    five = 5 * math.log(2)
    expected = [[0] * 4, [10, 0, 0, 0], [0, -5, 0, 0], [0, 0, five, -five]]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_decoding_is_the_inverse():
    boxes, anchors = sets(2, 50)
    decoded = kt.detection.decode_boxes(encode_boxes(boxes, anchors), anchors)
    np.testing.assert_allclose(ops.convert_to_numpy(decoded), boxes, atol=1e-6)


def test_codes_are_of_no_unit():
    boxes, anchors = sets(9)
    scaled = encode_boxes(64 * boxes, 64 * anchors)
    np.testing.assert_allclose(scaled, encode_boxes(boxes, anchors), atol=1e-5)


def test_boxes_without_size_have_finite_codes():
    boxes = np.array([[0.5] * 4, [0.6, 0.6, 0.4, 0.4]], "f4")
    found = encode_boxes(boxes, np.full((2, 4), 0.5, "f4"))
    assert np.isfinite(found).all()
    assert (found[:, 2:] < -50).all()


def test_no_boxes_have_no_codes():
    assert encode_boxes(np.zeros((2, 0, 4), "f4"), np.zeros((0, 4), "f4")).shape == (
        *(2, 0, 4),
    )


def test_it_is_the_same_in_tf_data():
    tf = pytest.importorskip("tensorflow")
    data = tf.data.Dataset.from_tensors(sets(3, 7)).map(kt.detection.encode_boxes)
    found = next(iter(data)).numpy()
    np.testing.assert_allclose(found, encode_boxes(*sets(3, 7)), rtol=1e-5, atol=1e-6)


@pytest.mark.reference
def test_it_is_torchvisions(torchvision):
    import torch
    from torchvision.models.detection._utils import BoxCoder

    boxes, anchors = sets(1000, 8)
    found = encode_boxes(boxes, anchors)
    coder = BoxCoder(weights=(10.0, 10.0, 5.0, 5.0))
    corners = np.apply_along_axis(edges, -1, anchors.astype(float))
    for mine, each in zip(found, boxes, strict=True):
        theirs = coder.encode_single(torch.tensor(each).double(), torch.tensor(corners))
        np.testing.assert_allclose(mine, theirs.numpy(), rtol=1e-5, atol=1e-5)
