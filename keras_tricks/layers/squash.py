"""Squash: bring inputs of a huge range into (-1, 1)."""

import math

import keras
import numpy as np
from keras import ops

from keras_tricks._checks import check_number

# If outputs were spread evenly over [0, 1), this share would lie below tanh(1).
_QUANTILE = math.tanh(1)


@keras.saving.register_keras_serializable(package="keras_tricks")
class Squash(keras.layers.Layer):
    """Return `tanh(x / scale)`, for inputs of a huge or unbounded range.

    Nearly `x / scale` for values well below the scale; what lies far above, say a dead
    pixel or a photon count of 1e8, ends near 1 instead of ruling the batch. The layer
    computes in float32 whatever its dtype: float16 ends at 65504.

    `adapt(data)` chooses the scale: the 76 % quantile of `|x|`, zeros left out. Three
    quarters of the values then come out within ±tanh(1) = ±0.76, just as values spread
    evenly over (-1, 1) would.

    To whiten, let Keras's `Normalization` follow (it is right: mean and variance are
    those of the data it was adapted to, and saved with the model):

        squash.adapt(images)
        whiten.adapt(squash(images))
        model = keras.Sequential([squash, whiten, ...])

    Call with a tensor of any shape, float or integer; returns the layer's dtype.

    Args:
        scale: Where the output is tanh(1) = 0.76. Float above 0, in units of the
            input, or `None` to call `adapt` first.
        **kwargs: `name`, `dtype`, `trainable` of `keras.layers.Layer`.

    Raises:
        TypeError: If `scale` is not a number.
        ValueError: If `scale` is not above 0, missing in a call, or `adapt` comes too
            late or gets data that have none.

    Example:
        >>> layer = Squash(scale=1e7)
        >>> counts = np.array([0.0, 1e6, 1e7, 1.4e8], "float32")
        >>> [round(float(y), 3) for y in layer(counts)]
        [0.0, 0.1, 0.762, 1.0]

    Reference:
        LeCun et al., 1998, "Efficient BackProp", section 4.3 (whitening); `tanh(x / C)`
        is practitioners' advice.
    """

    def __init__(self, scale=None, **kwargs):
        # Keras would cast inputs to half precision before the division.
        super().__init__(autocast=False, **kwargs)
        if scale is not None:
            check_number("scale", scale, minimum=0)
            if scale == 0:
                raise ValueError(f"`scale` must be above 0. Received: scale={scale}.")
        self.scale = scale
        self.supports_masking = True

    def adapt(self, data) -> None:
        """Set `scale` from data. Call before the layer becomes part of a model.

        Args:
            data: Array of any shape, or an iterable of such: batches of a dataset
                without labels. All of it is held in memory; some thousand images do.
        """
        if self.built:
            raise ValueError(
                "`adapt` must come before the layer's first call: a model that is "
                "compiled already would go on with the old scale. Make a new Squash."
            )
        self.scale = quantile_scale(data)

    def call(self, inputs):
        if self.scale is None:
            raise ValueError(
                "Squash has no scale yet: pass `scale` or call `adapt(data)` first."
            )
        squashed = ops.tanh(ops.cast(inputs, "float32") / self.scale)
        return ops.cast(squashed, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "scale": self.scale}


def quantile_scale(data):
    """Return the quantile of `|data|` that `Squash.adapt` takes, a float."""
    arrays = [data] if hasattr(data, "shape") else data
    sizes = np.concatenate([np.zeros(0), *(_sizes(batch) for batch in arrays)])
    if not np.isfinite(sizes).all():
        raise ValueError("`data` must be finite. Received: NaN or infinite values.")
    # Any scale leaves 0 at 0, and a black border must not decide.
    sizes = sizes[sizes > 0]
    if not len(sizes):
        raise ValueError("`data` must have values other than 0 to choose a scale from.")
    return float(np.quantile(sizes, _QUANTILE))


def _sizes(batch):
    """Return the absolute values of a batch, float64 `(values,)`."""
    if isinstance(batch, tuple | list | dict):
        raise TypeError(
            "`data` must be an array or batches that are arrays, without labels: map "
            f"the dataset to its images. Received: a batch of {type(batch).__name__}."
        )
    # Not as integers, whose smallest value has no opposite.
    return np.abs(ops.convert_to_numpy(batch).astype("float64")).ravel()
