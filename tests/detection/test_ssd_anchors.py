import math

import numpy as np
import pytest

import keras_tricks as kt

SIZES = [(5, 4), (3, 2), (1, 1)]


def by_hand(sizes, scales, ratios, extra=()):
    """Anchor by anchor; `scales` has one more than there are maps."""
    anchors = []
    for k, (rows, columns) in enumerate(sizes):
        for row in range(rows):
            for column in range(columns):
                shapes = [(scales[k], scales[k])]
                shapes.append((math.sqrt(scales[k] * scales[k + 1]),) * 2)
                for ratio in ratios:
                    wide = scales[k] * math.sqrt(ratio), scales[k] / math.sqrt(ratio)
                    shapes += [wide, wide[::-1]]
                if k == 0:
                    shapes += [(scale, scale) for scale in extra]
                for width, height in shapes:
                    x, y = (column + 0.5) / columns, (row + 0.5) / rows
                    anchors.append([x, y, min(width, 1), min(height, 1)])
    return anchors


def test_anchors_are_those_of_a_loop():
    found = kt.detection.ssd_anchors(SIZES, 0.2, 0.8, (2, 3), extra_scales=(0.1, 0.05))
    expected = by_hand(SIZES, [0.2, 0.5, 0.8, 1.0], (2, 3), (0.1, 0.05))
    assert found.dtype == "float32"
    assert found.shape == (20 * 8 + 6 * 6 + 6, 4)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_scales_are_those_of_the_object_detection_api():
    # min_scale 0.2, max_scale 0.95 of six maps in its ssd_mobilenet_v2 configurations.
    found = kt.detection.ssd_anchors([(1, 1)] * 6)
    scales = [0.2, 0.35, 0.5, 0.65, 0.8, 0.95]
    squares = found.reshape(6, 6, 4)
    np.testing.assert_allclose(squares[:, 0, 2:], np.stack([scales] * 2, 1), rtol=1e-6)
    between = np.sqrt(np.multiply(scales, [*scales[1:], 1]))
    np.testing.assert_allclose(squares[:, 1, 2], between, rtol=1e-6)


def test_shapes_of_one_map_have_one_area_and_the_ratios():
    found = kt.detection.ssd_anchors([(1, 1)], 0.3, 0.3, (2, 3))
    width, height = found[:, 2], found[:, 3]
    areas = np.delete(width * height, 1)  # without the square of the mean scale
    np.testing.assert_allclose(areas, 0.09, rtol=1e-5)
    ratios = np.delete(width / height, 1)
    np.testing.assert_allclose(ratios, [1, 2, 1 / 2, 3, 1 / 3], rtol=1e-5)


def test_no_side_is_longer_than_the_image():
    found = kt.detection.ssd_anchors(SIZES, 0.5, 1.0, (5,))
    assert found[:, 2:].max() == 1.0
    assert (found[:, :2] > 0).all()
    assert (found[:, :2] < 1).all()


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ([5, 3], TypeError, r"`feature_sizes` must be a list of \(height, width\)"),
        ([], TypeError, "`feature_sizes` must be a list"),
        ([(5, 0)], ValueError, "`feature_sizes` must be at least 1"),
        ([(5, 2.0)], TypeError, "`feature_sizes` must be an integer"),
    ],
)
def test_wrong_sizes_of_maps_are_refused(arguments, error, match):
    with pytest.raises(error, match=match):
        kt.detection.ssd_anchors(arguments)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"min_scale": 0}, ValueError, "`min_scale` must be between"),
        ({"max_scale": 0.1}, ValueError, "`max_scale` must be between 0.2 and 1"),
        ({"aspect_ratios": 2}, TypeError, "`aspect_ratios` must be a list"),
        ({"aspect_ratios": (1, 2)}, ValueError, "`aspect_ratios` must be above 1"),
        ({"extra_scales": (2,)}, ValueError, "`extra_scales` must be between"),
    ],
)
def test_wrong_options_are_refused(options, error, match):
    with pytest.raises(error, match=match):
        kt.detection.ssd_anchors(SIZES, **options)


@pytest.mark.reference
def test_it_is_torchvisions(torchvision):
    import torch
    from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
    from torchvision.models.detection.image_list import ImageList

    for maps in ([20, 10, 5, 3, 2, 1], [(19, 13), (10, 7), (5, 4), (3, 2), (2, 1), 1]):
        sizes = [each if isinstance(each, tuple) else (each, each) for each in maps]
        theirs = DefaultBoxGenerator([[2, 3]] * 6, min_ratio=0.2, max_ratio=0.95)
        images = ImageList(torch.zeros(1, 3, 1, 1), [(1, 1)])  # fractions
        (corners,) = theirs(images, [torch.zeros(1, 1, *size) for size in sizes])
        corners = corners.numpy()
        mine = kt.detection.ssd_anchors(sizes)
        np.testing.assert_allclose(
            np.concatenate(
                [mine[:, :2] - mine[:, 2:] / 2, mine[:, :2] + mine[:, 2:] / 2], 1
            ),
            corners,
            atol=1e-6,
        )
