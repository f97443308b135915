"""Label smoothing around any loss, for class ids, dense and mixed labels."""

import keras
from keras import ops

from keras_tricks._checks import check_integer, check_number
from keras_tricks.losses._labels import align, one_hot

# Over classes that exclude one another, and linear in the target.
_CATEGORICAL = (
    keras.losses.categorical_crossentropy,
    keras.losses.categorical_focal_crossentropy,
)


@keras.saving.register_keras_serializable(package="keras_tricks")
class LabelSmoothing(keras.losses.Loss):
    """Give a loss the target `(1 - smoothing) * label + smoothing / K`.

    Labels are class ids, of shape `(batch, ...)` or `(batch, ..., 1)`, or have the
    shape of `y_pred`, `(batch, ..., classes)`; labels mixed by MixUp or CutMix are of
    the second kind. An id outside `[0, classes)` gives NaN. `K` is `num_classes`, else
    the size of the last axis, or 2 for a single output, as in Keras's
    `BinaryCrossentropy`. Reduction and dtype are those of the wrapped loss. Keras
    3.15.1 smooths dense labels only.

    Smooth in one place. A loss that smooths already is refused; dense labels smoothed
    before they come here look like any soft labels, a teacher's say, and are not.

    With `class_weight` the loss of a sample is `sum(w * target * -log(p))`, and a mean
    divides by the summed weights of the labels, `sum(w * label)`, as PyTorch does for
    class ids; for dense labels PyTorch divides by the number of samples. (The
    `class_weight` of `fit` divides by the number of samples too, and weighs a mixed
    label by its largest class alone.)

    Args:
        loss: A Keras loss, its name or config, or a function of `(y_true, y_pred)`
            that returns one value per sample. Sparse categorical cross-entropy becomes
            the categorical one; positions of its `ignore_class` have loss 0 and are
            left out of the mean.
        smoothing: Float in [0, 1). 0 is the wrapped loss.
        num_classes: Optional integer `K`, at least 2. Pass 2 for multi-label targets,
            each a choice of two (the convention of Keras and timm).
        class_weight: Optional list of one weight per class, each at least 0. Needs a
            categorical cross-entropy.
        name: Optional name.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument is out of its range, the wrapped loss already
            smooths, its class axis is not the last, or shapes do not fit.

    Example:
        >>> from_ids = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        >>> loss = LabelSmoothing(from_ids, smoothing=0.1)
        >>> print(f"{float(loss([1, 0], [[0.0, 2.0], [1.0, 1.0]])):.4f}")
        0.4600

    Reference:
        [Szegedy et al., 2016](https://arxiv.org/abs/1512.00567), section 7.
    """

    def __init__(
        self, loss, smoothing=0.1, num_classes=None, class_weight=None, name=None
    ):
        wrapped = _resolve(loss)
        dense = _dense_loss(wrapped)
        check_number("smoothing", smoothing)
        if not 0 <= smoothing < 1:
            raise ValueError(
                "`smoothing` must be at least 0 and below 1. "
                f"Received: smoothing={smoothing!r}."
            )
        if num_classes is not None:
            check_integer("num_classes", num_classes, 2)
        if class_weight is not None:
            class_weight = _check_class_weight(class_weight, dense)
        is_loss = isinstance(dense, keras.losses.Loss)
        super().__init__(
            name=name,
            reduction=dense.reduction if is_loss else "sum_over_batch_size",
            dtype=dense.dtype if is_loss else None,
        )
        self.loss = loss
        self.smoothing = smoothing
        self.num_classes = num_classes
        self.class_weight = class_weight
        self._per_sample = dense.call if is_loss else dense
        self._is_categorical = _function(dense) in _CATEGORICAL
        self._ignore_class = getattr(wrapped, "ignore_class", None)

    def __call__(self, y_true, y_pred, sample_weight=None):
        y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        loss = super().__call__(y_true, y_pred, sample_weight)
        count_alike = self.class_weight is None and self._ignore_class is None
        if count_alike or self.reduction in (None, "none", "sum"):
            return loss
        # Keras divides by a number of samples; here each counts as its label weighs.
        # Both are sums by Keras itself: only it can read the mask on `y_pred`.
        if self.reduction != "mean_with_sample_weight":
            sample_weight = None
        total = _Total(reduction="sum", dtype=self.dtype)
        weights = self._label_weights(y_true, y_pred)
        number = total(ops.ones_like(weights), y_pred, sample_weight)
        weight = total(weights, y_pred, sample_weight)
        return loss * ops.divide_no_nan(number, weight)

    def call(self, y_true, y_pred):
        y_pred = ops.convert_to_tensor(y_pred, dtype=self.dtype)
        self._check_outputs(y_pred.shape)
        labels, counted = self._dense_labels(y_true, y_pred.shape)
        num_classes = self.num_classes or max(y_pred.shape[-1], 2)
        targets = smooth_labels(labels, self.smoothing, num_classes)
        if self.class_weight is None:
            values = self._per_sample(targets, y_pred)
        else:
            values = self._weigh(targets, y_pred)
        return values if counted is None else ops.where(counted, values, 0.0)

    def get_config(self):
        return {
            "loss": self.loss,
            "smoothing": self.smoothing,
            "num_classes": self.num_classes,
            "class_weight": self.class_weight,
            "name": self.name,
        }

    def _weigh(self, targets, y_pred):
        targets = targets * ops.convert_to_tensor(self.class_weight, dtype=self.dtype)
        # TensorFlow's softmax cross-entropy takes `p - target` for its gradient, wrong
        # unless the target sums to 1. The loss is linear in it: scale to 1 and back.
        sums = ops.sum(targets, axis=-1, keepdims=True)  # (batch, ..., 1)
        targets = targets / ops.where(sums > 0, sums, 1.0)
        return ops.squeeze(sums, -1) * self._per_sample(targets, y_pred)

    def _label_weights(self, y_true, y_pred):
        labels, counted = self._dense_labels(y_true, y_pred.shape)
        weight = ops.convert_to_tensor(self.class_weight or 1.0, dtype=self.dtype)
        weights = ops.sum(labels * weight, axis=-1)  # (batch, ...)
        return weights if counted is None else ops.where(counted, weights, 0.0)

    def _dense_labels(self, y_true, shape):
        """Return labels of `shape` and which of them count, None for all."""
        y_true = align(ops.convert_to_tensor(y_true, dtype=self.dtype), shape)
        are_ids = y_true.shape[-1] == 1 < shape[-1]
        if self._ignore_class is None:
            return (one_hot(y_true, shape[-1]) if are_ids else y_true), None
        if not are_ids:
            raise ValueError(
                "The `ignore_class` of the wrapped loss needs labels that are class "
                f"ids. Received: y_true.shape={tuple(y_true.shape)}, "
                f"y_pred.shape={tuple(shape)}."
            )
        counted = ops.not_equal(y_true, self._ignore_class)
        labels = one_hot(ops.where(counted, y_true, 0.0), shape[-1])
        return labels, ops.squeeze(counted, -1)

    def _check_outputs(self, shape):
        weights = self.class_weight
        if weights is not None and not len(weights) == shape[-1] > 1:
            raise ValueError(
                "`class_weight` must have one weight per output, 2 or more. Received: "
                f"class_weight={weights}, y_pred.shape={tuple(shape)}."
            )
        if self._is_categorical and self.num_classes not in (None, shape[-1]):
            raise ValueError(
                "`num_classes` must be the number of outputs for a categorical "
                "cross-entropy, whose targets sum to 1. Received: "
                f"num_classes={self.num_classes}, y_pred.shape={tuple(shape)}."
            )


def smooth_labels(labels, smoothing, num_classes):
    """Return `labels`, of any shape, moved towards `1 / num_classes`."""
    return labels * (1 - smoothing) + smoothing / num_classes


class _Total(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return y_true


def _resolve(loss):
    if isinstance(loss, type) or not (callable(loss) or isinstance(loss, str | dict)):
        raise TypeError(
            "`loss` must be a Keras loss, its name or config, or a function. "
            f"Received: loss={loss!r}."
        )
    wrapped = keras.losses.get(loss)
    smooths = _option(wrapped, "label_smoothing", 0) or _option(wrapped, "smoothing", 0)
    if smooths or isinstance(wrapped, LabelSmoothing):
        raise ValueError(
            "Smoothing would be applied twice: `loss` smooths labels itself. Set its "
            f"smoothing to 0 or take it alone. Received: loss={loss!r}."
        )
    axis = _option(wrapped, "axis", -1)
    if isinstance(axis, int) and axis != -1:
        raise ValueError(
            f"`loss` must have its classes on the last axis. Received: axis={axis}."
        )
    return wrapped


def _option(loss, name, default):
    """Return an option of a loss, an attribute or bound to its function."""
    # Keras 3.15.1 keeps the axis of its sparse cross-entropy nowhere else.
    for bound in (getattr(loss, "_fn_kwargs", {}), getattr(loss, "keywords", {})):
        if name in bound:
            return bound[name]
    return getattr(loss, name, default)


def _dense_loss(loss):
    if loss is keras.losses.sparse_categorical_crossentropy:
        return keras.losses.CategoricalCrossentropy()
    # Not `isinstance`: a subclass may compute something else.
    if type(loss) is not keras.losses.SparseCategoricalCrossentropy:
        return loss
    return keras.losses.CategoricalCrossentropy(
        from_logits=loss.from_logits, reduction=loss.reduction, dtype=loss.dtype
    )


def _function(loss):
    return getattr(loss, "fn", loss)


def _check_class_weight(class_weight, loss):
    if _function(loss) not in _CATEGORICAL:
        raise ValueError(
            "`class_weight` needs a categorical cross-entropy, whose classes exclude "
            f"one another. Received: loss={loss!r}. Pass `sample_weight` instead."
        )
    if isinstance(class_weight, str | dict) or not hasattr(class_weight, "__len__"):
        raise TypeError(
            "`class_weight` must be a list of one weight per class. "
            f"Received: class_weight={class_weight!r}."
        )
    for weight in class_weight:
        check_number("class_weight", weight, minimum=0)
    return [float(weight) for weight in class_weight]
