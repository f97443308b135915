"""MixUp: blend images and labels of a batch in pairs."""

import keras

from keras_tricks.layers._mixing import Mixing, check_alpha, symmetric_beta
from keras_tricks.layers._tensors import ops


@keras.saving.register_keras_serializable(package="keras_tricks")
class MixUp(Mixing):
    """Blend every image, and its label, with another one of the batch.

    The batch is split into pairs at random; with one `w ~ Beta(alpha, alpha)` per pair
    `x_i` becomes `w · x_i + (1 - w) · x_j` and `x_j` becomes `w · x_j + (1 - w) · x_i`,
    the labels likewise. (The last image of an odd batch stays as it is.) The paper
    draws one `w` per batch. One per image, as Keras and KerasCV draw it, leaves nearly
    the same image twice wherever `w` is near 0, with `alpha=0.2` a third of a batch.

    Keras 3.15.1's `MixUp` turns integer labels into a matrix (batch, batch) inside
    `tf.data` and does not compile under XLA on TensorFlow; this one does both right.

    Call with a batch of images `(batch, height, width, channels)`, float or integer,
    and labels, integers `(batch,)` or dense `(batch, classes)`. Returns images of the
    same dtype (integers rounded) and labels float32 `(batch, classes)`. In
    `dataset.map`, place it after `.batch(...)`.

    Sample weights are mixed so that a loss linear in the label, as cross-entropy, is
    the weighted sum of both samples' losses. Segmentation masks must be one-hot floats
    and are blended. Of bounding boxes an image gets its own and its partner's, `(batch,
    2 · boxes)`, whatever the weight. Anything else is refused.

    Args:
        num_classes: Number of classes; needed for integer labels. Integer, at least 2.
        alpha: Both parameters of the Beta distribution. Float above 0; the paper uses
            0.1 to 0.4 on ImageNet, stronger mixing is nearer to 1.
        mode: How many weights are drawn: one per `"batch"`, `"pair"` or `"sample"`.
        probability: Probability that a batch, pair or sample is mixed. Float in [0, 1].
        data_format: Not used: pixels at the same place are mixed in either format.
        seed: Integer, or `None` for another course in every run. Under a `map` with
            `num_parallel_calls` the batches take their turns in no fixed order.
        **kwargs: `name`, `dtype`, `trainable` of `keras.layers.Layer`.

    Raises:
        ValueError: If an argument is out of its range, labels are missing or integer
            without `num_classes`, images have no batch axis, or the batch carries
            what cannot be mixed.

    Example:
        >>> layer = MixUp(num_classes=3, seed=1)
        >>> images, labels = layer(np.zeros((2, 8, 6, 3), "uint8"), np.array([0, 2]))
        >>> images.shape, images.dtype.name, labels.shape
        (TensorShape([2, 8, 6, 3]), 'uint8', TensorShape([2, 3]))

    Reference:
        [Zhang et al., 2018](https://arxiv.org/abs/1710.09412); pairs as in timm.
    """

    keys = (*Mixing.keys, "bounding_boxes")
    blends = True
    numbers = 2

    def __init__(
        self,
        num_classes=None,
        alpha=0.2,
        mode="pair",
        probability=1.0,
        data_format=None,
        seed=None,
        **kwargs,
    ):
        super().__init__(
            num_classes, mode, probability, data_format=data_format, seed=seed, **kwargs
        )
        check_alpha("alpha", alpha)
        self.alpha = alpha

    def recipe(self, size, mixed, numbers):
        """See `Mixing.recipe`."""
        weight = mix_up_weight(*numbers, self.alpha)
        weight = ops.where(mixed, weight, 1.0)
        return weight, weight, 1 - weight

    def mix(self, values, others, plan, data_format):
        """See `Mixing.mix`."""
        return blend(values, others, plan)

    def get_config(self):
        return {**super().get_config(), "alpha": self.alpha}


def mix_up_weight(first, second, alpha):
    """Turn two uniform numbers in [0, 1) into a weight of the distribution Beta(α, α).

    It is a multiple of 2⁻¹⁶: times the 8 bits of a uint8 it is exact in float32, so
    that no compiler rounds a blend in another way.
    """
    return ops.round(symmetric_beta(first, second, alpha) * 2**16) / 2**16


def blend(values, others, weight):
    """Return `weight · values + (1 - weight) · others` in the same dtype.

    Computed in float32; integers are rounded to the nearest, halves to even.
    """
    dtype = keras.backend.standardize_dtype(values.dtype)
    compute_dtype = "float64" if dtype == "float64" else "float32"
    shape = ops.shape(values)
    # Two axes: three channels are too short an axis for vector instructions.
    values, others = (
        ops.cast(ops.reshape(x, (shape[0], -1)), compute_dtype)
        for x in (values, others)
    )
    weight = ops.cast(weight[:, None], compute_dtype)
    mixed = weight * values + (1 - weight) * others
    mixed = ops.round(mixed) if "int" in dtype else mixed
    return ops.reshape(ops.cast(mixed, dtype), shape)
