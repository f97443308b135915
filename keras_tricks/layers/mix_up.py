"""MixUp: blend images and labels of a batch in pairs."""

import keras

from keras_tricks.layers._mixing import Mixing, blend, symmetric_beta
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

    Args:
        num_classes: Number of classes; needed for integer labels. Integer, at least 2.
        alpha: Both parameters of the Beta distribution. Float above 0; the paper uses
            0.1 to 0.4 on ImageNet, stronger mixing is nearer to 1.
        data_format: Not used: pixels at the same place are mixed in either format.
        seed: Integer, or `None` for another course in every run. Under a `map` with
            `num_parallel_calls` the batches take their turns in no fixed order.
        **kwargs: `name`, `dtype`, `trainable` of `keras.layers.Layer`.

    Raises:
        ValueError: If an argument is out of its range, labels are missing or integer
            without `num_classes`, images have no batch axis, or the batch carries
            more than images and labels.

    Example:
        >>> layer = MixUp(num_classes=3, seed=1)
        >>> images, labels = layer(np.zeros((2, 8, 6, 3), "uint8"), np.array([0, 2]))
        >>> images.shape, images.dtype.name, labels.shape
        (TensorShape([2, 8, 6, 3]), 'uint8', TensorShape([2, 3]))

    Reference:
        [Zhang et al., 2018](https://arxiv.org/abs/1710.09412); pairs as in timm.
    """

    draws = 3

    def __init__(
        self, num_classes=None, alpha=0.2, data_format=None, seed=None, **kwargs
    ):
        super().__init__(
            num_classes=num_classes,
            alpha=alpha,
            data_format=data_format,
            seed=seed,
            **kwargs,
        )

    def augment(self, images, labels, uniforms):
        """See `Augmentation.augment`."""
        first, second, order = ops.unstack(uniforms, num=3, axis=1)
        partner, leader = pairs(order)
        weight = symmetric_beta(first, second, self.alpha)
        weight = ops.take(weight, leader, axis=0)  # the same for both of a pair
        # 16 bits times the 8 of a uint8 are exact in float32: no compiler rounds apart.
        weight = ops.round(weight * 2**16) / 2**16
        return blend(images, partner, weight), blend(labels, partner, weight)


def pairs(order):
    """Pair a batch at random: neighbours in the order of the given numbers `(batch,)`.

    Returns:
        For every image the index of its partner, and that of the first of the two.
    """
    sequence = ops.argsort(order)
    rank = ops.cast(ops.argsort(sequence), "int32")  # place of every image in it
    first = rank - rank % 2
    last = ops.shape(order)[0] - 1
    other = ops.minimum(first + 1 - rank % 2, last)
    return ops.take(sequence, other, axis=0), ops.take(sequence, first, axis=0)
