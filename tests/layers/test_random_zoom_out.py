import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats

import keras_tricks as kt

tf = pytest.importorskip("tensorflow")

HEIGHT, WIDTH = 20, 28
IMAGES = np.random.default_rng(0).integers(0, 256, (4, HEIGHT, WIDTH, 3))
IMAGES = IMAGES.astype("uint8")
COLOUR = (123, 117, 104)


def arrays(value):
    return keras.tree.map_structure(
        lambda x: np.asarray(ops.convert_to_numpy(x)), value
    )


def batch(images=IMAGES, boxes=(), **more):
    """Images with boxes, the first around all of the image."""
    boxes = np.array([[0, 0, WIDTH, HEIGHT], *boxes], "float32")
    labels = np.where(boxes[:, 0] < 0, -1, np.arange(len(boxes)))
    boxes = {"boxes": boxes, "labels": labels}
    boxes = {k: np.broadcast_to(v, (len(images), *v.shape)) for k, v in boxes.items()}
    return {"images": images, "bounding_boxes": boxes, **more}


def canvases(out):
    """Return left, top, width and height in pixels of the image, from the first box."""
    left, top, right, bottom = out["bounding_boxes"]["boxes"][:, 0].T.astype(float)
    width, height = WIDTH**2 / (right - left), HEIGHT**2 / (bottom - top)
    found = np.stack([left * width / WIDTH, top * height / HEIGHT, width, height], 1)
    np.testing.assert_allclose(found, np.round(found), atol=2e-3)
    return np.round(found).astype(int)


def expanded(image, canvas, colour=COLOUR):
    left, top, width, height = canvas
    full = np.empty((height, width, image.shape[-1]), image.dtype)
    full[:] = colour
    full[top : top + image.shape[0], left : left + image.shape[1]] = image
    return full


def zoom_out(*arguments, **named):
    named = {"fill_value": COLOUR, "bounding_box_format": "xyxy", "seed": 0, **named}
    return kt.layers.RandomZoomOut(*arguments, **named)


@pytest.fixture(scope="module")
def zoomed():
    return arrays(zoom_out(probability=1)(batch()))


def test_the_result_is_pillows_resize_of_the_canvas(zoomed):
    from PIL import Image

    out = zoomed
    sizes = canvases(out)
    for image, new, canvas in zip(IMAGES, out["images"], sizes, strict=True):
        full = Image.fromarray(expanded(image, canvas))
        expected = full.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR)
        np.testing.assert_array_equal(new, np.asarray(expected))
    assert sizes[:, 2].max() > 2 * WIDTH


def test_floats_are_not_rounded(zoomed):
    images = (IMAGES / 255).astype("float32")
    colour = tuple(np.array(COLOUR) / 255)
    out = zoomed
    floats = arrays(zoom_out(probability=1, fill_value=colour)(batch(images)))
    assert floats["images"].dtype == "float32"
    np.testing.assert_allclose(255 * floats["images"], out["images"], atol=1.1)
    assert np.std(255 * floats["images"] - out["images"]) > 0.1


def test_boxes_follow_stay_when_small_and_padding_stays():
    small = [7, 8, 8, 9]
    mine = batch(boxes=[[4, 5, 24, 15], small, [-1] * 4])
    out = arrays(zoom_out((2, 4), probability=1)(mine))
    boxes, labels = out["bounding_boxes"].values()
    np.testing.assert_array_equal(labels, [[0, 1, 2, -1]] * 4)
    assert (boxes[:, 3] == -1).all()
    for new, (left, top, width, height) in zip(boxes, canvases(out), strict=True):
        for old, moved in zip(([4, 5, 24, 15], small), new[1:3], strict=True):
            expected = np.add(old, [left, top] * 2)
            expected = expected * np.divide([WIDTH, HEIGHT] * 2, [width, height] * 2)
            np.testing.assert_allclose(moved, expected, atol=1e-3)


@pytest.mark.parametrize("channels", [(), (2,)])
def test_masks_keep_their_values_and_get_0_around(channels):
    masks = np.random.default_rng(1).integers(1, 5, (2, HEIGHT, WIDTH, *channels))
    masks = masks.astype("int32")
    mine = batch(IMAGES[:2], segmentation_masks=masks)
    out = arrays(zoom_out(probability=1)(mine))
    new = out["segmentation_masks"]
    assert new.dtype == "int32"
    for i, canvas in enumerate(canvases(out)):
        full = expanded(masks[i].reshape(HEIGHT, WIDTH, -1), canvas, 0)
        rows = (np.arange(HEIGHT) + 0.5) * canvas[3] // HEIGHT
        columns = (np.arange(WIDTH) + 0.5) * canvas[2] // WIDTH
        expected = full[np.ix_(rows.astype(int), columns.astype(int))]
        np.testing.assert_array_equal(new[i], expected.reshape(new[i].shape))


def test_a_canvas_of_the_images_size_changes_nothing():
    for arguments in ({"side_range": (1, 1), "probability": 1}, {"probability": 0}):
        out = arrays(zoom_out(**arguments)(batch()))
        np.testing.assert_array_equal(out["images"], IMAGES)
        whole = [[[0, 0, WIDTH, HEIGHT]]] * 4
        np.testing.assert_array_equal(out["bounding_boxes"]["boxes"], whole)


def test_a_number_fills_all_channels():
    ones = np.ones((1, HEIGHT, WIDTH, 2), "float32")
    out = arrays(zoom_out((4, 4), fill_value=1.0, probability=1)(ones))
    np.testing.assert_allclose(out, ones, rtol=1e-6)


@pytest.mark.slow
def test_a_dataset_gives_what_eager_gives():
    eager, mapped = (zoom_out(seed=3) for _ in range(2))
    mine = batch()
    mapped = next(iter(tf.data.Dataset.from_tensors(mine).map(mapped)))
    flat = (keras.tree.flatten(arrays(x)) for x in (eager(mine), mapped))
    for a, b in zip(*flat, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5 * (a.dtype == "float32"))


@pytest.mark.slow
def test_images_of_unknown_size_are_taken():
    spec = tf.TensorSpec((None, None, 3), "uint8")
    data = tf.data.Dataset.from_generator(lambda: IMAGES, output_signature=spec)
    out = np.stack(list(data.map(zoom_out(probability=1, seed=2))))
    again = zoom_out(probability=1, seed=2)
    np.testing.assert_array_equal(out, [arrays(again(image)) for image in IMAGES])
    assert (out != IMAGES).any()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"side_range": 4}, TypeError, "`side_range` must be two numbers"),
        ({"side_range": (0.5, 2)}, ValueError, "`side_range` must be at least 1"),
        ({"fill_value": "mean"}, TypeError, "`fill_value` must be a number"),
        ({"probability": -1}, ValueError, "`probability` must be between 0 and 1"),
        ({"bounding_box_format": "xxyy"}, ValueError, "`bounding_box_format`"),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        kt.layers.RandomZoomOut(**arguments)


@pytest.mark.parametrize("colour", [(1, 2), 0.5, 256])
def test_a_colour_that_the_images_cannot_hold_is_refused(colour):
    with pytest.raises(ValueError, match="`fill_value` must be"):
        zoom_out(fill_value=colour)(IMAGES)


@pytest.mark.reference
def test_canvases_and_boxes_are_torchvisions(timm):
    import torch
    from torchvision import tv_tensors
    from torchvision.transforms import v2

    torch.manual_seed(0)
    box = [4, 5, 24, 15]
    mine = batch(np.zeros((500, HEIGHT, WIDTH, 3), "uint8"), [box])
    data = tf.data.Dataset.from_tensors(mine).repeat(2).map(zoom_out())
    outs = [arrays(out) for out in data]
    found = np.concatenate([canvases(out) for out in outs])
    boxes = np.concatenate([out["bounding_boxes"]["boxes"][:, 1] for out in outs])
    image = tv_tensors.Image(torch.zeros(3, HEIGHT, WIDTH))
    theirs = []
    for _ in range(2000):
        left, top, right, bottom = v2.RandomZoomOut().make_params([image])["padding"]
        theirs.append((left, top, left + WIDTH + right, top + HEIGHT + bottom))
    changed = found[(found != (0, 0, WIDTH, HEIGHT)).any(1)]
    assert len(changed) / len(found) == pytest.approx(0.5, abs=0.05)
    for a, b in zip(changed.T, np.array(theirs).T, strict=True):
        assert stats.ks_2samp(a, b).pvalue > 0.005
    for (left, top, width, height), new in zip(changed[:20], boxes, strict=False):
        new = boxes[(found == (left, top, width, height)).all(1)][0]
        moved = tv_tensors.BoundingBoxes(
            torch.tensor([box]).float(), format="XYXY", canvas_size=(HEIGHT, WIDTH)
        )
        padding = [left, top, width - WIDTH - left, height - HEIGHT - top]
        moved = v2.functional.pad(moved, [int(x) for x in padding])
        moved = v2.functional.resize(moved, [HEIGHT, WIDTH])
        np.testing.assert_allclose(new, moved.numpy()[0], atol=1e-3)
