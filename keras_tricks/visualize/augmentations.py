"""What the network really sees: pictures after augmentation, with their labels."""

import copy
import random

import keras

from keras_tricks._checks import check_integer
from keras_tricks._figure import new_figure
from keras_tricks.visualize._sample import describe, draw, samples

_KEYS = ("images", "labels", "sample_weight")


def augmentations(
    data,
    class_names=None,
    columns: int = 8,
    images=None,
    labels=None,
    bounding_box_format: str = "xyxy",
):
    """Draw a batch, or what a layer makes of some pictures, with labels and boxes.

    A batch is images, a tuple `(images, labels)`, or a dict of `images` and any of
    `labels`, `bounding_boxes`, `segmentation_masks`. Images are `(batch, height, width,
    channels)` with 1 or 3 channels and values in [0, 255] or [0, 1]; floats of which
    some are negative are stretched from the least value to the greatest.

    A layer gets a row per picture: the original, then what the layer makes of it in as
    many calls as there are columns left. The calls go to a copy: the layer draws the
    same numbers later as without them.

    Args:
        data: A batch, a `tf.data.Dataset` of batches (the first is drawn; for a
            `shuffle` or a random layer in the dataset that is one pass over it), or a
            layer.
        class_names: Names of the classes, or `None` for their numbers.
        columns: Pictures per row. Integer, at least 1, for a layer 2.
        images: For a layer: the batch that it is to change, for example
            `next(iter(dataset))`.
        labels: Labels of `images`, if those are images alone: integers `(batch,)` or
            dense `(batch, classes)`.
        bounding_box_format: Format of the boxes, as `keras.utils.bounding_boxes` calls
            it. A box of label -1 is padding.

    Returns:
        A `matplotlib.figure.Figure`; `figure.savefig("batch.png")` writes it. Above a
        picture stand its classes with their weights, above what a layer made of it only
        if they have changed. Masks lie over the picture; their class 0 is clear.

    Raises:
        ImportError: If matplotlib is not installed.
        TypeError: If `data` is none of the three.
        ValueError: If images, labels or names do not fit together or `columns` is too
            small.

    Example:
        >>> images, labels = kt.datasets.birds(4, image_size=32)
        >>> layer = kt.layers.CutMix(num_classes=10, seed=0)
        >>> figure = augmentations(layer, images=images, labels=labels, columns=3)
        >>> len(figure.axes)
        12
        >>> figure = augmentations(layer(images, labels), columns=4)
        >>> len(figure.axes)
        4
    """
    is_layer = isinstance(data, keras.layers.Layer)
    check_integer("columns", columns, 2 if is_layer else 1)
    if is_layer:
        batch = _as_dict(images, labels)
        batches = [batch, *_augmented(data, batch, columns - 1)]
    elif images is not None or labels is not None:
        raise ValueError(
            "`images` and `labels` are what a layer is to change. "
            f"Received: both them and data={type(data).__name__}."
        )
    else:
        batches = [_as_dict(_first_batch(data))]
    drawn = samples(batches, bounding_box_format)
    panels = [(sample, row[0]) for row in zip(*drawn, strict=True) for sample in row]
    rows = -(-len(panels) // columns)
    figure = new_figure(1.6 * columns, 1.9 * rows)
    for i, (sample, original) in enumerate(panels):
        title = describe(sample, class_names)
        if sample is not original and title == describe(original, class_names):
            title = ""
        axes = figure.add_subplot(rows, columns, i + 1)
        draw(axes, sample, class_names, title)
    return figure


def _first_batch(data):
    if hasattr(data, "element_spec"):  # a tf.data.Dataset
        for batch in data:
            return batch
        raise ValueError("The dataset is empty: it has no batch to draw.")
    if isinstance(data, (tuple, list, dict)) or hasattr(data, "shape"):
        return data
    raise TypeError(
        "`data` must be a batch, a `tf.data.Dataset` of batches or a Keras layer. "
        f"Received: data={data!r}."
    )


def _as_dict(batch, labels=None):
    """Return a batch as a dict."""
    if batch is None:
        raise ValueError("A layer needs `images` to change. Received: images=None.")
    if isinstance(batch, (tuple, list)):
        batch = dict(zip(_KEYS, batch, strict=False))
    elif not isinstance(batch, dict):
        batch = {"images": batch}
    if labels is None:
        return batch
    if "labels" in batch:
        raise ValueError("Received labels twice: in `images` and in `labels`.")
    return {**batch, "labels": labels}


def _augmented(layer, batch, calls):
    """Return what the first calls of a copy of a layer make of a batch."""
    state = random.getstate()  # a layer without a seed takes one from Python
    layer = copy.deepcopy(layer)
    random.setstate(state)
    if hasattr(layer, "augment_batch") or hasattr(layer, "transform_labels"):
        # Keras's layers write into the dict that they are given.
        return [layer(_fresh(batch), training=True) for _ in range(calls)]
    # A layer of Keras's that takes nothing but images, or several in a model.
    images = [layer(batch["images"], training=True) for _ in range(calls)]
    return [{**batch, "images": x} for x in images]


def _fresh(batch):
    return keras.tree.map_structure(lambda value: value, batch)
