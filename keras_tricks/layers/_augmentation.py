"""What every augmentation layer shares: the structure of a batch, seeds, XLA."""

import keras

from keras_tricks._checks import check_choice, check_integer
from keras_tricks.layers._random import uniform
from keras_tricks.layers._tensors import in_foreign_graph, in_tf_data, ops

_KEYS = ("images", "labels", "sample_weight")


class Augmentation(keras.layers.Layer):
    """A layer that changes a batch at random during training.

    It is called with images, `images, labels`, one tuple of both, or a dict with the
    key `images`, and returns the same structure. A trick names in `draws` how many
    random numbers it needs per image and computes in `augment(images, labels,
    uniforms)`, a pure function. Inside `tf.data` that function is compiled with XLA
    when height, width and channels are known: one pass over the memory of a batch
    instead of one per operation.

    Images keep their dtype, whatever the dtype policy.
    """

    draws = 1

    def __init__(self, data_format=None, seed=None, **kwargs):
        super().__init__(autocast=False, **kwargs)
        data_format = data_format or keras.config.image_data_format()
        check_choice("data_format", data_format, ("channels_last", "channels_first"))
        if seed is not None:
            check_integer("seed", seed)
        self.data_format = data_format
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self._tensorflow_seed = None

    def __call__(self, *args, **kwargs):
        if in_foreign_graph():
            # Layer.__call__ would convert TensorFlow's tensors to another backend's.
            return self.call(*args, **kwargs)
        return super().__call__(*args, **kwargs)

    def call(self, images, labels=None, sample_weight=None, training=True):
        batch, pack = _unpack(images, labels, sample_weight)
        return pack(self.augment_batch(batch) if training else batch)

    def augment_batch(self, batch):
        """Change the images of a batch, a dict; the rest is passed on as it is."""
        images = ops.convert_to_tensor(batch["images"])
        check_images(images, ranks=(3, 4))
        single = len(images.shape) == 3
        images, _ = self.run(images[None] if single else images, None)
        return {**batch, "images": images[0] if single else images}

    def augment(self, images, labels, uniforms):
        """Return new images and labels.

        Args:
            images: Tensor `(batch, height, width, channels)`.
            labels: Float32 tensor `(batch, classes)` or `None`.
            uniforms: Float32 tensor `(batch, draws)`, values in [0, 1).
        """
        raise NotImplementedError

    def run(self, images, labels):
        """Draw the random numbers and call `augment`, compiled where that pays."""
        uniforms = uniform(self._next_seed(), ops.shape(images)[0], self.draws)
        if not in_tf_data() or None in tuple(images.shape[1:]):
            return self.augment(images, labels, uniforms)
        import tensorflow as tf

        compiled = tf.function(self.augment, jit_compile=True, autograph=False)
        return compiled(images, labels, uniforms)

    def image_size(self, images):
        """Return `(height, width)` of the images of a batch."""
        first = 1 if self.data_format == "channels_last" else 2
        return ops.shape(images)[first : first + 2]

    def rows_and_columns(self, images):
        """Return the row and the column of every value of an image, for `replace`.

        Channels last, they are those of an image `(height, width * channels)`: three
        channels make too short an axis for vector instructions (CutMix 2.6 times as
        slow, GridMask 2 times).
        """
        height, width = self.image_size(images)
        channels = ops.shape(images)[3] if self.data_format == "channels_last" else 1
        return ops.arange(height), ops.arange(width * channels) // channels

    def replace(self, images, inside, other):
        """Return `other`, images or a number, where `inside`, and `images` elsewhere.

        `inside` is boolean `(batch, rows, columns)` as in `rows_and_columns`.
        """
        if self.data_format == "channels_first":
            return ops.where(inside[:, None], other, images)
        shape = ops.shape(images)
        flat = (shape[0], shape[1], shape[2] * shape[3])
        if len(ops.shape(other)) == 4:
            other = ops.reshape(other, flat)
        return ops.reshape(ops.where(inside, other, ops.reshape(images, flat)), shape)

    def get_config(self):
        config = super().get_config()
        return {**config, "data_format": self.data_format, "seed": self.seed}

    def _next_seed(self):
        if not in_foreign_graph():
            return self.seed_generator.next()
        import tensorflow as tf

        if self._tensorflow_seed is None:
            with tf.init_scope():
                state = keras.ops.convert_to_numpy(self.seed_generator.state)
                self._tensorflow_seed = tf.Variable(state.astype("int64"))
        seed = self._tensorflow_seed.read_value()
        self._tensorflow_seed.assign_add([0, 1])
        return seed


def check_images(images, ranks):
    """Raise unless `images` are numbers of one of the ranks."""
    dtype = keras.backend.standardize_dtype(images.dtype)
    if getattr(images.shape, "rank", 0) is None:
        raise ValueError(
            "`images` must have a known rank: give it with `tf.ensure_shape`. "
            f"Received: images of shape {images.shape}."
        )
    if len(images.shape) not in ranks or dtype == "bool":
        raise ValueError(
            "`images` must be numbers of shape "
            + " or ".join(_IMAGE_SHAPES[rank] for rank in ranks)
            + f". Received: images of shape {tuple(images.shape)} and dtype {dtype}."
        )


_IMAGE_SHAPES = {
    3: "(height, width, channels)",
    4: "(batch, height, width, channels)",
}


def _unpack(images, labels, sample_weight):
    """Return a batch as a dict, and the function that restores its structure."""
    if isinstance(images, dict):
        if "images" not in images:
            raise ValueError(
                f"A dict must have the key 'images'. Received: keys {list(images)}."
            )
        return images, dict
    if isinstance(images, (tuple, list)):
        parts = images
    else:
        parts = [x for x in (images, labels, sample_weight) if x is not None]
    keys = _KEYS[: len(parts)]
    if not 1 <= len(parts) <= len(_KEYS):
        raise ValueError(
            "A tuple must be (images, labels) or (images, labels, sample_weight). "
            f"Received: a tuple of length {len(parts)}."
        )

    def pack(batch):
        values = tuple(batch[key] for key in keys)
        return values if len(values) > 1 else values[0]

    return dict(zip(keys, parts, strict=True)), pack
