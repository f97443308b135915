import math

import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats

import keras_tricks as kt
from keras_tricks.layers.random_resized_crop import random_window

tf = pytest.importorskip("tensorflow")

SCALE, RATIO = (0.08, 1.0), (3 / 4, 4 / 3)
SIZES = [(375, 500), (500, 375), (200, 1000)]


def windows(size, count=4000, seed=0, scale=SCALE, ratio=RATIO):
    """Return top, left, height and width of windows, `(count, 4)`."""
    uniforms = np.random.default_rng(seed).random((count, 22), "float32")
    found = random_window(ops.convert_to_tensor(uniforms), size, scale, ratio)
    return np.stack([ops.convert_to_numpy(side) for side in found], axis=1)


def by_the_loop(size, count=4000, seed=1):
    """Draw windows one by one, as the paper's readers implement it."""
    rng = np.random.default_rng(seed)
    return np.array([one_by_the_loop(rng, *size) for _ in range(count)])


def one_by_the_loop(rng, full_height, full_width):
    for _ in range(10):
        area = full_height * full_width * rng.uniform(*SCALE)
        ratio = math.exp(rng.uniform(*np.log(RATIO)))
        width, height = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if width <= full_width and height <= full_height:
            top = rng.integers(full_height - height + 1)
            return top, rng.integers(full_width - width + 1), height, width
    width = min(full_width, round(full_height * RATIO[1]))
    height = min(full_height, round(full_width / RATIO[0]))
    return (full_height - height) // 2, (full_width - width) // 2, height, width


def same_distribution(mine, theirs):
    """Compare top, left, height, width, area and ratio."""
    for a, b in zip(mine.T, theirs.T, strict=True):
        assert stats.ks_2samp(a, b).pvalue > 0.005
    for function in (np.multiply, np.divide):
        a, b = (function(w[:, 3], w[:, 2]) for w in (mine, theirs))
        assert stats.ks_2samp(a, b).pvalue > 0.005


@pytest.mark.parametrize("size", SIZES)
def test_windows_are_distributed_as_those_of_the_loop(size):
    same_distribution(windows(size), by_the_loop(size))


@pytest.mark.parametrize(
    ("size", "mean_area"),
    [((375, 500), 0.431), ((500, 375), 0.433), ((200, 1000), 0.174)],
)
def test_mean_area_is_torchvisions(size, mean_area):
    found = windows(size, 20_000)
    area = found[:, 2] * found[:, 3] / (size[0] * size[1])
    assert area.mean() == pytest.approx(mean_area, abs=0.006)


def test_a_long_image_often_gets_its_centre():
    found = windows((200, 1000), 20_000)
    central = (found == (0, 366, 200, 267)).all(1)
    assert central.mean() == pytest.approx(0.234, abs=0.01)
    tall = windows((1000, 200), 20_000, seed=3)
    assert (tall == (366, 0, 267, 200)).all(1).mean() == pytest.approx(0.234, abs=0.01)


def test_windows_lie_inside_and_keep_their_limits():
    for size in [*SIZES, (8, 9), (1, 1), (3, 400)]:
        top, left, height, width = windows(size, 2000, scale=(0.2, 0.5)).T
        assert min(top.min(), left.min()) >= 0
        assert min(height.min(), width.min()) >= 1
        assert (top + height).max() <= size[0]
        assert (left + width).max() <= size[1]
    top, left, height, width = windows((375, 500), 2000, scale=(0.2, 0.5)).T
    area, ratio = height * width / (375 * 500), width / height
    assert 0.198 < area.min() < 0.21
    assert 0.49 < area.max() < 0.503
    assert 0.745 < ratio.min() < 0.77
    assert 1.31 < ratio.max() < 1.345


def test_ratio_is_width_by_height():
    _, _, height, width = windows((300, 300), 500, scale=(0.1, 0.2), ratio=(2, 3)).T
    assert 1.9 < (width / height).min() < 2.1
    assert 2.9 < (width / height).max() < 3.1


def test_whole_image_is_kept_at_scale_one_and_its_own_ratio():
    found = windows((60, 80), 50, scale=(1.0, 1.0), ratio=(4 / 3, 4 / 3))
    assert (found == (0, 0, 60, 80)).all()


@pytest.mark.slow
def test_windows_are_the_same_under_xla():
    # Rounded roots and products would differ once in 1e5 or so.
    uniforms = np.random.default_rng(0).random((400_000, 22), "float32")
    eager = random_window(tf.constant(uniforms), (375, 500), SCALE, RATIO)
    compiled = tf.function(random_window, jit_compile=True)
    for a, b in zip(
        eager, compiled(tf.constant(uniforms), (375, 500), SCALE, RATIO), strict=True
    ):
        np.testing.assert_array_equal(a, b)


def rectangles(count, height=30, width=40, box=(8, 6, 22, 20)):
    """A batch whose images, boxes and masks show one rectangle, and padding."""
    left, top, right, bottom = box
    masks = np.zeros((count, height, width), "int32")
    masks[:, top:bottom, left:right] = 5
    boxes = np.broadcast_to(np.array([box, (-1,) * 4], "float32"), (count, 2, 4))
    labels = np.broadcast_to(np.array([3, -1]), (count, 2))
    return {
        "images": masks[..., None].astype("uint8") * 40,
        "bounding_boxes": {"boxes": boxes, "labels": labels},
        "segmentation_masks": masks,
    }


def test_boxes_and_masks_follow_the_pixels():
    layer = kt.layers.RandomResizedCrop(60, 72, bounding_box_format="xyxy", seed=1)
    out = keras.tree.map_structure(ops.convert_to_numpy, layer(rectangles(80)))
    dropped = 0
    for i in range(80):
        image, mask = out["images"][i, ..., 0], out["segmentation_masks"][i]
        box, label = (out["bounding_boxes"][key][i] for key in ("boxes", "labels"))
        assert set(np.unique(mask)) <= {0, 5}
        rows, columns = np.nonzero(mask)
        if not len(rows):
            assert label[0] == -1
            assert (box == -1).all()
            dropped += 1
            continue
        extent = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_allclose(box[0], extent, atol=0.501)
        assert label.tolist() == [3, -1]
        # Where the smooth image is above one half lies the mask.
        assert ((image >= 100) == (mask == 5)).mean() > 0.93
    assert 0 < dropped < 40


@pytest.mark.parametrize(
    "form", ["yxyx", "xywh", "center_xywh", "rel_xyxy", "rel_yxyx", "rel_center_xywh"]
)
def test_all_box_formats_give_the_same_boxes(form):
    convert = keras.utils.bounding_boxes.convert_format
    batch = rectangles(6)
    want = kt.layers.RandomResizedCrop(10, 12, bounding_box_format="xyxy", seed=2)
    want = want(batch)["bounding_boxes"]
    boxes = batch["bounding_boxes"]
    given = convert(boxes["boxes"], "xyxy", form, 30, 40)
    batch["bounding_boxes"] = {**boxes, "boxes": given}
    mine = kt.layers.RandomResizedCrop(10, 12, bounding_box_format=form, seed=2)(batch)
    mine = mine["bounding_boxes"]
    labels = ops.convert_to_numpy(mine["labels"])
    np.testing.assert_array_equal(labels, ops.convert_to_numpy(want["labels"]))
    back = ops.convert_to_numpy(convert(mine["boxes"], form, "xyxy", 10, 12))
    want = ops.convert_to_numpy(want["boxes"])
    np.testing.assert_allclose(back[labels == 3], want[labels == 3], atol=1e-4)


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
def test_channels_first_is_channels_last_transposed(interpolation):
    images = np.random.default_rng(0).integers(0, 256, (3, 14, 9, 2)).astype("uint8")
    arguments = {"interpolation": interpolation, "seed": 5}
    last = kt.layers.RandomResizedCrop(7, 11, **arguments)(images)
    layer = kt.layers.RandomResizedCrop(
        7, 11, data_format="channels_first", **arguments
    )
    first = ops.convert_to_numpy(layer(images.transpose(0, 3, 1, 2)))
    np.testing.assert_array_equal(
        first.transpose(0, 2, 3, 1), ops.convert_to_numpy(last)
    )


def test_nearest_invents_no_values():
    images = np.random.default_rng(0).choice([0, 90, 255], (4, 20, 20, 1))
    layer = kt.layers.RandomResizedCrop(13, 33, interpolation="nearest", seed=0)
    out = ops.convert_to_numpy(layer(images.astype("float32")))
    assert set(np.unique(out)) == {0, 90, 255}


def test_images_of_unknown_sizes_become_batches():
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (h, w, 3)).astype("uint8") for h, w in SHAPES]
    spec = tf.TensorSpec((None, None, None), "uint8")
    data = tf.data.Dataset.from_generator(lambda: images, output_signature=spec)
    data = data.map(kt.layers.RandomResizedCrop(16, 12, seed=1))
    assert data.element_spec.shape[:2] == (16, 12)
    batch = next(iter(data.batch(3)))
    layer = kt.layers.RandomResizedCrop(16, 12, seed=1)
    eager = [ops.convert_to_numpy(layer(image)) for image in images]
    np.testing.assert_array_equal(batch, eager)


SHAPES = [(20, 30), (50, 17), (5, 9)]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"height": 0}, ValueError, "`height` must be at least 1"),
        ({"width": 2.0}, TypeError, "`width` must be an integer"),
        ({"scale": 0.5}, TypeError, "`scale` must be two numbers"),
        ({"scale": (0, 1)}, ValueError, "`scale` must be above 0"),
        ({"scale": (0.5, 1.5)}, ValueError, "`scale` must be between 0 and 1"),
        ({"ratio": (2, 1)}, ValueError, "`ratio` must not fall"),
        ({"interpolation": "cubic"}, ValueError, "`interpolation` must be one of"),
        ({"antialias": None}, ValueError, "`antialias` must be one of True, False"),
        ({"bounding_box_format": "xxyy"}, ValueError, "`bounding_box_format`"),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        kt.layers.RandomResizedCrop(**{"height": 4, "width": 4, **arguments})


def test_boxes_without_their_format_are_refused():
    with pytest.raises(ValueError, match="RandomResizedCrop moves bounding boxes"):
        kt.layers.RandomResizedCrop(4, 4)(rectangles(2))


@pytest.mark.reference
@pytest.mark.parametrize("size", SIZES)
def test_windows_are_distributed_as_torchvisions(timm, size):
    import torch
    from torchvision.transforms import RandomResizedCrop

    torch.manual_seed(0)
    image = torch.zeros(1, *size)
    theirs = [
        RandomResizedCrop.get_params(image, list(SCALE), list(RATIO))
        for _ in range(4000)
    ]
    same_distribution(windows(size), np.array(theirs))
