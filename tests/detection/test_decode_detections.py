import keras
import numpy as np
import pytest
from boxes_in_plain_python import edges, greedy
from keras import ops

import keras_tricks as kt

HEIGHT, WIDTH = 60, 90
ANCHORS = kt.detection.ssd_anchors([(3, 2), (1, 1)], 0.3, 0.6, (2,))  # 28
RANDOM = np.random.default_rng(0)
OUTPUTS = {
    "boxes": RANDOM.normal(scale=2, size=(3, 28, 4)).astype("float32"),
    "classes": RANDOM.normal(scale=2, size=(3, 28, 4)).astype("float32"),
}
IMAGES = np.zeros((3, HEIGHT, WIDTH, 3), "float32")


def arrays(found):
    assert set(found) == {"boxes", "scores", "classes"}
    return {key: ops.convert_to_numpy(value) for key, value in found.items()}


def decode(outputs=OUTPUTS, images=IMAGES, anchors=ANCHORS, **options):
    return arrays(kt.detection.DecodeDetections(anchors, **options)(outputs, images))


def assert_same(found, expected, atol=1e-5):
    np.testing.assert_array_equal(found["classes"], expected["classes"])
    np.testing.assert_allclose(found["scores"], expected["scores"], atol=atol)
    np.testing.assert_allclose(found["boxes"], expected["boxes"], atol=100 * atol)


def by_hand(codes, logits, softmax, threshold, iou_threshold, most, candidates):
    """Boxes in pixels, scores and classes of one image, the best first."""
    logits = logits.astype(float)
    if softmax:
        scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        scores = scores[:, :-1]
    else:
        scores = 1 / (1 + np.exp(-logits))
    pairs = [(s, i, c) for (i, c), s in np.ndenumerate(scores) if s > threshold]
    pairs = sorted(pairs, reverse=True)[:candidates]
    boxes = []
    for _, i, _ in pairs:
        (x, y, width, height), code = ANCHORS[i], codes[i] * [0.1, 0.1, 0.2, 0.2]
        size = width * np.exp(code[2]), height * np.exp(code[3])
        box = edges([x + code[0] * width, y + code[1] * height, *size])
        boxes.append(np.clip(box, 0, 1))
    kept = greedy(boxes, iou_threshold, classes=[c for _, _, c in pairs])
    found = [
        (box * [WIDTH, HEIGHT, WIDTH, HEIGHT], score, c)
        for box, (score, _, c), stays in zip(boxes, pairs, kept, strict=True)
        if stays
    ][:most]
    missing = most - len(found)
    found += [(np.zeros(4), 0.0, -1)] * missing
    boxes, scores, classes = zip(*found, strict=True)
    return np.array(boxes), np.array(scores), np.array(classes), missing


@pytest.mark.parametrize("softmax", [True, False])
@pytest.mark.parametrize(
    ("threshold", "iou_threshold", "most", "candidates"),
    [(0.01, 0.5, 100, 400), (0.3, 0.3, 20, 30), (0.0, 0.6, 4, 9)],
)
def test_detections_are_those_of_a_loop(
    softmax, threshold, iou_threshold, most, candidates
):
    found = decode(
        classifier="softmax" if softmax else "sigmoid",
        score_threshold=threshold,
        iou_threshold=iou_threshold,
        max_detections=most,
        candidates=candidates,
    )
    types = {key: value.dtype for key, value in found.items()}
    assert types == {"boxes": "float32", "scores": "float32", "classes": "int32"}
    for i in range(3):
        numbers = threshold, iou_threshold, most, candidates
        given = OUTPUTS["boxes"][i], OUTPUTS["classes"][i], softmax
        boxes, scores, classes, missing = by_hand(*given, *numbers)
        np.testing.assert_array_equal(found["classes"][i], classes)
        np.testing.assert_allclose(found["scores"][i], scores, atol=1e-5)
        np.testing.assert_allclose(found["boxes"][i], boxes, atol=1e-3)
        assert missing < most


def targets(boxes, labels, softmax):
    """Outputs of a network that is right: codes, and logits of its class."""
    encode = kt.detection.EncodeTargets(ANCHORS, (HEIGHT, WIDTH))
    boxes, labels = np.array(boxes, "float32"), np.array(labels, "int32")
    made = encode.encode({"boxes": boxes, "labels": labels})
    ids = ops.convert_to_numpy(made["classes"])
    if softmax:
        ids = np.where(ids < 0, 3, ids)
    logits = 20.0 * (ids[..., None] == np.arange(3 + softmax)) - 10
    codes = ops.convert_to_numpy(made["boxes"])[..., :4]
    return {"boxes": codes, "classes": logits.astype("float32")}


@pytest.mark.parametrize("classifier", ["softmax", "sigmoid"])
def test_what_was_encoded_is_found_again_once_and_of_its_class(classifier):
    boxes = [[[3, 4, 40, 50], [50, 10, 85, 30]], [[20, 5, 70, 55], [-1] * 4]]
    outputs = targets(boxes, [[2, 0], [1, -1]], classifier == "softmax")
    found = decode(outputs, IMAGES[:2], classifier=classifier, score_threshold=0.5)
    assert np.sort(found["classes"][0])[-3:].tolist() == [-1, 0, 2]
    assert found["classes"][1, :2].tolist() == [1, -1]
    for label, box in ((2, boxes[0][0]), (0, boxes[0][1])):
        (place,) = np.flatnonzero(found["classes"][0] == label)
        np.testing.assert_allclose(found["boxes"][0, place], box, atol=1e-3)
    np.testing.assert_allclose(found["boxes"][1, 0], boxes[1][0], atol=1e-3)


@pytest.mark.parametrize(
    "name",
    [
        *("xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw"),
        *("rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh"),
    ],
)
def test_every_format_of_keras_means_the_same_boxes(name):
    expected = decode(score_threshold=0.3)
    found = decode(bounding_box_format=name, score_threshold=0.3)
    padding = found["classes"] < 0
    assert padding.any()
    assert (found["boxes"][padding] == 0).all()
    boxes = keras.utils.bounding_boxes.convert_format(
        found["boxes"], name, "xyxy", HEIGHT, WIDTH
    )
    boxes = np.where(padding[..., None], 0, ops.convert_to_numpy(boxes))
    assert_same({**found, "boxes": boxes}, expected)


def test_boxes_lie_in_the_image_and_scores_fall():
    found = decode()
    assert (np.diff(found["scores"]) <= 0).all()
    assert (found["boxes"] >= 0).all()
    assert (found["boxes"] <= [WIDTH, HEIGHT, WIDTH, HEIGHT]).all()


def test_an_image_without_objects_is_padding():
    logits = np.tile([-9.0, -9, -9, 9], (3, 28, 1)).astype("float32")
    found = decode({**OUTPUTS, "classes": logits})
    assert (found["classes"] == -1).all()
    assert (found["scores"] == 0).all()
    assert (found["boxes"] == 0).all()


def test_fewer_pairs_than_detections_are_padded():
    outputs = {"boxes": np.zeros((2, 1, 4)), "classes": np.ones((2, 1, 1))}
    images = np.zeros((2, 50, 100, 3))
    found = decode(outputs, images, [[0.5, 0.5, 0.5, 0.5]], classifier="sigmoid")
    assert {key: value.shape for key, value in found.items()} == {
        "boxes": (2, 100, 4),
        "scores": (2, 100),
        "classes": (2, 100),
    }
    assert found["classes"].tolist() == [[0] + [-1] * 99] * 2
    np.testing.assert_allclose(found["boxes"][:, 0], [[25, 12.5, 75, 37.5]] * 2)
    assert (found["boxes"][:, 1:] == 0).all()


@pytest.mark.parametrize("scale", [1e3, 1e30])
def test_wild_outputs_give_finite_detections(scale):
    wild = {
        key: (scale * np.sign(value)).astype("f4") for key, value in OUTPUTS.items()
    }
    for value in decode(wild).values():
        assert np.isfinite(value).all()


def test_every_image_is_on_its_own():
    together = decode()
    for i in range(3):
        alone = {key: value[[i]] for key, value in OUTPUTS.items()}
        expected = {key: value[[i]] for key, value in together.items()}
        assert_same(decode(alone, IMAGES[[i]]), expected)


def test_mixed_precision_changes_nothing():
    expected = decode()
    keras.config.set_dtype_policy("mixed_float16")
    assert_same(decode(), expected)


@pytest.mark.slow
def test_it_is_the_same_compiled(jit):
    layer = kt.detection.DecodeDetections(ANCHORS, score_threshold=0.2)
    found = jit(layer)(
        *keras.tree.map_structure(ops.convert_to_tensor, (OUTPUTS, IMAGES))
    )
    assert_same(arrays(found), decode(score_threshold=0.2))


def test_a_layer_that_was_saved_is_the_same():
    layer = kt.detection.DecodeDetections(
        ANCHORS, "sigmoid", "rel_xywh", 0.2, 0.3, 7, 19, name="other"
    )
    again = keras.layers.deserialize(keras.layers.serialize(layer))
    assert again.get_config() == layer.get_config()
    assert_same(arrays(again(OUTPUTS, IMAGES)), arrays(layer(OUTPUTS, IMAGES)), 0)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"classifier": "relu"}, ValueError, "`classifier` must be one of 'softmax'"),
        ({"bounding_box_format": None}, ValueError, "`bounding_box_format` must be"),
        ({"score_threshold": 2}, ValueError, "`score_threshold` must be between"),
        ({"iou_threshold": -1}, ValueError, "`iou_threshold` must be between"),
        ({"max_detections": 0}, ValueError, "`max_detections` must be at least 1"),
        ({"candidates": 99}, ValueError, "`candidates` must be at least 100"),
    ],
)
def test_wrong_arguments_are_refused(options, error, match):
    with pytest.raises(error, match=match):
        kt.detection.DecodeDetections(ANCHORS, **options)


@pytest.mark.reference
def test_it_is_torchvisions(torchvision):
    import torch
    from torchvision.models.detection._utils import BoxCoder
    from torchvision.models.detection.ssd import SSD

    class Post(torch.nn.Module):
        postprocess_detections = SSD.postprocess_detections
        box_coder = BoxCoder(weights=(10.0, 10.0, 5.0, 5.0))
        score_thresh, nms_thresh = 0.1, 0.45
        topk_candidates, detections_per_img = 400, 20

    random = np.random.default_rng(0)
    outputs = {
        "boxes": random.normal(scale=2, size=(1000, 28, 4)).astype("f4"),
        "classes": random.normal(scale=2, size=(1000, 28, 3)).astype("f4"),
    }
    images = np.zeros((1000, HEIGHT, WIDTH, 1), "f4")
    options = {"score_threshold": 0.1, "iou_threshold": 0.45, "max_detections": 20}
    found = decode(outputs, images, **options)
    corners = np.array([edges(anchor) for anchor in ANCHORS.astype(float)])
    corners = torch.tensor(corners * [WIDTH, HEIGHT, WIDTH, HEIGHT]).float()
    theirs = Post().postprocess_detections(
        {
            "bbox_regression": torch.tensor(outputs["boxes"]),
            "cls_logits": torch.tensor(np.roll(outputs["classes"], 1, axis=-1)),
        },
        [corners] * 1000,
        [(HEIGHT, WIDTH)] * 1000,
    )
    for i, each in enumerate(theirs):
        count = len(each["scores"])
        assert (found["classes"][i] >= 0).sum() == count
        np.testing.assert_array_equal(found["classes"][i, :count], each["labels"] - 1)
        np.testing.assert_allclose(
            found["scores"][i, :count], each["scores"], atol=1e-5
        )
        sides = np.array([WIDTH, HEIGHT, WIDTH, HEIGHT])
        boxes = found["boxes"][i, :count] / sides
        np.testing.assert_allclose(boxes, each["boxes"].numpy() / sides, atol=1e-5)
