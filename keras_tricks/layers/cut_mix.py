"""CutMix: paste a box of another image, and weigh the labels by area."""

import keras

from keras_tricks.layers._mixing import Mixing, symmetric_beta
from keras_tricks.layers._tensors import ops


@keras.saving.register_keras_serializable(package="keras_tricks")
class CutMix(Mixing):
    """Replace a box of every image by that of another one of the batch.

    With `w ~ Beta(alpha, alpha)` per image the box has the sides `sqrt(1 - w)` of the
    image's, a centre uniform over the whole image, and is clipped at its border. The
    label is then weighed by the pixels that were really kept: exactly, where KerasCV
    0.9 keeps the unclipped weight (mean error 0.174) and Keras 3.15.1 is off by
    rounding (0.005). Because of the clipping 68 % of an image are kept on average with
    `alpha=1`, as in timm and torchvision.

    Keras 3.15.1's `CutMix` never clips, draws its own alpha once per batch, turns
    integer labels into a matrix (batch, batch) inside `tf.data`, fails in bfloat16 and
    does not compile under XLA on TensorFlow.

    Call with a batch of images `(batch, height, width, channels)`, float or integer,
    and labels, integers `(batch,)` or dense `(batch, classes)`. Returns images of the
    same dtype and labels float32 `(batch, classes)`. In `dataset.map`, place it after
    `.batch(...)`.

    Args:
        num_classes: Number of classes; needed for integer labels. Integer, at least 2.
        alpha: Both parameters of the Beta distribution. Float above 0; the paper's 1
            is the uniform distribution.
        data_format: `"channels_last"` or `"channels_first"`; the default is Keras's.
        seed: Integer, or `None` for another course in every run. Under a `map` with
            `num_parallel_calls` the batches take their turns in no fixed order.
        **kwargs: `name`, `dtype`, `trainable` of `keras.layers.Layer`.

    Raises:
        ValueError: If an argument is out of its range, labels are missing or integer
            without `num_classes`, images have no batch axis, or the batch carries
            more than images and labels.

    Example:
        >>> layer = CutMix(num_classes=2, seed=1)
        >>> images = np.stack([np.zeros((8, 6, 3)), np.ones((8, 6, 3))])
        >>> images, labels = layer(images, np.array([0, 1]))
        >>> bool(np.isclose(np.mean(images[0]), labels[0, 1]))
        True

    Reference:
        [Yun et al., 2019](https://arxiv.org/abs/1905.04899); box as in timm.
    """

    draws = 5

    def __init__(
        self, num_classes=None, alpha=1.0, data_format=None, seed=None, **kwargs
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
        first, second, order, y, x = ops.unstack(uniforms, num=5, axis=1)
        partner = ops.argsort(order)
        height, width = self.image_size(images)
        side = ops.sqrt(1 - symmetric_beta(first, second, self.alpha))
        top, bottom = cut_span(side, y, height)  # (batch,)
        left, right = cut_span(side, x, width)
        rows, columns = self.rows_and_columns(images)
        in_rows = (rows >= top[:, None]) & (rows < bottom[:, None])  # (batch, rows)
        in_columns = (columns >= left[:, None]) & (columns < right[:, None])
        inside = in_rows[:, :, None] & in_columns[:, None, :]
        images = self.replace(images, inside, ops.take(images, partner, axis=0))
        area = (bottom - top) * (right - left)
        return images, mix_by_area(labels, partner, area, height * width)


def cut_span(side, position, size):
    """Return where a cut begins and ends on an axis of `size` pixels, clipped to it.

    Args:
        side: Length of the cut as a fraction of the axis, `(batch,)`.
        position: Place of its centre as a fraction of the axis, in [0, 1), `(batch,)`.
        size: Integer.
    """
    size = ops.cast(size, "int32")
    scale = ops.cast(size, "float32")
    length = ops.cast(side * scale, "int32")
    centre = ops.cast(position * scale, "int32")
    begin = ops.maximum(centre - length // 2, 0)
    return begin, ops.minimum(centre + (length + 1) // 2, size)


def mix_by_area(labels, partner, area, total):
    """Weigh each label by its pixels, `area` of `total` being the partner's."""
    area = ops.cast(area, "float32")[:, None]
    # No area is larger, but XLA cannot know: it would divide by a constant through a
    # multiplication with its rounded inverse.
    total = ops.maximum(ops.cast(total, "float32"), ops.max(area))
    # Two divisions: `1 - area / total` would round a second time.
    pasted = area / total
    kept = (total - area) / total
    return kept * labels + pasted * ops.take(labels, partner, axis=0)
