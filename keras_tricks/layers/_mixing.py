"""What MixUp and CutMix share: weights, partners and labels."""

import math

import keras

from keras_tricks._checks import check_integer, check_number
from keras_tricks.layers._augmentation import Augmentation, check_images
from keras_tricks.layers._tensors import in_tensorflow_graph, ops


class Mixing(Augmentation):
    """A layer that mixes every image of a batch, and its label, with another one."""

    def __init__(self, num_classes=None, alpha=1.0, **kwargs):
        super().__init__(**kwargs)
        if num_classes is not None:
            check_integer("num_classes", num_classes, 2)
        check_number("alpha", alpha)
        if alpha <= 0:
            raise ValueError(f"`alpha` must be above 0. Received: alpha={alpha}.")
        self.num_classes = num_classes
        self.alpha = alpha

    def augment_batch(self, batch):
        """Mix the images and labels of a batch, a dict."""
        extra = sorted(set(batch) - {"images", "labels"})
        if extra or "labels" not in batch:
            raise ValueError(
                f"{type(self).__name__} mixes images and labels, and nothing else. "
                f"Received: {', '.join(sorted(batch))}."
            )
        images = ops.convert_to_tensor(batch["images"])
        check_images(images, ranks=(4,))
        labels = dense_labels(batch["labels"], self.num_classes)
        images, labels = self.run(images, labels)
        return {"images": images, "labels": labels}

    def get_config(self):
        config = super().get_config()
        return {**config, "num_classes": self.num_classes, "alpha": self.alpha}


def symmetric_beta(first, second, alpha):
    """Turn two uniform numbers in [0, 1) into one of the distribution Beta(α, α).

    Exact for every `alpha`, without a rejection loop or gamma variates (TensorFlow's
    do not compile under XLA): if `t` follows Student's distribution with 2α degrees
    of freedom, `(1 + t / sqrt(2α + t²)) / 2` is Beta(α, α), and Bailey's polar method
    gives `t² = 2α (u^(-1/α) - 1) cos²(2πv)`.

    Reference:
        [Devroye, 1996](https://doi.org/10.1145/256562.256717); Bailey, 1994,
        Mathematics of Computation 62.
    """
    radius = (1 - first) ** (1 / alpha)  # u is never 0, so 1 / u is finite
    cosine = ops.cos(2 * math.pi * second)
    sine = ops.sin(2 * math.pi * second)
    # max: both terms are 0 when u^(1/α) underflows just where the cosine is 0.
    length = ops.sqrt(
        ops.maximum(ops.square(cosine) + radius * ops.square(sine), 1e-30)
    )
    return (1 + cosine * ops.sqrt(1 - radius) / length) / 2


def blend(values, partner, weight):
    """Return `weight · values + (1 - weight) · values[partner]` in the same dtype.

    Computed in float32; integers are rounded to the nearest, halves to even.
    """
    dtype = keras.backend.standardize_dtype(values.dtype)
    compute_dtype = "float64" if dtype == "float64" else "float32"
    shape = ops.shape(values)
    values = ops.cast(ops.reshape(values, (shape[0], -1)), compute_dtype)
    weight = ops.cast(weight[:, None], compute_dtype)
    mixed = weight * values + (1 - weight) * ops.take(values, partner, axis=0)
    mixed = ops.round(mixed) if "int" in dtype else mixed
    return ops.reshape(ops.cast(mixed, dtype), shape)


def dense_labels(labels, num_classes):
    """Return class ids or dense labels as float32 `(batch, classes)`."""
    labels = ops.convert_to_tensor(labels)
    dtype = keras.backend.standardize_dtype(labels.dtype)
    shape = tuple(labels.shape)
    received = f"Received: labels of shape {shape} and dtype {dtype}"
    if "int" in dtype and (len(shape) == 1 or shape[1:] == (1,)):
        if num_classes is None:
            raise ValueError(
                f"`num_classes` is needed to mix integer labels. {received}, "
                "num_classes=None."
            )
        labels = ops.reshape(labels, (-1,))
        _check_ids(labels, num_classes)
        return ops.one_hot(labels, num_classes, dtype="float32")
    if len(shape) != 2 or (num_classes and shape[1] not in (None, num_classes)):
        raise ValueError(
            "`labels` must be integers of shape (batch,) or dense labels of shape "
            f"(batch, {num_classes or 'classes'}). {received}."
        )
    return ops.cast(labels, "float32")


def _check_ids(labels, num_classes):
    # one_hot would turn an id out of range into a row of zeros without a word.
    message = f"`labels` must be between 0 and {num_classes - 1} (num_classes - 1)."
    if in_tensorflow_graph():
        import tensorflow as tf

        tf.debugging.assert_non_negative(labels, message)
        tf.debugging.assert_less(
            labels, tf.cast(num_classes, labels.dtype), message=message
        )
    elif not _is_traced(labels):
        ids = keras.ops.convert_to_numpy(labels)
        if ids.size and (ids.min() < 0 or ids.max() >= num_classes):
            raise ValueError(
                f"{message} Received: labels from {ids.min()} to {ids.max()}, "
                f"num_classes={num_classes}."
            )


def _is_traced(tensor):
    """Whether a tensor has no value yet: Keras's symbolic ones, JAX's tracers."""
    try:
        keras.ops.convert_to_numpy(tensor)
    except Exception:
        return True
    return False
