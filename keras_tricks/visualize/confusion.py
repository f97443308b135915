"""Which classes are taken for which."""

import numpy as np

from keras_tricks._figure import new_figure


def confusion(labels, predictions, class_names=None):
    """Draw the confusion matrix: the share of each true class per predicted class.

    Args:
        labels: True classes, integers `(examples,)`.
        predictions: Predicted classes, integers `(examples,)`, or scores
            `(examples, classes)`, of which the highest counts.
        class_names: Names of the classes, or `None` for their numbers.

    Returns:
        A `matplotlib.figure.Figure`; `figure.savefig("confusion.png")` writes it.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If the lengths differ.

    Example:
        >>> figure = confusion([0, 1, 1], [0, 1, 0], ["wren", "robin"])
        >>> figure.axes[0].get_title()
        'accuracy 0.667 on 3 examples'
    """
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    if predictions.ndim == 2:
        predictions = predictions.argmax(1)
    if labels.shape != predictions.shape or labels.ndim != 1:
        raise ValueError(
            "`labels` and `predictions` must be of one length. Received: labels of "
            f"shape {labels.shape}, predictions of shape {predictions.shape}."
        )
    count = max(labels.max(), predictions.max()) + 1 if len(labels) else 1
    count = len(class_names) if class_names is not None else count
    matrix = np.zeros((count, count))
    np.add.at(matrix, (labels, predictions), 1)
    shares = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    side = 3 + 0.22 * min(count, 60)
    figure = new_figure(side + 1, side)
    axes = figure.add_subplot()
    picture = axes.imshow(shares, cmap="viridis", vmin=0, vmax=1)
    figure.colorbar(picture, label="share of the true class")
    names = class_names if class_names is not None else range(count)
    size = 7 if count <= 30 else 3
    axes.set_xticks(range(count), names, rotation=90, fontsize=size)
    axes.set_yticks(range(count), names, fontsize=size)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    accuracy = (labels == predictions).mean() if len(labels) else 0
    axes.set_title(f"accuracy {accuracy:.3f} on {len(labels)} examples")
    return figure
