"""What every augmentation layer shares: the structure of a batch, seeds, XLA."""

import keras

from keras_tricks._checks import check_choice, check_integer
from keras_tricks.layers._boxes import (
    check_boxes,
    pad,
    read,
    require_format,
    unpad,
    write,
)
from keras_tricks.layers._pixels import replace, rows_and_columns
from keras_tricks.layers._random import uniform
from keras_tricks.layers._tensors import in_foreign_graph, in_tf_data, ops

_KEYS = ("images", "labels", "sample_weight")


class Augmentation(keras.layers.Layer):
    """A layer that changes a batch at random during training.

    It is called with images, `images, labels`, one tuple of both, or a dict with the
    key `images`, and returns the same structure. A trick names in `keys` what it may
    change, in `draws` how many random numbers it needs per image, and computes in
    `augment(batch, uniforms)`, a pure function. Inside `tf.data` that function is
    compiled with XLA when height, width and channels are known: one pass over the
    memory of a batch instead of one per operation.

    Images keep their dtype, whatever the dtype policy.
    """

    keys = ("images",)
    draws = 1
    bounding_box_format = None

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
        self._jitted = None

    def __call__(self, *args, **kwargs):
        if in_foreign_graph():
            # Layer.__call__ would convert TensorFlow's tensors to another backend's.
            return self.call(*args, **kwargs)
        return super().__call__(*args, **kwargs)

    def call(self, images, labels=None, sample_weight=None, training=True):
        batch, pack = _unpack(images, labels, sample_weight)
        return pack(self.augment_batch(batch, self._next_seed()) if training else batch)

    def augment_batch(self, batch, seed):
        """Change a batch, a dict, at random, but always the same way for one seed.

        Args:
            batch: Dict with the key `images` and any others, or one sample without
                the batch axis.
            seed: Integer tensor `(2,)`, not negative: the layer's seed and the number
                of its calls before this one.
        """
        if "bounding_boxes" in self.keys and "boxes" in _keys(batch.get("labels")):
            raise ValueError(
                f"{type(self).__name__} moves bounding boxes: give the batch as a dict "
                "with the keys 'images' and 'bounding_boxes'. Received: boxes among "
                "the labels."
            )
        mine = {key: batch[key] for key in self.keys if key in batch}
        mine = keras.tree.map_structure(_tensor, mine)
        check_images(mine["images"])
        single = len(mine["images"].shape) == 3
        if single:
            mine = keras.tree.map_structure(lambda x: x[None], mine)
        mine = self.prepare(mine, single)
        uniforms = self.draw(seed, ops.shape(mine["images"])[0])
        mine = self._run(mine, uniforms)
        if single:
            mine = keras.tree.map_structure(lambda x: x[0], mine)
        return {**batch, **mine}

    def prepare(self, batch, single):
        """Check and convert what `augment` gets; not compiled, so that it may raise."""
        if "bounding_boxes" in batch:
            require_format(self.bounding_box_format, type(self).__name__)
            check_boxes(batch["bounding_boxes"])
        return batch

    def draw(self, seed, rows):
        """Return the uniform numbers of one call, float32 `(rows, draws)`."""
        return uniform(seed, rows, self.draws)

    def augment(self, batch, uniforms):
        """Return the changed batch: a pure function.

        Args:
            batch: Dict of the entries in `keys` that were given. Images are a tensor
                `(batch, height, width, channels)`, bounding boxes as in `_boxes`.
            uniforms: Float32 tensor `(batch, draws)`, values in [0, 1).
        """
        raise NotImplementedError

    def _run(self, batch, uniforms):
        """Call `_augment`, compiled with XLA where that pays."""
        if keras.backend.backend() == "jax" and not in_foreign_graph():
            # Loops are compiled in any case, and without this anew in every call.
            import jax

            self._jitted = self._jitted or jax.jit(self._augment)
            return self._jitted(batch, uniforms)
        if not in_tf_data() or None in tuple(batch["images"].shape[1:]):
            return self._augment(batch, uniforms)
        import tensorflow as tf

        compiled = tf.function(self._augment, jit_compile=True, autograph=False)
        boxes = batch.get("bounding_boxes")
        if boxes is None or boxes["labels"].shape[1] is not None:
            return compiled(batch, uniforms)
        # XLA compiles anew for every size that comes: only some numbers of boxes may.
        padded = pad(boxes)
        batch = compiled({**batch, "bounding_boxes": padded}, uniforms)
        counts = (ops.shape(x["labels"])[1] for x in (boxes, padded))
        return {**batch, "bounding_boxes": unpad(batch["bounding_boxes"], *counts)}

    def _augment(self, batch, uniforms):
        """Call `augment` with bounding boxes in pixels."""
        form = self.bounding_box_format
        if "bounding_boxes" not in batch or form is None:
            return self.augment(batch, uniforms)
        boxes = read(batch["bounding_boxes"], form, self.image_size(batch["images"]))
        batch = self.augment({**batch, "bounding_boxes": boxes}, uniforms)
        boxes = write(batch["bounding_boxes"], form, self.image_size(batch["images"]))
        return {**batch, "bounding_boxes": boxes}

    def image_size(self, images):
        """Return `(height, width)` of the images of a batch."""
        first = 1 if self.data_format == "channels_last" else 2
        return ops.shape(images)[first : first + 2]

    def rows_and_columns(self, images):
        """See `_pixels.rows_and_columns`."""
        return rows_and_columns(images, self.data_format)

    def replace(self, images, inside, other):
        """See `_pixels.replace`."""
        return replace(images, inside, other, self.data_format)

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


def check_images(images):
    """Raise unless `images` are numbers with three axes, or four."""
    dtype = keras.backend.standardize_dtype(images.dtype)
    if getattr(images.shape, "rank", 0) is None:
        raise ValueError(
            "`images` must have a known rank: give it with `tf.ensure_shape`. "
            f"Received: images of shape {images.shape}."
        )
    if len(images.shape) not in (3, 4) or dtype == "bool":
        raise ValueError(
            "`images` must be numbers of shape (height, width, channels) or (batch, "
            "height, width, channels). Received: images of shape "
            f"{tuple(images.shape)} and dtype {dtype}."
        )


def _keys(value):
    return value.keys() if isinstance(value, dict) else ()


def _tensor(value):
    if type(value).__name__ == "RaggedTensor":
        raise ValueError(
            "A batch must be dense: call `.to_tensor(-1)` on the ragged tensor (a "
            f"bounding box of label -1 is padding). Received: {value}."
        )
    return ops.convert_to_tensor(value)


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
