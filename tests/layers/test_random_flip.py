import keras
import numpy as np
import pytest
from keras import ops

import keras_tricks as kt

tf = pytest.importorskip("tensorflow")

HEIGHT, WIDTH = 6, 9
IMAGES = np.random.default_rng(0).integers(0, 256, (8, HEIGHT, WIDTH, 3))
IMAGES = IMAGES.astype("uint8")
BOXES = np.array([[1, 2, 4, 5], [0, 0, 9, 6], [-3, 1, 2, 8], [-1] * 4], "float32")
LABELS = np.array([3, 4, 5, -1], "int32")


def batch():
    return {
        "images": IMAGES.copy(),
        "bounding_boxes": {
            "boxes": np.tile(BOXES, (8, 1, 1)),
            "labels": np.tile(LABELS, (8, 1)),
        },
        "segmentation_masks": IMAGES[..., 0].copy(),
    }


def arrays(value):
    return keras.tree.map_structure(
        lambda x: np.asarray(ops.convert_to_numpy(x)), value
    )


def flipped(box, vertical, horizontal):
    """Return a box, clipped to the image, of a flipped image."""
    left, top, right, bottom = np.clip(box, 0, [WIDTH, HEIGHT] * 2)
    if horizontal:
        left, right = WIDTH - right, WIDTH - left
    if vertical:
        top, bottom = HEIGHT - bottom, HEIGHT - top
    return [left, top, right, bottom]


def which(out):
    """Return for every image whether it is flipped, vertically and horizontally."""
    found = []
    for old, new in zip(IMAGES, out["images"], strict=True):
        kinds = [(v, h) for v in (0, 1) for h in (0, 1)]
        same = [(new == old[:: 1 - 2 * v, :: 1 - 2 * h]).all() for v, h in kinds]
        assert sum(same) == 1
        found.append(kinds[same.index(True)])
    return found


@pytest.mark.parametrize(
    ("mode", "kinds"),
    [
        ("horizontal", {(0, 0), (0, 1)}),
        ("vertical", {(0, 0), (1, 0)}),
        ("horizontal_and_vertical", {(0, 0), (0, 1), (1, 0), (1, 1)}),
    ],
)
def test_boxes_and_masks_follow_and_padding_stays(mode, kinds):
    layer = kt.layers.RandomFlip(mode, bounding_box_format="xyxy", seed=1)
    seen = set()
    for _ in range(3):
        out = arrays(layer(batch()))
        for i, (vertical, horizontal) in enumerate(which(out)):
            seen.add((vertical, horizontal))
            expected = [flipped(box, vertical, horizontal) for box in BOXES[:3]]
            boxes, labels = out["bounding_boxes"].values()
            np.testing.assert_array_equal(boxes[i], [*expected, [-1] * 4])
            np.testing.assert_array_equal(labels[i], LABELS)
        np.testing.assert_array_equal(out["segmentation_masks"], out["images"][..., 0])
        assert out["images"].dtype == out["segmentation_masks"].dtype == "uint8"
        assert labels.dtype == "int32"
    assert seen == kinds


def test_probabilities_zero_and_one():
    same = kt.layers.RandomFlip(probability=0)(IMAGES)
    np.testing.assert_array_equal(arrays(same), IMAGES)
    turned = kt.layers.RandomFlip(probability=1)(IMAGES)
    np.testing.assert_array_equal(arrays(turned), IMAGES[:, :, ::-1])


def test_the_callers_dict_is_left_alone():
    mine = batch()
    kt.layers.RandomFlip(probability=1, bounding_box_format="xyxy")(mine)
    for old, new in zip(
        keras.tree.flatten(batch()), keras.tree.flatten(mine), strict=True
    ):
        np.testing.assert_array_equal(old, new)


@pytest.mark.slow
def test_a_dataset_gives_what_eager_gives():
    eager, mapped = (
        kt.layers.RandomFlip(bounding_box_format="rel_xywh", seed=3) for _ in range(2)
    )
    boxes = np.tile([[[0.1, 0.2, 0.5, 0.6]]], (8, 1, 1))
    boxes = {"boxes": boxes, "labels": np.full((8, 1), 2)}
    mine = {"images": IMAGES, "bounding_boxes": boxes}
    mapped = next(iter(tf.data.Dataset.from_tensors(mine).map(mapped)))
    flat = (keras.tree.flatten(arrays(x)) for x in (eager(mine), mapped))
    for a, b in zip(*flat, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6 * (a.dtype == "float32"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mode": "diagonal"}, "`mode` must be one of"),
        ({"probability": 1.5}, "`probability` must be between 0 and 1"),
        ({"bounding_box_format": "xxyy"}, "`bounding_box_format` must be one of"),
    ],
)
def test_bad_argument_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        kt.layers.RandomFlip(**arguments)


def test_boxes_need_their_format():
    with pytest.raises(ValueError, match="needs to know their format"):
        kt.layers.RandomFlip()(batch())
