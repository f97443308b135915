"""GridMask: remove a rotated grid of squares from every image."""

import math
import numbers

import keras
import numpy as np

from keras_tricks._checks import check_choice, check_integer, check_number
from keras_tricks.layers._augmentation import Augmentation
from keras_tricks.layers._erasing import fill_like
from keras_tricks.layers._pixels import computed_once
from keras_tricks.layers._tensors import ops


@keras.saving.register_keras_serializable(package="keras_tricks")
class GridMask(Augmentation):
    """Remove squares that form a grid of random period, phase and angle.

    The period `d` of the grid is drawn from `[d_min, d_max)`. Stripes of width
    `round(ratio · d)` in both directions leave squares of side `d - round(ratio · d)`.
    Mode 1 removes the squares: `1 - (1 - ratio)²` of the image is kept, 84 % by
    default. Mode 0 removes the stripes: `(1 - ratio)²` is kept.

    The defaults are those of the authors' ImageNet training, with the period as a
    fraction of the image: 96 to 224 pixels of 224. They also raise the probability
    from 0 during the first 240 of 300 epochs: give `ramp_steps`. `GridMask.paddleclas`
    has other settings. KerasCV 0.9's `GridMask` has another geometry and removes 9 %
    on average; Keras 3.15.1 has none.

    Call with images `(batch, height, width, channels)` or one image without the batch
    axis, alone or in a tuple or dict; labels, boxes and masks are passed on unchanged.
    Returns the same structure, shape and dtype. In a model it does nothing at
    inference.

    Args:
        d_min: Smallest period of the grid. An integer counts pixels, a float in (0, 1]
            is a fraction of the image's shorter side.
        d_max: Upper limit of the period, itself excluded. Given as `d_min` is.
        ratio: Width of a stripe divided by the period. Float in (0, 1).
        mode: `1` removes the squares, `0` the stripes between them.
        rotate: The angle is a whole number of degrees in `[0, rotate)`. Integer from 1
            (no rotation) to 360.
        probability: Probability that an image is masked. Float in [0, 1].
        fill_value: Value of removed pixels. Normalize before, and 0 is the mean.
        ramp_steps: Steps (batches) in which the probability grows from 0 in a straight
            line. Integer; 0 for the full probability at once.
        data_format: `"channels_last"` or `"channels_first"`; the default is Keras's.
        seed: Integer, or `None` for another course in every run. Under a `map` with
            `num_parallel_calls` the batches take their turns in no fixed order.
        **kwargs: `name`, `dtype`, `trainable` of `keras.layers.Layer`.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument is out of its range, images have no such shape, or
            integer images cannot hold `fill_value`.

    Example:
        >>> layer = GridMask(probability=1.0, seed=1)
        >>> images = layer(np.ones((4, 64, 48, 3), "float32"))
        >>> images.shape, 0.7 < float(np.mean(images)) < 1.0
        (TensorShape([4, 64, 48, 3]), True)

    Reference:
        [Chen et al., 2020](https://arxiv.org/abs/2001.04086) and the authors' code.
    """

    draws = 5

    def __init__(
        self,
        d_min=96 / 224,
        d_max=1.0,
        ratio=0.6,
        mode=1,
        rotate=360,
        probability=0.8,
        fill_value=0.0,
        ramp_steps=0,
        data_format=None,
        seed=None,
        **kwargs,
    ):
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        _check_periods(d_min, d_max)
        check_number("ratio", ratio, 0, 1)
        check_choice("mode", mode, (0, 1))
        check_integer("rotate", rotate, 1, 360)
        check_number("probability", probability, 0, 1)
        check_number("fill_value", fill_value)
        check_integer("ramp_steps", ramp_steps)
        self.d_min = d_min
        self.d_max = d_max
        self.ratio = ratio
        self.mode = mode
        self.rotate = rotate
        self.probability = probability
        self.fill_value = fill_value
        self.ramp_steps = ramp_steps

    @classmethod
    def paddleclas(cls, **arguments):
        """Return the layer with PaddleClas's settings for ImageNet.

        They differ from the authors': unrotated stripes of half the period are
        removed, 75 % of every image. PaddleClas raises the probability for 240 epochs
        here too: give `ramp_steps`.
        """
        settings = {"ratio": 0.5, "mode": 0, "rotate": 1, "probability": 1.0}
        return cls(**{**settings, **arguments})

    def draw(self, seed, rows):
        """See `Augmentation.draw`."""
        uniforms = super().draw(seed, rows)
        if self.ramp_steps == 0:
            return uniforms
        # A number divided by a share is below the probability as much less often.
        calls = ops.cast(ops.minimum(seed[1], self.ramp_steps), "float32")
        chance = uniforms[:, :1] * (self.ramp_steps / ops.maximum(calls, 1))
        chance = ops.where(calls > 0, chance, 2.0)
        return ops.concatenate([chance, uniforms[:, 1:]], axis=1)

    def augment(self, batch, uniforms):
        """See `Augmentation.augment`."""
        images = batch["images"]
        chance, period, y, x, angle = ops.unstack(uniforms, num=5, axis=1)
        height, width = self.image_size(images)
        d_min, d_max = self._periods(height, width)
        period = d_min + ops.floor(period * (d_max - d_min))
        on_stripe = grid_mask(
            *self.rows_and_columns(images),
            size=(height, width),
            period=period,
            stripe=ops.floor(period * self.ratio + 0.5),
            phase=(ops.floor(y * period), ops.floor(x * period)),
            angle=ops.floor(angle * self.rotate),
        )
        removed = on_stripe if self.mode == 0 else ~on_stripe
        removed = removed & (chance < self.probability)[:, None, None]
        fill_value = fill_like(self.fill_value, images)
        return {**batch, "images": self.replace(images, removed, fill_value)}

    def _periods(self, height, width):
        """Return the limits of the period in pixels, as float32."""
        if isinstance(self.d_min, numbers.Integral):
            return float(self.d_min), float(self.d_max)
        shorter = ops.cast(ops.minimum(height, width), "float32")
        d_min = ops.maximum(ops.round(self.d_min * shorter), 1)
        return d_min, ops.maximum(ops.round(self.d_max * shorter), d_min + 1)

    def get_config(self):
        return {
            **super().get_config(),
            "d_min": self.d_min,
            "d_max": self.d_max,
            "ratio": self.ratio,
            "mode": self.mode,
            "rotate": self.rotate,
            "probability": self.probability,
            "fill_value": self.fill_value,
            "ramp_steps": self.ramp_steps,
        }


def grid_mask(rows, columns, size, period, stripe, phase, angle):
    """Return which pixels lie on a stripe, boolean `(batch, rows, columns)`.

    The authors draw the stripes on a canvas 1.5 times as large, rotate it about its
    centre and crop its middle. Here every pixel is rotated back onto that canvas,
    which has no border: the corners of a long image get their stripes too.

    Args:
        rows: Row of every pixel, integers `(rows,)`.
        columns: Column of every pixel, integers `(columns,)`.
        size: `(height, width)` of the image.
        period: Distance from stripe to stripe in pixels, float32 `(batch,)`.
        stripe: Width of a stripe in pixels, float32 `(batch,)`.
        phase: Where a horizontal and a vertical stripe begin, pixels, two float32
            `(batch,)`.
        angle: Whole degrees from 0 to 359, counter-clockwise, `(batch,)`.
    """
    size = [ops.cast(length, "float32") for length in size]
    canvas = [ops.floor(1.5 * length) for length in size]
    y, x = (
        # The middle of each pixel, counted from the centre of the canvas.
        ops.cast(index, "float32") + ops.floor((full - length) / 2) + 0.5 - full / 2
        for index, length, full in zip((rows, columns), size, canvas, strict=True)
    )
    period, angle = period[:, None], ops.cast(angle, "int32")[:, None]
    start = [
        full / 2 - begin[:, None] for full, begin in zip(canvas, phase, strict=True)
    ]
    sine, cosine = (ops.take(ops.convert_to_tensor(t), angle) for t in (_SINE, _COSINE))
    width = _turns(stripe[:, None], period)
    down = _turns(y * cosine, period) + _turns(start[0], period)
    right = _turns(-y * sine, period) + _turns(start[1], period)
    return _on_stripe(down, _turns(x * sine, period), width) | _on_stripe(
        right, _turns(x * cosine, period), width
    )


_DEGREES = np.arange(360) * (math.pi / 180)
_SINE, _COSINE = np.sin(_DEGREES).astype("float32"), np.cos(_DEGREES).astype("float32")


def _turns(distance, period):
    """Return a distance in periods, in fixed point with 16 bits after the point."""
    return ops.cast(ops.floor(distance / period * 2**16), "int32")


def _on_stripe(of_row, of_column, width):
    # 16 bits drop whole periods. Half a one is taken away because they have a sign.
    of_row, width = of_row - 2**15, width - 2**15
    of_row, of_column, width = (
        ops.cast(computed_once(v), "int16") for v in (of_row, of_column, width)
    )
    return of_row[:, :, None] + of_column[:, None, :] < width[:, :, None]


def _check_periods(d_min, d_max):
    kinds = {isinstance(d, numbers.Integral) for d in (d_min, d_max)}
    if len(kinds) == 2:
        raise TypeError(
            "`d_min` and `d_max` must both be integers (pixels) or both floats "
            f"(fractions). Received: d_min={d_min!r}, d_max={d_max!r}."
        )
    upper = math.inf if kinds == {True} else 1
    check_number("d_min", d_min, 0, upper)
    check_number("d_max", d_max, 0, upper)
    if not 0 < d_min < d_max:
        raise ValueError(
            "`d_min` must be above 0 and below `d_max`. "
            f"Received: d_min={d_min}, d_max={d_max}."
        )
