"""AugmentOnDevice: run an augmentation layer inside the compiled training step."""

import keras
from keras import ops

from keras_tricks._checks import check_integer
from keras_tricks.callbacks._training_step import batches_seen, unwrap, wrap


class AugmentOnDevice(keras.callbacks.Callback):
    """Augment the batches of `fit` where the model is trained: on the GPU or TPU.

    A `tf.data` pipeline runs on the processor, and a fast accelerator waits for it.
    With this callback the layer becomes a part of the training step and is compiled
    with it. The n-th step (as the optimizer counts, also after a resumed run) changes
    its batch just as the n-th batch is changed by `dataset.map(layer)` under the same
    seed. Validation and prediction are not touched, and after `fit` the model is as
    before.

    Labels that are mixed must be one-hot from the start: the metrics and the loss of
    the model see them, and the validation set's, in one form.

    Args:
        layer: A layer of `keras_tricks.layers`, or a `Pipeline` of such. (Put Keras's
            own layers into the model: there they run on the device.)
        off_from_epoch: Epoch, counted from 0, from which on batches are left alone:
            the last epochs without MixUp, as timm's `mixup_off_epoch`. The step is
            compiled once more then. Integer, or `None` for never.

    Raises:
        TypeError: If `layer` is none of `keras_tricks.layers`.
        ValueError: If `off_from_epoch` is negative, or labels change their shape.

    Example:
        >>> from keras_tricks.layers import CutMix
        >>> model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3)])
        >>> model.compile("sgd", "mse")
        >>> x, y = np.ones((4, 8, 8, 3), "float32"), np.eye(3)[[0, 1, 2, 0]]
        >>> callback = AugmentOnDevice(CutMix(seed=1), off_from_epoch=1)
        >>> history = model.fit(x, y, epochs=2, verbose=0, callbacks=[callback])

    Reference:
        `mixup_off_epoch` of timm's training script; Kornia's augmentation on the GPU.
    """

    def __init__(self, layer, off_from_epoch=None):
        super().__init__()
        _check_layer(layer)
        if off_from_epoch is not None:
            check_integer("off_from_epoch", off_from_epoch, 0)
        self.layer = layer
        self.off_from_epoch = off_from_epoch

    def on_train_begin(self, logs=None):
        wrap(self.model, self, self._augmented)

    def on_epoch_begin(self, epoch, logs=None):
        if self.off_from_epoch is not None and epoch >= self.off_from_epoch:
            unwrap(self.model, self)

    def on_train_end(self, logs=None):
        unwrap(self.model, self)

    def _augmented(self, train_step):
        model, layer = self.model, self.layer
        # uniform() takes seeds modulo this number: the same seed, as a plain integer.
        seed = int(ops.convert_to_numpy(layer.seed_generator.state)[0]) % (2**31 - 1)

        def augmented_step(*arguments):
            *state, data = arguments
            step = batches_seen(model, state)
            return train_step(*state, _augment(layer, seed, step, data))

        return augmented_step


def _check_layer(layer):
    if not hasattr(layer, "augment_batch"):
        raise TypeError(
            "`layer` must be an augmentation layer of `keras_tricks.layers` or a "
            f"Pipeline of such. Received: {type(layer).__name__}."
        )
    for part in getattr(layer, "layers", ()):
        _check_layer(part)


def _augment(layer, seed, step, data):
    """Return the data of a step, augmented."""
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    parts = {"images": x, "labels": y, "sample_weight": sample_weight}
    batch = {key: part for key, part in parts.items() if part is not None}
    counter = ops.stack([ops.cast(seed, "int32"), ops.cast(step, "int32")])
    changed = layer.augment_batch(batch, counter)
    if y is not None and tuple(changed["labels"].shape)[1:] != tuple(y.shape)[1:]:
        raise ValueError(
            "Labels must be one-hot when they are mixed on the device: the loss and "
            "the metrics must find them, and the validation set's, in one form. "
            f"Received: labels of shape {tuple(y.shape)}."
        )
    return keras.utils.pack_x_y_sample_weight(*(changed.get(key) for key in parts))
