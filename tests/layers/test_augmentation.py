import numpy as np
import pytest
from keras import ops

import keras_tricks as kt

tf = pytest.importorskip("tensorflow")

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 20, 30, 3)).astype("uint8")
BOXES = np.array([[2.0, 3, 12, 18], [10, 5, 29, 6], [4, 4, 9, 9]], "float32")


def detection_batches():
    """Batches with as many boxes as their fullest image has, a number not known."""

    def samples():
        for i in range(3):
            boxes = {"boxes": BOXES[: i + 1], "labels": np.arange(i + 1)}
            yield {"images": IMAGES[i], "bounding_boxes": boxes}

    signature = {
        "images": tf.TensorSpec((20, 30, 3), "uint8"),
        "bounding_boxes": {
            "boxes": tf.TensorSpec((None, 4), "float32"),
            "labels": tf.TensorSpec((None,), "int64"),
        },
    }
    return tf.data.Dataset.from_generator(samples, output_signature=signature)


def padded(data, size):
    values = {
        "images": tf.constant(0, "uint8"),
        "bounding_boxes": {
            "boxes": tf.constant(-1.0),
            "labels": tf.constant(-1, "int64"),
        },
    }
    return data.padded_batch(size, padding_values=values)


@pytest.mark.slow
@pytest.mark.parametrize(
    "layer",
    [
        lambda: kt.layers.RandAugment(bounding_box_format="xyxy", seed=1),
        lambda: kt.layers.MixUp(alpha=1.0, seed=1),
        lambda: kt.layers.Mosaic(bounding_box_format="xyxy", seed=1),
    ],
)
def test_an_unknown_number_of_boxes_gives_what_eager_gives(layer):
    data = padded(detection_batches(), 3)
    (mapped,) = data.map(layer())
    (batch,) = data
    expected = layer()(batch)
    for key in ("boxes", "labels"):
        mine, theirs = (
            ops.convert_to_numpy(x["bounding_boxes"][key]) for x in (mapped, expected)
        )
        np.testing.assert_allclose(mine, theirs, atol=1e-4)
    np.testing.assert_array_equal(
        mapped["images"].numpy(), ops.convert_to_numpy(expected["images"])
    )


@pytest.mark.slow
def test_single_samples_move_with_their_boxes():
    layer = kt.layers.RandomResizedCrop(10, 8, bounding_box_format="xyxy", seed=1)
    counts = [
        len(x["bounding_boxes"]["labels"]) for x in detection_batches().map(layer)
    ]
    assert counts == [1, 2, 3]


def test_boxes_among_the_labels_are_refused():
    layer = kt.layers.RandAugment(bounding_box_format="xyxy")
    labels = {"boxes": BOXES[None], "labels": np.zeros((1, 3))}
    with pytest.raises(ValueError, match="give the batch as a dict"):
        layer(IMAGES[:1], labels)


def test_boxes_without_a_format_are_refused():
    boxes = {"boxes": BOXES[None], "labels": np.zeros((1, 3))}
    with pytest.raises(ValueError, match="RandAugment moves bounding boxes"):
        kt.layers.RandAugment()({"images": IMAGES[:1], "bounding_boxes": boxes})
    kt.layers.GridMask()({"images": IMAGES[:1], "bounding_boxes": boxes})


def test_ragged_boxes_are_refused():
    boxes = {
        "boxes": tf.RaggedTensor.from_tensor(BOXES[None], ragged_rank=1),
        "labels": tf.ragged.constant([[0, 1, 2]]),
    }
    batch = {"images": IMAGES[:1], "bounding_boxes": boxes}
    layer = kt.layers.RandAugment(bounding_box_format="xyxy")
    with pytest.raises(ValueError, match="must be dense"):
        layer.augment_batch(batch, np.array([0, 0]))


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        ({"boxes": BOXES[None]}, "the keys 'boxes' and 'labels'"),
        ({"boxes": BOXES, "labels": np.zeros(3)}, r"shape \(batch, boxes, 4\)"),
        ({"boxes": BOXES[None], "labels": np.zeros((1, 3), "uint8")}, "must be signed"),
    ],
)
def test_bad_boxes_are_refused(boxes, message):
    layer = kt.layers.RandAugment(bounding_box_format="xyxy")
    with pytest.raises(ValueError, match=message):
        layer({"images": IMAGES[:1], "bounding_boxes": boxes})
