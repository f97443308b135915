import math

import numpy as np
import pytest
from boxes_in_plain_python import edges
from keras import ops

import keras_tricks as kt


def decode_boxes(*arguments, **options):
    return ops.convert_to_numpy(kt.detection.decode_boxes(*arguments, **options))


def sets(*shape):
    random = np.random.default_rng(0)
    codes = random.normal(scale=2, size=(*shape, 4))
    anchors = random.uniform([0, 0, 0.1, 0.1], 1, (shape[-1], 4))
    return codes.astype("f4"), anchors.astype("f4")


def test_boxes_are_those_of_the_formula():
    codes, anchors = sets(3, 7)
    found = decode_boxes(codes, anchors, variances=(0.1, 0.2, 0.3, 0.4))
    assert found.shape == (3, 7, 4)
    assert found.dtype == "float32"
    for image in range(3):
        for i, (x, y, width, height) in enumerate(anchors.astype(float)):
            a, b, c, d = codes[image, i] * [0.1, 0.2, 0.3, 0.4]
            size = [width * math.exp(c), height * math.exp(d)]
            expected = edges([x + a * width, y + b * height, *size])
            np.testing.assert_allclose(found[image, i], expected, rtol=1e-4, atol=1e-5)


def test_codes_of_zero_are_the_anchors():
    _, anchors = sets(5)
    expected = [edges(anchor) for anchor in anchors]
    np.testing.assert_allclose(
        decode_boxes(np.zeros((5, 4), "f4"), anchors), expected, atol=1e-6
    )


def test_each_image_may_have_its_own_anchors():
    codes, anchors = sets(2, 4)
    own = np.stack([anchors, anchors[::-1]])
    found = decode_boxes(codes, own)
    for i in range(2):
        np.testing.assert_allclose(found[i], decode_boxes(codes[i], own[i]), atol=1e-6)


def test_encoding_is_the_inverse():
    codes, anchors = sets(2, 50)
    encoded = kt.detection.encode_boxes(decode_boxes(codes, anchors), anchors)
    np.testing.assert_allclose(ops.convert_to_numpy(encoded), codes, atol=1e-4)


@pytest.mark.parametrize("size", [21.0, 1e3, 1e30])
def test_wild_codes_give_large_boxes(size):
    codes = np.array([[0, 0, size, size], [0, 0, -size, -size]], "f4")
    anchors = np.array([[0.5, 0.5, 0.1, 0.2]] * 2, "f4")
    found = decode_boxes(codes, anchors)
    largest = edges([0.5, 0.5, 6.25, 12.5])  # 1000 / 16 times the anchor
    np.testing.assert_allclose(found[0], largest, rtol=1e-5)
    assert np.isfinite(found).all()
    assert (found[1, 2:] >= found[1, :2]).all()


def test_no_codes_are_no_boxes():
    assert decode_boxes(np.zeros((2, 0, 4), "f4"), np.zeros((0, 4), "f4")).shape == (
        *(2, 0, 4),
    )


def test_it_is_the_same_in_tf_data():
    tf = pytest.importorskip("tensorflow")
    data = tf.data.Dataset.from_tensors(sets(3, 7)).map(kt.detection.decode_boxes)
    found = next(iter(data)).numpy()
    np.testing.assert_allclose(found, decode_boxes(*sets(3, 7)), rtol=1e-5, atol=1e-6)


@pytest.mark.reference
def test_it_is_torchvisions(torchvision):
    import torch
    from torchvision.models.detection._utils import BoxCoder

    codes, anchors = sets(1000, 8)
    codes[::7] *= 20  # beyond the largest
    found = decode_boxes(codes, anchors)
    coder = BoxCoder(weights=(10.0, 10.0, 5.0, 5.0))
    corners = np.apply_along_axis(edges, -1, anchors.astype(float))
    for mine, each in zip(found, codes, strict=True):
        theirs = coder.decode_single(torch.tensor(each).double(), torch.tensor(corners))
        np.testing.assert_allclose(mine, theirs.numpy(), rtol=1e-5, atol=1e-5)
