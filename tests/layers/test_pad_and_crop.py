import numpy as np
import pytest
from keras import ops
from scipy import stats

import keras_tricks as kt

tf = pytest.importorskip("tensorflow")


def moved(images, **arguments):
    return ops.convert_to_numpy(kt.layers.PadAndCrop(**arguments)(images))


def places(count, height=9, width=7, padding=2, seed=0, **arguments):
    """Return by how much each image moved, down and right, read from its pixels."""
    rows, columns = np.indices((height, width))
    image = np.stack([rows, columns], axis=-1).astype("float32") + 100
    images = np.broadcast_to(image, (count, height, width, 2))
    out = moved(images, padding=padding, seed=seed, **arguments)
    middle = out[:, height // 2, width // 2] - 100
    return np.array([height // 2, width // 2]) - middle


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect"])
def test_result_is_a_crop_of_numpys_padding(mode):
    images = np.random.default_rng(0).integers(0, 256, (20, 9, 7, 3)).astype("uint8")
    arguments = {"constant_values": 9} if mode == "constant" else {}
    out = moved(images, padding=3, mode=mode, fill_value=9, seed=1)
    seen = set()
    for image, result in zip(images, out, strict=True):
        padded = np.pad(image, ((3, 3), (3, 3), (0, 0)), mode, **arguments)
        found = [
            (y, x)
            for y in range(7)
            for x in range(7)
            if (padded[y : y + 9, x : x + 7] == result).all()
        ]
        assert len(found) == 1
        seen.add(found[0])
    assert len(seen) > 8


def test_all_places_are_equally_likely():
    found = np.concatenate([places(1000, seed=seed) for seed in range(4)])
    assert set(np.unique(found)) == {-2, -1, 0, 1, 2}
    index = (found[:, 0] + 2) * 5 + found[:, 1] + 2
    assert stats.chisquare(np.bincount(index.astype(int), minlength=25)).pvalue > 0.01


def test_a_float_is_a_fraction_of_either_side():
    found = places(500, height=20, width=10, padding=0.2)
    assert np.abs(found).max(0).tolist() == [4, 2]


def test_nothing_moves_without_padding():
    images = np.random.default_rng(0).random((3, 5, 4, 1)).astype("float32")
    np.testing.assert_array_equal(moved(images, padding=0), images)


def test_padding_may_exceed_the_image():
    images = np.ones((50, 2, 3, 1), "float32")
    assert (moved(images, padding=7, mode="reflect", seed=0) == 1).all()
    out = moved(images, padding=7, fill_value=5, seed=0)
    assert set(np.unique(out)) == {1, 5}


def batch_with_rectangle(count, box=(6, 4, 13, 9), height=16, width=20):
    left, top, right, bottom = box
    masks = np.zeros((count, height, width), "int32")
    masks[:, top:bottom, left:right] = 1
    boxes = np.broadcast_to(np.array([box, (-1,) * 4], "float32"), (count, 2, 4))
    labels = np.broadcast_to(np.array([3, -1]), (count, 2))
    return {
        "images": masks[..., None].astype("float32"),
        "bounding_boxes": {"boxes": boxes, "labels": labels},
        "segmentation_masks": masks,
    }


def test_boxes_and_masks_follow_the_pixels():
    layer = kt.layers.PadAndCrop(12, bounding_box_format="xyxy", seed=0)
    out = layer(batch_with_rectangle(60))
    images, masks = (
        ops.convert_to_numpy(out[key]) for key in ("images", "segmentation_masks")
    )
    boxes, labels = (
        ops.convert_to_numpy(out["bounding_boxes"][key]) for key in ("boxes", "labels")
    )
    np.testing.assert_array_equal(images[..., 0], masks)
    dropped = 0
    for mask, box, label in zip(masks, boxes, labels, strict=True):
        rows, columns = np.nonzero(mask)
        expected = [-1] * 4
        if len(rows):
            expected = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_array_equal(box, [expected, [-1] * 4])
        assert label.tolist() == [3 if len(rows) else -1, -1]
        dropped += not len(rows)
    assert 0 < dropped < 60


def test_masks_are_padded_with_zero():
    batch = batch_with_rectangle(20, box=(0, 0, 20, 16))
    del batch["bounding_boxes"]
    out = kt.layers.PadAndCrop(5, fill_value=7, seed=0)(batch)
    images = ops.convert_to_numpy(out["images"])[..., 0]
    masks = ops.convert_to_numpy(out["segmentation_masks"])
    np.testing.assert_array_equal(images == 7, masks == 0)


def test_channels_first_is_channels_last_transposed():
    images = np.random.default_rng(0).random((4, 12, 9, 2)).astype("float32")
    last = moved(images, padding=3, seed=5)
    first = moved(
        images.transpose(0, 3, 1, 2), padding=3, seed=5, data_format="channels_first"
    )
    np.testing.assert_array_equal(first.transpose(0, 2, 3, 1), last)


def test_images_of_unknown_sizes_come_one_by_one():
    def images():
        for side in (6, 9):
            yield np.full((side, side + 1, 3), side, "uint8")

    spec = tf.TensorSpec((None, None, 3), "uint8")
    data = tf.data.Dataset.from_generator(images, output_signature=spec)
    for mode in ("constant", "reflect"):
        out = list(data.map(kt.layers.PadAndCrop(0.4, mode=mode, seed=1)))
        assert [x.shape.as_list() for x in out] == [[6, 7, 3], [9, 10, 3]]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"padding": -1}, ValueError, "`padding` must be at least 0"),
        ({"padding": 1.5}, ValueError, "`padding` must be between 0 and 1"),
        ({"padding": "4"}, TypeError, "`padding` must be a number"),
        ({"mode": "wrap"}, ValueError, "`mode` must be one of 'constant', 'edge'"),
        ({"fill_value": None}, TypeError, "`fill_value` must be a number"),
        ({"bounding_box_format": "xxyy"}, ValueError, "`bounding_box_format`"),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        kt.layers.PadAndCrop(**arguments)


def test_boxes_without_their_format_are_refused():
    with pytest.raises(ValueError, match="PadAndCrop moves bounding boxes"):
        kt.layers.PadAndCrop()(batch_with_rectangle(2))
