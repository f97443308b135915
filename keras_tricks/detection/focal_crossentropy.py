"""Sigmoid cross-entropy that a hundred thousand easy anchors do not drown."""

import keras
from keras import ops

from keras_tricks._checks import check_number
from keras_tricks.detection._positives import per_object


@keras.saving.register_keras_serializable(package="keras_tricks")
class FocalCrossentropy(keras.losses.Loss):
    """Ask every anchor, for every class on its own, whether it is there.

    With `p` the sigmoid of a logit, a class that is there costs
    `-alpha · (1 - p)^gamma · log(p)`, one that is not
    `-(1 - alpha) · p^gamma · log(1 - p)`. The sum over anchors and classes is divided
    by the number of matched anchors in the whole batch, on all replicas.

    `y_true` are class ids `(batch, anchors)`, -1 for background; `y_pred` are logits
    `(batch, anchors, classes)`. An id of no class makes the loss nan.

    Keras 3.15.1's `BinaryFocalCrossentropy` has the same formula but takes the mean,
    over anchors and classes alike, so that the loss falls with the number of anchors.

    Args:
        alpha: Weight of classes that are there. Float in [0, 1]. RetinaNet has 0.25,
            SSD-MobileNetV2 in the TensorFlow Object Detection API 0.75.
        gamma: How much easy anchors are ignored. Float, at least 0; 0 is weighted
            cross-entropy.
        reduction: As in `keras.losses.Loss`. With `"sum"` the loss of a batch is that
            of one matched anchor; `None` returns the part of every image.
        name: Optional name.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument is out of its range.

    Example:
        >>> loss = FocalCrossentropy()
        >>> logits = np.array([[[2.0], [-3.0]]], "float32")
        >>> print(f"{float(loss(np.array([[0, -1]]), logits)):.6f}")
        0.000533

    Reference:
        [Lin et al., 2017](https://arxiv.org/abs/1708.02002).
    """

    def __init__(
        self, alpha=0.25, gamma=2.0, reduction="sum", name="focal_crossentropy"
    ):
        super().__init__(name=name, reduction=reduction)
        check_number("alpha", alpha, 0, 1)
        check_number("gamma", gamma, 0)
        self.alpha = alpha
        self.gamma = gamma

    def call(self, y_true, y_pred):
        logits = ops.convert_to_tensor(y_pred)
        ids = ops.cast(y_true, "int32")
        hot = ids[..., None] == ops.arange(logits.shape[-1], dtype="int32")
        losses = focal_crossentropy(hot, logits, self.alpha, self.gamma)
        # Not a class: without a word it would be trained to be background.
        known = ops.all(ids < logits.shape[-1], axis=-1)
        losses = ops.where(known, ops.sum(losses, axis=(-2, -1)), float("nan"))
        return per_object(losses, ops.cast(ids >= 0, losses.dtype))

    def get_config(self):
        return {"alpha": self.alpha, "gamma": self.gamma, **super().get_config()}


def focal_crossentropy(present, logits, alpha, gamma):
    """Return the loss of every logit, of the shape of `logits`."""
    # Where the class is absent its loss is that of the opposite logit.
    logits = ops.where(present, logits, -logits)
    weight = ops.where(present, alpha, 1 - alpha)
    # sigmoid(-x)^gamma by its logarithm: no infinite slope at 0 for gamma below 1.
    log_chance, log_rest = -ops.softplus(-logits), -ops.softplus(logits)
    return -ops.cast(weight, logits.dtype) * ops.exp(gamma * log_rest) * log_chance
