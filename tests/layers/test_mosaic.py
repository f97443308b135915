import keras
import numpy as np
import pytest
from keras import ops

import keras_tricks as kt

tf = pytest.importorskip("tensorflow")


def arrays(batch):
    return keras.tree.map_structure(
        lambda x: np.asarray(ops.convert_to_numpy(x)), batch
    )


def located(count, height, width):
    """Return images whose channels are number, row and column of every pixel."""
    return np.stack(np.indices((count, height, width)), axis=-1).astype("int32")


def made(count=8, height=12, width=10, seed=0, **arguments):
    """Return the mosaics of located images and their labels."""
    layer = kt.layers.Mosaic(count, seed=seed, **arguments)
    return arrays(layer(located(count, height, width), np.arange(count)))


def points(mosaics):
    """Return row and column of every point, if 0 < row, column."""
    height, width = mosaics.shape[1:3]
    return height - mosaics[:, 0, 0, 1], width - mosaics[:, 0, 0, 2]


def members(mosaics):
    """Return the numbers of the four images of every mosaic."""
    ids = mosaics[..., 0]
    corners = (ids[:, 0, 0], ids[:, 0, -1], ids[:, -1, 0], ids[:, -1, -1])
    return np.stack(corners, axis=1)


def test_a_mosaic_is_a_part_of_four_images_side_by_side():
    mosaics, _ = made()
    images = located(8, 12, 10)
    for mosaic, four, top, left in zip(
        mosaics, members(mosaics), *points(mosaics), strict=True
    ):
        one, two, three, four = images[four]
        canvas = np.block([[[one], [two]], [[three], [four]]])
        expected = canvas[12 - top :, 10 - left :][:12, :10]
        np.testing.assert_array_equal(mosaic, expected)


def test_every_image_is_once_in_every_place():
    four = members(made()[0])
    np.testing.assert_array_equal(four[:, 0], np.arange(8))
    for place in four.T:
        np.testing.assert_array_equal(np.sort(place), np.arange(8))
    assert all(len(set(row)) == 4 for row in four)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_small_batch_repeats_itself(count):
    images = located(count, 12, 10)
    layer = kt.layers.Mosaic(3, seed=0)
    mosaics, labels = arrays(layer(images, np.arange(count)))
    for i, four in enumerate(members(mosaics)):
        assert len(set(four)) == count
        assert four[count % 4] == four[0] == i
    np.testing.assert_allclose(labels.sum(1), 1, atol=2e-7)


def test_labels_are_exactly_the_shares_of_pixels():
    # JAX divides on the CPU through a multiplication with the inverse.
    last_place = 2e-7 if keras.config.backend() == "jax" else 0
    for seed in range(4):
        mosaics, labels = made(seed=seed)
        ids = mosaics[..., 0].reshape(8, -1, 1)
        expected = (ids == np.arange(8)).mean(1).astype("float32")
        np.testing.assert_allclose(labels, expected, rtol=last_place)
        # two classes for eight images: a class is several times in a mosaic
        layer = kt.layers.Mosaic(2, seed=seed)
        _, labels = arrays(layer(located(8, 12, 10), np.arange(8) % 2))
        expected = (ids % 2 == np.arange(2)).mean(1).astype("float32")
        np.testing.assert_allclose(labels, expected, rtol=last_place)


@pytest.mark.slow
def test_tf_data_gives_the_same_with_known_and_unknown_sizes():
    images, labels = located(5, 12, 10), np.arange(5)
    boxes = {"boxes": np.full((5, 2, 4), 3.0), "labels": np.ones((5, 2), "int32")}
    batch = {"images": images, "labels": labels, "bounding_boxes": boxes}
    arguments = {"bounding_box_format": "xywh", "seed": 0}
    eager = arrays(kt.layers.Mosaic(5, **arguments)(batch))
    known = tf.data.Dataset.from_tensors(batch)
    spec = keras.tree.map_structure(
        lambda x: tf.TensorSpec([None] * len(x.shape), x.dtype), known.element_spec
    )
    spec["bounding_boxes"]["boxes"] = tf.TensorSpec((None, None, 4), tf.float64)
    spec["images"] = tf.TensorSpec((None, None, None, 3), tf.int32)
    unknown = tf.data.Dataset.from_generator(lambda: [batch], output_signature=spec)
    for data in (known, unknown):
        other = arrays(next(iter(data.map(kt.layers.Mosaic(5, **arguments)))))
        np.testing.assert_array_equal(other["images"], eager["images"])
        # JAX divides on the CPU through a multiplication with the inverse.
        last_place = 2e-7 if keras.config.backend() == "jax" else 0
        np.testing.assert_allclose(other["labels"], eager["labels"], rtol=last_place)
        for key in boxes:
            np.testing.assert_array_equal(
                other["bounding_boxes"][key], eager["bounding_boxes"][key]
            )


def drawn(count, height, width, seed=0):
    """Return images with one rectangle each, of value number + 1, and the boxes."""
    rng = np.random.default_rng(seed)
    images = np.zeros((count, height, width, 1), "int32")
    boxes = np.zeros((count, 1, 4))
    for i in range(count):
        top, bottom = np.sort(rng.choice(height + 1, 2, replace=False))
        left, right = np.sort(rng.choice(width + 1, 2, replace=False))
        images[i, top:bottom, left:right] = i + 1
        boxes[i, 0] = left, top, right, bottom
    return images, boxes


def extents(mosaic, value):
    rows, columns = np.nonzero(mosaic == value)
    if not len(rows):
        return np.full(4, -1)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


@pytest.mark.parametrize("form", ["xyxy", "rel_yxyx", "center_xywh"])
def test_boxes_are_the_extents_of_drawn_rectangles(form):
    images, boxes = drawn(16, 32, 24)
    layer = kt.layers.Mosaic(
        center=(0.1, 0.9), min_visible=0.0, bounding_box_format=form, seed=0
    )

    def converted(boxes, source, target):
        convert = keras.utils.bounding_boxes.convert_format
        return np.asarray(convert(boxes.astype("float32"), source, target, 32, 24))

    labels = np.arange(16)[:, None] + 1
    batch = {"boxes": converted(boxes, "xyxy", form), "labels": labels}
    out = arrays(layer({"images": images, "bounding_boxes": batch}))
    found = out["bounding_boxes"]
    assert found["boxes"].shape == (16, 4, 4)
    dropped = found["labels"] == -1
    pixels = converted(found["boxes"], form, "xyxy")
    assert 0 < dropped.mean() < 0.6
    for i in range(16):
        # seen rectangles have a box; a dropped box has no pixel
        seen = set(np.unique(out["images"][i])) - {0}
        assert seen == set(found["labels"][i][~dropped[i]])
        for box, label in zip(pixels[i], found["labels"][i], strict=True):
            if label != -1:
                expected = extents(out["images"][i, ..., 0], label)
                np.testing.assert_allclose(box, expected, atol=1e-4)
    np.testing.assert_array_equal(found["boxes"][dropped], -1)


def boxes_of(boxes, count=5, **arguments):
    """Return mosaics of images 20 high and 16 wide that all have the same boxes."""
    boxes = np.broadcast_to(np.array(boxes, "float32"), (count, len(boxes), 4))
    labels = np.broadcast_to(np.arange(len(boxes[0])), boxes.shape[:2])
    layer = kt.layers.Mosaic(bounding_box_format="xyxy", seed=0, **arguments)
    batch = {"boxes": boxes, "labels": labels.astype("int32")}
    images = located(count, 20, 16)
    return arrays(layer({"images": images, "bounding_boxes": batch}))


def test_boxes_of_which_too_little_is_left_are_dropped():
    # With the point in the middle every place shows a quarter of its image.
    boxes = [[0, 0, 16, 20], [8, 10, 16, 20], [0, 0, 8, 9], [7, 9, 9, 11]]
    for min_visible, kept in ((0.1, 0), (0.25, 0), (0.3, None)):
        out = boxes_of(boxes, center=(0.5, 0.5), min_visible=min_visible)
        labels = out["bounding_boxes"]["labels"][0].reshape(4, 4)
        # top left: the lower right quarter of its image; bottom right: the upper left
        expected = [0, 1, -1, 3] if kept == 0 else [-1, 1, -1, -1]
        assert labels[0].tolist() == expected
        expected = [0, -1, 2, 3] if kept == 0 else [-1, -1, 2, -1]
        assert labels[3].tolist() == expected


def test_boxes_are_clipped_to_their_part_of_the_mosaic():
    out = boxes_of([[-9, -9, 40, 40]], center=(0.5, 0.5))
    np.testing.assert_array_equal(
        out["bounding_boxes"]["boxes"][0],
        [[0, 0, 8, 10], [8, 0, 16, 10], [0, 10, 8, 20], [8, 10, 16, 20]],
    )
    # what is outside of its own image is no visible part that could be lost
    assert (boxes_of([[-900, -900, 8, 10]], center=(0.5, 0.5), min_visible=1.0))[
        "bounding_boxes"
    ]["labels"][0].tolist() == [-1, -1, -1, 0]


def test_padding_stays_padding():
    boxes = {"boxes": np.full((3, 2, 4), 5.0), "labels": np.full((3, 2), -1)}
    layer = kt.layers.Mosaic(bounding_box_format="xywh", seed=0)
    out = layer({"images": np.zeros((3, 16, 16, 1)), "bounding_boxes": boxes})
    for value in arrays(out["bounding_boxes"]).values():
        np.testing.assert_array_equal(value, -1)


def test_probability_is_that_of_becoming_a_mosaic():
    images = located(300, 6, 4)
    mosaics, labels = made(300, 6, 4, probability=0.3)
    same = (mosaics == images).all((1, 2, 3))
    assert same.mean() == pytest.approx(0.7, abs=0.08)
    np.testing.assert_array_equal(np.diag(labels) == 1, same)


def test_probability_zero_is_the_identity():
    boxes = [[1, 2, 9, 9], [3.5, 4, 5, 6]]
    out = boxes_of(boxes, probability=0.0, min_visible=1.0)
    np.testing.assert_array_equal(out["images"], located(5, 20, 16))
    found = out["bounding_boxes"]
    np.testing.assert_array_equal(found["boxes"][:, :2], [boxes] * 5)
    assert found["labels"].tolist() == [[0, 1, -1, -1, -1, -1, -1, -1]] * 5


def test_center_is_where_the_point_lies():
    mosaics, _ = made(200, 20, 12)
    rows, columns = points(mosaics)
    assert set(rows) == set(range(5, 16))
    assert set(columns) == set(range(3, 10))
    assert abs(np.corrcoef(rows, columns)[0, 1]) < 0.2
    rows, _ = points(made(200, 8, 12, center=(0, 1))[0])
    assert set(rows) == set(range(1, 9))  # 0 looks like 8


def test_channels_first_is_channels_last_transposed():
    images = located(5, 12, 10)
    last, one = arrays(kt.layers.Mosaic(5, seed=3)(images, np.arange(5)))
    layer = kt.layers.Mosaic(5, data_format="channels_first", seed=3)
    first, two = arrays(layer(images.transpose(0, 3, 1, 2), np.arange(5)))
    np.testing.assert_array_equal(first.transpose(0, 2, 3, 1), last)
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_segmentation_masks_are_put_together_as_the_images(data_format):
    images = located(5, 12, 10)
    first = data_format == "channels_first"
    layer = kt.layers.Mosaic(data_format=data_format, seed=1)
    for masks in (images[..., 1].astype("uint8"), images.astype("float32")):
        given = images.transpose(0, 3, 1, 2) if first else images
        out = arrays(layer({"images": given, "segmentation_masks": masks}))
        mosaics = out["images"].transpose(0, 2, 3, 1) if first else out["images"]
        expected = mosaics[..., 1] if masks.ndim == 3 else mosaics
        np.testing.assert_array_equal(out["segmentation_masks"], expected)
        assert out["segmentation_masks"].dtype == masks.dtype


def test_sample_weights_weigh_the_losses_of_four():
    layer = kt.layers.Mosaic(6, seed=0)
    weight = np.array([0.0, 1, 2, 3, 4, 5], "float32")
    mosaics, labels, total = arrays(layer(located(6, 12, 10), np.arange(6), weight))
    share = (mosaics[..., 0].reshape(6, -1, 1) == np.arange(6)).mean(1)
    np.testing.assert_allclose(total[:, None] * labels, share * weight, atol=1e-5)
    np.testing.assert_allclose(labels.sum(1), 1, atol=1e-6)


def test_weights_of_zero_give_no_nan():
    layer = kt.layers.Mosaic(2, seed=0)
    batch = (np.zeros((2, 4, 4, 1)), np.array([0, 1]), np.zeros(2, "float32"))
    _, labels, total = arrays(layer(batch))
    np.testing.assert_array_equal(total, 0)
    np.testing.assert_array_equal(labels, 0)


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ({}, "Mosaic mixes images with their labels"),
        ({"labels": np.arange(2), "depth": np.zeros(2)}, "Received: depth, images"),
        ({"labels": np.arange(2)}, "`num_classes` is needed"),
        (
            {
                "bounding_boxes": {
                    "boxes": np.ones((2, 1, 4)),
                    "labels": np.ones((2, 1)),
                }
            },
            "Mosaic moves bounding boxes and needs to know their format",
        ),
    ],
)
def test_batch_that_cannot_be_put_together_is_refused(batch, message):
    with pytest.raises(ValueError, match=message):
        kt.layers.Mosaic()({"images": np.zeros((2, 4, 4, 3)), **batch})


def test_one_image_is_refused():
    with pytest.raises(ValueError, match=r"place it after `.batch"):
        kt.layers.Mosaic(2)(np.zeros((4, 4, 3)), np.array(1))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"center": 0.5}, TypeError, "`center` must be two numbers"),
        ({"center": (0.5, 1.5)}, ValueError, "`center` must be between 0 and 1"),
        ({"center": (0.75, 0.25)}, ValueError, "`center` must not fall"),
        ({"min_visible": -0.1}, ValueError, "`min_visible` must be between"),
        ({"bounding_box_format": "coco"}, ValueError, "`bounding_box_format` must"),
        ({"probability": 2.0}, ValueError, "`probability` must be between"),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        kt.layers.Mosaic(**arguments)
