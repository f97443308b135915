import keras
import numpy as np
import pytest
from keras import ops

import keras_tricks as kt

RANDOM = np.random.default_rng(0)
Y_PRED = RANDOM.normal(size=(3, 11, 4)).astype("float32")
CODES = Y_PRED + 2 * RANDOM.normal(size=(3, 11, 4))
POSITIVE = RANDOM.random((3, 11)) < [[0.5], [0.0], [0.3]]  # the second has no object
Y_TRUE = np.concatenate([CODES, POSITIVE[..., None]], axis=-1).astype("float32")


def box_loss(y_true, y_pred, *arguments, **options):
    loss = kt.detection.BoxLoss(**options)(y_true, y_pred, *arguments)
    return ops.convert_to_numpy(loss)


def by_hand(y_true, y_pred):
    """The loss of every image before the division."""
    sums = []
    for codes, predicted in zip(y_true, y_pred, strict=True):
        total = 0.0
        for code, at_anchor in zip(codes, predicted, strict=True):
            if code[4]:
                for difference in abs(code[:4] - at_anchor):
                    small = difference < 1
                    total += difference**2 / 2 if small else difference - 0.5
        sums.append(total)
    return np.array(sums)


def test_loss_is_that_of_a_loop():
    sums, count = by_hand(Y_TRUE, Y_PRED), POSITIVE.sum()
    assert sums[1] == 0 < sums[2] < sums[0]
    np.testing.assert_allclose(box_loss(Y_TRUE, Y_PRED), sums.sum() / count, rtol=1e-5)
    parts = box_loss(Y_TRUE, Y_PRED, reduction=None)
    np.testing.assert_allclose(parts, sums / count, rtol=1e-5)


@pytest.mark.parametrize(
    ("difference", "expected"),
    [(0.0, 0.0), (0.5, 0.125), (-0.5, 0.125), (1.0, 0.5), (-3.0, 2.5), (1e4, 9999.5)],
)
def test_loss_at_known_differences(difference, expected):
    y_true = np.array([[[difference, 0, 0, 0, 1]]], "float32")
    assert box_loss(y_true, np.zeros((1, 1, 4), "float32")) == expected


def test_anchors_without_an_object_cost_nothing():
    changed = np.where(POSITIVE[..., None], Y_PRED, 1e6).astype("float32")
    assert box_loss(Y_TRUE, changed) == box_loss(Y_TRUE, Y_PRED)


def test_more_anchors_of_the_same_kind_change_nothing():
    doubled = [np.concatenate([x, x], axis=1) for x in (Y_TRUE, Y_PRED)]
    np.testing.assert_allclose(box_loss(*doubled), box_loss(Y_TRUE, Y_PRED), rtol=1e-6)
    padded = [np.pad(x, [[0, 0], [0, 5], [0, 0]]) for x in (Y_TRUE, Y_PRED)]
    np.testing.assert_allclose(box_loss(*padded), box_loss(Y_TRUE, Y_PRED), rtol=1e-6)


def test_a_batch_without_objects_costs_zero():
    assert box_loss(np.zeros((2, 3, 5), "f4"), np.ones((2, 3, 4), "f4")) == 0


def test_sample_weights_weigh_images():
    parts = box_loss(Y_TRUE, Y_PRED, reduction=None)
    weight = np.array([2.0, 5.0, 0.5], "float32")
    found = box_loss(Y_TRUE, Y_PRED, weight)
    np.testing.assert_allclose(found, (parts * weight).sum(), rtol=1e-5)


def test_half_precision_predictions_are_compared_in_float32():
    y_pred = Y_PRED.astype("float16")
    found = box_loss(Y_TRUE, y_pred)
    assert found.dtype == "float32"
    np.testing.assert_allclose(found, box_loss(Y_TRUE, y_pred.astype("f4")), rtol=1e-6)


def test_anchors_of_other_shapes_are_refused():
    for y_true, y_pred in ((Y_TRUE[..., :4], Y_PRED), (Y_TRUE, Y_TRUE)):
        with pytest.raises(ValueError, match=r"`y_true` must have the shape"):
            box_loss(y_true, y_pred)


def test_a_loss_that_was_saved_is_the_same():
    loss = kt.detection.BoxLoss(reduction=None, name="other")
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert (type(again), again.name, again.reduction) == (type(loss), "other", None)


@pytest.mark.reference
def test_it_is_torchvisions(torchvision):
    import torch
    from torchvision.models.detection._utils import BoxCoder
    from torchvision.models.detection.ssd import SSD

    class Loss(torch.nn.Module):
        compute_loss = SSD.compute_loss
        box_coder = BoxCoder(weights=(10.0, 10.0, 5.0, 5.0))
        neg_to_pos_ratio = 3.0

    random = np.random.default_rng(0)
    anchors = kt.detection.ssd_anchors([(3, 3), (1, 1)])
    encode = kt.detection.EncodeTargets(anchors, (1, 1), "rel_xyxy")
    x, y, w, h = anchors.T
    corners = torch.tensor(np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], 1))
    begin = random.uniform(0, 0.5, (1000, 4, 2))
    boxes = np.concatenate([begin, begin + random.uniform(0.1, 0.5, begin.shape)], -1)
    boxes, labels = boxes.astype("f4"), random.integers(0, 3, (1000, 4))
    targets = encode.encode({"boxes": boxes, "labels": labels.astype("int32")})
    targets = {key: ops.convert_to_numpy(value) for key, value in targets.items()}
    overlaps = kt.detection.box_iou(boxes, corners.numpy())
    match = kt.detection.match_anchors(overlaps, np.ones((1000, 4), bool))
    match = torch.tensor(ops.convert_to_numpy(match)).long()
    codes = random.normal(size=(1000, len(anchors), 4)).astype("f4")
    logits = random.normal(size=codes.shape).astype("f4")
    for i in range(0, 1000, 4):
        batch = slice(i, i + 4)
        theirs = Loss().compute_loss(
            [
                {"boxes": torch.tensor(b), "labels": torch.tensor(n + 1)}
                for b, n in zip(boxes[batch], labels[batch], strict=True)
            ],
            {
                "bbox_regression": torch.tensor(codes[batch]),
                "cls_logits": torch.tensor(np.roll(logits[batch], 1, axis=-1)),
            },
            [corners] * 4,
            list(match[batch]),
        )
        mine = box_loss(targets["boxes"][batch], codes[batch])
        np.testing.assert_allclose(mine, theirs["bbox_regression"].item(), rtol=1e-5)
        loss = kt.detection.HardNegativeCrossentropy()
        mine = ops.convert_to_numpy(loss(targets["classes"][batch], logits[batch]))
        np.testing.assert_allclose(mine, theirs["classification"].item(), rtol=1e-5)
