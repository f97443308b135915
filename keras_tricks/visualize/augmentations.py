"""What the network really sees: a batch after augmentation, with its labels."""

import numpy as np
from keras import ops

from keras_tricks._checks import check_integer
from keras_tricks.visualize._figure import new_figure


def augmentations(batch, class_names=None, columns: int = 8):
    """Draw the images of a batch, each with the weights of its labels.

    Args:
        batch: `(images, labels)`: images `(batch, height, width, channels)` with 1 or
            3 channels, either integers in [0, 255] or floats, which are stretched from
            their least to their greatest value; labels integers `(batch,)` or dense
            `(batch, classes)`. For a dataset, `next(iter(dataset))`.
        class_names: Names of the classes, or `None` for their numbers.
        columns: Images per row. Integer, at least 1.

    Returns:
        A `matplotlib.figure.Figure`; `figure.savefig("batch.png")` writes it.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If the images have no such shape or `columns` is below 1.

    Example:
        >>> images, labels = kt.datasets.birds(8, image_size=32)
        >>> mixed = kt.layers.CutMix(num_classes=8, seed=0)(images, labels)
        >>> figure = augmentations(mixed, columns=4)
        >>> len(figure.axes)
        8
    """
    check_integer("columns", columns, 1)
    images, labels = (ops.convert_to_numpy(part) for part in batch[:2])
    if images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise ValueError(
            "`batch` must begin with images of shape (batch, height, width, 1 or 3). "
            f"Received: images of shape {images.shape}."
        )
    images = _displayable(images)
    rows = -(-len(images) // columns)
    figure = new_figure(1.6 * columns, 1.9 * rows)
    for i, image in enumerate(images):
        axes = figure.add_subplot(rows, columns, i + 1)
        axes.imshow(image, cmap="gray" if image.ndim == 2 else None)
        axes.set_title(_describe(labels[i], class_names), fontsize=7)
        axes.set_axis_off()
    return figure


def _displayable(images):
    images = np.asarray(images, "float32" if images.dtype.kind != "u" else None)
    if images.dtype.kind == "f" and images.size:
        low, high = images.min(), images.max()
        images = (images - low) / max(high - low, 1e-6)
    return images[..., 0] if images.shape[-1] == 1 else images


def _describe(label, names):
    """Return the classes of a label by weight, those of 1 % or more."""
    label = np.atleast_1d(label)
    if label.size == 1:
        return str(names[int(label[0])] if names is not None else label[0])
    order = [c for c in np.argsort(-label, kind="stable") if label[c] >= 0.01][:2]
    shown = [str(names[c] if names is not None else c) for c in order]
    if len(order) == 1:
        return shown[0]
    return "\n".join(
        f"{name} {label[c]:.2f}" for c, name in zip(order, shown, strict=True)
    )
