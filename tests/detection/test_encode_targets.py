import keras
import numpy as np
import pytest
from boxes_in_plain_python import edges, iou, match
from keras import ops

import keras_tricks as kt

HEIGHT, WIDTH = 60, 90
ANCHORS = kt.detection.ssd_anchors([(4, 3), (2, 2), (1, 1)])
IMAGES = np.zeros((3, HEIGHT, WIDTH, 3), "uint8")
BOXES = np.array(
    [
        [[3, 4, 40, 50], [50, 10, 85, 30], [20, 5, 28, 12], [-1] * 4],
        [[30, 20, 60, 40], [31, 20, 60, 41], [-1] * 4, [-1] * 4],
        [[-1] * 4] * 4,
    ],
    "float32",
)
LABELS = np.array([[2, 0, 1, -1], [1, 5, -1, -1], [-1] * 4], "int32")
FORMATS = (
    *("xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw"),
    *("rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh"),
)


def encoder(*arguments, **options):
    return kt.detection.EncodeTargets(ANCHORS, (HEIGHT, WIDTH), *arguments, **options)


def arrays(targets):
    found = {key: ops.convert_to_numpy(value) for key, value in targets.items()}
    assert set(found) == {"boxes", "classes"}
    return found


def encode(boxes, labels, *arguments, **options):
    boxes, labels = np.asarray(boxes, "float32"), np.asarray(labels, "int32")
    return arrays(
        encoder(*arguments, **options).encode({"boxes": boxes, "labels": labels})
    )


def assert_same(found, expected, atol=0.0):
    np.testing.assert_array_equal(found["classes"], expected["classes"])
    np.testing.assert_allclose(found["boxes"], expected["boxes"], atol=atol)


def by_hand(boxes, labels, threshold=0.5):
    """The targets of one image."""
    boxes = np.clip(np.array(boxes) / [WIDTH, HEIGHT, WIDTH, HEIGHT], 0, 1)
    valid = (labels >= 0) & (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    overlaps = np.array([[iou(b, edges(a)) for a in ANCHORS] for b in boxes])
    found = match(overlaps, valid, threshold)
    codes, classes = np.zeros((len(ANCHORS), 5)), np.full(len(ANCHORS), -1)
    for i, box in enumerate(found):
        if box >= 0:
            (x, y, width, height), b = ANCHORS[i], boxes[box]
            codes[i] = [
                ((b[0] + b[2]) / 2 - x) / width / 0.1,
                ((b[1] + b[3]) / 2 - y) / height / 0.1,
                np.log((b[2] - b[0]) / width) / 0.2,
                np.log((b[3] - b[1]) / height) / 0.2,
                1,
            ]
            classes[i] = labels[box]
    return codes, classes


@pytest.mark.parametrize("threshold", [0.3, 0.5])
def test_targets_are_those_of_a_loop(threshold):
    found = encode(BOXES, LABELS, threshold=threshold)
    assert found["boxes"].shape == (3, len(ANCHORS), 5)
    assert (found["boxes"].dtype, found["classes"].dtype) == ("float32", "int32")
    for i in range(3):
        codes, classes = by_hand(BOXES[i], LABELS[i], threshold)
        np.testing.assert_array_equal(found["classes"][i], classes)
        np.testing.assert_allclose(found["boxes"][i], codes, atol=1e-4)
    assert set(found["classes"][0]) == {-1, 0, 1, 2}


def test_decoding_the_targets_gives_the_boxes():
    found = encode(BOXES, LABELS)
    codes, matched = found["boxes"][..., :4], found["boxes"][..., 4] > 0
    decoded = ops.convert_to_numpy(kt.detection.decode_boxes(codes, ANCHORS))
    decoded *= np.array([WIDTH, HEIGHT, WIDTH, HEIGHT], "float32")
    for i in range(2):
        of = [
            np.flatnonzero(LABELS[i] == k)[0] for k in found["classes"][i, matched[i]]
        ]
        np.testing.assert_allclose(decoded[i, matched[i]], BOXES[i, of], atol=1e-3)
    np.testing.assert_array_equal(matched, found["classes"] >= 0)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_of_keras_means_the_same_boxes(name):
    boxes = keras.utils.bounding_boxes.convert_format(
        BOXES, "xyxy", name, HEIGHT, WIDTH
    )
    found = encode(ops.convert_to_numpy(boxes), LABELS, name)
    assert_same(found, encode(BOXES, LABELS), atol=1e-4)


@pytest.mark.parametrize(
    "call",
    [
        lambda e, x, y: e({"images": x, "bounding_boxes": y}),
        lambda e, x, y: e((x, y)),
        lambda e, x, y: e(x, y),
        lambda e, x, y: e(x, bounding_boxes=y),
    ],
    ids=["dict", "tuple", "two", "named"],
)
def test_every_way_to_call_gives_images_and_targets(call):
    images, targets = call(encoder(), IMAGES, {"boxes": BOXES, "labels": LABELS})
    assert images is IMAGES
    assert_same(arrays(targets), encode(BOXES, LABELS))


def test_images_without_objects_are_background():
    for boxes, labels in (
        (np.zeros((2, 0, 4)), np.zeros((2, 0))),
        (np.full((2, 3, 4), -1), np.full((2, 3), -1)),
        (np.full((2, 1, 4), 30.0), [[0], [1]]),  # no area
        ([[[60.0, 40, 20, 10]]] * 2, [[0]] * 2),  # inside out
        ([[[100.0, 70, 120, 80]], [[-30, -20, -2, -1]]], [[0]] * 2),  # outside
    ):
        found = encode(boxes, labels)
        assert (found["classes"] == -1).all()
        assert (found["boxes"] == 0).all()
        assert found["boxes"].shape == (2, len(ANCHORS), 5)


def test_padding_may_have_any_box_and_any_place():
    order = [3, 1, 0, 2]
    boxes = np.where(LABELS[..., None] < 0, [0, 0, WIDTH, HEIGHT], BOXES)[:, order]
    assert_same(encode(boxes, LABELS[:, order]), encode(BOXES, LABELS))


def test_boxes_are_cut_at_the_edge_of_the_image():
    outside = [[[-30.0, -10, 40, 50], [60, 30, 200, 300]]]
    inside = [[[0.0, 0, 40, 50], [60, 30, WIDTH, HEIGHT]]]
    assert_same(encode(outside, [[0, 1]]), encode(inside, [[0, 1]]))


def test_every_image_is_on_its_own():
    together = encode(BOXES, LABELS)
    for i in range(3):
        alone = encode(BOXES[[i]], LABELS[[i]])
        assert_same(alone, {k: v[[i]] for k, v in together.items()}, atol=1e-6)


def test_labels_may_be_floats():
    given = {"boxes": BOXES, "labels": LABELS.astype("float32")}
    assert_same(arrays(encoder().encode(given)), encode(BOXES, LABELS))


def test_it_is_the_same_in_tf_data():
    tf = pytest.importorskip("tensorflow")
    batch = {"images": IMAGES, "bounding_boxes": {"boxes": BOXES, "labels": LABELS}}
    data = tf.data.Dataset.from_tensor_slices(batch).batch(2).map(encoder())
    batches = list(data)
    for part, (images, targets) in zip((slice(2), slice(2, 3)), batches, strict=True):
        np.testing.assert_array_equal(images, IMAGES[part])
        found = {key: value.numpy() for key, value in targets.items()}
        assert_same(found, encode(BOXES[part], LABELS[part]), atol=1e-5)
    assert data.element_spec[1]["boxes"].shape[1:] == (len(ANCHORS), 5)
    assert data.element_spec[1]["classes"].dtype == tf.int32


@pytest.mark.slow
def test_it_is_the_same_compiled(jit):
    encode_targets = encoder()
    compiled = jit(lambda b, n: encode_targets.encode({"boxes": b, "labels": n}))
    found = compiled(ops.convert_to_tensor(BOXES), ops.convert_to_tensor(LABELS))
    assert_same(arrays(found), encode(BOXES, LABELS), atol=1e-5)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"anchors": ANCHORS[0]}, ValueError, r"`anchors` must have the shape"),
        ({"image_size": (60, 0)}, ValueError, "`image_size` must be at least 1"),
        ({"image_size": (60.0, 9)}, TypeError, "`image_size` must be an integer"),
        ({"bounding_box_format": "x"}, ValueError, "`bounding_box_format` must be one"),
        ({"threshold": 2}, ValueError, "`threshold` must be between 0 and 1"),
    ],
)
def test_wrong_arguments_are_refused(options, error, match):
    right = {"anchors": ANCHORS, "image_size": (HEIGHT, WIDTH)}
    with pytest.raises(error, match=match):
        kt.detection.EncodeTargets(**{**right, **options})


@pytest.mark.parametrize(
    ("boxes", "match"),
    [
        ({"boxes": BOXES}, "keys 'boxes' and 'labels'"),
        ({"boxes": BOXES[0], "labels": LABELS}, r"\['boxes'\]` must have the shape"),
        ({"boxes": BOXES, "labels": LABELS[0]}, r"\['labels'\]` must have the shape"),
        ({"boxes": BOXES, "labels": LABELS.astype("uint8")}, "must be signed"),
    ],
)
def test_boxes_of_another_form_are_refused(boxes, match):
    with pytest.raises(ValueError, match=match):
        encoder()(IMAGES, boxes)
