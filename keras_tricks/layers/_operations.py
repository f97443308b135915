"""The operations of RandAugment and its kin on one uint8 image, equal to Pillow's.

Pillow is what the papers' results were made with. Everything is integer arithmetic, or
floats that no compiler can round otherwise: an image comes out the same eagerly, under
XLA and on every backend.
"""

from keras_tricks.layers._tensors import ops
from keras_tricks.layers._warp import warp

OPERATIONS = (
    "Identity",
    "ShearX",
    "ShearY",
    "TranslateX",
    "TranslateY",
    "Rotate",
    "Brightness",
    "Color",
    "Contrast",
    "Sharpness",
    "Posterize",
    "Solarize",
    "SolarizeAdd",
    "AutoContrast",
    "Equalize",
    "Invert",
)
GEOMETRIC = OPERATIONS[1:6]


def apply(image, operation, argument, matrix, fill):
    """Apply one operation to one image; the others cost nothing.

    Args:
        image: uint8 `(height, width, channels)`, 1 or 3 channels.
        operation: Index in `OPERATIONS`, scalar int32.
        argument: Scalar float32: factor, bits, threshold or addend.
        matrix: For geometric operations, see `warp`; int32 `(6,)`.
        fill: Colour of pixels from outside the image, uint8 `(channels,)`.
    """
    # All geometric operations are one branch.
    branch = ops.where(
        operation < len(GEOMETRIC) + 1,
        ops.minimum(operation, 1),
        operation - len(GEOMETRIC) + 1,
    )
    branches = [
        lambda: image,
        lambda: warp(image, matrix, fill),
        lambda: brightness(image, argument),
        lambda: color(image, argument),
        lambda: contrast(image, argument),
        lambda: sharpness(image, argument),
        lambda: posterize(image, argument),
        lambda: solarize(image, argument),
        lambda: solarize_add(image, argument),
        lambda: auto_contrast(image),
        lambda: equalize(image),
        lambda: 255 - image,
    ]
    return ops.switch(branch, branches)


def brightness(image, factor):
    """Blend with black: 0 is black, 1 the image."""
    return _blend(0, image, factor)


def color(image, factor):
    """Blend with the grey image: 0 is grey, 1 the image."""
    return _blend(grey(image), image, factor)


def contrast(image, factor):
    """Blend with the mean grey: 0 is one grey, 1 the image."""
    shades = grey(image)
    height, width = ops.shape(image)[:2]
    total = ops.cast(ops.sum(shades), "int32")
    return _blend((2 * total + height * width) // (2 * height * width), image, factor)


def sharpness(image, factor):
    """Blend with the smoothed image: 0 is smooth, 1 the image, above is sharper.

    The middle of the 3x3 kernel weighs 5 of 13. The border is not smoothed.
    """
    height, width, channels = ops.shape(image)
    # int16: twice as many values in a vector instruction as int32.
    x = ops.reshape(ops.cast(image, "int16"), (height, width * channels))
    total = ops.pad(x, ((1, 1), (channels, channels)))
    total = total[:-2] + total[1:-1] + total[2:]
    total = sum(total[:, i * channels : (width + i) * channels] for i in range(3))
    # No sum is so near to a half that rounding matters.
    smooth = ops.floor(ops.cast(total + 4 * x, "float32") / 13 + 0.5)
    smooth = ops.cast(smooth, "int16")
    row, column = ops.arange(height)[:, None], ops.arange(width * channels)
    inner = (row > 0) & (row < height - 1)
    inner = inner & (column >= channels) & (column < (width - 1) * channels)
    smooth = ops.where(inner, smooth, x)
    return ops.reshape(_blend(smooth, x, factor), ops.shape(image))


def posterize(image, bits):
    """Keep the highest bits of every value."""
    step = ops.left_shift(1, 8 - ops.cast(bits, "int32"))
    x = ops.cast(image, "int32")
    return ops.cast(ops.bitwise_and(x, -step), "uint8")


def solarize(image, threshold):
    """Invert the values from a threshold on."""
    return ops.where(ops.cast(image, "float32") < threshold, image, 255 - image)


def solarize_add(image, addend):
    """Add to the values below 128."""
    x = ops.cast(image, "int32")
    brighter = ops.minimum(x + ops.cast(addend, "int32"), 255)
    return ops.where(x < 128, ops.cast(brighter, "uint8"), image)


def auto_contrast(image):
    """Stretch every channel to the range 0 to 255.

    Pillow computes in float64, which falls just below some whole numbers: there it is
    one grey level darker.
    """
    height, width, channels = ops.shape(image)
    lines = ops.reshape(image, (height, width * channels))
    low, high = (
        ops.cast(f(ops.reshape(f(lines, axis=0), (width, channels)), axis=0), "int32")
        for f in (ops.min, ops.max)
    )
    low, high = low[:, None], high[:, None]
    levels = ops.arange(256)[None]  # (1, levels)
    stretched = (levels - low) * 255 // ops.maximum(high - low, 1)
    return _look_up(image, ops.where(high > low, stretched, levels))


def equalize(image):
    """Spread the values of every channel evenly over 0 to 255."""
    channels = ops.shape(image)[2]
    index = ops.reshape(_with_channel(image), (-1,))
    counts = ops.segment_sum(ops.ones_like(index), index, 256 * channels)
    counts = ops.reshape(ops.cast(counts, "int32"), (channels, 256))
    below = ops.cumsum(counts, axis=1) - counts
    levels = ops.arange(256)[None]
    # Pixels of the brightest level do not count.
    step = ops.max(ops.where(counts > 0, below, 0), axis=1, keepdims=True) // 255
    spread = (step // 2 + below) // ops.maximum(step, 1)
    return _look_up(image, ops.where(step > 0, spread, levels))


def grey(image):
    """Return the luma of an image as Pillow rounds it, int32 `(height, width, 1)`."""
    x = ops.cast(image, "int32")
    if ops.shape(image)[2] == 1:
        return x
    # A sum, because XLA would compute anything else for every channel anew.
    weights = ops.convert_to_tensor([19595, 38470, 7471], "int32")
    luma = ops.sum(x * weights, axis=-1, keepdims=True)
    return ops.right_shift(ops.cast(luma, "int32") + 0x8000, 16)


def _blend(first, second, factor):
    """Return `first + factor · (second - first)`, clipped, without its fraction."""
    first = ops.cast(first, "int32")
    change = factor * ops.cast(ops.cast(second, "int32") - first, "float32")
    # Clipping changes nothing, but keeps a compiler from contracting a product and a
    # sum to one rounding; Pillow rounds twice.
    change = ops.clip(change, -1e6, 1e6)
    return ops.cast(ops.clip(ops.cast(first, "float32") + change, 0, 255), "uint8")


def _look_up(image, table):
    """Replace every value by that of a table, int32 `(channels, 256)`."""
    # A rising table is sorted already. But XLA computes what it sorts beforehand, and
    # anything else again for every pixel: three times as slow.
    table = ops.sort(ops.minimum(table, 255), axis=1)
    table = ops.reshape(ops.cast(table, "uint8"), (-1,))
    return ops.take(table, _with_channel(image), axis=0)


def _with_channel(image):
    """Number the values of all channels from 0 to 256 · channels, int32."""
    return ops.cast(image, "int32") + 256 * ops.arange(ops.shape(image)[2])
