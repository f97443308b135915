"""RandomFlip: mirror images with their bounding boxes and masks."""

import keras

from keras_tricks._checks import check_choice, check_number
from keras_tricks.layers._augmentation import Augmentation
from keras_tricks.layers._boxes import check_format
from keras_tricks.layers._tensors import ops

_MODES = ("horizontal", "vertical", "horizontal_and_vertical")


@keras.saving.register_keras_serializable(package="keras_tricks")
class RandomFlip(Augmentation):
    """Mirror images at random, and their bounding boxes and masks with them.

    With the mode `"horizontal_and_vertical"` each direction is decided by itself.

    Keras 3.15.1's layer of this name flips the same, but returns float32 for uint8
    images and, in a dataset, for integer labels of boxes; overwrites the dict that it
    gets; moves the padding (label -1) away from -1; and clips boxes that reach out of
    the image to no more than its size squared. It decides once for both directions.

    Call with images `(batch, height, width, channels)` or one image without the batch
    axis, alone or in a tuple with labels, or in a dict that may hold `bounding_boxes`
    and `segmentation_masks`. Returns the same structure, shape and dtype.

    Args:
        mode: `"horizontal"` exchanges left and right, `"vertical"` top and bottom,
            `"horizontal_and_vertical"` both.
        probability: Probability of a flip, for each direction. Float in [0, 1].
        bounding_box_format: Format of the boxes as in Keras, for example `"xyxy"` or
            `"rel_xywh"`; needed if there are any.
        data_format: `"channels_last"` or `"channels_first"`; the default is Keras's.
        seed: Integer, or `None` for another course in every run. Under a `map` with
            `num_parallel_calls` the batches take their turns in no fixed order.
        **kwargs: `name`, `dtype`, `trainable` of `keras.layers.Layer`.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument is out of its range, or bounding boxes come without
            their format.

    Example:
        >>> layer = RandomFlip(bounding_box_format="xyxy", seed=1)
        >>> boxes = {"boxes": np.ones((4, 1, 4)), "labels": np.zeros((4, 1))}
        >>> batch = {"images": np.zeros((4, 8, 9, 3)), "bounding_boxes": boxes}
        >>> layer(batch)["bounding_boxes"]["boxes"].shape
        TensorShape([4, 1, 4])

    Reference:
        As `torchvision.transforms.v2.RandomHorizontalFlip` and `RandomVerticalFlip`.
    """

    keys = ("images", "bounding_boxes", "segmentation_masks")
    draws = 2

    def __init__(
        self,
        mode="horizontal",
        probability=0.5,
        bounding_box_format=None,
        data_format=None,
        seed=None,
        **kwargs,
    ):
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        check_choice("mode", mode, _MODES)
        check_number("probability", probability, 0, 1)
        check_format(bounding_box_format)
        self.mode = mode
        self.probability = probability
        self.bounding_box_format = bounding_box_format

    def augment(self, batch, uniforms):
        """See `Augmentation.augment`."""
        height, width = self.image_size(batch["images"])
        first = 1 if self.data_format == "channels_last" else 2
        batch = dict(batch)
        for axis, (direction, length) in enumerate(
            (("vertical", height), ("horizontal", width))
        ):
            if direction not in self.mode:
                continue
            chosen = uniforms[:, axis] < self.probability
            batch["images"] = flip(batch["images"], chosen, first + axis)
            if "segmentation_masks" in batch:
                masks = batch["segmentation_masks"]
                batch["segmentation_masks"] = flip(masks, chosen, 1 + axis)
            if "bounding_boxes" in batch:
                boxes = batch["bounding_boxes"]
                batch["bounding_boxes"] = flip_boxes(boxes, chosen, axis, length)
        return batch

    def get_config(self):
        return {
            **super().get_config(),
            "mode": self.mode,
            "probability": self.probability,
            "bounding_box_format": self.bounding_box_format,
        }


def flip(images, chosen, axis):
    """Return images, those that are `chosen`, boolean `(batch,)`, turned on an axis."""
    chosen = ops.reshape(chosen, (-1,) + (1,) * (len(images.shape) - 1))
    return ops.where(chosen, ops.flip(images, axis), images)


def flip_boxes(boxes, chosen, axis, length):
    """Return the boxes of flipped images.

    Args:
        boxes: Dict of `boxes`, `(batch, boxes, 4)`, and `labels`.
        chosen: Which images are flipped, boolean `(batch,)`.
        axis: 0 for a flip of rows, 1 for one of columns.
        length: Height or width of the images.
    """
    left, top, right, bottom = ops.unstack(boxes["boxes"], 4, axis=-1)
    length = ops.cast(length, "float32")
    if axis:
        flipped = [length - right, top, length - left, bottom]
    else:
        flipped = [left, length - bottom, right, length - top]
    flipped = ops.stack(flipped, axis=-1)
    moved = ops.where(chosen[:, None, None], flipped, boxes["boxes"])
    return {**boxes, "boxes": moved}
