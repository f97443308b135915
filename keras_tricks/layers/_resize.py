"""Cut a window out of every image and resize it, with Pillow's arithmetic."""

import keras

from keras_tricks.layers._tensors import in_tf_data, ops

# Pillow's: 8 bits of a pixel and these of a weight leave one of an int32 and its sign.
_WEIGHT_BITS = 22
_BLOCK = 16  # rows; blocks of 8 to 64 rows were equally fast


def crop_batch(batch, window, size, interpolation, antialias, data_format):
    """Crop and resize what a batch holds: images, bounding boxes, masks.

    Args:
        batch: Dict as in `Augmentation.augment`.
        window: Top, left, height and width in pixels, four int32 tensors `(batch,)`.
        size: Height and width of the result, integers.
        interpolation: `"bilinear"` or `"nearest"`, of the images; masks are nearest.
        antialias: Whether bilinear shrinking weighs all the pixels that it covers.
        data_format: `"channels_last"` or `"channels_first"`, of the images.
    """

    def resize(images, *window):
        if interpolation == "nearest":
            return nearest(images, window, size)
        return bilinear(images, window, size, antialias)

    changed = {"images": on_channels(resize, batch["images"], window, data_format)}
    if "bounding_boxes" in batch:
        changed["bounding_boxes"] = move_boxes(batch["bounding_boxes"], window, size)
    if "segmentation_masks" in batch:
        changed["segmentation_masks"] = on_masks(
            lambda masks: nearest(masks, window, size), batch["segmentation_masks"]
        )
    return changed


def on_channels(function, images, numbers, data_format):
    """Return `function(images, *numbers)`, its images always with channels last.

    If the images have them first, every channel is an image of its own.

    Args:
        function: Takes images `(batch, height, width, channels)`.
        images: In the layout `data_format`.
        numbers: One number per image: tensors `(batch,)`.
        data_format: `"channels_last"` or `"channels_first"`.
    """
    if data_format == "channels_last":
        return function(images, *numbers)
    channels = images.shape[1]
    flat = ops.reshape(images, (-1, *ops.shape(images)[2:], 1))
    flat = function(flat, *(ops.repeat(number, channels, axis=0) for number in numbers))
    return ops.reshape(flat, (-1, channels, *ops.shape(flat)[1:3]))


def on_masks(function, masks):
    """Return `function(masks)`, called with an axis of channels in any case."""
    if len(masks.shape) == 4:
        return function(masks)
    return function(masks[..., None])[..., 0]


def move_boxes(boxes, window, size):
    """Return boxes in the pixels of a resized window, not clipped to it."""
    top, left, height, width = (
        ops.cast(side, "float32")[:, None, None] for side in window
    )
    origin = ops.concatenate([left, top, left, top], axis=-1)
    window_size = ops.concatenate([width, height, width, height], axis=-1)
    new_size = ops.convert_to_tensor([size[1], size[0]] * 2, "float32")
    return {**boxes, "boxes": (boxes["boxes"] - origin) * new_size / window_size}


def nearest(images, window, size):
    """Return for every new pixel the old one that its centre lies in."""
    batch, height, width, channels = ops.shape(images)
    rows, columns = (
        begin[:, None] + (2 * ops.arange(new) + 1) * length[:, None] // (2 * new)
        for begin, length, new in zip(window[:2], window[2:], size, strict=True)
    )
    index = (ops.arange(batch)[:, None] * height + rows)[:, :, None] * width
    pixels = ops.reshape(images, (-1, channels))
    index = index + columns[:, None, :]  # (batch, rows, columns)
    return ops.reshape(ops.take(pixels, index, axis=0), (-1, *size, channels))


def bilinear(images, window, size, antialias=True):
    """Resize windows as Pillow does; for uint8 the result is Pillow's own.

    Columns are mixed first, then rows. Both work on whole rows, the first on images
    turned on their side: that needs no gathering of single pixels.
    """
    dtype = keras.backend.standardize_dtype(images.dtype)
    top, left, height, width = window
    if None in tuple(images.shape[1:3]):
        # Pixels outside of all windows are not worth their way.
        first, start = ops.min(top), ops.min(left)
        images = images[:, first : ops.max(top + height), start : ops.max(left + width)]
        top, left = top - first, left - start
    longest = ops.shape(images)[1:3]
    rows = weigh(top, height, longest[0], size[0], antialias)
    columns = weigh(left, width, longest[1], size[1], antialias)
    if in_tf_data() and None not in tuple(images.shape[1:]):
        images = _mix_columns_in_blocks(images, columns, top, height)
    else:
        images = _turn(_mix(_turn(images), *columns))
    images = _mix(images, *rows)
    images = ops.round(images) if "int" in dtype and dtype != "uint8" else images
    return ops.reshape(ops.cast(images, dtype), (-1, *size, ops.shape(images)[-1]))


def weigh(begin, length, longest, size, antialias=True):
    """Return which pixels of an axis make up every new one, and their weights.

    A new pixel's centre is surrounded by a triangle that reaches one pixel far, or one
    new pixel if that is larger. All lengths are counted in `1 / (2 * size)` of a pixel,
    in which they are integers: floats would be rounded differently by XLA.

    Args:
        begin: First pixel of the window, int32 `(batch,)`.
        length: Pixels of the window, int32 `(batch,)`.
        longest: A bound of `length`, an integer or a tensor.
        size: New pixels, an integer.
        antialias: If `False`, the triangle reaches one old pixel far.

    Returns:
        Indices and weights, int32 `(batch, size, taps)`; weights sum up to about 2²².
    """
    length = length[:, None, None]
    centre = (2 * ops.arange(size)[:, None] + 1) * length  # (batch, size, 1)
    reach = 2 * (ops.maximum(length, size) if antialias else size)
    if not antialias:
        count = 2
    elif isinstance(longest, int):
        count = -(-2 * max(longest, size) // size)
    else:
        count = -(-2 * ops.maximum(longest, size) // size)
    first = (centre - reach + size) // (2 * size)
    tap = first + ops.arange(count)
    share = ops.maximum(reach - ops.abs((2 * tap + 1) * size - centre), 0)
    share = ops.where((tap >= 0) & (tap < length), share, 0)
    index = begin[:, None, None] + ops.clip(tap, 0, length - 1)
    return index, _fixed_point(share, ops.sum(share, axis=-1, keepdims=True))


def _fixed_point(share, total):
    """Return `share / total` in 22 bits, rounded: a long division of integers."""
    quotient = 0
    for bits in (8, 7, 7):  # total stays below 2²³ up to 11,000 pixels made into 32
        share = share * 2**bits
        quotient = quotient * 2**bits + share // total
        share = share % total
    return quotient + ops.cast(2 * share >= total, "int32")


def _mix(images, index, weight):
    """Return weighed sums of rows, `(batch, size, columns, channels)`."""
    batch, height, width, channels = ops.shape(images)
    rows = ops.reshape(images, (batch * height, width * channels))
    index = index + ops.arange(batch)[:, None, None] * height
    exact = keras.backend.standardize_dtype(images.dtype) == "uint8"
    weight = ops.cast(weight, "int32" if exact else "float32")

    def add(k, total):
        row = ops.take(rows, index[:, :, k], axis=0)
        return total + ops.cast(row, weight.dtype) * weight[:, :, k, None]

    total = ops.full(
        (batch, ops.shape(index)[1], width * channels),
        2 ** (_WEIGHT_BITS - 1) if exact else 0,
        dtype=weight.dtype,
    )
    taps = weight.shape[-1]
    if taps is None:
        total = ops.fori_loop(0, ops.shape(weight)[-1], add, total)
    else:
        for k in range(taps):
            total = add(k, total)
    if exact:
        total = ops.cast(ops.right_shift(total, _WEIGHT_BITS), "uint8")
    else:
        total = total / ops.sum(weight, axis=-1)[..., None]
    return ops.reshape(total, (batch, -1, width, channels))


def _mix_columns_in_blocks(images, columns, top, height):
    """Mix columns image by image, and only in blocks of rows that a window touches.

    A loop with an unknown number of rounds is what XLA does not merge with the next
    one: merged, turning and mixing are five times as slow.
    """
    rows, width, channels = images.shape[1:]
    blocks = -(-rows // _BLOCK)
    images = ops.pad(images, ((0, 0), (0, blocks * _BLOCK - rows), (0, 0), (0, 0)))
    images = ops.reshape(images, (-1, blocks, _BLOCK, width, channels))
    size = columns[0].shape[1]

    def mix_columns(arguments):
        image, index, weight, begin, end = arguments

        def each(function, blocks):
            return _each_block(function, blocks, begin // _BLOCK, -(-end // _BLOCK))

        image = each(_turn, image)
        image = each(lambda block: _mix(block, index[None], weight[None]), image)
        return ops.reshape(each(_turn, image), (blocks * _BLOCK, size, channels))

    return ops.map(mix_columns, (images, *columns, top, top + height))


def _each_block(function, blocks, begin, end):
    """Return `function` of the blocks from `begin` to `end`, zeros elsewhere."""
    shape = blocks.shape
    example = function(ops.zeros((1, *shape[1:]), blocks.dtype))

    def change(i, changed):
        block = ops.slice(blocks, (i, 0, 0, 0), (1, *shape[1:]))
        return ops.slice_update(changed, (i, 0, 0, 0), function(block))

    changed = ops.zeros((shape[0], *example.shape[1:]), example.dtype)
    return ops.fori_loop(begin, end, change, changed)


def _turn(images):
    """Return images on their side: rows become columns."""
    return ops.transpose(images, (0, 2, 1, 3))
