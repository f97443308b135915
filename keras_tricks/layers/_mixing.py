"""What the mixing layers share: partners, weights, labels, and all else in a batch."""

import math

import keras

from keras_tricks._checks import check_choice, check_integer, check_number
from keras_tricks.layers._augmentation import Augmentation
from keras_tricks.layers._boxes import check_boxes
from keras_tricks.layers._tensors import in_tensorflow_graph, ops


class Mixing(Augmentation):
    """A layer that mixes every image of a batch, and its label, with another one.

    A trick decides in `recipe` what to mix and with which weights, once per batch,
    pair or sample, and mixes two arrays accordingly in `mix`.
    """

    keys = ("images", "labels", "sample_weight", "segmentation_masks")
    blends = False  # whether values of two images are added up, as in MixUp
    numbers = 1  # uniform numbers that a recipe takes

    def __init__(self, num_classes, mode, probability, **kwargs):
        super().__init__(**kwargs)
        if num_classes is not None:
            check_integer("num_classes", num_classes, 2)
        check_choice("mode", mode, ("batch", "pair", "sample"))
        check_number("probability", probability, 0, 1)
        self.num_classes = num_classes
        self.mode = mode
        self.probability = probability
        self.draws = 2 + self.numbers

    def recipe(self, size, mixed, numbers):
        """Decide what every image keeps of itself.

        Args:
            size: `(height, width)` of the images.
            mixed: Whether an image is mixed at all, boolean `(batch,)`.
            numbers: As many tensors `(batch,)` of uniform numbers as `numbers` says.

        Returns:
            A plan for `mix`, and the weights of the own label and of the partner's,
            `(batch,)`.
        """
        raise NotImplementedError

    def mix(self, values, others, plan, data_format):
        """Mix images or masks with those of the partners as a plan of `recipe` says."""
        raise NotImplementedError

    def augment(self, batch, uniforms):
        """See `Augmentation.augment`."""
        order, *numbers = ops.unstack(uniforms, self.draws, axis=1)
        partner, leader = pairs(order)
        if self.mode != "sample":
            one = leader if self.mode == "pair" else ops.zeros_like(leader)
            numbers = [ops.take(x, one, axis=0) for x in numbers]
        mixed = numbers[0] < self.probability
        size = self.image_size(batch["images"])
        plan, own, other = self.recipe(size, mixed, numbers[1:])
        batch = dict(batch)
        formats = {"images": self.data_format, "segmentation_masks": "channels_last"}
        for key, data_format in formats.items():
            if key in batch:
                others = ops.take(batch[key], partner, axis=0)
                batch[key] = self.mix(batch[key], others, plan, data_format)
        if "sample_weight" in batch:
            own, other, total = _weigh(batch["sample_weight"], partner, own, other)
            batch["sample_weight"] = total
        if "labels" in batch:
            batch["labels"] = mix_labels(batch["labels"], partner, own, other)
        if "bounding_boxes" in batch:
            # The last image of an odd batch is its own partner.
            other_seen = (other > 0) & (
                partner != ops.cast(ops.arange(ops.shape(partner)[0]), partner.dtype)
            )
            batch["bounding_boxes"] = join_boxes(
                batch["bounding_boxes"], partner, own > 0, other_seen
            )
        return batch

    def prepare(self, batch, single):
        """See `Augmentation.prepare`."""
        if single:
            raise ValueError(
                f"{type(self).__name__} mixes the images of a batch: `images` must "
                "have the shape (batch, height, width, channels). In `tf.data`, place "
                "it after `.batch(...)`. Received: images of shape "
                f"{tuple(batch['images'].shape[1:])}."
            )
        if "labels" in batch:
            labels = dense_labels(batch["labels"], self.num_classes)
            batch = {**batch, "labels": labels}
        if "bounding_boxes" in batch:
            check_boxes(batch["bounding_boxes"])
        if "segmentation_masks" in batch:
            dtype = keras.backend.standardize_dtype(batch["segmentation_masks"].dtype)
            if self.blends and "float" not in dtype:
                raise ValueError(
                    f"{type(self).__name__} cannot add up class numbers: "
                    "`segmentation_masks` must be one-hot floats (batch, height, "
                    f"width, classes). Received: dtype {dtype}."
                )
        return batch

    def augment_batch(self, batch, seed):
        """See `Augmentation.augment_batch`."""
        targets = {"labels", "segmentation_masks", "bounding_boxes"} & set(batch)
        extra = sorted(set(batch) - set(self.keys))
        if extra or not targets:
            raise ValueError(
                f"{type(self).__name__} mixes images with their labels: it takes "
                f"{', '.join(self.keys)}. Received: {', '.join(sorted(batch))}."
            )
        if "sample_weight" in batch and targets != {"labels"}:
            raise ValueError(
                f"{type(self).__name__} mixes `sample_weight` with labels only. "
                f"Received: {', '.join(sorted(batch))}."
            )
        return super().augment_batch(batch, seed)

    def get_config(self):
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "mode": self.mode,
            "probability": self.probability,
        }


def pairs(order):
    """Pair a batch at random: neighbours in the order of the given numbers `(batch,)`.

    Returns:
        For every image the index of its partner, and that of the first of the two.
    """
    sequence = ops.argsort(order)
    rank = ops.cast(ops.argsort(sequence), "int32")  # place of every image in it
    first = rank - rank % 2
    last = ops.shape(order)[0] - 1
    other = ops.minimum(first + 1 - rank % 2, last)
    return ops.take(sequence, other, axis=0), ops.take(sequence, first, axis=0)


def mix_labels(labels, partner, own, other):
    """Return `own · labels + other · labels[partner]`, float32 `(batch, classes)`."""
    return own[:, None] * labels + other[:, None] * ops.take(labels, partner, axis=0)


def join_boxes(boxes, partner, own, other):
    """Return the boxes of both images; those of an image that is not seen are dropped.

    Args:
        boxes: Dict of `boxes`, `(batch, boxes, 4)`, and `labels`, `(batch, boxes)`.
        partner: Index of every image's partner, `(batch,)`.
        own: Whether an image is seen itself, `(batch,)`.
        other: Whether its partner is seen, `(batch,)`.
    """
    joined = {
        key: ops.concatenate([value, ops.take(value, partner, axis=0)], axis=1)
        for key, value in boxes.items()
    }
    per_image = ops.shape(boxes["labels"])[1]
    seen = ops.repeat(ops.stack([own, other], axis=1), per_image, axis=1)
    gone = (joined["labels"] == -1) | ~seen
    return {
        "boxes": ops.where(
            gone[..., None], ops.cast(-1, joined["boxes"].dtype), joined["boxes"]
        ),
        "labels": ops.where(
            gone, ops.cast(-1, joined["labels"].dtype), joined["labels"]
        ),
    }


def _weigh(sample_weight, partner, own, other):
    """Return the shares of two weighted samples, and the weight of their mixture.

    The loss is linear in the label: `total · loss(own · a + other · b)` is then the
    weighted sum of the losses of `a` and `b`.
    """
    weight = ops.cast(ops.reshape(sample_weight, (-1,)), "float32")
    own, other = own * weight, other * ops.take(weight, partner, axis=0)
    total = own + other
    safe = ops.where(total == 0, 1.0, total)
    return own / safe, other / safe, ops.reshape(total, ops.shape(sample_weight))


def symmetric_beta(first, second, alpha):
    """Turn two uniform numbers in [0, 1) into one of the distribution Beta(α, α).

    Exact for every `alpha`, without a rejection loop or gamma variates (TensorFlow's
    do not compile under XLA): if `t` follows Student's distribution with 2α degrees
    of freedom, `(1 + t / sqrt(2α + t²)) / 2` is Beta(α, α), and Bailey's polar method
    gives `t² = 2α (u^(-1/α) - 1) cos²(2πv)`.

    Reference:
        [Devroye, 1996](https://doi.org/10.1145/256562.256717); Bailey, 1994,
        Mathematics of Computation 62.
    """
    radius = (1 - first) ** (1 / alpha)  # u is never 0, so 1 / u is finite
    cosine = ops.cos(2 * math.pi * second)
    sine = ops.sin(2 * math.pi * second)
    # max: both terms are 0 when u^(1/α) underflows just where the cosine is 0.
    length = ops.sqrt(
        ops.maximum(ops.square(cosine) + radius * ops.square(sine), 1e-30)
    )
    return (1 + cosine * ops.sqrt(1 - radius) / length) / 2


def check_alpha(name, alpha):
    """Raise unless `alpha` is a parameter of a Beta distribution."""
    check_number(name, alpha)
    if alpha <= 0:
        raise ValueError(f"`{name}` must be above 0. Received: {name}={alpha}.")


def dense_labels(labels, num_classes):
    """Return class ids or dense labels as float32 `(batch, classes)`."""
    dtype = keras.backend.standardize_dtype(labels.dtype)
    shape = tuple(labels.shape)
    received = f"Received: labels of shape {shape} and dtype {dtype}"
    if "int" in dtype and (len(shape) == 1 or shape[1:] == (1,)):
        if num_classes is None:
            raise ValueError(
                f"`num_classes` is needed to mix integer labels. {received}, "
                "num_classes=None."
            )
        labels = ops.reshape(labels, (-1,))
        _check_ids(labels, num_classes)
        return ops.one_hot(labels, num_classes, dtype="float32")
    if len(shape) != 2 or (num_classes and shape[1] not in (None, num_classes)):
        raise ValueError(
            "`labels` must be integers of shape (batch,) or dense labels of shape "
            f"(batch, {num_classes or 'classes'}). {received}."
        )
    return ops.cast(labels, "float32")


def _check_ids(labels, num_classes):
    # one_hot would turn an id out of range into a row of zeros without a word.
    message = f"`labels` must be between 0 and {num_classes - 1} (num_classes - 1)."
    if in_tensorflow_graph():
        import tensorflow as tf

        tf.debugging.assert_non_negative(labels, message)
        tf.debugging.assert_less(
            labels, tf.cast(num_classes, labels.dtype), message=message
        )
    elif not _is_traced(labels):
        ids = keras.ops.convert_to_numpy(labels)
        if ids.size and (ids.min() < 0 or ids.max() >= num_classes):
            raise ValueError(
                f"{message} Received: labels from {ids.min()} to {ids.max()}, "
                f"num_classes={num_classes}."
            )


def _is_traced(tensor):
    """Whether a tensor has no value yet: Keras's symbolic ones, JAX's tracers."""
    try:
        keras.ops.convert_to_numpy(tensor)
    except Exception:
        return True
    return False
