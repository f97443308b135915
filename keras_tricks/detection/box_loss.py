"""How far predicted boxes are from the objects: smooth L1 of the codes."""

import keras
from keras import ops

from keras_tricks.detection._positives import per_object


@keras.saving.register_keras_serializable(package="keras_tricks")
class BoxLoss(keras.losses.Loss):
    """Compare the codes of boxes at the anchors that have an object.

    The loss is `0.5 · d²` for a difference `|d| < 1` and `|d| - 0.5` beyond it, summed
    over the four codes and all matched anchors, and divided by their number in the
    whole batch, on all replicas. Anchors without an object cost nothing.

    `y_true` is `(batch, anchors, 5)` as `EncodeTargets` makes it, four codes and a 1
    where there is an object; `y_pred` is `(batch, anchors, 4)`.

    Args:
        reduction: As in `keras.losses.Loss`. With `"sum"` the loss of a batch is the
            mean over its matched anchors; `None` returns the part of every image.
        name: Optional name.

    Raises:
        ValueError: If shapes do not fit.

    Example:
        >>> loss = BoxLoss()
        >>> y_true = np.array([[[1.0, 0, 0, 0, 1], [9, 9, 9, 9, 0]]], "float32")
        >>> float(loss(y_true, np.zeros((1, 2, 4), "float32")))
        0.5

    Reference:
        [Liu et al., 2016](https://arxiv.org/abs/1512.02325).
    """

    def __init__(self, reduction="sum", name="box_loss"):
        super().__init__(name=name, reduction=reduction)

    def call(self, y_true, y_pred):
        _check_shapes(tuple(y_true.shape), tuple(y_pred.shape))
        y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        y_true = ops.cast(y_true, y_pred.dtype)
        positives = y_true[..., 4]
        losses = ops.sum(smooth_l1(y_true[..., :4] - y_pred), axis=-1)
        losses = ops.sum(losses * positives, axis=-1)  # (batch,)
        return per_object(losses, positives)


def smooth_l1(difference):
    """Return the loss of every difference, of the shape of `difference`."""
    size = ops.abs(difference)
    return ops.where(size < 1, 0.5 * size * size, size - 0.5)


def _check_shapes(y_true, y_pred):
    if len(y_pred) != 3 or y_true[2:] != (5,) or y_pred[2:] != (4,):
        raise ValueError(
            "`y_true` must have the shape (batch, anchors, 5), `y_pred` (batch, "
            f"anchors, 4). Received: y_true.shape={y_true}, y_pred.shape={y_pred}."
        )
