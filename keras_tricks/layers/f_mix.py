"""FMix: mix two images through a mask of random shape, and weigh labels by area."""

import statistics

import keras
import numpy as np

from keras_tricks._checks import check_number
from keras_tricks.layers._mixing import Mixing, check_alpha, symmetric_beta
from keras_tricks.layers._random import integers
from keras_tricks.layers._tensors import ops

# Waves whose amplitude is below a thousandth of the longest's are left out.
_FAINTEST = 1 / 1000
# Powers of 2 that make all numbers of `_grey` integers of 11 bits, its sums of 24.
_WAVE, _AMPLITUDE, _ROW = 2**8, 2**9, 2**9
_TURN = 2**12
_COSINE = np.round(_WAVE * np.cos(2 * np.pi / _TURN * np.arange(_TURN)))
_NORMAL = [statistics.NormalDist().inv_cdf((i + 0.5) / 1024) for i in range(1024)]
_SAMPLES = 32


@keras.saving.register_keras_serializable(package="keras_tricks")
class FMix(Mixing):
    """Mix every image with another one of the batch through blobs of random shape.

    A random grey image, whose spectrum falls with the frequency as
    `frequency^-decay_power`, is cut at the level that leaves a fraction
    `w ~ Beta(alpha, alpha)` of its pixels above. Those are kept, the others come from
    the partner, which itself keeps the same ones. The label is weighed by the pixels
    that were really kept, exactly.

    The grey image is that of the paper's formula, the same in all directions, with the
    longer side of the image as its period. It is summed up from the waves that are
    seen: 10 per axis for a decay of 3 hold all but 0.003 % of the power. The authors'
    code takes `irfft2` of a spectrum that is not symmetric, which halves the power of
    waves along the vertical. KerasCV 0.9's `FourierMix` mistakes the axes of that
    spectrum: no row of its masks changes more than twice.

    Call with a batch of images `(batch, height, width, channels)`, float or integer,
    and labels, integers `(batch,)` or dense `(batch, classes)`. Returns images of the
    same dtype and labels float32 `(batch, classes)`. In `dataset.map`, place it after
    `.batch(...)`.

    Sample weights are mixed so that a loss linear in the label, as cross-entropy, is
    the weighted sum of both samples' losses; segmentation masks of any dtype get the
    same blobs. Anything else is refused, bounding boxes too.

    Args:
        num_classes: Number of classes; needed for integer labels. Integer, at least 2.
        alpha: Both parameters of the Beta distribution. Float above 0; the paper's 1
            is the uniform distribution.
        decay_power: The higher, the larger and smoother the blobs. Float, at least 1.5;
            the paper's is 3. It takes `1000^(1 / decay_power)` waves per axis: below 2
            it gets slow.
        mode: How many masks are drawn: one per `"batch"` (the authors), `"pair"` or
            `"sample"`.
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
        >>> layer = FMix(num_classes=2, seed=1)
        >>> images = np.stack([np.zeros((16, 12, 3)), np.ones((16, 12, 3))])
        >>> images, labels = layer(images, np.array([0, 1]))
        >>> bool(np.isclose(np.mean(images[0]), labels[0, 1]))
        True

    Reference:
        [Harris et al., 2020](https://arxiv.org/abs/2002.12047).
    """

    numbers = 3

    def __init__(
        self,
        num_classes=None,
        alpha=1.0,
        decay_power=3.0,
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
        check_number("decay_power", decay_power, 1.5)
        self.alpha = alpha
        self.decay_power = decay_power

    def recipe(self, size, mixed, numbers):
        """See `Mixing.recipe`."""
        first, second, noise = numbers
        share = symmetric_beta(first, second, self.alpha)
        kept = blobs(noise, share, size, self.decay_power) | ~mixed[:, None, None]
        return kept, *mask_weights(kept)

    def mix(self, values, others, plan, data_format):
        """See `Mixing.mix`."""
        if len(values.shape) == 4:
            plan = ops.expand_dims(plan, 1 if data_format == "channels_first" else 3)
        return ops.where(plan, values, others)

    def get_config(self):
        return {
            **super().get_config(),
            "alpha": self.alpha,
            "decay_power": self.decay_power,
        }


def blobs(noise, share, size, decay_power):
    """Return masks of random shape, boolean `(batch, height, width)`.

    The level is found on 32 x 32 pixels: a share is met within 1 % or so.

    Args:
        noise: A uniform number per mask, `(batch,)`; the same gives the same shape.
        share: Fraction of a mask that is to be true, `(batch,)`.
        size: `(height, width)`.
        decay_power: How fast the spectrum falls.
    """
    amplitudes = wave_amplitudes(noise, decay_power)
    period = ops.maximum(*size)
    count = amplitudes.shape[-1]
    few = [(2 * ops.arange(_SAMPLES) + 1) * n // (2 * _SAMPLES) for n in size]
    levels = _levels(_grey(amplitudes, *(_waves(p, count, period) for p in few)), share)
    waves = [_waves(ops.arange(n), count, period) for n in size]
    # One after the other: all grey images together would need more memory than a batch.
    return ops.map(lambda x: _grey(x[0][None], *waves)[0] >= x[1], (amplitudes, levels))


def mask_weights(kept):
    """Return the fractions of a mask that are true and false, `(batch,)`."""
    area = ops.cast(ops.sum(ops.cast(kept, "int32"), axis=(1, 2)), "float32")
    total = ops.cast(ops.shape(kept)[1] * ops.shape(kept)[2], "float32")
    total = ops.maximum(total, ops.max(area))  # see `cut_mix.area_weights`
    return area / total, (total - area) / total


def wave_amplitudes(noise, decay_power):
    """Return amplitudes of products of waves, whole numbers, `(batch, waves, waves)`.

    Wave 0 is constant; `2k - 1` is the cosine and `2k` the sine of `k` periods. The
    amplitudes are normal, so that the sum of all products is as in the paper: random
    phases, and the same power in all directions.

    Args:
        noise: A uniform number per mask, `(batch,)`.
        decay_power: How fast the spectrum falls.
    """
    highest = round(_FAINTEST ** (-1 / decay_power))
    periods = _periods(2 * highest + 1)
    frequency = np.hypot(periods[:, None], periods)
    frequency[0, 0] = np.inf  # the mean of the image does not matter
    # A wave along an axis is one plane wave, any other product a sum of two.
    along_axis = (periods[:, None] == 0) | (periods == 0)
    scale = np.where(along_axis, 0.5**0.5, 1) * frequency**-decay_power
    bits = ops.bitwise_and(integers(noise, frequency.size), 1023)
    normal = ops.take(np.array(_NORMAL, "float32"), bits, axis=0)
    normal = ops.reshape(normal, (-1, *frequency.shape))
    # Whole numbers, whose sums are the same in any order.
    return ops.round(normal * ops.convert_to_tensor(_AMPLITUDE * scale, "float32"))


def _periods(count):
    """Return the periods of the first waves, as many as `count`: 0, 1, 1, 2, 2..."""
    return (np.arange(count, dtype="int32") + 1) // 2


def _waves(places, count, period):
    """Return waves at places in pixels, whole numbers, `(places, count)`."""
    periods = ops.convert_to_tensor(_periods(count))
    turn = (places[:, None] * periods % period * _TURN + period // 2) // period
    back = np.where(np.arange(count) % 2, 0, _TURN // 4).astype("int32")
    turn = turn - ops.where(periods > 0, back, 0)
    waves = ops.take(_COSINE.astype("float32"), turn % _TURN, axis=0)
    return ops.where(2 * periods <= period, waves, 0.0)  # an image has no finer ones


def _grey(amplitudes, rows, columns):
    """Return grey images, whole numbers below 2²⁴, `(batch, rows, columns)`."""
    along = ops.tensordot(amplitudes, columns, axes=(2, 1))  # (batch, waves, columns)
    # One product of matrices for all images: XLA is slow at a batch of products.
    grey = ops.tensordot(rows, ops.round(along / _ROW), axes=(1, 1))
    return ops.transpose(grey, (1, 0, 2))


def _levels(grey, share):
    """Return the levels above which lies a share of every grey image, `(batch,)`."""
    grey = ops.reshape(grey, (-1, _SAMPLES**2))
    below = ops.cast(ops.round((1 - share) * (_SAMPLES**2 + 1)), "int32")

    def raise_level(_, state):
        level, step = state
        count = ops.sum(ops.cast(grey < (level + step)[:, None], "int32"), axis=1)
        return ops.where(count < below, level + step, level), step / 2

    lowest = ops.full_like(share, -(2.0**24))
    return ops.fori_loop(0, 25, raise_level, (lowest, -lowest))[0]
