import types

import numpy as np
import pytest

import keras_tricks as kt

SIZES = [(4, 4), (2, 2), (1, 1)]


def box(x, y, width, height):
    return [x - width / 2, y - height / 2, x + width / 2, y + height / 2]


def iou(one, other):
    """Of two boxes, in plain Python."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    common = max(width, 0) * max(height, 0)
    areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (one, other)]
    return common / (sum(areas) - common)


def test_best_iou_and_uncovered_are_those_of_a_loop():
    random = np.random.default_rng(0)
    anchors = kt.detection.ssd_anchors(SIZES)
    boxes = [
        np.array([box(*random.uniform((0.3, 0.3, 0.02, 0.02), 0.6)) for _ in range(n)])
        for n in (3, 1, 5)
    ] + [np.zeros((0, 4))]
    report = kt.detection.check_anchors(anchors, boxes, threshold=0.4)
    every = np.concatenate(boxes)
    best = [max(iou(b, box(*anchor)) for anchor in anchors) for b in every]
    np.testing.assert_allclose(report.best_iou, best, atol=1e-5)
    missed = np.array(best) < 0.4
    assert 0 < missed.sum() < 9
    np.testing.assert_allclose(report.uncovered, every[missed], atol=1e-6)
    assert report.share == missed.mean()


def test_positives_are_the_anchors_matched():
    anchors = kt.detection.ssd_anchors(SIZES)
    boxes = [np.array([box(0.25, 0.25, 0.55, 0.55), box(0.5, 0.5, 0.9, 0.9)])] * 20
    report = kt.detection.check_anchors(anchors, boxes)
    corners = np.array([box(*anchor) for anchor in anchors])
    overlap = np.array([[[iou(b, c) for c in corners] for b in boxes[0]]], "float32")
    match = np.array(kt.detection.match_anchors(overlap, np.ones((1, 2), bool)))
    expected = [(match == i).sum() for i in range(2)] * 20
    assert report.positives.tolist() == expected
    assert min(expected) > 1
    assert [level[:2] for level in report.levels] == [
        ((4, 4), 96),
        ((2, 2), 24),
        ((1, 1), 6),
    ]
    assert sum(level[2] for level in report.levels) == sum(expected)


def test_annotations_are_taken_without_their_crowds():
    annotations = kt.detection.Annotations(
        paths=["a", "b"],
        boxes=[np.array([[0, 0, 50, 100], [0, 0, 9, 9.0]]), np.array([[3, 3, 5, 5.0]])],
        labels=[np.array([1, 0]), np.array([1])],
        crowd=[np.array([False, True]), np.array([False])],
        sizes=[(200, 100), (100, 100)],
        class_names=["auk", "owl"],
    )
    model = types.SimpleNamespace(
        anchors=kt.detection.ssd_anchors(SIZES, min_scale=0.3), image_size=(40, 80)
    )
    report = kt.detection.check_anchors(model, annotations)
    np.testing.assert_allclose(
        report.boxes, [[0, 0, 0.5, 0.5], [0.03, 0.03, 0.05, 0.05]], rtol=1e-6
    )
    assert report.labels.tolist() == [1, 1]
    text = str(report)
    assert "1 of 2 boxes (50 %) is matched by no anchor at IoU 0.5." in text
    assert "They are 1.13 pixels" in text  # .02 of 40 by .02 of 80
    assert "2 times as wide as high" in text
    assert "Each still gets its best anchor" in text
    assert "By class: owl 1 of 2." in text


def test_suggested_scales_miss_as_few_as_they_say():
    boxes = [np.array([box(0.125 + x, 0.375, 0.1, 0.1)]) for x in (0, 0.25, 0.5, 0.75)]
    anchors = kt.detection.ssd_anchors(SIZES, min_scale=0.5)
    report = kt.detection.check_anchors(anchors, boxes)
    assert report.share == 1
    settings = dict(report.suggestions[0])
    share = settings.pop("share")
    again = kt.detection.check_anchors(
        kt.detection.ssd_anchors(SIZES, **settings), boxes
    )
    assert again.share == share == 0
    assert again.suggestions == []
    assert f"min_scale={settings['min_scale']:g}" in str(report)
    assert "misses about 0 %" in str(report)


def test_larger_image_is_suggested_where_cells_are_too_coarse():
    # As far from the middle of 4x4 cells as can be, in the middle of 8x8.
    boxes = [np.array([box(x, 0.4375, 0.06, 0.06)]) for x in (0.0625, 0.3125, 0.5625)]
    anchors = kt.detection.ssd_anchors(SIZES, extra_scales=[0.1])
    report = kt.detection.check_anchors(anchors, boxes, image_size=64)
    (larger,) = report.suggestions
    assert larger["times"] == 2
    assert larger["share"] == 0
    finer = [(8, 8), (4, 4), (2, 2)]
    low, high = larger["min_scale"], larger["max_scale"]
    again = kt.detection.ssd_anchors(finer, low, high, extra_scales=[low / 2])
    assert kt.detection.check_anchors(again, boxes).share == 0
    assert "an input of 128x128 pixels" in str(report)


def test_other_anchors_get_no_suggestion():
    boxes = [np.array([box(0.5, 0.5, 0.01, 0.01)])]
    anchors = kt.detection.fpn_anchors([(4, 4), (2, 2)])
    report = kt.detection.check_anchors(anchors, boxes)
    assert report.suggestions is None
    assert [level[0] for level in report.levels] == [(4, 4), (2, 2)]
    random = np.random.default_rng(0).uniform(0.1, 0.9, (9, 4))
    report = kt.detection.check_anchors(random, boxes)
    assert report.levels == []
    assert "Nothing else was tried" in str(report)


def test_boxes_whose_anchor_went_to_another_are_told():
    anchors = np.array([[0.5, 0.5, 0.4, 0.4]])
    boxes = [np.array([box(0.5, 0.5, 0.4, 0.4), box(0.5, 0.5, 0.3, 0.3)])]
    report = kt.detection.check_anchors(anchors, boxes)
    assert report.positives.tolist() == [1, 0]
    assert "Without any, as another took their best one: 1." in str(report)


def test_bad_arguments_are_refused_by_name():
    anchors = kt.detection.ssd_anchors(SIZES)
    good = [np.array([[0, 0, 1, 1]])]
    with pytest.raises(ValueError, match="`anchors` must be a model with anchors"):
        kt.detection.check_anchors(np.zeros((3, 5)), good)
    with pytest.raises(ValueError, match="fractions of the image's sides"):
        kt.detection.check_anchors(anchors, [np.array([[0, 0, 30, 40]])])
    with pytest.raises(ValueError, match="`boxes` must hold a box"):
        kt.detection.check_anchors(anchors, [np.zeros((0, 4))])
    with pytest.raises(TypeError, match="`boxes` must be `Annotations` or a list"):
        kt.detection.check_anchors(anchors, "boxes")
    with pytest.raises(ValueError, match="`threshold` must be between 0 and 1"):
        kt.detection.check_anchors(anchors, good, threshold=2)
    with pytest.raises(ValueError, match="`image_size` must be at least 1"):
        kt.detection.check_anchors(anchors, good, image_size=0)
