import itertools

import numpy as np
import pytest
from keras import ops

from keras_tricks.layers._boxes import FORMATS, affine, check_format, read, write

SIZE = (20, 30)  # height, width
PIXELS = np.array([[[2.0, 3, 12, 18], [10, 5, 29, 6], [-1, -1, -1, -1]]])
LABELS = np.array([[4, 0, -1]])


def in_format(boxes, form):
    """Convert xyxy pixels by hand."""
    left, top, right, bottom = np.moveaxis(boxes.astype("float64"), -1, 0)
    if form.startswith("rel_"):
        left, right, top, bottom = left / 30, right / 30, top / 20, bottom / 20
    width, height = right - left, bottom - top
    x, y = left + width / 2, top + height / 2
    columns = {
        "xyxy": (left, top, right, bottom),
        "yxyx": (top, left, bottom, right),
        "xywh": (left, top, width, height),
        "center_xywh": (x, y, width, height),
        "center_yxhw": (y, x, height, width),
    }
    return np.stack(columns[form.removeprefix("rel_")], axis=-1)


def tensors(boxes, labels):
    return {
        "boxes": ops.convert_to_tensor(boxes, "float32"),
        "labels": ops.convert_to_tensor(labels),
    }


def numbers(boxes):
    return {key: np.asarray(ops.convert_to_numpy(v)) for key, v in boxes.items()}


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_read_as_pixels_and_written_back(form):
    given = tensors(in_format(PIXELS, form), LABELS)
    pixels = numbers(read(given, form, SIZE))
    np.testing.assert_allclose(pixels["boxes"][0, :2], PIXELS[0, :2], atol=1e-4)
    written = numbers(write(read(given, form, SIZE), form, SIZE))
    np.testing.assert_allclose(
        written["boxes"][0, :2], in_format(PIXELS, form)[0, :2], atol=1e-4
    )
    np.testing.assert_array_equal(written["boxes"][0, 2], [-1] * 4)
    np.testing.assert_array_equal(written["labels"], LABELS)


def test_boxes_are_clipped_and_the_empty_dropped():
    boxes = np.array(
        [[-5.0, 2, 40, 9], [3, -9, 8, -1], [30, 1, 35, 4], [4, 4, 4, 9], [0, 0, 30, 20]]
    )
    given = tensors(boxes[None], np.arange(5)[None])
    written = numbers(write(given, "xyxy", SIZE))
    np.testing.assert_array_equal(written["labels"], [[0, -1, -1, -1, 4]])
    expected = [[0, 2, 30, 9], [-1] * 4, [-1] * 4, [-1] * 4, [0, 0, 30, 20]]
    np.testing.assert_array_equal(written["boxes"][0], expected)


def test_a_turned_box_is_the_one_around_its_corners():
    angle = np.radians(30)
    matrix = np.array(
        [[np.cos(angle), -np.sin(angle), 3, np.sin(angle), np.cos(angle), 1]]
    )
    given = tensors(PIXELS[:, :2], LABELS[:, :2])
    moved = numbers(affine(given, ops.convert_to_tensor(matrix.astype("float32"))))
    for box, result in zip(PIXELS[0], moved["boxes"][0], strict=False):
        corners = np.array(list(itertools.product(box[::2], box[1::2])))
        turned = corners @ matrix.reshape(2, 3)[:, :2].T + matrix.reshape(2, 3)[:, 2]
        expected = [*turned.min(0), *turned.max(0)]
        np.testing.assert_allclose(result, expected, atol=1e-4)


def test_unknown_format_is_refused():
    with pytest.raises(ValueError, match="`bounding_box_format` must be one of 'xyxy'"):
        check_format("coco")
    check_format(None)
