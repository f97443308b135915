"""Forms of a box: edges, centre and size, and its code relative to an anchor."""

from keras_tricks.layers._tensors import ops

# As the paper's code, torchvision's weights (10, 10, 5, 5) and the scale factors of the
# TensorFlow Object Detection API: codes are divided by these.
VARIANCES = (0.1, 0.1, 0.2, 0.2)


def check_last_axis(name, boxes):
    """Return boxes as a tensor; raise unless their last axis has 4 entries."""
    boxes = ops.convert_to_tensor(boxes)
    if len(boxes.shape) == 0 or boxes.shape[-1] != 4:
        raise ValueError(
            f"`{name}` must have the shape (..., 4). Received: shape "
            f"{tuple(boxes.shape)}."
        )
    return boxes


def edges(boxes):
    """Turn x, y, width and height around a centre into left, top, right, bottom."""
    x, y, width, height = ops.unstack(ops.convert_to_tensor(boxes), 4, axis=-1)
    half_width, half_height = 0.5 * width, 0.5 * height
    return ops.stack(
        [x - half_width, y - half_height, x + half_width, y + half_height], axis=-1
    )
