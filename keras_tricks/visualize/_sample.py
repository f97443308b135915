"""One picture of a batch with its label, boxes and mask, and how it is drawn."""

import textwrap

import keras
import numpy as np

_LEAST_WEIGHT = 0.02  # label smoothing gives less to all the other classes
_MOST_CLASSES = 4  # the pictures of a mosaic
_LETTERS = 27  # fit above a picture


def samples(batches, bounding_box_format):
    """Return for each batch, a dict of tensors, the list of its samples, dicts."""
    batches = [_arrays(batch, bounding_box_format) for batch in batches]
    images = _displayable([batch["images"] for batch in batches])
    batches = [{**b, "images": x} for b, x in zip(batches, images, strict=True)]
    return [
        [{key: value[i] for key, value in b.items()} for i in range(len(b["images"]))]
        for b in batches
    ]


def describe(sample, class_names):
    """Return the classes of a sample and their weights: `"wren 0.62 + robin 0.38"`."""
    if "labels" not in sample:
        return ""
    label = sample["labels"].astype("float64").reshape(-1)
    if label.size == 1:
        return _name(label[0], class_names)
    order = np.argsort(-label, kind="stable")[:_MOST_CLASSES]
    shown = [
        f"{_name(c, class_names)} {label[c]:.2f}"
        for c in order
        if label[c] >= _LEAST_WEIGHT
    ]
    text = " + ".join(shown)
    return text if len(shown) > 1 else text.removesuffix(" 1.00")


def draw(axes, sample, class_names, title):
    """Draw a sample: its mask as colours laid over it, its boxes as rectangles."""
    from matplotlib.patches import Rectangle

    image = sample["images"]
    axes.imshow(image, cmap="gray", vmin=0, vmax=1)
    if "segmentation_masks" in sample:
        height, width = image.shape[:2]
        extent = (-0.5, width - 0.5, height - 0.5, -0.5)
        axes.imshow(_overlay(sample["segmentation_masks"]), extent=extent)
    boxes = zip(sample.get("boxes", ()), sample.get("box labels", ()), strict=True)
    for box, label in boxes:
        if label == -1:
            continue
        # Boxes count from the edge of the first pixel, a figure from its centre.
        left, top, right, bottom = box - 0.5
        colour = f"C{int(label) % 10}"
        axes.add_patch(
            Rectangle((left, top), right - left, bottom - top, fill=False, ec=colour)
        )
        style = {"boxstyle": "square,pad=0.1", "fc": colour, "ec": "none"}
        text = _name(label, class_names)
        axes.text(left, top, text, fontsize=5, color="w", va="top", bbox=style)
    lines = title.replace(" + ", "\n+ ") if len(title) > _LETTERS else title
    lines = [textwrap.fill(line, _LETTERS) for line in lines.splitlines()]
    axes.set_title("\n".join(lines), fontsize=7)
    axes.set_axis_off()


def _arrays(batch, bounding_box_format):
    """Return what can be drawn of a batch as arrays, boxes in pixels."""
    arrays = {
        key: _array(batch[key])
        for key in ("images", "labels", "segmentation_masks")
        if key in batch
    }
    images = arrays.get("images", np.zeros(0))
    if images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise ValueError(
            "A batch must have images of shape (batch, height, width, 1 or 3). "
            f"Received: images of shape {images.shape}."
        )
    if "bounding_boxes" in batch:
        boxes = {key: _array(x) for key, x in batch["bounding_boxes"].items()}
        pixels = keras.utils.bounding_boxes.convert_format(
            boxes["boxes"], bounding_box_format, "xyxy", *images.shape[1:3]
        )
        arrays["boxes"] = _array(pixels)
        arrays["box labels"] = boxes["labels"]
    for key, value in arrays.items():
        if value.shape[:1] != images.shape[:1]:
            raise ValueError(
                f"A batch must have as many {key} as images. Received: {key} of shape "
                f"{value.shape}, images of shape {images.shape}."
            )
    return arrays


def _array(values):
    if hasattr(values, "to_tensor"):  # ragged boxes
        values = values.to_tensor(-1)
    return keras.ops.convert_to_numpy(values)


def _displayable(batches):
    """Return images in [0, 1], all batches with negative values on one scale."""
    limits = [_limits(images) for images in batches]
    signed = [limit for limit in limits if limit[0] < 0]
    if signed:
        lowest, highest = min(low for low, _ in signed), max(high for _, high in signed)
        limits = [(lowest, highest) if low < 0 else (low, high) for low, high in limits]
    return [
        np.clip((x.astype("float32") - low) / (high - low), 0, 1)
        for x, (low, high) in zip(batches, limits, strict=True)
    ]


def _limits(images):
    """Return the values of black and of white."""
    low, high = images.min(initial=0), images.max(initial=0)
    if low < 0:
        return float(low), float(high)
    # A resized image of [0, 1] may be a little above 1.
    return 0.0, 1.0 if images.dtype.kind not in "iu" and high < 2 else 255.0


def _overlay(mask):
    """Return a mask as colours `(height, width, 4)`, clear where it is class 0."""
    from matplotlib import colormaps

    if mask.ndim == 3:  # one-hot, or a single channel
        mask = mask.argmax(-1) if mask.shape[-1] > 1 else mask[..., 0]
    classes = np.round(mask.astype("float32")).astype("int32")
    colours = np.array(colormaps["tab10"].colors)[(classes - 1) % 10]
    return np.dstack([colours, 0.5 * (classes > 0)])


def _name(label, class_names):
    """Return the name of a class, or its number, or the number of a binary label."""
    if label != int(label):
        return f"{label:.2f}"
    if class_names is None:
        return str(int(label))
    if not 0 <= label < len(class_names):
        raise ValueError(
            "`class_names` must name every class. "
            f"Received: {len(class_names)} names and the label {int(label)}."
        )
    return str(class_names[int(label)])
