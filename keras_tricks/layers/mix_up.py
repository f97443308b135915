"""MixUp: blend images and labels of a batch in pairs."""

import keras

from keras_tricks.layers._mixing import Mixing, blend, symmetric_beta
from keras_tricks.layers._tensors import ops


@keras.saving.register_keras_serializable(package="keras_tricks")
class MixUp(Mixing):
    """Blend every image, and its label, with another one of the batch.

    `x = w · x_i + (1 - w) · x_j` and the same for the labels, with `j` from a random
    permutation of the batch and one `w ~ Beta(alpha, alpha)` per image. (The paper
    draws one `w` per batch; Keras and fastai one per image.)

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
        seed: Integer, or `None` for another course in every run.
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
        [Zhang et al., 2018](https://arxiv.org/abs/1710.09412).
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
        weight = symmetric_beta(first, second, self.alpha)
        partner = ops.argsort(order)
        return blend(images, partner, weight), blend(labels, partner, weight)
