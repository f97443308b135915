"""CutMix: paste a box of another image, and weigh the labels by area."""

import keras

from keras_tricks._checks import check_range
from keras_tricks.layers._mixing import Mixing, check_alpha, symmetric_beta
from keras_tricks.layers._pixels import replace, rows_and_columns
from keras_tricks.layers._tensors import ops


@keras.saving.register_keras_serializable(package="keras_tricks")
class CutMix(Mixing):
    """Replace a box of every image by that of another one of the batch.

    The batch is split into pairs at random, and both images of a pair swap the same
    box. With `w ~ Beta(alpha, alpha)` the box has the sides `sqrt(1 - w)` of the
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

    Sample weights are mixed so that a loss linear in the label, as cross-entropy, is
    the weighted sum of both samples' losses; segmentation masks of any dtype get the
    same box. Anything else is refused: of a bounding box half covered nobody can say
    what is left of its object (for detection take `Mosaic` or `MixUp`).

    Args:
        num_classes: Number of classes; needed for integer labels. Integer, at least 2.
        alpha: Both parameters of the Beta distribution. Float above 0; the paper's 1
            is the uniform distribution.
        minmax: `None`, or two floats in [0, 1]: each side of the box is then a uniform
            fraction of the image's between them, and the box lies inside the image, as
            timm's `cutmix_minmax`. `alpha` is not used.
        mode: How many boxes are drawn: one per `"batch"`, `"pair"` or `"sample"`.
        probability: Probability that a batch, pair or sample is mixed. Float in [0, 1].
        data_format: `"channels_last"` or `"channels_first"`; the default is Keras's.
        seed: Integer, or `None` for another course in every run. Under a `map` with
            `num_parallel_calls` the batches take their turns in no fixed order.
        **kwargs: `name`, `dtype`, `trainable` of `keras.layers.Layer`.

    Raises:
        ValueError: If an argument is out of its range, labels are missing or integer
            without `num_classes`, images have no batch axis, or the batch carries
            what cannot be mixed.

    Example:
        >>> layer = CutMix(num_classes=2, seed=1)
        >>> images = np.stack([np.zeros((8, 6, 3)), np.ones((8, 6, 3))])
        >>> images, labels = layer(images, np.array([0, 1]))
        >>> bool(np.isclose(np.mean(images[0]), labels[0, 1]))
        True

    Reference:
        [Yun et al., 2019](https://arxiv.org/abs/1905.04899); box as in timm.
    """

    numbers = 4

    def __init__(
        self,
        num_classes=None,
        alpha=1.0,
        minmax=None,
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
        if minmax is not None:
            check_range("minmax", minmax, 0, 1)
        self.alpha = alpha
        self.minmax = minmax

    def recipe(self, size, mixed, numbers):
        """See `Mixing.recipe`."""
        box = cut_box(size, mixed, numbers, self.alpha, self.minmax)
        return box, *area_weights(box, size)

    def mix(self, values, others, plan, data_format):
        """See `Mixing.mix`."""
        inside = in_box(plan, *rows_and_columns(values, data_format))
        return replace(values, inside, others, data_format)

    def get_config(self):
        return {**super().get_config(), "alpha": self.alpha, "minmax": self.minmax}


def cut_box(size, mixed, numbers, alpha, minmax=None):
    """Return where a box begins and ends: rows and columns, four integers `(batch,)`.

    Args:
        size: `(height, width)` of the images.
        mixed: Where not, the box is empty. Boolean `(batch,)`.
        numbers: Four tensors `(batch,)` of uniform numbers.
        alpha: Both parameters of the Beta distribution.
        minmax: Limits of the sides as fractions, instead of `alpha`.
    """
    first, second, y, x = numbers
    if minmax is None:
        side = ops.sqrt(1 - symmetric_beta(first, second, alpha))
        spans = [
            cut_span(side, place, n) for place, n in zip((y, x), size, strict=True)
        ]
    else:
        spans = [
            _inner_span(minmax, side, place, n)
            for side, place, n in zip((first, second), (y, x), size, strict=True)
        ]
    (top, bottom), (left, right) = spans
    return top, ops.where(mixed, bottom, top), left, right


def cut_span(side, position, size):
    """Return where a cut begins and ends on an axis of `size` pixels, clipped to it.

    Args:
        side: Length of the cut as a fraction of the axis, `(batch,)`.
        position: Place of its centre as a fraction of the axis, in [0, 1), `(batch,)`.
        size: Integer.
    """
    size = ops.cast(size, "int32")
    length = _floor(side, size)
    centre = _floor(position, size)
    begin = ops.maximum(centre - length // 2, 0)
    return begin, ops.minimum(centre + (length + 1) // 2, size)


def in_box(box, rows, columns):
    """Return which pixels are in a box, boolean `(batch, rows, columns)`."""
    top, bottom, left, right = (edge[:, None] for edge in box)
    in_rows = (rows >= top) & (rows < bottom)
    in_columns = (columns >= left) & (columns < right)
    return in_rows[:, :, None] & in_columns[:, None, :]


def area_weights(box, size):
    """Return the fractions of an image outside and inside a box, `(batch,)`."""
    top, bottom, left, right = box
    area = ops.cast((bottom - top) * (right - left), "float32")
    # No area is larger, but XLA cannot know: it would divide by a constant through a
    # multiplication with its rounded inverse.
    total = ops.maximum(ops.cast(size[0] * size[1], "float32"), ops.max(area))
    # Two divisions: `1 - area / total` would round a second time.
    return (total - area) / total, area / total


def _inner_span(minmax, side, position, size):
    """Return a cut within the axis, of a length between two fractions of it."""
    size = ops.cast(size, "int32")
    shortest, longest = (_floor(limit, size) for limit in minmax)
    length = shortest + _floor(side, longest - shortest + 1)
    begin = _floor(position, size - length + 1)
    return begin, begin + length


def _floor(fraction, length):
    return ops.cast(fraction * ops.cast(length, "float32"), "int32")
