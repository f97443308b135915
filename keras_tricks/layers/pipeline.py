"""Pipeline: several layers as one, under one seed."""

import inspect

import keras

from keras_tricks.layers._augmentation import Augmentation
from keras_tricks.layers._random import child_seed


@keras.saving.register_keras_serializable(package="keras_tricks")
class Pipeline(Augmentation):
    """Apply layers one after the other; one seed decides about all of them.

    Keras's own layers may stand between those of this package: they get the images,
    and bounding boxes and segmentation masks where they have a
    `bounding_box_format`; never the labels. Keras 3.15.1's `Pipeline` takes no
    `(images, labels)`, for its layers do not, and has no seed.

    Call with images, `(images, labels)`, a tuple or a dict, as the layers inside.
    Returns the same structure. Use it in `dataset.map(pipeline)`, in a model, or in
    `callbacks.AugmentOnDevice`.

    Args:
        layers: List of layers.
        seed: Integer, or `None` for another course in every run. With an integer
            Keras's layers are replaced by copies with seeds derived from it (but not
            those inside a `keras.Sequential`). The layers of this package draw from the
            pipeline's seed in any case.
        **kwargs: `name`, `dtype`, `trainable` of `keras.layers.Layer`.

    Raises:
        TypeError: If something in the list is not a layer.

    Example:
        >>> pipeline = Pipeline([GridMask(), CutMix(num_classes=2)], seed=1)
        >>> images, labels = pipeline(np.ones((2, 32, 32, 3)), np.array([0, 1]))
        >>> images.shape, labels.shape
        (TensorShape([2, 32, 32, 3]), TensorShape([2, 2]))

    Reference:
        As `torchvision.transforms.v2.Compose`.
    """

    def __init__(self, layers, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        for layer in layers:
            if not isinstance(layer, keras.layers.Layer):
                raise TypeError(
                    f"`layers` must be a list of layers. Received: {layer!r} in it."
                )
        self.layers = [_seeded(layer, seed, i) for i, layer in enumerate(layers)]
        self.built = True  # each of them builds itself

    def augment_batch(self, batch, seed):
        """See `Augmentation.augment_batch`."""
        for i, layer in enumerate(self.layers):
            if isinstance(layer, Augmentation):
                batch = layer.augment_batch(batch, child_seed(seed, i))
            else:
                batch = _call(layer, batch)
        return batch

    def get_config(self):
        config = super().get_config()
        del config["data_format"]  # the layers have theirs
        layers = keras.saving.serialize_keras_object(list(self.layers))
        return {**config, "layers": layers}

    @classmethod
    def from_config(cls, config):
        layers = [keras.saving.deserialize_keras_object(x) for x in config["layers"]]
        return cls(**{**config, "layers": layers})


def _seeded(layer, seed, index):
    """Return a layer with a seed derived from the pipeline's, if both have one."""
    config = layer.get_config()
    if seed is None or "seed" not in config:
        return layer  # a copy would lose what, say, a Normalization has learned
    return type(layer).from_config({**config, "seed": seed + 1009 * (index + 1)})


def _call(layer, batch):
    """Call one of Keras's own layers on what it can change."""
    training = "training" in inspect.signature(layer.call).parameters
    arguments = {"training": True} if training else {}
    spatial = {"bounding_boxes", "segmentation_masks"} & set(batch)
    if spatial and hasattr(layer, "bounding_box_format"):
        mine = {key: batch[key] for key in ("images", *spatial)}
        # Keras's layers write into the dicts that they are given.
        mine = keras.tree.map_structure(lambda value: value, mine)
        return {**batch, **layer(mine, **arguments)}
    return {**batch, "images": layer(batch["images"], **arguments)}
