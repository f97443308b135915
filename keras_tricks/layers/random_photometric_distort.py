"""RandomPhotometricDistort: other light, contrast and colours."""

import itertools

import keras
import numpy as np

from keras_tricks._checks import check_number, check_range
from keras_tricks.layers._augmentation import Augmentation
from keras_tricks.layers._tensors import ops

# Exact in float32 when divided by 10,000; torchvision's, whose sum is not 1.
_LUMA = (2989.0, 5870.0, 1140.0)
_ORDERS = np.array(list(itertools.permutations(range(3))), "int32")


@keras.saving.register_keras_serializable(package="keras_tricks")
class RandomPhotometricDistort(Augmentation):
    """Change brightness, contrast, saturation, hue and the order of channels.

    Each happens with `probability`, in this order; contrast comes after hue in every
    second image. This is torchvision's transform, to one grey level in rare pixels.
    The authors of SSD add up to 32 grey levels for brightness instead of multiplying,
    and exchange channels less often. Keras 3.15.1's `RandomColorJitter` changes all
    that it is given in every image, and no order of channels.

    Bounding boxes and masks stay as they are. Images of one channel change their
    brightness and contrast only.

    Call with images `(batch, height, width, channels)` or one image without the batch
    axis, alone, in a tuple with labels, or in a dict. Returns the same structure, shape
    and dtype.

    Args:
        brightness: Least and largest factor of all values. Two floats, at least 0.
        contrast: Least and largest factor of the distance to the mean grey.
        saturation: Least and largest factor of the distance to the pixel's grey.
        hue: Limits of the shift of the hue, in turns of the circle of colours. Two
            floats in [-0.5, 0.5].
        probability: Probability of each of the five changes. Float in [0, 1].
        swap_channels: Whether the order of channels is one of the changes. `False`
            where a class is told by its colour.
        value_range: Black and white of the images.
        data_format: `"channels_last"` or `"channels_first"`; the default is Keras's.
        seed: Integer, or `None` for another course in every run. Under a `map` with
            `num_parallel_calls` the batches take their turns in no fixed order.
        **kwargs: `name`, `dtype`, `trainable` of `keras.layers.Layer`.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument is out of its range, or images have neither one
            channel nor three.

    Example:
        >>> layer = RandomPhotometricDistort(seed=1)
        >>> layer({"images": np.zeros((4, 20, 30, 3), "uint8")})["images"].dtype
        tf.uint8

    Reference:
        [Liu et al., 2016](https://arxiv.org/abs/1512.02325); as in torchvision.
    """

    draws = 11

    def __init__(
        self,
        brightness=(0.875, 1.125),
        contrast=(0.5, 1.5),
        saturation=(0.5, 1.5),
        hue=(-0.05, 0.05),
        probability=0.5,
        swap_channels=True,
        value_range=(0, 255),
        data_format=None,
        seed=None,
        **kwargs,
    ):
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        check_range("brightness", brightness, 0)
        check_range("contrast", contrast, 0)
        check_range("saturation", saturation, 0)
        check_range("hue", hue, -0.5, 0.5)
        check_number("probability", probability, 0, 1)
        check_range("value_range", value_range)
        if value_range[0] == value_range[1]:
            raise ValueError(
                f"`value_range` must rise. Received: value_range={value_range}."
            )
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
        self.hue = hue
        self.probability = probability
        self.swap_channels = swap_channels
        self.value_range = value_range

    def prepare(self, batch, single):
        """See `Augmentation.prepare`."""
        shape = batch["images"].shape
        if shape[-1 if self.data_format == "channels_last" else 1] not in (1, 3):
            raise ValueError(
                "Images must have one channel or three. Received: images of shape "
                f"{tuple(shape)}."
            )
        return super().prepare(batch, single)

    def augment(self, batch, uniforms):
        """See `Augmentation.augment`."""
        images = batch["images"]
        axis = -1 if self.data_format == "channels_last" else 1
        dtype = keras.backend.standardize_dtype(images.dtype)
        low, high = self.value_range
        planes = ops.unstack(images, images.shape[axis], axis=axis)
        planes = [ops.cast(plane, "float32") - low for plane in planes]
        ranges = (self.brightness, self.contrast, self.saturation, self.hue)
        *numbers, order = random_changes(uniforms, ranges, self.probability)
        if not self.swap_channels:
            order = ops.zeros_like(order) + ops.arange(3, dtype="int32")
        planes = distort(planes, *numbers, order, high - low, "int" in dtype)
        changed = ops.stack([plane + low for plane in planes], axis=axis)
        return {**batch, "images": ops.cast(changed, dtype)}

    def get_config(self):
        return {
            **super().get_config(),
            "brightness": self.brightness,
            "contrast": self.contrast,
            "saturation": self.saturation,
            "hue": self.hue,
            "probability": self.probability,
            "swap_channels": self.swap_channels,
            "value_range": self.value_range,
        }


def random_changes(uniforms, ranges, probability):
    """Return factors, whether contrast comes first, and the order of channels.

    Args:
        uniforms: Float32 `(batch, 11)` in [0, 1).
        ranges: Limits of brightness, contrast, saturation and hue.
        probability: Of a change.

    Returns:
        Five `(batch, 1, 1)`: brightness, contrast before and after, saturation, hue;
        and the order, `(batch, 3)`.
    """
    factors = []
    for i, (low, high) in enumerate(ranges):
        factor = low + (high - low) * uniforms[:, 2 * i + 1]
        unchanged = 0.0 if i == 3 else 1.0
        factor = ops.where(uniforms[:, 2 * i] < probability, factor, unchanged)
        factors.append(factor[:, None, None])
    brightness, contrast, saturation, hue = factors
    is_first = uniforms[:, 8, None, None] < 0.5
    before = ops.where(is_first, contrast, 1.0)
    after = ops.where(is_first, 1.0, contrast)
    order = ops.cast(uniforms[:, 10] * len(_ORDERS), "int32")
    order = ops.where(uniforms[:, 9] < probability, order, 0)
    order = ops.take(ops.convert_to_tensor(_ORDERS), order, axis=0)
    return brightness, before, after, saturation, hue, order


def distort(planes, brightness, before, after, saturation, hue, order, white, whole):
    """Return the distorted planes of a batch.

    Args:
        planes: One or three float32 `(batch, height, width)`, from 0 to `white`.
        brightness: Factor, `(batch, 1, 1)`, as all to come.
        before: Factor of the contrast, before saturation and hue.
        after: The same, after them.
        saturation: Factor.
        hue: Turns.
        order: Of the channels, `(batch, 3)`.
        white: Largest value.
        whole: Whether values are integers: every step then cuts off their fraction.
    """
    cut = ops.floor if whole else lambda x: x
    planes = [cut(ops.clip(plane * brightness, 0, white)) for plane in planes]
    planes = _contrast(planes, before, white, cut)
    if len(planes) == 3:
        grey = _grey(planes, cut)
        planes = [cut(_blend(grey, plane, saturation, white)) for plane in planes]
        planes = _turn_hue(planes, hue, white, whole)
    planes = _contrast(planes, after, white, cut)
    if len(planes) == 3:
        order = ops.unstack(order[..., None, None], 3, axis=1)
        planes = [_choose(planes, place) for place in order]
    return planes


def _contrast(planes, factor, white, cut):
    mean = ops.mean(_grey(planes, cut), axis=(1, 2), keepdims=True)
    return [cut(_blend(mean, plane, factor, white)) for plane in planes]


def _grey(planes, cut):
    if len(planes) == 1:
        return planes[0]
    total = sum(weight * plane for weight, plane in zip(_LUMA, planes, strict=True))
    # Whole numbers are not cut to one less: half a ten thousandth is added.
    return cut((total + (0.5 if cut is ops.floor else 0)) / 10_000)


def _blend(first, second, factor, white):
    change = factor * (second - first)
    # Clipping changes nothing, but keeps a compiler from contracting a product and a
    # sum to one rounding.
    change = ops.clip(change, -1e6 * white, 1e6 * white)
    return ops.clip(first + change, 0, white)


def _turn_hue(planes, turns, white, whole):
    """Turn the hue of RGB images, value and saturation as in HSV.

    A channel is the value less the chroma times a trapezium of the hue, for red 1 where
    cyan is: no case per sextant.
    """
    red, green, blue = planes
    value = ops.maximum(ops.maximum(red, green), blue)
    chroma = value - ops.minimum(ops.minimum(red, green), blue)
    inverse = 1 / ops.where(chroma > 0, chroma, 1.0)
    sextant = ops.where(
        value == red,
        (green - blue) * inverse,
        ops.where(
            value == green, 2 + (blue - red) * inverse, 4 + (red - green) * inverse
        ),
    )
    turned = []
    for plane, start in zip(planes, (5.0, 3.0, 1.0), strict=True):
        place = sextant + (start + 6 * turns)
        place = place - 6 * ops.floor(place / 6)
        share = ops.clip(ops.minimum(place, 4 - place), 0, 1)
        new = value - chroma * share
        if whole:  # torchvision's way from [0, 1] to integers
            new = ops.floor(new * ((white + 1 - 1e-3) / white))
        turned.append(ops.where(turns == 0, plane, new))
    return turned


def _choose(planes, place):
    red, green, blue = planes
    return ops.where(place == 0, red, ops.where(place == 1, green, blue))
