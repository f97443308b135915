"""Pictures with the objects that were found in them, and those that are there."""

import keras
import numpy as np

from keras_tricks._checks import check_integer, check_number
from keras_tricks._figure import new_figure

_WIDTH = 12  # inches: 1,200 pixels at matplotlib's resolution
_WIDEST = 6  # of a single picture
_FONT = 7.5  # points
_LETTER = 0.6 * _FONT / 72  # width of a letter in inches, about
_LINE = 1.35 * _FONT / 72


def draw_detections(
    images,
    detections,
    class_names=None,
    ground_truth=None,
    min_score: float = 0.3,
    columns: int = 4,
    bounding_box_format: str = "xyxy",
):
    """Draw pictures with the boxes found in them, each with its class and score.

    Every class has a colour; the surest boxes lie on top. True boxes are dashed and
    white. Above a picture in which nothing is sure enough stands its best score.

    Args:
        images: One picture `(height, width, channels)`, a batch of them, or a list of
            pictures of different sizes; 1 or 3 channels, values from 0 to 255.
        detections: What `SSDMobileNetV2.predict` gives for them: a dict of `"boxes"`
            `(batch, boxes, 4)`, `"scores"` and `"classes"` `(batch, boxes)`, or a list
            with such a dict, of a single picture, for each. Class -1 is padding.
        class_names: Names of the classes, or `None` for their numbers.
        ground_truth: True boxes, likewise, with `"boxes"` and `"labels"`.
        min_score: Least score of a box that is drawn. Float in [0, 1].
        columns: Pictures per row, at most. Integer, at least 1.
        bounding_box_format: Format of all boxes, as `keras.utils.bounding_boxes` calls
            it.

    Returns:
        A `matplotlib.figure.Figure`; `figure.savefig("found.png")` writes it, 1,200
        pixels wide for two pictures or more in a row.

    Raises:
        ImportError: If matplotlib is not installed.
        TypeError: If `detections` or `ground_truth` are not dicts of the keys above.
        ValueError: If they are not of as many pictures as there are, a class has no
            name, or an argument is out of its range.

    Example:
        >>> image = np.full((64, 96, 3), 127, "uint8")
        >>> found = {
        ...     "boxes": [[[8, 8, 40, 40], [50, 20, 90, 60], [0, 0, 9, 9]]],
        ...     "scores": [[0.93, 0.61, 0.04]],
        ...     "classes": [[0, 1, 0]],
        ... }
        >>> figure = draw_detections(image, found, ["wren", "robin"])
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['wren 0.93', 'robin 0.61']

    Reference:
        `keras.visualization.draw_bounding_boxes` of Keras 3.15.1, which wants OpenCV.
    """
    check_number("min_score", min_score, 0, 1)
    check_integer("columns", columns, 1)
    images = _pictures(images)
    count = len(images)
    keys = ("boxes", "classes", "scores")
    found = _by_picture("detections", detections, keys, count)
    true = [None] * count
    if ground_truth is not None:
        true = _by_picture("ground_truth", ground_truth, ("boxes", "labels"), count)
    columns = min(columns, count)
    width = min(_WIDTH / columns, _WIDEST)
    heights = [width * image.shape[0] / image.shape[1] for image in images]
    heights = [max(heights[i : i + columns]) for i in range(0, count, columns)]
    figure = new_figure(width * columns, sum(heights) + 0.25 * len(heights))
    grid = figure.add_gridspec(len(heights), columns, height_ratios=heights)
    for i, (image, objects, truth) in enumerate(zip(images, found, true, strict=True)):
        axes = figure.add_subplot(grid[i // columns, i % columns])
        _draw_picture(axes, image)
        boxes, classes, scores = objects
        boxes = _edges(boxes, bounding_box_format, image)
        if truth is not None:
            _draw_truth(axes, _edges(truth[0], bounding_box_format, image), truth[1])
        real = classes != -1
        if not any(scores[real] >= min_score):
            best = f"the best {max(scores[real]):.2f}" if any(real) else "nothing found"
            axes.set_title(f"none above {min_score:g}: {best}", fontsize=_FONT)
        inch = image.shape[1] / width  # in pixels
        places = []
        # Labels of the surest are placed first, their boxes are drawn last.
        for k in np.argsort(-scores, kind="stable"):
            if real[k] and scores[k] >= min_score:
                text = f"{_name(classes[k], class_names)} {scores[k]:.2f}"
                size = (len(text) + 1) * _LETTER * inch, _LINE * inch
                places.append(_free_place(boxes[k], size, image.shape, places))
                colour = f"C{int(classes[k]) % 10}"
                _draw_box(axes, boxes[k], places[-1], text, colour, 3 + scores[k])
    return figure


def _pictures(images):
    """Return a list of pictures."""
    if not isinstance(images, (list, tuple)):
        images = _array(images)
        images = images[None] if images.ndim == 3 else images
    images = [_array(image) for image in images]
    for image in images:
        if image.ndim != 3 or image.shape[-1] not in (1, 3):
            raise ValueError(
                "A picture must be of shape (height, width, 1 or 3). "
                f"Received: shape {image.shape}."
            )
    if not images:
        raise ValueError("`images` must hold a picture. Received: none.")
    return images


def _by_picture(name, values, keys, count):
    """Return the arrays of each picture, in the order of the keys."""
    values = values if isinstance(values, (list, tuple)) else [values]
    pictures = []
    for value in values:
        if not isinstance(value, dict) or not set(keys) <= set(value):
            raise TypeError(
                f"`{name}` must be a dict with the keys {', '.join(map(repr, keys))}, "
                f"or a list of them. Received: {value!r}."
            )
        arrays = [_array(value[key]) for key in keys]
        batch = arrays if arrays[0].ndim == 3 else [array[None] for array in arrays]
        pictures.extend(zip(*batch, strict=True))
    if len(pictures) != count:
        raise ValueError(
            f"`{name}` must be of as many pictures as `images`. "
            f"Received: {len(pictures)} for {count}."
        )
    return pictures


def _array(values):
    if hasattr(values, "to_tensor"):  # ragged
        values = values.to_tensor(-1)
    return np.asarray(keras.ops.convert_to_numpy(values))


def _edges(boxes, bounding_box_format, image):
    """Return left, top, right and bottom in pixels."""
    boxes = keras.utils.bounding_boxes.convert_format(
        boxes.reshape(-1, 4), bounding_box_format, "xyxy", *image.shape[:2]
    )
    # Boxes count from the edge of the first pixel, a figure from its centre.
    return keras.ops.convert_to_numpy(boxes) - 0.5


def _draw_picture(axes, image):
    axes.imshow(np.clip(image / 255, 0, 1), cmap="gray", vmin=0, vmax=1)
    axes.set_axis_off()


def _draw_truth(axes, boxes, labels):
    for box in boxes[labels != -1]:
        # In points, not in widths of the line: both have the same dashes.
        axes.add_patch(
            _rectangle(box, "k", 2.2, 4.5, linestyle=(0, (6 / 2.2, 5 / 2.2)))
        )
        axes.add_patch(
            _rectangle(box, "w", 1.2, 4.5, linestyle=(0, (6 / 1.2, 5 / 1.2)))
        )


def _draw_box(axes, box, place, text, colour, order):
    """Draw a box with its label, the surer the higher."""
    from matplotlib.colors import to_rgb

    axes.add_patch(_rectangle(box, "k", 2.6, order, alpha=0.4))
    axes.add_patch(_rectangle(box, colour, 1.6, order))
    bright = np.dot(to_rgb(colour), (0.299, 0.587, 0.114)) > 0.55
    left, top, _, bottom = place
    axes.text(
        left,
        (top + bottom) / 2,
        text,
        fontsize=_FONT,
        color="k" if bright else "w",
        va="center",
        bbox={"boxstyle": "square,pad=0.15", "fc": colour, "ec": "none"},
        zorder=order + 2,
        clip_on=True,
    )


def _rectangle(box, colour, width, order, **style):
    from matplotlib.patches import Rectangle

    left, top, right, bottom = box
    style = {"fill": False, "ec": colour, "lw": width, "zorder": order, **style}
    return Rectangle((left, top), right - left, bottom - top, **style)


def _free_place(box, size, shape, taken):
    """Return left, top, right and bottom of a label, clear of others if it can be."""
    (left, top, right, bottom), (width, height) = box, size
    corners = [
        (left, top - height),
        (left, top),
        (right - width, top - height),
        (right - width, top),
        (left, bottom),
        (left, bottom - height),
        (right - width, bottom),
        (right - width, bottom - height),
    ]
    limit = shape[1] - width - 0.5, shape[0] - height - 0.5
    corners = np.clip(corners, -0.5, np.maximum(limit, -0.5))
    places = np.hstack([corners, corners + size])
    for place in places:
        if not any(_overlap(place, other) for other in taken):
            return place
    return places[0]


def _overlap(place, other):
    return all(place[:2] < other[2:]) and all(other[:2] < place[2:])


def _name(label, class_names):
    if class_names is None:
        return str(int(label))
    if not 0 <= label < len(class_names):
        raise ValueError(
            "`class_names` must name every class. "
            f"Received: {len(class_names)} names and the class {int(label)}."
        )
    return str(class_names[int(label)])
