"""Softmax over classes and background, with the hardest of the background only."""

import keras
from keras import ops

from keras_tricks._checks import check_integer, check_number
from keras_tricks.detection._positives import per_object


@keras.saving.register_keras_serializable(package="keras_tricks")
class HardNegativeCrossentropy(keras.losses.Loss):
    """Ask every anchor for its class, and few of those that have none.

    Nearly all anchors are background. Of those only the ones of the highest loss count,
    in every image `ratio` times as many as there are matched anchors. The sum over
    anchors is divided by the number of matched anchors in the whole batch, on all
    replicas.

    `y_true` are class ids `(batch, anchors)`, -1 for background; `y_pred` are logits
    `(batch, anchors, classes + 1)`. Background is the *last* column, so that an id
    means the same in labels, logits and detections; in torchvision it is the first. An
    id of no class makes the loss nan.

    Args:
        ratio: Background anchors for every matched one. Number, at least 0.
        min_negatives: Background anchors at least in every image, also in one without
            objects, which otherwise teaches nothing. Integer, at least 0.
        reduction: As in `keras.losses.Loss`. With `"sum"` the loss of a batch is that
            of one matched anchor; `None` returns the part of every image.
        name: Optional name.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument is out of its range.

    Example:
        >>> loss = HardNegativeCrossentropy(ratio=1)
        >>> y_true = np.array([[0, -1, -1]])
        >>> logits = np.array([[[2.0, 0], [1, 0], [0, 0]]], "float32")
        >>> print(f"{float(loss(y_true, logits)):.4f}")  # the first two anchors
        1.4402

    Reference:
        [Liu et al., 2016](https://arxiv.org/abs/1512.02325).
    """

    def __init__(
        self,
        ratio=3.0,
        min_negatives=0,
        reduction="sum",
        name="hard_negative_crossentropy",
    ):
        super().__init__(name=name, reduction=reduction)
        check_number("ratio", ratio, 0)
        check_integer("min_negatives", min_negatives)
        self.ratio = ratio
        self.min_negatives = min_negatives

    def call(self, y_true, y_pred):
        logits = ops.convert_to_tensor(y_pred)
        ids = ops.cast(y_true, "int32")
        background = logits.shape[-1] - 1
        positive = ids >= 0
        losses = crossentropy(ops.where(positive, ids, background), logits)
        # Not a class: without a word it would be trained to be background, or nothing.
        losses = ops.where(ids < background, losses, float("nan"))  # (batch, anchors)
        chosen = positive | self._hardest(ops.stop_gradient(losses), positive)
        losses = ops.sum(ops.where(chosen, losses, 0.0), axis=-1)
        return per_object(losses, ops.cast(positive, losses.dtype))

    def _hardest(self, losses, positive):
        count = ops.sum(ops.cast(positive, losses.dtype), axis=-1, keepdims=True)
        count = ops.maximum(self.ratio * count, float(self.min_negatives))
        losses = ops.where(positive, -1.0, losses)  # (batch, anchors)
        # The rank of each loss: exactly `count` are chosen, also among equal ones.
        rank = ops.argsort(ops.argsort(-losses, axis=-1), axis=-1)
        return (ops.cast(rank, losses.dtype) < count) & ~positive

    def get_config(self):
        return {
            "ratio": self.ratio,
            "min_negatives": self.min_negatives,
            **super().get_config(),
        }


def crossentropy(ids, logits):
    """Return the loss of every anchor, `(batch, anchors)`, never negative."""
    hot = ops.one_hot(ids, logits.shape[-1], dtype=logits.dtype)
    return -ops.sum(hot * ops.log_softmax(logits, axis=-1), axis=-1)
