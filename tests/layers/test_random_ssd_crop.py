import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats

import keras_tricks as kt

tf = pytest.importorskip("tensorflow")

HEIGHT, WIDTH = 60, 80


def ramp(count):
    """Images whose pixels tell their row and column: a crop shows its window."""
    rows, columns = np.indices((HEIGHT, WIDTH)).astype("float32")
    return np.broadcast_to(np.stack([rows, columns], -1), (count, HEIGHT, WIDTH, 2))


def boxes_of(count, boxes, labels=None):
    boxes = np.array(boxes, "float32").reshape(-1, 4)
    labels = np.arange(len(boxes)) if labels is None else np.array(labels)
    return {
        "boxes": np.broadcast_to(boxes, (count, *boxes.shape)),
        "labels": np.broadcast_to(labels, (count, len(labels))),
    }


def cropped(count, boxes, labels=None, seed=0, **arguments):
    """Return windows `(count, 4)` as xyxy, and the new boxes and labels.

    Between the centres of two new pixels lies half a window: the image, a ramp, grows
    there by half its height and width.
    """
    layer = kt.layers.RandomSSDCrop(
        "xyxy", 2 * HEIGHT, 2 * WIDTH, seed=seed, **arguments
    )
    batch = {"images": ramp(count)}
    if boxes is not None:
        batch["bounding_boxes"] = boxes_of(count, boxes, labels)
    out = keras.tree.map_structure(ops.convert_to_numpy, layer(batch))
    first, last = out["images"][:, 0, 0], out["images"][:, -1, -1]
    window = np.concatenate([first[:, ::-1], last[:, ::-1] + 1], axis=1)
    boxes = out.get("bounding_boxes", {"boxes": None, "labels": None})
    return np.round(window), boxes["boxes"], boxes["labels"]


def iou(box, window):
    box, window = np.asarray(box, float), np.asarray(window, float)
    low, high = np.maximum(box[:2], window[:2]), np.minimum(box[2:], window[2:])
    common = np.prod(np.maximum(high - low, 0))
    return common / (
        np.prod(box[2:] - box[:2]) + np.prod(window[2:] - window[:2]) - common
    )


def centre_inside(box, window):
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return window[0] < x < window[2] and window[1] < y < window[3]


BOXES = [(5, 10, 45, 50), (50, 30, 75, 55), (60, 2, 66, 8)]


@pytest.mark.parametrize("minimum", [0.0, 0.3, 0.5, 0.7])
def test_some_box_with_its_centre_inside_overlaps_enough(minimum):
    found, _, _ = cropped(60, BOXES, min_iou=(minimum,))
    whole = (found == (0, 0, WIDTH, HEIGHT)).all(1)
    assert whole.mean() < 0.5
    best = [
        max(iou(box, window) for box in BOXES if centre_inside(box, window))
        for window in found[~whole]
    ]
    assert min(best) >= minimum
    assert min(best) < minimum + 0.25  # no stricter than asked for


def test_sides_and_shapes_keep_their_limits():
    found, _, _ = cropped(
        200, BOXES, min_iou=(0.0,), scale=(0.4, 0.8), ratio=(1.0, 1.5)
    )
    width, height = (found[:, 2:] - found[:, :2]).T
    assert width.min() >= 0.4 * WIDTH
    assert height.min() >= 0.4 * HEIGHT
    assert width.max() < 0.8 * WIDTH
    assert height.max() < 0.8 * HEIGHT
    assert (width / height).min() >= 1.0
    assert (width / height).max() <= 1.5
    assert len({tuple(window) for window in found}) > 150


def test_boxes_are_moved_clipped_and_dropped_with_their_centres():
    windows, boxes, labels = cropped(60, [*BOXES, (-1,) * 4], [7, 8, 9, -1])
    assert (labels == -1).any(0).all()
    assert (labels[:, :3] >= 0).any(1).all()
    for window, new, label in zip(windows, boxes, labels, strict=True):
        left, top, right, bottom = window
        scale = 2 * np.array([WIDTH / (right - left), HEIGHT / (bottom - top)] * 2)
        for i, box in enumerate(BOXES):
            expected = -np.ones(4)
            if centre_inside(box, window):
                expected = (np.array(box) - [left, top, left, top]) * scale
                expected = np.clip(expected, 0, 2 * np.array([WIDTH, HEIGHT] * 2))
            np.testing.assert_allclose(new[i], expected, atol=1e-3)
            assert label[i] == (7 + i if centre_inside(box, window) else -1)
        assert (new[3] == -1).all()


def test_minimum_one_leaves_the_image_whole():
    images = np.random.default_rng(0).integers(0, 256, (3, 9, 7, 3)).astype("uint8")
    batch = {
        "images": images,
        "bounding_boxes": boxes_of(3, [(1, 2, 5, 6), (-3, 0, 2, 4)]),
    }
    layer = kt.layers.RandomSSDCrop("xyxy", min_iou=(1.0,))
    out = keras.tree.map_structure(ops.convert_to_numpy, layer(batch))
    np.testing.assert_array_equal(out["images"], images)
    expected = [[[1, 2, 5, 6], [0, 0, 2, 4]]] * 3
    np.testing.assert_array_equal(out["bounding_boxes"]["boxes"], expected)
    np.testing.assert_array_equal(out["bounding_boxes"]["labels"], [[0, 1]] * 3)


def test_an_image_stays_whole_where_no_window_fits():
    found, _, labels = cropped(20, [(3, 3, 5, 5)], min_iou=(0.9,))
    assert (found == (0, 0, WIDTH, HEIGHT)).all()
    assert (labels == 0).all()


def test_without_boxes_any_window_is_taken():
    for boxes in ([(-1,) * 4], None):
        found, _, _ = cropped(40, boxes, [-1], min_iou=(0.9,))
        assert len({tuple(window) for window in found}) > 30


def test_masks_follow():
    masks = np.zeros((20, HEIGHT, WIDTH), "uint8")
    masks[:, 10:50, 5:45] = 1
    batch = {
        "images": masks[..., None].astype("float32"),
        "bounding_boxes": boxes_of(20, [BOXES[0]]),
        "segmentation_masks": masks,
    }
    layer = kt.layers.RandomSSDCrop("xyxy", 90, 100, interpolation="nearest", seed=1)
    out = keras.tree.map_structure(ops.convert_to_numpy, layer(batch))
    np.testing.assert_array_equal(out["images"][..., 0], out["segmentation_masks"])
    for mask, box in zip(
        out["segmentation_masks"], out["bounding_boxes"]["boxes"][:, 0], strict=True
    ):
        rows, columns = np.nonzero(mask)
        extent = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_allclose(box, extent, atol=0.501)


@pytest.mark.slow
def test_a_dataset_gives_what_eager_gives():
    images = np.random.default_rng(0).integers(0, 256, (8, 30, 40, 3)).astype("uint8")
    boxes = np.array([[0.1, 0.2, 0.6, 0.9], [0.5, 0.5, 0.9, 0.8]])
    batch = {"images": images, "bounding_boxes": boxes_of(8, boxes)}
    eager, mapped = (kt.layers.RandomSSDCrop("rel_xyxy", seed=3) for _ in range(2))
    mapped = next(iter(tf.data.Dataset.from_tensors(batch).map(mapped)))
    flat = (keras.tree.flatten(x) for x in (eager(batch), mapped))
    for a, b in zip(*flat, strict=True):
        a, b = ops.convert_to_numpy(a), np.asarray(b)
        np.testing.assert_allclose(a, b, atol=0 if a.dtype != "float32" else 1e-6)


@pytest.mark.slow
def test_images_of_unknown_size_need_a_new_one():
    spec = {
        "images": tf.TensorSpec((None, None, 3), "uint8"),
        "bounding_boxes": {
            "boxes": tf.TensorSpec((None, 4)),
            "labels": tf.TensorSpec((None,), "int32"),
        },
    }

    def samples():
        boxes = {"boxes": np.array([[2, 2, 9, 8.0]]), "labels": np.array([4])}
        yield {"images": np.ones((12, 14, 3)), "bounding_boxes": boxes}

    data = tf.data.Dataset.from_generator(samples, output_signature=spec)
    out = next(iter(data.map(kt.layers.RandomSSDCrop("xyxy", 6, 5))))
    assert out["images"].shape == (6, 5, 3)
    assert out["bounding_boxes"]["labels"].numpy().tolist() == [4]
    with pytest.raises(ValueError, match="`height` and `width` are needed"):
        data.map(kt.layers.RandomSSDCrop("xyxy"))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"bounding_box_format": "xxyy"}, ValueError, "`bounding_box_format`"),
        ({"bounding_box_format": None}, ValueError, "needs to know their format"),
        ({"height": 4}, ValueError, "`height` and `width` must both be given"),
        ({"height": 0, "width": 4}, ValueError, "`height` must be at least 1"),
        ({"min_iou": 0.5}, TypeError, "`min_iou` must be one or more numbers"),
        ({"min_iou": (0.5, 1.5)}, ValueError, "`min_iou` must be between 0 and 1"),
        ({"scale": (0.5, 2)}, ValueError, "`scale` must be between 0 and 1"),
        ({"ratio": (0, 2)}, ValueError, "`ratio` must be above 0"),
        ({"num_tries": 0}, ValueError, "`num_tries` must be at least 1"),
        ({"interpolation": "cubic"}, ValueError, "`interpolation` must be one of"),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        kt.layers.RandomSSDCrop(**{"bounding_box_format": "xyxy", **arguments})


@pytest.mark.reference
def test_windows_are_distributed_as_torchvisions(timm):
    import torch
    from torchvision import tv_tensors
    from torchvision.transforms import v2

    torch.manual_seed(0)
    image = tv_tensors.Image(torch.zeros(1, HEIGHT, WIDTH))
    boxes = tv_tensors.BoundingBoxes(
        torch.tensor(BOXES), format="XYXY", canvas_size=(HEIGHT, WIDTH)
    )
    transform = v2.RandomIoUCrop()
    theirs = []
    for _ in range(2000):
        found = transform.make_params([image, boxes])
        left, top = found.get("left", 0), found.get("top", 0)
        right = left + found.get("width", WIDTH)
        theirs.append((left, top, right, top + found.get("height", HEIGHT)))
    mine = np.concatenate([cropped(100, BOXES, seed=seed)[0] for seed in range(20)])
    theirs = np.array(theirs)
    whole = [(w == (0, 0, WIDTH, HEIGHT)).all(1).mean() for w in (mine, theirs)]
    assert whole[0] == pytest.approx(whole[1], abs=0.04)
    for a, b in zip(mine.T, theirs.T, strict=True):
        assert stats.ks_2samp(a, b).pvalue > 0.005
